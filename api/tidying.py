"""Builds what makes searches of a large index fast, in a process that nobody waits for.

The engine in process holds the interpreter while it builds: a service would answer nobody for that long. So the
commands that fill an index do it, at their end. What is not tidied is found all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from retrieval.errors import IndexDown
from store.errors import NoRoom

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.homes import KeptIndex

BYTES_A_POINT: Final = 4_000  # that a segment takes which is built beside the old one: 1.5 kB are its vector
_log = logging.getLogger("ntk")


def tidy(index: KeptIndex, require_room: Callable[[int], None]) -> bool:
    """Tidy an index where the disk has room for it; say whether it was done, or there was nothing to do.

    Nothing that goes wrong here is worth failing for: the index is as it was.

    Args:
        index: It is open, and nobody waits for it.
        require_room: Of its home; raises NoRoom.
    """
    try:
        require_room(index.count() * BYTES_A_POINT)
        index.tidy()
    except (NoRoom, IndexDown) as error:
        _log.warning("the index was not tidied, and wide searches take longer: %s", error)
        return False
    return True
