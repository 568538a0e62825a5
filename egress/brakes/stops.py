"""The kill switch: a provider, an application, a person or everything is stopped with the next statement of anybody.

    require_running(engine, [ask.principal.user, ask.principal.application, "provider:acme"])

A stop is a row, and nobody keeps what he has read of it: every worker sees it, and it outlives a restart. It is
lifted by two people (`lifting`), never removed.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select

from acl.admin.authority import Actor
from acl.admin.change import unnamed
from acl.admin.gate import CONSOLE, refusal_recorded
from acl.admin.people import require_user
from acl.errors import NotAllowed
from acl.names import ROOT, UserId, parse_name
from audit.ledger import Event
from egress.contract.register import current
from egress.errors import Stopped
from store.engine import snapshot, write
from store.one_of import OneOf
from store.schema import stop as stops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Engine, Row

    from audit.ledger import Ledger

ALL: Final = "all:all"
TARGETS: Final = frozenset({"user", "app", "provider"})
MOST_REASON: Final = 500  # characters
AGAIN: Final = 0.5  # seconds between two looks while something runs

_STOPPED: Final = (
    select(stops)
    .where(OneOf(stops.c.target, "targets"), stops.c.lifted_at.is_(None))
    .order_by(stops.c.made_at, stops.c.id)
    .limit(1)
)
_WHAT: Final = {
    "all": "Asking is stopped",
    "user": "Asking is stopped for you",
    "app": "Asking through this application is stopped",
    "provider": "The model's provider is stopped",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that is stopped, or was."""

    id: str
    target: str  # user:…, app:…, provider:… or all:all
    reason: str  # for administrators
    made_by: str
    made_at: datetime
    lifted_by: str | None = None
    lifted_at: datetime | None = None


def stopped(connection: Connection, targets: Iterable[str]) -> Stop | None:
    """Give a stop that is in force on one of some targets, or on everything; the oldest."""
    row = connection.execute(_STOPPED, {"targets": [ALL, *targets]}).one_or_none()
    return None if row is None else _stop(row)


def require_running(engine: Engine, targets: Iterable[str]) -> None:
    """Let go on what is not stopped.

    Raises:
        Stopped: One of the targets is, or everything. The message holds no reason.
        StoreDown: Nobody knows, so nothing goes on.
    """
    with snapshot(engine) as connection:
        require_running_in(connection, targets)


def require_running_in(connection: Connection, targets: Iterable[str]) -> None:
    """Let go on what is not stopped as of a snapshot that began just now; see `require_running`."""
    held = stopped(connection, targets)
    if held is not None:
        raise Stopped(f"{_WHAT[held.target.partition(':')[0]]}. Ask your administrator.")


@dataclass(frozen=True, slots=True)
class Stops:
    """What the flow asks whether it may go on."""

    engine: Engine
    clock: Callable[[], float] = time.monotonic

    def require(self, targets: Iterable[str]) -> None:
        """Let go on what is not stopped; see `require_running`."""
        require_running(self.engine, targets)

    def proceed(self, targets: Iterable[str], *others: Callable[[Connection], None]) -> Callable[[], None]:
        """Give what a running call asks again and again, several times a second if it likes.

        It looks at the first time, and then at most every half second. It raises as `require_running`, and what
        others raise, which look in the same snapshot.
        """
        watched, looked = tuple(targets), [float("-inf")]

        def proceed() -> None:
            if self.clock() - looked[0] >= AGAIN:
                with snapshot(self.engine) as connection:
                    require_running_in(connection, watched)
                    for other in others:
                        other(connection)
                looked[0] = self.clock()

        return proceed


# --- by administrators ----------------------------------------------------------------------------


def parse_target(text: str) -> str:
    """Give a target as it stands in the table: `all` for everything.

    Raises:
        BadName: It is none.
    """
    return ALL if text in ("all", ALL) else parse_name(text, TARGETS)


def may_stop(connection: Connection, actor: UserId, target: str) -> bool:
    """Say whether somebody may stop a target, and ask for its start: who manages it, or the whole, or the console."""
    if actor == CONSOLE:
        return True
    who = Actor.of(connection, actor)
    return bool(who.manages(ROOT)) or (target.startswith(("app:", "provider:")) and bool(who.manages(target)))


def stop(engine: Engine, ledger: Ledger, by: UserId, target: str, reason: str) -> Stop:
    """Stop a target. It holds for every statement that begins after this one has returned.

    Raises:
        NotAllowed: It is not for him to stop.
        UnknownName: There is no such person.
        StoreDown, AuditDown: Nothing is stopped.
    """
    with refusal_recorded(ledger, by, what="stop"), write(engine) as connection:
        if not may_stop(connection, by, target):
            raise NotAllowed("this is not yours to stop: ask who manages it, or the whole")
        if target.startswith("user:"):
            require_user(connection, UserId(target))
        return put_stop(connection, ledger, by, target, reason)


def unknown(connection: Connection, target: str) -> bool:
    """Say whether nothing of this name is registered. It is stopped all the same; a slip of the pen stops nothing."""
    kind, _, name = target.partition(":")
    return kind in ("app", "provider") and current(connection, kind, name) is None


def put_stop(connection: Connection, ledger: Ledger, by: str, target: str, reason: str) -> Stop:
    """Stop a target within a transaction; who may, is decided before. The reason stays out of the trail."""
    made = Stop(str(uuid.uuid4()), target, reason[:MOST_REASON], by, datetime.now(UTC))
    row = {"id": made.id, "target": target, "reason": made.reason, "made_by": by, "made_at": made.made_at}
    connection.execute(insert(stops).values(row))
    ledger.append(connection, Event("stop.made", by, made.id, {"target": unnamed(target, ledger.pseudonym)}))
    return made


def stops_for(connection: Connection, actor: UserId, *, lifted: bool = False) -> list[Stop]:
    """Give the stops that somebody may know of, the oldest first: those that he may make.

    Args:
        connection: An open read.
        actor: Who asks.
        lifted: Also those that are in force no longer.
    """
    rows = select(stops).order_by(stops.c.made_at, stops.c.id)
    found = connection.execute(rows if lifted else rows.where(stops.c.lifted_at.is_(None)))
    return [made for made in map(_stop, found) if may_stop(connection, actor, made.target)]


def one_stop(connection: Connection, id_: str, *, for_update: bool = False) -> Stop | None:
    """Give a stop by its id, in force or not."""
    row = select(stops).where(stops.c.id == id_)
    found = connection.execute(row.with_for_update() if for_update else row).one_or_none()
    return None if found is None else _stop(found)


def _stop(row: Row[Any]) -> Stop:
    return Stop(row.id, row.target, row.reason, row.made_by, row.made_at, row.lifted_by, row.lifted_at)
