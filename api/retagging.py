"""Lets the tags in the index follow the database, for whoever holds the index."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from api.alongside import alongside
from retrieval.tags import drain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from retrieval.tags import Drained, TaggedIndex

LOOK_EVERY: Final = 1.0  # seconds
_log = logging.getLogger("ntk")


class Retagger:
    """Drains the outbox into one index, one thread at a time.

    A log line names what failed by its class alone: the text of an error may hold anything.
    """

    def __init__(self, engine: Engine, index: TaggedIndex) -> None:
        """Take the lines of a database, and write to an index that is open."""
        self._engine = engine
        self._index = index
        self._turn = threading.Lock()

    def drain(self, *, waiting_too: bool = False) -> Drained:
        """Write the tags of all places that are due, after a change in this process or at its start.

        Args:
            waiting_too: Also those that were put off because they failed.

        Raises:
            StoreDown: The database does not answer.
        """
        with self._turn:
            drained = drain(self._engine, self._index, datetime.now(UTC), waiting_too=waiting_too)
        for error, places in drained.failed.items():
            _log.error("tags are not written yet, of so many places: %d (%s)", places, error)
        return drained

    @contextmanager
    def following(self, every: float = LOOK_EVERY, *, also: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Look for lines from time to time, in a thread, until the block ends.

        So a change is found that another process made beside this one. At the end of the block the thread
        has ended too; what it was writing is written.

        Args:
            every: Seconds from the end of one look to the next.
            also: What else is to be done each time.
        """
        with alongside("retagger", partial(self._follow, every, also)):
            yield

    def _follow(self, every: float, also: Callable[[], object], end: threading.Event) -> None:
        told = ""
        while not end.wait(every):
            try:
                self.drain()
                also()
            except Exception as error:  # noqa: BLE001 - the thread outlives a database that does not answer
                if told != type(error).__name__:  # once, not every second
                    _log.error("the outbox cannot be drained: %s", type(error).__name__)
                told = type(error).__name__
            else:
                told = ""
