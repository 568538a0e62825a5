"""Purges what has ended, from time to time, in a service that runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from egress.retention import purge

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.wiring import House

EVERY: Final = 3600.0  # seconds


class Hourly:
    """Does something when it is called, but not sooner than an hour after the last time."""

    def __init__(self, do: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a whole hour to wait: what opens a house has purged it.

        Args:
            do: What is to be done. If it raises, it is tried again at the next call.
            clock: Gives seconds that never go backwards.
        """
        self._do = do
        self._clock = clock
        self._last = clock()

    def __call__(self) -> None:
        """Do it, if it is time."""
        if self._clock() - self._last >= EVERY:
            self._do()
            self._last = self._clock()


def purging(house: House, clock: Callable[[], float] = time.monotonic) -> Hourly:
    """Give what purges a house's conversations, requests and counters once an hour, however often it is called."""
    return Hourly(lambda: purge(house.store.engine, house.ledger, house.settings.retention.keeping()), clock)
