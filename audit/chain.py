"""The arithmetic of the hash chain: canonical bytes, the hash of a body, the hash of a link.

    body_hash = SHA-256("ntk/audit/body/1" | salt (16 bytes) | body)
    hash      = SHA-256("ntk/audit/link/1" | seq (8 bytes) | previous hash (32) | body_hash (32))

The two prefixes keep a body from passing for a link. The chain runs over the salted hashes, so a body
can be erased later together with its salt, and the rest of the chain still verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

GENESIS: Final = "0" * 64
SALT_BYTES: Final = 16

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"


def canonical(body: Mapping[str, Json]) -> str:
    """Write a body in the one form that is hashed: sorted keys, no blanks, ASCII, no floats.

    Raises:
        TypeError: The body holds a float, a key that is no text, or another value whose form is not unique.
    """
    _refuse_ambiguous(body)
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def body_hash(body: str, salt: bytes) -> str:
    """Hash a canonical body with its salt."""
    return hashlib.sha256(b"ntk/audit/body/1" + salt + body.encode("utf-8", "surrogatepass")).hexdigest()


def link_hash(seq: int, previous: str, body_hash_: str) -> str:
    """Hash one link: its place, the link before it, its body's hash."""
    data = seq.to_bytes(8, "big") + bytes.fromhex(previous) + bytes.fromhex(body_hash_)
    return hashlib.sha256(b"ntk/audit/link/1" + data).hexdigest()


def _refuse_ambiguous(value: Json | float) -> None:
    if isinstance(value, float):
        raise TypeError("an audit record holds no floats: 1.0 and 1 would be two texts of one number")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("the keys of an audit record are text: 1 and '1' would be written as one key")
            _refuse_ambiguous(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            _refuse_ambiguous(item)
