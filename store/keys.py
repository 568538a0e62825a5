"""The keys of an installation: those that come from a master key, and those that stay whatever master key there is.

What is sealed has the id of a master key beside it. After a rotation there are two: the one that seals, and the one
before it, until nothing is sealed under that any more (`store.rotation`).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from store.envelope import KEY_BYTES, seal, unseal
from store.errors import KeyNotHeld, SecretMissing
from store.secret import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    KeyOf = Callable[[str | None], bytes]  # gives the key for one purpose that comes from the master key of this id

Purpose = Literal["installation", "documents", "tokens", "requests", "slips"]

ID_DIGITS: Final = 16
_AFTER_A_FAILURE: Final = 5.0  # seconds; a row that names a key at random must not have a manager asked all the time
_SECRET: Final = b"installation"  # the place of the installation's own secret


def id_of(master: bytes) -> str:
    """Give the id of a master key: it tells two apart, and reveals nothing of either."""
    return _derived(master, "check").hex()[:ID_DIGITS]


def masters_in(reference: str, base: Path) -> list[bytes]:
    """Read the master keys that a secret holds, the newest first.

    Args:
        reference: To a text of 64 hexadecimal digits, or of several such keys with blanks between them.
        base: The data folder.

    Raises:
        SecretMissing, SecretsDown: It cannot be had, or is something else.
    """
    masters = []
    for text in resolve(reference, base).split():
        try:
            master = bytes.fromhex(text)
        except ValueError:
            master = b""
        if len(master) != KEY_BYTES:
            raise SecretMissing(
                f"the master key {reference} is not 64 hexadecimal digits, nor several such keys with blanks between"
            )
        masters.append(master)
    return masters


class MasterKeys:
    """The master keys at hand, by their ids. Safe to share between threads.

    Of each, only what comes of it is kept. Where a row names another one, they are read anew: somebody has rotated
    them since.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[bytes]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read them.

        Args:
            read: Gives the master keys, the newest first.
            clock: Seconds.

        Raises:
            SecretMissing, SecretsDown: They cannot be had.
        """
        self._read, self._clock = read, clock
        self._lock = threading.Lock()
        self._wait_until = clock()
        self._held: dict[str, Mapping[Purpose, bytes]] = {}
        self._newest = self._taken()

    @property
    def newest(self) -> str:
        """The id of the first key in the secret."""
        return self._newest

    def holds(self, id_: str) -> bool:
        """Say whether a master key is at hand."""
        return id_ in self._held

    def refresh(self) -> None:
        """Read them anew, now. Those that are at hand stay so: something may be under way that needs them.

        Raises:
            SecretMissing, SecretsDown: They cannot be had.
        """
        with self._lock:
            self._newest = self._taken()

    def key(self, purpose: Purpose, id_: str | None) -> bytes:
        """Give the key for a purpose that comes from a master key.

        Raises:
            KeyNotHeld: That master key cannot be had.
        """
        if id_ is not None and id_ not in self._held:
            self._look_for(id_)
        if id_ is None or id_ not in self._held:
            raise KeyNotHeld(f"a stored value is sealed under master key {id_ or '(none)'}, which is not at hand")
        return self._held[id_][purpose]

    def _look_for(self, id_: str) -> None:
        with self._lock:  # one reads, and the others wait for what he finds
            if id_ in self._held or self._clock() < self._wait_until:
                return
            try:
                self._newest = self._taken()
            except SecretMissing as error:
                raise KeyNotHeld(f"a stored value is sealed under master key {id_}: {error}") from error
            finally:
                if id_ not in self._held:
                    self._wait_until = self._clock() + _AFTER_A_FAILURE

    def _taken(self) -> str:
        masters = self._read()
        for master in masters:
            self._held[id_of(master)] = {purpose: _derived(master, purpose) for purpose in get_args(Purpose)}
        return id_of(masters[0])


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one installation, each for one purpose."""

    documents: KeyOf = field(repr=False)  # wraps the documents' keys
    tokens: KeyOf = field(repr=False)  # wraps the keys of conversations
    requests: KeyOf = field(repr=False)  # seals what waits to be sent
    slips: KeyOf = field(repr=False)  # says what the service has told a client who takes in a folder
    # A value is found again by its keyed hash, which cannot be made anew without the value: these stay the same.
    sources: bytes = field(repr=False)  # names files and their content without storing either
    audit: bytes = field(repr=False)  # pseudonyms of persons
    name: str  # names the installation to others; tells nothing of it

    @classmethod
    def of(cls, masters: MasterKeys, secret: bytes) -> Self:
        """Derive all keys (HKDF-SHA-256, RFC 5869).

        Args:
            masters: The master keys.
            secret: The installation's own, 32 random bytes, the same as long as it lives.
        """
        return cls(
            documents=partial(masters.key, "documents"),
            tokens=partial(masters.key, "tokens"),
            requests=partial(masters.key, "requests"),
            slips=partial(masters.key, "slips"),
            sources=_derived(secret, "sources"),
            audit=_derived(secret, "audit"),
            name=_derived(secret, "name").hex(),
        )


def seal_secret(masters: MasterKeys, id_: str, secret: bytes) -> bytes:
    """Seal the installation's own secret under a master key.

    Raises:
        KeyNotHeld: That master key cannot be had.
    """
    return seal(masters.key("installation", id_), secret, _SECRET)


def open_secret(masters: MasterKeys, id_: str, sealed: bytes) -> bytes:
    """Give the installation's own secret.

    Raises:
        KeyNotHeld: That master key cannot be had.
        CannotDecrypt: It was damaged, or was another installation's.
    """
    return unseal(masters.key("installation", id_), sealed, _SECRET)


def _derived(key: bytes, purpose: str) -> bytes:
    info = b"need-to-know/1/" + purpose.encode()
    return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=info).derive(key)
