"""What goes to a provider is counted in SQL, before it goes: reserved in one statement a count, settled in every case.

    with reserved(engine, quotas, use) as booking:
        ...
        booking.leaves()
        draft = llm.complete(prompt)

All counts of a request are taken, or none. What is under way counts already, so two that look at the same time do
not both find room. What ends before it left is given back; what a crash cuts off stays counted.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from egress.brakes.counters import counters, exceeded, personal, standing_of
from store.engine import write
from store.errors import StoreError
from store.one_of import OneOf
from store.schema import volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from egress.brakes.counters import Caller, Counter, Standing, Use
    from egress.brakes.quotas import Quotas


def _take(insert: Callable[..., Any]) -> Any:
    adding = insert(volume).values({name: bindparam(name) for name in ("quota", "begins_at", "ends_at", "used")})
    total = volume.c.used + adding.excluded.used
    room = adding.on_conflict_do_update(
        index_elements=[volume.c.quota, volume.c.begins_at], set_={"used": total}, where=total <= bindparam("most")
    )
    return room.returning(volume.c.used)


_TAKE: Final[dict[str, Any]] = {"sqlite": _take(sqlite.insert), "postgresql": _take(postgresql.insert)}
_USED: Final = select(volume.c.quota, volume.c.used).where(
    OneOf(volume.c.quota, "quotas"), volume.c.ends_at > bindparam("now")
)
_log = logging.getLogger("ntk")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was taken, and how the counts stand since."""

    counters: tuple[Counter, ...]
    standings: tuple[Standing, ...]


@dataclass(slots=True)
class Booking:
    """A reservation that is under way."""

    reservation: Reservation
    left: bool = False
    used: int | None = None

    def leaves(self) -> None:
        """Say, right before it does, that the prompt leaves: from here on it counts, whatever comes of it."""
        self.left = True

    def stayed(self) -> None:
        """Say that the prompt did not leave after all: no connection came about."""
        self.left = False

    def took(self, characters: int | None) -> None:
        """Say how many characters were sent after all. For what makes no sense the reservation stands."""
        self.used = characters


def reserve(engine: Engine, quotas: Quotas, use: Use, *, clock: Callable[[], datetime] = _now) -> Reservation:
    """Take what a request needs of every count that it adds to, or nothing.

    Raises:
        QuotaExceeded: One of them has no room; nothing was taken.
        StoreDown: Nobody knows; nothing was taken.
    """
    now = clock()
    return take(engine, counters(quotas, use, now), now)


def take(engine: Engine, needed: Sequence[Counter], now: datetime) -> Reservation:
    """Add to all of some counts, or to none.

    Raises:
        QuotaExceeded: One of them has no room; nothing was taken.
        StoreDown: Nobody knows; nothing was taken.
    """
    if not needed:
        return Reservation((), ())
    with write(engine, lasting=False) as connection:
        used = [(counter, _taken(connection, counter)) for counter in needed]
        full = [counter for counter, total in used if total is None]
        if full:
            last = max(full, key=lambda counter: counter.ends_at)  # before that there is no room, whatever the others
            raise exceeded(last.limit, (last.ends_at - now).total_seconds(), amount=last.amount)
    standings = tuple(_standing(counter, total or 0, now) for counter, total in used)
    return Reservation(tuple(needed), standings)


def settle(engine: Engine, reservation: Reservation, used: int | None = None, *, sent: bool = True) -> None:
    """Give back what was not needed.

    Args:
        engine: Where it is counted.
        reservation: What was taken. It must be settled once.
        used: Characters that were sent; what was reserved is the upper bound, and holds for what makes no sense.
        sent: Whether anything was.

    Raises:
        StoreDown: It stays counted.
    """
    back = [(counter, _unused(counter, used, sent=sent)) for counter in reservation.counters]
    if not any(amount for _, amount in back):
        return
    with write(engine, lasting=False) as connection:
        for counter, amount in back:
            if amount:
                row = volume.c.quota == counter.key, volume.c.begins_at == counter.begins_at
                left = update(volume).where(*row, volume.c.used >= amount).values(used=volume.c.used - amount)
                connection.execute(left)


@contextmanager
def reserved(engine: Engine, quotas: Quotas, use: Use, *, clock: Callable[[], datetime] = _now) -> Iterator[Booking]:
    """Hold a reservation for the time of a block, and settle it however the block ends.

    Raises:
        QuotaExceeded, StoreDown: The block is not begun.
    """
    booking = Booking(reserve(engine, quotas, use, clock=clock))
    try:
        yield booking
    finally:
        try:
            settle(engine, booking.reservation, booking.used, sent=booking.left)
        except StoreError:  # what is not given back stays counted; how the block ended matters more
            _log.warning("a reservation could not be given back; it counts until its window ends")


def standings(connection: Connection, quotas: Quotas, caller: Caller, now: datetime) -> tuple[Standing, ...]:
    """Say what is left of a caller's own quotas; of those that others use up as well, nothing."""
    own = personal(quotas, caller, now)
    rows = connection.execute(_USED, {"quotas": [counter.key for counter in own], "now": now})
    used = {row.quota: row.used for row in rows}
    return tuple(_standing(counter, used.get(counter.key, 0), now) for counter in own)


def counts(connection: Connection, now: datetime) -> list[tuple[str, datetime, int]]:
    """Give all counts of windows that have not ended: what is counted of whom, until when, and how much it is."""
    c = volume.c
    rows = select(c.quota, c.ends_at, c.used).where(c.ends_at > now, c.used > 0).order_by(c.quota, c.ends_at)
    return [(row.quota, row.ends_at, row.used) for row in connection.execute(rows)]


def _taken(connection: Connection, counter: Counter) -> int | None:
    """Add to a count if it has room, in one statement; give what it is then, or None."""
    if counter.amount > counter.limit.most:
        return None
    row = {"quota": counter.key, "begins_at": counter.begins_at, "ends_at": counter.ends_at, "used": counter.amount}
    taken: int | None = connection.scalar(_TAKE[connection.dialect.name], {**row, "most": counter.limit.most})
    return taken


def _unused(counter: Counter, used: int | None, *, sent: bool) -> int:
    if not sent:
        return counter.amount
    if counter.limit.measure == "requests" or used is None or not 0 <= used <= counter.amount:
        return 0
    return counter.amount - used


def _standing(counter: Counter, total: int, now: datetime) -> Standing:
    return standing_of(counter.limit, total, (counter.ends_at - now).total_seconds())
