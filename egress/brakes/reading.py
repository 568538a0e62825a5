"""The reading alarm: who is shown something of unusually many documents in a day is stopped, until two let him go on.

It counts distinct documents, so that asking the same thing again raises no alarm.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, func, insert, select

from acl.read import closure
from audit.ledger import Event
from egress.brakes.stops import put_stop, stopped
from egress.errors import Stopped
from store.engine import snapshot, write
from store.schema import reading, users
from store.schema import stop as stops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Engine

    from acl.names import UserId
    from audit.ledger import Ledger
    from egress.brakes.quotas import Reading

ALARM: Final = "svc:reading-alarm"  # who stops
KEPT: Final = timedelta(days=31)  # how long a row may still say what is usual
_USUAL_DAYS: Final = 30
_ENOUGH_DAYS: Final = 5  # with fewer days nobody knows what is usual
_SEEN: Final = select(reading.c.document_id).where(
    reading.c.user_id == bindparam("user"), reading.c.day == bindparam("day")
)
_log = logging.getLogger("ntk")


def _now() -> datetime:
    return datetime.now(UTC)


class Today(NamedTuple):
    """What somebody was shown something of on the day on which it was looked up."""

    day: str  # in UTC
    seen: frozenset[str]


def read_today(connection: Connection, user: UserId, *, clock: Callable[[], datetime] = _now) -> Today:
    """Look up what somebody was shown something of today."""
    day = clock().astimezone(UTC).date().isoformat()
    return Today(day, _seen(connection, user, day))


def note_reading(
    engine: Engine,
    ledger: Ledger,
    user: UserId,
    documents: Iterable[str],
    limits: Reading,
    *,
    today: Today | None = None,
    clock: Callable[[], datetime] = _now,
) -> int:
    """Note which documents somebody is about to be shown something of, and stop him if these are too many for a day.

    To be called before they are shown, with what was looked up for it just now, if it was.

    Returns:
        How many it were today, these included.

    Raises:
        Stopped: They are too many. He is stopped from here on, with a record and a line in the log.
        StoreDown, AuditDown: It cannot be noted; nothing must be shown.
    """
    if today is None:
        with snapshot(engine) as connection:
            today = read_today(connection, user, clock=clock)
    day, seen = today
    these = sorted(set(documents))
    if not set(these) - seen:
        return len(seen)  # nothing new, and what is not new was let through
    with write(engine) as connection:
        # One person's questions take turns here, so that each of them counts what the others were shown.
        connection.execute(select(users.c.id).where(users.c.id == user).with_for_update())
        seen = _seen(connection, user, day)
        held = stopped(connection, [user]) is not None  # by the alarm, while this question was under way
        rows = [{"user_id": user, "day": day, "document_id": one} for one in these if one not in seen]
        if rows:
            connection.execute(insert(reading), rows)
        count = len(seen) + len(rows)
        usual = _usual(connection, user, day)
        most = _most(connection, user, limits, usual) * (1 + _alarms(connection, user, day))
        alarmed = count > most and not held
        if alarmed:
            _stop(connection, ledger, user, count=count, most=most, usual=usual)
    if alarmed:
        _log.warning("reading alarm: somebody was shown %d documents today, more than %d; he is stopped", count, most)
    if alarmed or held:
        raise Stopped("Asking is stopped for you. Ask your administrator.")
    return count


def _stop(connection: Connection, ledger: Ledger, user: UserId, **figures: int) -> None:
    reason = "{count} documents in a day: {most} is the most, and {usual} are usual".format(**figures)
    made = put_stop(connection, ledger, ALARM, user, reason)
    ledger.append(connection, Event("reading.alarm", user, made.id, {**figures}))


def _seen(connection: Connection, user: UserId, day: str) -> frozenset[str]:
    return frozenset(connection.scalars(_SEEN, {"user": user, "day": day}))


def _usual(connection: Connection, user: UserId, day: str) -> int:
    """Give the median of the last days on which somebody was shown anything; 0 while these are too few."""
    since = (datetime.fromisoformat(day) - timedelta(days=_USUAL_DAYS)).date().isoformat()
    c = reading.c
    mine = c.user_id == user, c.day < day, c.day >= since
    counts = connection.scalars(select(func.count()).where(*mine).group_by(c.day)).all()
    return round(median(counts)) if len(counts) >= _ENOUGH_DAYS else 0


def _most(connection: Connection, user: UserId, limits: Reading, usual: int) -> int:
    own: Any = closure(connection, user)
    named = [most for name, most in limits.per_day.items() if name in own]
    of_role = max(named, default=limits.per_day["default"])
    return min(of_role, max(limits.usual_from, limits.times_usual * usual)) if usual else of_role


def _alarms(connection: Connection, user: UserId, day: str) -> int:
    # Whom two people let go on has a whole day's measure again, or his next question would stop him at once.
    c = stops.c
    today = datetime.fromisoformat(day).replace(tzinfo=UTC)
    mine = c.target == user, c.made_by == ALARM, c.made_at >= today, c.made_at < today + timedelta(days=1)
    return connection.scalar(select(func.count()).select_from(stops).where(*mine)) or 0
