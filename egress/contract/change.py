"""A change of the matrix: asked for by one administrator, agreed to by another, and only then in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from acl.admin import approvals
from acl.admin.approvals import Kind
from acl.admin.authority import Actor
from acl.admin.gate import CONSOLE, refusal_recorded
from acl.errors import NotAllowed
from acl.names import ROOT
from audit.ledger import Event
from egress.contract.forms import to_json
from egress.contract.matrix import NAME, default_matrix, matrix_of
from egress.contract.register import current, put
from egress.errors import RecordMoved
from store.engine import write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Engine

    from acl.admin.approvals import Approval
    from acl.admin.change import Change
    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.contract.matrix import Matrix

MATRIX: Final = "matrix"  # the kind of approval, and of record


def ask_for_matrix(engine: Engine, ledger: Ledger, by: UserId, matrix: Matrix, reason: str) -> Approval:
    """Put another matrix before a second administrator. Nothing of it holds yet.

    Raises:
        NotAllowed: Who asks does not administer the whole.
        StoreDown, AuditDown: Nothing waits.
    """
    with refusal_recorded(ledger, by, what="matrix"), write(engine) as connection:
        if by != CONSOLE and not Actor.of(connection, by).manages(ROOT):
            raise NotAllowed("the matrix is for who may manage root:all")
        held = current(connection, MATRIX, NAME)
        before = matrix_of(held.record) if held else default_matrix()
        version = held.version if held else 0
        payload: dict[str, Json] = {"matrix": to_json(matrix), "version": version}
        asked = approvals.ask(connection, MATRIX, payload, by, reason, reasons=differences(before, matrix))
        ledger.append(connection, Event("matrix.asked", by, asked.id, {"version": version}))
    return asked


def differences(before: Matrix, after: Matrix) -> tuple[str, ...]:
    """Say in words what one matrix lets go that the other does not, and the reverse."""
    told = []
    if before.retention_days != after.retention_days:
        told.append(f"retention: at most {after.retention_days} days, in place of {before.retention_days}")
    if set(before.regions) != set(after.regions):
        told.append(f"regions: {', '.join(sorted(after.regions)) or 'none'}")
    for name, new in after.classes.items():
        old = before.classes[name]
        for what in ("kinds", "needs", "approve"):
            was, now = getattr(old, what), getattr(new, what)
            if was != now:
                told.append(f"{name}: {what} {', '.join(sorted(now)) or 'none'}, in place of {_listed(was)}")
    return tuple(told) or ("nothing differs",)


def _listed(values: frozenset[str]) -> str:
    return ", ".join(sorted(values)) or "none"


def _may_decide(connection: Connection, actor: UserId, _asked: Approval) -> bool:
    return bool(Actor.of(connection, actor).manages(ROOT))


def _approved(change: Change, ledger: Ledger, asked: Approval, by: UserId) -> Mapping[str, Json]:
    matrix = matrix_of(asked.payload["matrix"])  # as this version reads it, or it is not put in force
    try:
        made = put(change.connection, ledger, by, MATRIX, NAME, to_json(matrix), version=asked.payload["version"])
    except IntegrityError as error:
        raise RecordMoved("somebody else changes the matrix at the same time: look at it again") from error
    return {"version": made.version}


def _shown(_connection: Connection, asked: Approval, *, whole: bool) -> Mapping[str, Json]:
    return {"matrix": asked.payload["matrix"]} if whole else {}


MATRIX_CHANGE: Final = Kind(MATRIX, _may_decide, _approved, _shown)
