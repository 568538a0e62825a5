"""Everything that holds a question up, in the order in which the flow meets it: stops, rates, quotas, the alarm.

First `admit`, before anything is read; then `sending`, around the call of a model; `shows`, before documents are shown;
`names`, before an answer names anybody.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from acl.admin.keys import still_in
from egress.brakes.counters import naming
from egress.brakes.quotas import quotas_in_force
from egress.brakes.rates import Rates
from egress.brakes.reading import note_reading, read_today
from egress.brakes.refusals import Refusals
from egress.brakes.stops import Stops, require_running_in
from egress.brakes.volume import reserved, standings, take
from egress.errors import EgressError, ModelDown, QuotaExceeded, RightsChanged
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Engine

    from audit.ledger import Ledger
    from egress.brakes.counters import Caller, Standing, Use
    from egress.brakes.quotas import Quotas
    from egress.brakes.volume import Booking


@dataclass(frozen=True, slots=True)
class Passage:
    """A call that is under way: to be told when the prompt leaves, and to be asked whether it may go on."""

    proceed: Callable[[], None]  # raises Stopped
    booking: Booking | None  # None: it goes to no provider, and counts for nothing

    def leaves(self) -> None:
        """Say, right before it does, that the prompt leaves."""
        if self.booking is not None:
            self.booking.leaves()


@dataclass(frozen=True, slots=True)
class Brakes:
    """The brakes of one installation."""

    engine: Engine
    ledger: Ledger
    rates: Rates = field(default_factory=Rates)
    refusals: Refusals = field(default_factory=Refusals)

    def admit(self, caller: Caller) -> tuple[Standing, ...]:
        """Let somebody ask, and say how his own counts stand: those that others add to would tell of them.

        What is counted when something goes to a provider stands as it was before this question.

        Raises:
            Stopped: He, his application or everything is stopped.
            QuotaExceeded: He has asked as often as he may in a minute.
            CountersDown, BadRecord, StoreDown: Nobody knows, so nobody may ask.

        What it raises of `egress.errors` says in `again` whether the trail needs no further record of it.
        """
        try:
            with snapshot(self.engine) as connection:
                require_running_in(connection, _targets(caller))
                quotas = quotas_in_force(connection)
                kept = standings(connection, quotas, caller, datetime.now(UTC))
            return (*(one for one in self.rates.admit(quotas, caller) if one.own), *kept)
        except EgressError as error:
            # Nothing else bounds how often somebody who is refused here asks again.
            error.again = not self.refusals.first(caller, error)
            raise

    @contextmanager
    def sending(self, caller: Caller, use: Use | None) -> Iterator[Passage]:
        """Hold what a call takes of the quotas while it is under way.

        Args:
            caller: Who asks.
            use: What goes to a provider; None where the model is in this process.

        Raises:
            Stopped, QuotaExceeded, RightsChanged, BadRecord, StoreDown: Nothing may be sent. While the call is under
                way, `proceed` raises the first and the third of them.
        """
        targets = [*_targets(caller), *([use.provider] if use else [])]
        proceed = Stops(self.engine).proceed(targets, partial(_require_in, caller))
        quotas = self._quotas(caller, targets)
        if use is None:
            yield Passage(proceed, None)
            return
        with reserved(self.engine, quotas, use) as booking:
            try:
                yield Passage(proceed, booking)
            except ModelDown as error:
                if not error.sent:
                    booking.stayed()
                raise

    def shows(self, caller: Caller, documents: Iterable[str]) -> None:
        """Let somebody be shown something of documents; unusually many on one day stop him.

        Raises:
            Stopped: He is, or everything.
            RightsChanged: He is shut out, or the key that he came with was revoked.
            BadRecord, StoreDown, AuditDown: It cannot be noted; nothing must be shown.
        """
        with snapshot(self.engine) as connection:
            limits = _quotas_in(connection, caller, _targets(caller)).reading
            today = read_today(connection, caller.user)
        note_reading(self.engine, self.ledger, caller.user, documents, limits, today=today)

    def names(self, caller: Caller, count: int) -> bool:
        """Say whether an answer may name so many identities to somebody today; then they count.

        Raises:
            BadRecord, StoreDown: Nobody knows.
        """
        if not count:
            return True
        now = datetime.now(UTC)
        try:
            take(self.engine, naming(self._quotas(caller, _targets(caller)), caller, count, now), now)
        except QuotaExceeded:
            return False
        return True

    def _quotas(self, caller: Caller, targets: Iterable[str]) -> Quotas:
        """Give what holds now, if none of the targets is stopped and the caller is still let in."""
        with snapshot(self.engine) as connection:
            return _quotas_in(connection, caller, targets)


def _quotas_in(connection: Connection, caller: Caller, targets: Iterable[str]) -> Quotas:
    require_running_in(connection, targets)
    _require_in(caller, connection)
    return quotas_in_force(connection)


def _require_in(caller: Caller, connection: Connection) -> None:
    if not still_in(connection, caller.user, caller.key):
        raise RightsChanged("you were shut out, or your key was revoked, while the answer was made")


def _targets(caller: Caller) -> tuple[str, str]:
    return caller.user, caller.application
