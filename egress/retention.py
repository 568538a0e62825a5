"""What is kept of questions ends as its label says, and is then gone from the disk.

    conversations     with their keys, tokens and the questions to go on from
    requests          that waited for an approval, sealed: once they were sent, refused, or have waited too long
    counters          of quotas whose windows are over
    readings          of documents, older than what says what is usual

One function purges them all; the service calls it once an hour, and `ntk purge` at any time.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select, update

from acl.labels import Level
from audit.ledger import Event
from egress.brakes.reading import KEPT
from redaction.vault import parked
from store.engine import emptied_log, write
from store.schema import approval, conversation, reading, sending, volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Delete, Engine, Table, Update

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger
    from redaction.keeping import Keeping

BY: Final = "svc:retention"  # who purges where no person asked for it


@dataclass(frozen=True, slots=True)
class Gone:
    """How many of one kind were purged."""

    kind: str  # conversations, requests, counters, readings
    level: str | None  # of what has one
    number: int


@dataclass(frozen=True, slots=True)
class Purged:
    """What was purged, or would be."""

    gone: tuple[Gone, ...]
    dry_run: bool

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON."""
        return {"purged": told(self.gone), "dry_run": self.dry_run}


def told(gone: Sequence[Gone]) -> list[Json]:
    """Give what was purged as JSON, as the trail has it too."""
    return [{"kind": one.kind, "level": one.level, "number": one.number} for one in gone]


def purge(
    engine: Engine,
    ledger: Ledger,
    keeping: Keeping,
    by: str = BY,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Purged:
    """Delete what has ended, with a record of how much it was, and leave nothing of it in the log of the database.

    Args:
        engine: Where it is kept.
        ledger: Gets numbers by kind and level, if anything was purged.
        keeping: What is kept for how long. A shorter time than before holds for what is there too.
        by: Who asks for it.
        now: In UTC.
        dry_run: Only count.

    Raises:
        StoreDown, AuditDown: Nothing was purged.
    """
    at = now or datetime.now(UTC)
    with write(engine) as connection:
        ended = [*_ended(keeping, at)]
        if dry_run:
            return Purged(tuple(_counted(connection, ended)), dry_run=True)
        _shorten(connection, keeping, at)
        gone = tuple(_deleted(connection, ended))
        if gone:
            ledger.append(connection, Event("retention.purged", by, str(uuid.uuid4()), {"gone": told(gone)}))
    if gone:
        emptied_log(engine)
    return Purged(gone, dry_run=False)


def purge_person(engine: Engine, ledger: Ledger, user: UserId, by: str = BY) -> Purged:
    """Delete all that is kept of one person's questions, ended or not: a demand for erasure.

    What waits for an approval goes as well, and can be sent no more. The trail keeps what happened, under a pseudonym.

    Args:
        engine: Where it is kept.
        ledger: Gets the person's pseudonym, and numbers by kind and level.
        user: Whose it is; he need not be there any more.
        by: Who asks for it.

    Raises:
        StoreDown, AuditDown: Nothing was deleted.
    """
    with write(engine) as connection:
        gone = tuple(_deleted(connection, _of_person(user)))
        details: dict[str, Json] = {"gone": told(gone), "user": ledger.pseudonym(user)}
        ledger.append(connection, Event("retention.purged", by, str(uuid.uuid4()), details))
    emptied_log(engine)
    return Purged(gone, dry_run=False)


@dataclass(frozen=True, slots=True)
class _Ended:
    """Rows that are to go, and what they are called."""

    kind: str
    level: Level | None
    table: Table
    which: ColumnElement[bool]

    def purging(self) -> Delete | Update:
        if self.table is sending:  # that it was asked for, and was sent or not, is kept, without what it held
            return update(sending).where(self.which).values(sealed=b"", key_id=None, conversation="")
        return delete(self.table).where(self.which)

    def gone(self, number: int) -> Gone:
        return Gone(self.kind, self.level.name.lower() if self.level is not None else None, number)


def _ended(keeping: Keeping, now: datetime) -> Iterator[_Ended]:
    # Requests first: while one waits, its conversation stays, since the answer needs its tokens.
    waits = parked(now)
    for level in Level:
        over = ~waits
        if keeping.days(level):  # of what is not to be kept, a request waits for its approval all the same
            over |= sending.c.made_at <= now - keeping.lifetime(level)
        ids = select(sending.c.id).join_from(sending, approval).where(_holds(level), over)
        yield _Ended("requests", level, sending, sending.c.id.in_(ids))
    held = select(sending.c.conversation).join_from(sending, approval).where(waits)
    for level in Level:
        over = (conversation.c.level == int(level)) & (conversation.c.expires_at <= now)
        yield _Ended("conversations", level, conversation, over & conversation.c.id.not_in(held))
    yield _Ended("counters", None, volume, volume.c.ends_at <= now)
    yield _Ended("readings", None, reading, reading.c.day < f"{now - KEPT:%Y-%m-%d}")


def _holds(level: Level) -> ColumnElement[bool]:
    return (sending.c.level == int(level)) & (sending.c.sealed != b"")


def _of_person(user: UserId) -> Iterator[_Ended]:
    theirs = select(conversation.c.id).where(conversation.c.owner == user)
    for level in Level:
        yield _Ended("requests", level, sending, _holds(level) & sending.c.conversation.in_(theirs))
    for level in Level:
        of_level = conversation.c.level == int(level)
        yield _Ended("conversations", level, conversation, of_level & (conversation.c.owner == user))
    yield _Ended("readings", None, reading, reading.c.user_id == user)


def _counted(connection: Connection, ended: Iterable[_Ended]) -> Iterator[Gone]:
    for one in ended:
        if number := connection.scalar(select(func.count()).select_from(one.table).where(one.which)):
            yield one.gone(number)


def _deleted(connection: Connection, ended: Iterable[_Ended]) -> Iterator[Gone]:
    for one in ended:
        if number := connection.execute(one.purging()).rowcount:
            yield one.gone(number)


def _shorten(connection: Connection, keeping: Keeping, now: datetime) -> None:
    c = conversation.c
    held = select(sending.c.conversation).join_from(sending, approval).where(parked(now))
    for level in Level:
        latest = now + keeping.lifetime(level)
        longer = (c.level == int(level)) & (c.expires_at > latest) & c.id.not_in(held)
        connection.execute(update(conversation).where(longer).values(expires_at=latest))
