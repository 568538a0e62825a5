"""The keys of model providers: fetched when they are needed, kept for minutes, given for their hosts alone."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from store.errors import KeyWithheld, SecretMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from store.reference import Secret

KEPT: Final = timedelta(minutes=5)
_AFTER_A_FAILURE: Final = timedelta(seconds=5)  # else each question would wait for a secrets manager that is down


@dataclass(frozen=True, slots=True)
class _Found:
    secret: Secret | SecretMissing
    until: float


class KeyRing:
    """Keys by their references. Safe to share between threads.

    Which hosts a key may go to is an argument, from the settings of who runs the machine: whoever may only
    write a provider's record must not be able to have `file:master.key` sent to an address of his own.
    """

    def __init__(
        self,
        hosts: Mapping[str, Collection[str]],
        read: Callable[[str], Secret],
        *,
        kept: timedelta = KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing yet.

        Args:
            hosts: Of each reference the hosts that its key may go to, exact names; not there means to none.
            read: Gives a secret, such as `store.secret.read` with the data folder.
            kept: How long a key is used before it is fetched again.
            clock: Seconds.
        """
        self._hosts = {reference: frozenset(map(_folded, names)) for reference, names in hosts.items()}
        self._read, self._kept, self._clock = read, kept, clock
        self._locks = {reference: threading.Lock() for reference in self._hosts}
        self._found: dict[str, _Found] = {}

    def key(self, reference: str, host: str) -> HeldKey:
        """Give the key of a reference for one host, to be called at each use.

        Raises:
            KeyWithheld: The list of this key does not name this host.
        """
        self._require(reference, host)
        return HeldKey(self, reference, host)

    def value(self, reference: str, host: str) -> str:
        """Give the key itself.

        Raises:
            KeyWithheld: The list of this key does not name this host.
            SecretMissing, SecretsDown: It cannot be had now. A key that was kept too long is not given instead.
        """
        return self.secret(reference, host).value

    def secret(self, reference: str, host: str) -> Secret:
        """Give the key with what is known of its age.

        Raises:
            KeyWithheld, SecretMissing, SecretsDown: As for `value`.
        """
        self._require(reference, host)
        return self._current(reference)

    def forget(self, reference: str, used: str) -> None:
        """Fetch a key anew at its next use, if it is still the one that a provider refused."""
        with self._locks[reference]:
            held = self._found.get(reference)
            if held and not isinstance(held.secret, SecretMissing) and held.secret.value == used:
                del self._found[reference]

    def age(self, reference: str, now: datetime | None = None) -> timedelta | None:
        """Tell how long a key has been what it is; None where its keeper does not tell.

        Raises:
            KeyWithheld: No list names this key.
            SecretMissing, SecretsDown: It cannot be had now.
        """
        if reference not in self._hosts:
            raise KeyWithheld("a key that has no list of hosts is not looked at")
        made_at = self._current(reference).made_at
        return None if made_at is None else max(timedelta(0), (now or datetime.now(UTC)) - made_at)

    def _require(self, reference: str, host: str) -> None:
        if _folded(host) not in self._hosts.get(reference, frozenset()):
            # The reference is not repeated: it may be the key itself, put in its place by mistake.
            raise KeyWithheld(f"a key may go to the hosts of its list alone, and {_folded(host)} is not in it")

    def _current(self, reference: str) -> Secret:
        with self._locks[reference]:  # one fetches, and the others wait for what he finds
            found = self._found.get(reference)
            if found is None or self._clock() >= found.until:
                found = self._found[reference] = self._fetched(reference)
        if isinstance(found.secret, SecretMissing):
            raise type(found.secret)(str(found.secret))
        return found.secret

    def _fetched(self, reference: str) -> _Found:
        try:
            secret: Secret | SecretMissing = self._read(reference)
            kept = self._kept
        except SecretMissing as error:
            secret, kept = error, _AFTER_A_FAILURE
        return _Found(secret, self._clock() + kept.total_seconds())


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key that one client may use for one host: call it for the key as it is now."""

    ring: KeyRing
    reference: str
    host: str

    def __call__(self) -> str:
        """Give the key.

        Raises:
            KeyWithheld, SecretMissing, SecretsDown: As for `KeyRing.value`.
        """
        return self.ring.value(self.reference, self.host)

    def forget(self, used: str) -> None:
        """Fetch it anew at its next use, since a provider refused it."""
        self.ring.forget(self.reference, used)


def _folded(host: str) -> str:
    return host.lower().removesuffix(".")
