"""Which refusals the trail needs a record of: the first of each kind for each person, and again after a minute.

Who is stopped, or has used up his questions of this minute, can go on asking as fast as he likes. A record for each
time would fill the disk, and a full disk stops everybody. It is counted in this process: of several, each keeps one.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from egress.brakes.counters import Caller

EVERY: Final = 60.0  # seconds
_MANY: Final = 1_000  # then those of which a minute has passed are forgotten


class Refusals:
    """The refusals of the last minute. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none.

        Args:
            clock: Seconds.
        """
        self._clock, self._turn = clock, threading.Lock()
        self._noted: dict[tuple[str, str], float] = {}

    def first(self, caller: Caller, error: Exception) -> bool:
        """Note that somebody was refused, and say whether it is the first time of its kind within a minute."""
        what, now = (caller.user, type(error).__name__), self._clock()
        with self._turn:
            if now - self._noted.get(what, float("-inf")) < EVERY:
                return False
            if len(self._noted) >= _MANY:
                self._noted = {key: at for key, at in self._noted.items() if now - at < EVERY}
            self._noted[what] = now
            return True
