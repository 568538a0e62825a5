"""All brakes together, as the flow from a question to a reply pulls them.

    brakes.admit(caller)                                  # first of all: how many questions a minute
    brakes.require(caller)                                # nothing of it is stopped
    brakes.note_reading(caller.user, documents)           # before anything of them is shown or sent
    with brakes.reserved(use) as booking:                 # None where nothing goes to a provider
        booking.leaves()                                  # right before the call
        model.complete(prompt, proceed=brakes.proceed(caller, use.provider))

What holds is read anew each time: nothing of it is kept for the next question.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from egress.brakes import volume
from egress.brakes.quotas import quotas_in_force
from egress.brakes.rates import Rates
from egress.brakes.reading import note_reading
from egress.brakes.stops import Stops
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Engine

    from acl.names import UserId
    from audit.ledger import Ledger
    from egress.brakes.counters import Caller, Standing, Use
    from egress.brakes.quotas import Quotas
    from egress.brakes.volume import Booking


@dataclass(frozen=True, slots=True)
class Brakes:
    """What the flow asks before it goes on."""

    engine: Engine
    ledger: Ledger
    rates: Rates = field(default_factory=Rates)

    def admit(self, caller: Caller) -> None:
        """Count a question, before anything is read and before it is recorded: a flood must not fill the trail.

        Raises:
            QuotaExceeded: There were as many in the last minute as there may be.
            CountersDown, BadRecord, StoreDown: Nobody knows, so nobody asks.
        """
        self.rates.admit(self._quotas(), caller)

    def require(self, caller: Caller, provider: str | None = None) -> None:
        """Let go on who, and what, is not stopped.

        Raises:
            Stopped: The asker is, or the application, the provider or everything.
            StoreDown: Nobody knows, so nothing goes on.
        """
        Stops(self.engine).require(_targets(caller, provider))

    def proceed(self, caller: Caller, provider: str | None = None) -> Callable[[], None]:
        """Give what a running call asks several times a second; it raises as `require`."""
        return Stops(self.engine).proceed(_targets(caller, provider))

    def note_reading(self, user: UserId, documents: Iterable[str]) -> None:
        """Note which documents somebody is about to be shown something of.

        Raises:
            Stopped: They are too many for a day. He is stopped from here on.
            BadRecord, StoreDown, AuditDown: It cannot be noted; nothing must be shown.
        """
        note_reading(self.engine, self.ledger, user, documents, self._quotas().reading)

    @contextmanager
    def reserved(self, use: Use | None) -> Iterator[Booking]:
        """Hold what a request needs of the quotas, and settle it however the block ends.

        Args:
            use: What is about to go to a provider; None where nothing does: then nothing is counted.

        Raises:
            QuotaExceeded, BadRecord, StoreDown: The block is not begun.
        """
        if use is None:
            yield volume.Booking(volume.Reservation((), ()))
            return
        with volume.reserved(self.engine, self._quotas(), use) as booking:
            yield booking

    def standings(self, caller: Caller) -> tuple[Standing, ...]:
        """Say what is left of the caller's own quotas, for the headers of a response. It counts nothing.

        Raises:
            CountersDown, BadRecord, StoreDown: Nobody knows.
        """
        with snapshot(self.engine) as connection:
            quotas = quotas_in_force(connection)
            kept = volume.standings(connection, quotas, caller, datetime.now(UTC))
        return (*self.rates.standings(quotas, caller), *kept)

    def _quotas(self) -> Quotas:
        with snapshot(self.engine) as connection:
            return quotas_in_force(connection)


def _targets(caller: Caller, provider: str | None) -> tuple[str, ...]:
    return (caller.user, caller.application, *((provider,) if provider else ()))
