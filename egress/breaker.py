"""A provider that failed again and again is left alone for a while, so that nobody waits for it in vain.

After five failures in a row the circuit is open: no call goes through. After 30 seconds one call may try; if
it succeeds the circuit closes, if it fails it stays open for another 30.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES: Final = 5  # in a row
PAUSE: Final = timedelta(seconds=30)

Outcome = Literal["worked", "failed", "nothing learnt"]  # the last: it was cut off, or it says nothing of the provider


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of a provider. Pure: the time, in seconds of any clock, is an argument."""

    failures: int = 0  # in a row
    opened_at: float | None = None
    probing: bool = False  # one call is trying

    def wait(self, now: float) -> float:
        """Say for how many seconds no call may be made; 0: one may."""
        if self.opened_at is None:
            return 0.0
        left = self.opened_at + PAUSE.total_seconds() - now
        # While one tries, nobody knows: whoever comes meanwhile is to ask again soon.
        return max(left, 1.0) if self.probing else max(left, 0.0)

    def begun(self) -> Circuit:
        """Note that a call begins."""
        return replace(self, probing=self.opened_at is not None)

    def ended(self, outcome: Outcome, now: float) -> Circuit:
        """Note how a call ended."""
        match outcome:
            case "worked":
                return Circuit()
            case "nothing learnt":
                return replace(self, probing=False)
            case "failed":
                failures = self.failures + 1
                # A late failure of a call that began before is no reason to wait longer; one of the trial is.
                opens = failures >= FAILURES and (self.opened_at is None or self.probing)
                return Circuit(failures, now if opens else self.opened_at)


class Breaker:
    """The circuit of one provider in one process. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin closed.

        Args:
            clock: Seconds.
        """
        self._clock, self._circuit, self._lock = clock, Circuit(), threading.Lock()

    def begin(self) -> int:
        """Begin a call: give 0, or the whole seconds after which to try again; then none has begun."""
        with self._lock:
            wait = self._circuit.wait(self._clock())
            if not wait:
                self._circuit = self._circuit.begun()
            return math.ceil(wait)

    def end(self, outcome: Outcome) -> None:
        """End a call that has begun."""
        with self._lock:
            self._circuit = self._circuit.ended(outcome, self._clock())
