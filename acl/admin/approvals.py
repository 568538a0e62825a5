"""What waits for a second person: kept as it was asked, approved as it was seen, once, by somebody else."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from acl.errors import NoSuchApproval
from acl.names import UserId
from audit.chain import canonical
from store.schema import approval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from audit.chain import Json

WAITS: Final = timedelta(days=7)
_MOST_REASON: Final = 500  # characters


@dataclass(frozen=True, slots=True)
class Approval:
    """Something that waits, or waited, for a second person."""

    id: str
    kind: str
    payload: Any  # as asked; JSON
    asked_by: UserId
    reason: str  # why it is asked for
    reasons: tuple[str, ...]  # why it takes two
    asked_at: datetime
    expires_at: datetime
    state: str  # waiting, approved, rejected


def ask(
    connection: Connection, kind: str, payload: Json, asked_by: UserId, reason: str, *, reasons: Sequence[str] = ()
) -> Approval:
    """Put something before a second person; if the same person has asked for the same, and it waits, that."""
    text, now = canonical({"asked": payload, "reasons": list(reasons)}), datetime.now(UTC)
    same = (approval.c.digest == _digest(text)) & (approval.c.asked_by == asked_by) & (approval.c.state == "waiting")
    again = connection.scalar(select(approval.c.id).where(same, approval.c.expires_at > now).limit(1))
    if again is not None:
        return get(connection, again)
    row = {
        "id": str(uuid.uuid4()),
        "kind": kind,
        "payload": text,
        "digest": _digest(text),
        "asked_by": asked_by,
        "reason": reason[:_MOST_REASON],
        "asked_at": now,
        "expires_at": now + WAITS,
        "state": "waiting",
    }
    connection.execute(insert(approval).values(row))
    return get(connection, str(row["id"]))


def get(connection: Connection, id_: str) -> Approval:
    """Give one.

    Raises:
        NoSuchApproval: There is none of this id, or what it holds is no longer what was asked.
    """
    row = connection.execute(select(approval).where(approval.c.id == id_)).one_or_none()
    if row is None or _digest(row.payload) != row.digest:
        raise none_such()
    return _approval(row)


def waiting(connection: Connection) -> list[Approval]:
    """Give everything that waits and has not expired, the oldest first."""
    open_ = (approval.c.state == "waiting") & (approval.c.expires_at > datetime.now(UTC))
    rows = connection.execute(select(approval).where(open_).order_by(approval.c.asked_at, approval.c.id))
    return [_approval(row) for row in rows if _digest(row.payload) == row.digest]


def decide(connection: Connection, id_: str, by: UserId, *, approve: bool) -> Approval:
    """Close something that waits, once. What follows from it belongs into the same transaction.

    Raises:
        NoSuchApproval: It does not wait any more, has expired, or is by the same person.
    """
    asked, now = get(connection, id_), datetime.now(UTC)
    if asked.asked_by == by:
        raise NoSuchApproval("who asked cannot decide: it needs a second person")
    still = approval.c.id == id_, approval.c.state == "waiting", approval.c.expires_at > now
    decided = {"state": "approved" if approve else "rejected", "decided_by": by, "decided_at": now}
    if not connection.execute(update(approval).where(*still).values(decided)).rowcount:
        raise NoSuchApproval("it was decided already, or has expired: ask for it again")
    return asked


def none_such() -> NoSuchApproval:
    """Give the error for an id under which nothing waits, or nothing for this person: the words are the same."""
    return NoSuchApproval("nothing of this id waits for a decision")


def to_json(asked: Approval) -> dict[str, Json]:
    """Give what waits as JSON values, with the edits in the form of `acl.admin.edits`."""
    return {
        "approval": asked.id,
        "state": asked.state,
        "asked_by": asked.asked_by,
        "reason": asked.reason,
        "reasons": list(asked.reasons),
        "edits": asked.payload,
        "asked_at": asked.asked_at.isoformat(timespec="seconds"),
        "age_seconds": int((datetime.now(UTC) - asked.asked_at).total_seconds()),
        "expires_at": asked.expires_at.isoformat(timespec="seconds"),
    }


def _approval(row: Row[tuple[object, ...]]) -> Approval:
    stored = json.loads(row.payload)
    return Approval(
        id=row.id,
        kind=row.kind,
        payload=stored["asked"],
        asked_by=UserId(row.asked_by),
        reason=row.reason,
        reasons=tuple(stored["reasons"]),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        state=row.state,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
