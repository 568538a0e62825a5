"""What waits for a second person: kept as it was asked, approved as it was seen, once, by somebody else.

What can wait is of a `Kind`, which says who may decide on it and what follows. `acl.admin.second` decides.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import insert, select, update

from acl.errors import NoSuchApproval
from acl.names import UserId
from audit.chain import canonical
from audit.ledger import Event
from store.schema import approval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from acl.admin.change import Change
    from audit.chain import Json
    from audit.ledger import Ledger

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


class MayDecide(Protocol):
    """Says whether somebody, who is not the asker, may be the second person."""

    def __call__(self, connection: Connection, actor: UserId, asked: Approval, /) -> bool: ...


class Decided(Protocol):
    """Does what follows from a decision, in its transaction, and gives what the second person is told of it."""

    def __call__(self, change: Change, ledger: Ledger, asked: Approval, by: UserId, /) -> Mapping[str, Json]: ...


class Shown(Protocol):
    """Gives what waits as JSON values for who asked and who may decide; not whole, as a line of a list shows it."""

    def __call__(self, connection: Connection, asked: Approval, /, *, whole: bool) -> Mapping[str, Json]: ...


def _rejected(change: Change, ledger: Ledger, asked: Approval, by: UserId) -> Mapping[str, Json]:
    ledger.append(change.connection, Event(f"{asked.kind}.rejected", by, asked.id, {}))
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that waits for a second person.

    Args:
        name: As it stands in the table.
        may_decide: Who may be second. That he is a person, and not the one who asked, is seen to by `second`.
        approved: What is done when he agrees. It holds the lock of the policy, so no right of his or of the asker
            changes meanwhile; it leaves its record itself. What it raises undoes the approval: it goes on waiting.
        shown: What is to be seen of it.
        rejected: What is done when he says no; by default a record, `NAME.rejected`, and nothing else.
    """

    name: str
    may_decide: MayDecide
    approved: Decided
    shown: Shown
    rejected: Decided = _rejected


def ask(
    connection: Connection,
    kind: str,
    payload: Json,
    asked_by: UserId,
    reason: str,
    *,
    reasons: Sequence[str] = (),
    waits: timedelta = WAITS,
) -> Approval:
    """Put something before a second person; if the same person has asked for the same, and it waits, that.

    Args:
        connection: An open write.
        kind: The name of its `Kind`.
        payload: What is to be done, to the letter.
        asked_by: Who asks.
        reason: Why; at most 500 characters are kept.
        reasons: Why it takes two.
        waits: How long it waits; then nobody can agree any more.
    """
    text, now = canonical({"asked": payload, "reasons": list(reasons)}), datetime.now(UTC)
    same = (approval.c.digest == _digest(text)) & (approval.c.asked_by == asked_by) & (approval.c.state == "waiting")
    same &= (approval.c.kind == kind) & (approval.c.expires_at > now)
    again = connection.scalar(select(approval.c.id).where(same).limit(1))
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
        "expires_at": now + waits,
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
    """Give as JSON values what there is to say of anything that waits, whatever its kind."""
    return {
        "approval": asked.id,
        "kind": asked.kind,
        "state": asked.state,
        "asked_by": asked.asked_by,
        "reason": asked.reason,
        "reasons": list(asked.reasons),
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
