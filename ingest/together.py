"""What is ready at about the same time is published together: to make the index durable takes longer than all the rest.

Whoever gets the turn publishes for all that wait for it, and the others find theirs done.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ingest.families import joined, stock_of
from ingest.pipeline import publish_families
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from ingest.families import Family
    from ingest.outcome import Outcome
    from ingest.pipeline import Job
    from ingest.versions import Edges

_MOST: Final = 64  # files that are published together
_FULL: Final = 1024  # chunks from which on no further file is added


@dataclass(slots=True)
class Ready:
    """A file that was read and embedded, and what becomes of it."""

    source: str
    family: Family
    vectors: Sequence[NDArray[np.float32]]
    job: Job  # with the stock that it was read against
    require: Callable[[Connection], None]  # raises if it may not be published, any more
    outcomes: list[Outcome] | None = None  # none if somebody else took the file in meanwhile
    error: Exception | None = None
    done: bool = False

    @property
    def chunks(self) -> int:
        return sum(len(arrival.reading.chunks) for arrival in self.family.arrivals)


@dataclass(frozen=True, slots=True)
class Together:
    """What waits to be published, of all who take files in."""

    _waiting: list[Ready] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, ready: Ready, edges: Edges, turn: AbstractContextManager[object]) -> list[Outcome] | None:
        """Publish a file, with those that wait as well.

        Args:
            ready: The file.
            edges: The world.
            turn: Held while versions are written.

        Returns:
            What became of it; or None if what was known of it changed since it was read, and then nothing was written.

        Raises:
            Exception: What its `require` raises, or `publish_families`.
        """
        with self._lock:
            self._waiting.append(ready)
        with turn:
            if not ready.done:
                _publish(self._taken(ready), edges)
        if ready.error is not None:
            raise ready.error
        return ready.outcomes

    def _taken(self, first: Ready) -> list[Ready]:
        """Take those from what waits that can be published at once: of one job, and no file twice."""
        taken, sources, chunks = [first], set(first.family.sources), first.chunks
        with self._lock:
            for one in self._waiting:
                same = (one.job.intake, one.job.actor) == (first.job.intake, first.job.actor)
                full = len(taken) == _MOST or chunks + one.chunks > _FULL
                if one is not first and same and not full and not sources & one.family.sources:
                    taken.append(one)
                    sources |= one.family.sources
                    chunks += one.chunks
            self._waiting[:] = [one for one in self._waiting if not any(one is other for other in taken)]
        return taken


def _publish(taken: Sequence[Ready], edges: Edges) -> None:
    """Publish some files, and note with each what became of it."""
    current = [one for one in taken if _is_current(one, edges)]
    try:
        for one, outcomes in zip(current, _published(current, edges), strict=True):
            one.outcomes = [*outcomes, *one.family.outcomes]
    except Exception as error:  # noqa: BLE001 - it is raised where the file came from
        for one in current:
            one.error = error
    for one in taken:
        one.done = True


def _is_current(one: Ready, edges: Edges) -> bool:
    """Say whether what is known of a file is still what it was read against, and whoever sends it still may."""
    try:
        with snapshot(edges.engine) as connection:
            one.require(connection)
            return stock_of(connection, one.job.intake, [one.source]) == one.job.stock
    except Exception as error:  # noqa: BLE001 - same
        one.error = error
        return False


def _published(current: Sequence[Ready], edges: Edges) -> list[list[Outcome]]:
    if not current:
        return []
    families = [one.family for one in current]
    job = replace(current[0].job, stock=joined(one.job.stock for one in current))
    made = publish_families(families, [rows for one in current for rows in one.vectors], job, edges)
    parts = []
    for family in families:
        parts.append(made[: len(family.arrivals)])
        made = made[len(family.arrivals) :]
    return parts
