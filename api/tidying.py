"""Puts a large index in order, which makes its searches fast, so that nobody waits for it.

The engine in process holds the interpreter meanwhile. So the commands that fill an index do it at their end; and
a service, which would answer nobody for that long, has another process do it on a copy. What is not tidied is found
all the same.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from api.alongside import alongside
from retrieval.beside import tidied_beside
from retrieval.embed import DIMENSION
from retrieval.errors import IndexDown
from retrieval.plan import PLAN
from store.errors import NoRoom

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from acl.names import DocumentId
    from retrieval.homes import KeptIndex
    from retrieval.types import ChunkId, Point

BYTES_A_POINT: Final = 4_000  # that a segment takes which is built beside the old one: 1.5 kB are its vector
LOOK_EVERY: Final = 60.0  # seconds
_NOT_SOON: Final = 3_600.0  # seconds until it is tried again, where it came to nothing
_MANY: Final = 5 * PLAN.index_from  # points that are not left for a quiet minute
_log = logging.getLogger("ntk")


def tidy(index: KeptIndex, require_room: Callable[[int], None]) -> bool:
    """Tidy an index where the disk has room for it; say whether there was anything to do, and it was done.

    Nothing that goes wrong here is worth failing for: the index is as it was.

    Args:
        index: It is open, and nobody waits for it.
        require_room: Of its home; raises NoRoom.
    """
    return _tried(index, require_room, 1, index.tidy)


@dataclass(frozen=True, slots=True)
class Filling:
    """An index that a command fills: it is tidied whenever a part of it is full, so that it comes to be in parts.

    Args:
        index: It is open, and nobody waits for it.
        require_room: Of its home; raises NoRoom.
    """

    index: KeptIndex
    require_room: Callable[[int], None]

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably."""
        self.index.put(points)
        if _untidied(self.index) >= PLAN.part:
            tidy(self.index, self.require_room)

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        """Remove the points of some chunks, durably."""
        self.index.remove(chunks)

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove a document's points of all other versions, durably."""
        self.index.keep_only(document, version)


@contextmanager
def tidying(index: KeptIndex, require_room: Callable[[int], None], every: float = LOOK_EVERY) -> Iterator[None]:
    """Tidy the index of a service from time to time, beside it, until the block ends.

    That is done when enough was written that a part is made of it, and nothing more comes at the moment. What is
    under way at the end of the block is broken off, and leaves the index as it was.

    Args:
        index: It is open, and questions are put to it.
        require_room: Of its home; raises NoRoom.
        every: Seconds from one look to the next.
    """
    with alongside("tidying", partial(_look, index, require_room, every)):
        yield


def _look(index: KeptIndex, require_room: Callable[[int], None], every: float, end: threading.Event) -> None:
    wait, before = every, 0
    while not end.wait(wait):
        wait, there = every, _untidied(index)
        if there >= _MANY or there == before >= PLAN.index_from:
            beside = partial(index.tidy_beside, partial(tidied_beside, dimension=DIMENSION, end=end))
            if not _tried(index, require_room, 2, beside):
                wait = _NOT_SOON
        before = there


def _untidied(index: KeptIndex) -> int:
    try:
        return index.untidied()
    except IndexDown:  # whoever asks it is told so
        return 0


def _tried(index: KeptIndex, require_room: Callable[[int], None], copies: int, tidy: Callable[[], bool]) -> bool:
    try:
        require_room(index.count() * BYTES_A_POINT * copies)
        return tidy()
    except (NoRoom, IndexDown) as error:
        _log.warning("the index was not tidied, and searches take longer: %s", error)
        return False
