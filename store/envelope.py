"""Envelope encryption: a key for each document, wrapped by keys that come from a master key (`store.keys`).

Destroying a document's wrapped key makes its text unreadable wherever copies of the bytes are left:
in a write-ahead log, a backup, a disk sector.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store.errors import CannotDecrypt

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


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
