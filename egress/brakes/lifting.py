"""To start again what was stopped takes two people, and neither the second nor who gains by it stopped it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from acl.admin import approvals
from acl.admin.approvals import Kind
from acl.admin.change import unnamed
from acl.errors import NoSuchApproval, NotAllowed
from audit.ledger import Event
from egress.brakes.stops import may_stop, one_stop
from egress.errors import NoSuchStop
from store.engine import write
from store.schema import stop as stops

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from acl.admin.approvals import Approval
    from acl.admin.change import Change
    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.brakes.stops import Stop

_WHY: Final = "it starts {} again"


def ask_to_lift(engine: Engine, ledger: Ledger, by: UserId, id_: str, reason: str) -> Approval:
    """Ask for a stop to be lifted. A second person agrees, who did not make it.

    Raises:
        NoSuchStop: None of this id is in force, or it is not for him to know; the words are the same.
        StoreDown, AuditDown: Nothing was asked.
    """
    try:
        return _asked_to_lift(engine, ledger, by, id_, reason)
    except NoSuchStop:
        ledger.commit(Event("policy.refused", by, str(uuid.uuid4()), {"what": "lift"}))
        raise


def _asked_to_lift(engine: Engine, ledger: Ledger, by: UserId, id_: str, reason: str) -> Approval:
    with write(engine) as connection:
        held = one_stop(connection, id_)
        if held is None or held.lifted_at is not None or not _may(connection, by, held):
            raise NoSuchStop("no stop of this id is in force")
        payload: Json = {"stop": held.id, "target": held.target}
        why = [_WHY.format(held.target)]
        asked = approvals.ask(connection, LIFT_STOP.name, payload, by, reason, reasons=why)
        ledger.append(connection, Event("stop.lift-asked", by, asked.id, {"stop": held.id}))
    return asked


def _may(connection: Connection, actor: UserId, held: Stop) -> bool:
    # Who is stopped does not start himself again, not even as the first of two.
    return held.target != actor and may_stop(connection, actor, held.target)


def _may_decide(connection: Connection, actor: UserId, asked: Approval) -> bool:
    held = one_stop(connection, asked.payload["stop"])
    return held is not None and held.made_by != actor and _may(connection, actor, held)


def _lifted(change: Change, ledger: Ledger, asked: Approval, by: UserId) -> dict[str, Json]:
    connection = change.connection
    held = one_stop(connection, asked.payload["stop"], for_update=True)
    if held is None or held.lifted_at is not None:
        raise NoSuchApproval("it was lifted already")
    if not _may(connection, asked.asked_by, held):
        raise NotAllowed("who asked for it may not ask for it any more")
    connection.execute(update(stops).where(stops.c.id == held.id).values(lifted_by=by, lifted_at=datetime.now(UTC)))
    target = unnamed(held.target, ledger.pseudonym)
    ledger.append(connection, Event("stop.lifted", by, held.id, {"target": target, "approval": asked.id}))
    return {"stop": held.id, "target": held.target}


def _shown(connection: Connection, asked: Approval, *, whole: bool) -> dict[str, Json]:  # noqa: ARG001 - it is short
    held = one_stop(connection, asked.payload["stop"])
    told: dict[str, Json] = {"stop": asked.payload["stop"], "target": asked.payload["target"]}
    if held is not None:
        made_at = held.made_at.isoformat(timespec="seconds")
        told |= {"stopped_by": held.made_by, "stopped_at": made_at, "stopped_for": held.reason}
    return told


LIFT_STOP: Final = Kind("lift-stop", may_decide=_may_decide, approved=_lifted, shown=_shown)
