"""Envelope encryption: a key for each document, wrapped by keys that come from one master key.

Destroying a document's wrapped key makes its text unreadable wherever copies of the bytes are left:
in a write-ahead log, a backup, a disk sector.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from store.errors import CannotDecrypt

if TYPE_CHECKING:
    from typing import Self

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one installation, each for one purpose, all derived from the master key."""

    documents: bytes = field(repr=False)  # wraps the documents' keys
    sources: bytes = field(repr=False)  # names files and their content without storing either
    tokens: bytes = field(repr=False)  # seals the token map
    audit: bytes = field(repr=False)  # pseudonyms of persons
    requests: bytes = field(repr=False)  # seals what waits to be sent
    check: str  # tells whether this is the right master key; reveals nothing of it

    @classmethod
    def from_master(cls, master: bytes) -> Self:
        """Derive all keys (HKDF-SHA-256, RFC 5869) from a master key of 32 random bytes."""

        def derive(purpose: str) -> bytes:
            info = b"need-to-know/1/" + purpose.encode()
            return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=info).derive(master)

        return cls(
            documents=derive("documents"),
            sources=derive("sources"),
            tokens=derive("tokens"),
            audit=derive("audit"),
            requests=derive("requests"),
            check=derive("check").hex(),
        )


def new_key() -> bytes:
    """Give 32 fresh random bytes."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt with AES-256-GCM, bound to a context: nonce (12 bytes), ciphertext, tag (16 bytes).

    The context is authenticated, not stored. It names the place of the value, so that a ciphertext
    moved to another row does not open.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` made with the same key and context.

    Raises:
        CannotDecrypt: Key, context or ciphertext is not the one of sealing.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise CannotDecrypt("a stored value does not open: wrong key, damaged, or moved from its place") from error


def mac(key: bytes, *parts: str) -> str:
    """Give HMAC-SHA-256 over the parts, in hexadecimal; lengths go in, so ("ab", "c") is not ("a", "bc")."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
