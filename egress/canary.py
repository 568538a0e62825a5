"""Whether a text gives back a canary, such as the delimiter of its request, written in one way or another.

Only our own words hold the delimiter. An answer with it in is one that repeats them to somebody, so
it is looked for behind spacing, reversal and the usual encodings, two of them deep.
"""

from __future__ import annotations

import base64
import codecs
import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from redaction.normalise import fold_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH: Final = 2
_NO_LETTER: Final = re.compile(r"[\W_]+")
_READABLE: Final = re.compile(r"[ -~]{16}")  # bytes without are noise: prose that was no encoding
_HEX_PREFIX: Final = re.compile(r"\\?[xu]\+?(?:00)?(?=[0-9a-f]{2})|0x", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]{32,}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{20,}")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_BASE32: Final = re.compile(r"[A-Z2-7]{24,}")
_BASE_32: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")  # as in int()
_CODES: Final = re.compile(r"(?:\d{2,3}\W{1,3}){15,}\d{2,3}")


def echoes(canary: str, text: str) -> bool:
    """Say whether a canary (16 or more small letters and digits) stands in a text, encoded or not.

    Found are any case, width, look-alike letters, spacing and punctuation, reversal, base64, base32, hexadecimal,
    decimal character codes, percent and HTML escapes, rot13, and each of these within another.
    """
    views = {text}
    for depth in range(_DEPTH + 1):
        if any(canary in _NO_LETTER.sub("", fold_text(view)).lower() for view in views):
            return True
        if depth < _DEPTH:
            views = {decoded for view in views for decoded in _decoded(view)} - views
    return False


def _decoded(view: str) -> Iterator[str]:
    """Give what a text may mean: as a whole, and for each encoding at every place where it may begin."""
    yield view[::-1]
    yield html.unescape(unquote(view, errors="replace"))
    yield codecs.decode(view, "rot13")
    for listed in _CODES.findall(view):
        yield "".join(chr(int(code)) for code in re.findall(r"\d+", listed))
    yield from (seen for seen in map(_latin, _bytes(view)) if _READABLE.search(seen))


def _bytes(view: str) -> Iterator[bytes]:
    squeezed = _NO_LETTER.sub("", view)
    for digits in _HEX.findall(_NO_LETTER.sub("", _HEX_PREFIX.sub("", view)).lower()):
        for skipped in range(2):
            yield bytes.fromhex(digits[skipped : skipped + (len(digits) - skipped) // 2 * 2])
    for run in [*_BASE64.findall(squeezed), *_BASE64.findall(view.translate(_URL_SAFE))]:
        for skipped in range(4):
            yield base64.b64decode(_filled(run[skipped:], 4, {1}))
    for run in _BASE32.findall(squeezed.upper()):
        for skipped in range(8):
            yield _base32(run[skipped:])


def _base32(digits: str) -> bytes:
    """Decode base32 without the bits of a last half byte. The library's own takes most of the time of a check."""
    bits = 5 * len(digits)
    return (int(digits.translate(_BASE_32), 32) >> bits % 8).to_bytes(bits // 8)


def _filled(digits: str, group: int, impossible: set[int]) -> str:
    """Fill up the last group, without the digit in it that would be half a byte."""
    whole = digits[:-1] if len(digits) % group in impossible else digits
    return whole + "=" * (-len(whole) % group)


def _latin(raw: bytes) -> str:
    return raw.decode("latin-1")
