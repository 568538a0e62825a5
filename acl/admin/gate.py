"""The gate of administration: who may make which edits, alone or with a second person.

    administer(engine, ledger, actor, [AddRule(...), JoinGroup(...)])

All edits of a call hold from the next request on, or none. Each is decided by Casbin, from the policy as the
edits before it have left it. An edit that lets somebody at what is restricted, or the actor himself at anything,
waits until a second person, who might make it himself, has agreed. Doors call nothing else to change a policy.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.admin import approvals
from acl.admin.approvals import Kind
from acl.admin.authority import Actor, administrators, may_ask, may_make
from acl.admin.breakglass import check_minutes
from acl.admin.change import policy_change
from acl.admin.delicate import reason_for_two
from acl.admin.edits import AddCollection, AddFolder, AddRule, Edit, OpenBreakGlass, edits_of, to_json
from acl.admin.gain import apply_and_see
from acl.errors import BadEdit, NobodyLeft, NoSuchApproval, NotAllowed, PolicyMoved, UnknownName
from acl.names import ROOT, UserId
from acl.read import what_at
from audit.ledger import Event
from store.engine import snapshot, write
from store.schema import policy_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from acl.admin.approvals import Approval
    from acl.admin.change import Change
    from audit.chain import Json
    from audit.ledger import Ledger

CONSOLE: Final = UserId("svc:command-line")  # who holds the data folder, and with it the master key
MOST_EDITS: Final = 100_000
_OPENED: Final = ("object", "node", "place", "document")  # the parts of edits that name the place they open
_log = logging.getLogger("ntk")


@dataclass(frozen=True, slots=True)
class Done:
    """The edits hold."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The edits wait for a second person. Nothing of them holds yet."""

    approval: str
    reasons: tuple[str, ...]
    expires_at: datetime


class _NeedsTwo(Exception):
    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__()
        self.reasons = reasons


def administer(
    engine: Engine, ledger: Ledger, actor: UserId, edits: Sequence[Edit], *, reason: str = "", epoch: int | None = None
) -> Done | Waiting:
    """Make edits, or put them before a second person.

    Args:
        engine: Where the policy is.
        ledger: What happened, and what was refused, is written there.
        actor: Who asks.
        edits: What for.
        reason: Why; a second person reads it.
        epoch: Of the policy that the actor saw. If it has moved on, nothing is changed.

    Raises:
        NotAllowed: The actor may not make one of them.
        NobodyLeft: Nobody could administer the policy any more.
        PolicyMoved: Somebody else changed the policy.
        PolicyError: One of them makes no sense.
        StoreDown, AuditDown: Nothing was changed.
    """
    if len(edits) > MOST_EDITS:
        raise BadEdit(f"{len(edits)} edits at once: at most {MOST_EDITS}")
    try:
        with refusal_recorded(ledger, actor, edits=len(edits)):
            with policy_change(engine, ledger, actor) as change:
                _require_epoch(change, epoch)
                _require_nobody_else(_make(change, [actor], edits))
            return Done(change.epoch if change.done else change.epoch - 1)
    except _NeedsTwo as needs:
        return _put_before_another(engine, ledger, actor, edits, reason, needs.reasons)


def rehearse(change: Change, actor: UserId, edits: Sequence[Edit]) -> tuple[str, ...]:
    """Make edits within a change that will not hold, as `administer` would.

    Returns:
        The reasons for which they would wait for a second person; nothing if they would hold at once.

    Raises:
        NotAllowed, NobodyLeft, PolicyError: As `administer`.
    """
    return _make(change, [actor], edits)


@contextmanager
def refusal_recorded(ledger: Ledger, actor: UserId, **details: Json) -> Iterator[None]:
    """Leave a record when somebody is refused what he may not do, or may not know of."""
    try:
        yield
    except (NotAllowed, NoSuchApproval):
        ledger.commit(Event("policy.refused", actor, str(uuid.uuid4()), details))
        raise


def epoch_of(engine: Engine) -> int:
    """Read the epoch of the policy."""
    with snapshot(engine) as connection:
        epoch: int = connection.scalars(select(policy_state.c.epoch)).one()
    return epoch


def _make(change: Change, actors: Sequence[UserId], edits: Sequence[Edit]) -> tuple[str, ...]:
    """Decide on each edit and apply it; give the reasons for which the first actor needs a second person."""
    before = administrators(change.connection)
    is_first = actors[0] == CONSOLE and not before  # there is nobody yet who could be second
    reasons: list[str] = []
    new: set[object] = set()  # what these edits themselves have made holds nothing yet that could be let out
    first, *others = actors
    for edit in edits:
        _require(change.connection, first, edit, asks=True)
        for other in others:
            _require(change.connection, other, edit)
        # Only the place itself that an edit opens: what is moved into a new place was somewhere before.
        why = "" if new & {getattr(edit, name, "") for name in _OPENED} else reason_for_two(change.connection, edit)
        if isinstance(edit, OpenBreakGlass) and not others and not may_make(Actor.of(change.connection, first), edit):
            # It waits in any case. Whether the place is there, would tell who asks what he may not know.
            check_minutes(edit.minutes)
            reasons.append(why)
            continue
        gained = apply_and_see(change, edit, first)
        if not is_first or isinstance(edit, OpenBreakGlass):
            reasons += [why, gained]
        if isinstance(edit, AddCollection | AddFolder):
            new.add(edit.node)
    if before and not administrators(change.connection):
        raise NobodyLeft("nobody would be left to administer the policy: name another administrator first")
    return tuple(dict.fromkeys(filter(None, reasons)))


def _require_epoch(change: Change, epoch: int | None) -> None:
    if epoch is not None and change.epoch != epoch + 1:
        raise PolicyMoved(f"the policy is at epoch {change.epoch - 1}, not {epoch}: look at it again")


def _require_nobody_else(reasons: tuple[str, ...]) -> None:
    if reasons:
        raise _NeedsTwo(reasons)


def _require(connection: Connection, user: UserId, edit: Edit, *, asks: bool = False) -> None:
    actor = Actor.of(connection, user)
    if not may_make(actor, edit) and not (asks and may_ask(actor, edit)):
        op = to_json(edit)["op"]
        raise NotAllowed(f"{op}: this is not yours to change, or it is not there; who manages it can")
    if isinstance(edit, AddRule) and not what_at(connection, edit.object).scopes:
        raise UnknownName(f"there is no {edit.object}: a rule on it would do nothing")


def _may_decide(connection: Connection, actor: UserId, asked: Approval) -> bool:
    """Say whether somebody might make the edits himself."""
    who = Actor.of(connection, actor)
    return bool(who.manages(ROOT)) or all(may_make(who, edit) for edit in edits_of(asked.payload))


def _made(change: Change, ledger: Ledger, asked: Approval, approver: UserId) -> dict[str, Json]:
    """Make edits that waited. The asker must still be allowed to, and the approver as well."""
    edits = edits_of(asked.payload)
    change.done.append(["approved", asked.id, asked.asked_by])
    _make(change, [asked.asked_by, approver], edits)
    _shout(change, ledger, edits, approver, asked.id)
    return {"epoch": change.epoch}


def _shown(_connection: Connection, asked: Approval, *, whole: bool) -> dict[str, Json]:  # noqa: ARG001 - edits are short
    return {"edits": asked.payload}


def _put_before_another(
    engine: Engine, ledger: Ledger, actor: UserId, edits: Sequence[Edit], reason: str, reasons: tuple[str, ...]
) -> Waiting:
    with write(engine) as connection:
        payload: Json = [to_json(edit) for edit in edits]
        asked = approvals.ask(connection, POLICY.name, payload, actor, reason, reasons=reasons)
        ledger.append(connection, Event("policy.asked", actor, asked.id, {"edits": len(edits)}))
    return Waiting(asked.id, reasons, asked.expires_at)


def _shout(change: Change, ledger: Ledger, edits: Sequence[Edit], approver: UserId, approval: str) -> None:
    # Emergency access is the one way around the usual rights, so it has a record of its own, and a line in the log.
    for edit in edits:
        if isinstance(edit, OpenBreakGlass):
            opened: dict[str, Json] = {
                "user": ledger.pseudonym(edit.user),
                "object": edit.object,
                "minutes": edit.minutes,
            }
            ledger.append(change.connection, Event("break-glass.opened", approver, approval, opened))
            _log.warning(
                "emergency access opened on %s for %d minutes (approval %s)", edit.object, edit.minutes, approval
            )


POLICY: Final = Kind("policy", may_decide=_may_decide, approved=_made, shown=_shown)
