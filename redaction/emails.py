"""Find e-mail addresses in folded text, also where they are spelled out to hide them from machines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every repetition is bounded, so the time is linear in the text: an unbounded local part would be tried
# again from each of its characters.
_LABEL: Final = r"[\w-]{1,63}"
_DOT: Final = r"(?:\.|\s{0,2}[\[({<]\s?(?:dot|\.)\s?[\])}>]\s{0,2}|\s{1,2}dot\s{1,2})"
_DOT_WORD: Final = r"\s{1,2}dot\s{1,2}"
_AT: Final = r"\s{0,2}[\[({<]\s?(?:at|@)\s?[\])}>]\s{0,2}"
_WRITTEN: Final = re.compile(
    rf"[\w.!#$%&'*+/=?^`{{|}}~-]{{1,64}}(?:@|\s@\s|@\n|\n@)(?:{_LABEL}{_DOT}){{1,8}}[^\W\d_]{{2,63}}", re.IGNORECASE
)
# "jane [at] mail [dot] example", "jane (at) mail.example", "jane at mail dot example"
_SPELLED: Final = re.compile(
    rf"[\w+-]{{1,64}}(?:{_DOT}[\w+-]{{1,64}}){{0,3}}"
    rf"(?:{_AT}{_LABEL}(?:{_DOT}{_LABEL}){{1,8}}|\s{{1,2}}at\s{{1,2}}{_LABEL}(?:{_DOT_WORD}{_LABEL}){{1,8}})",
    re.IGNORECASE,
)
_HINT: Final = re.compile(rf"{_AT}|\sdot\s", re.IGNORECASE)
_TO_SIGNS: Final = ((re.compile(_AT, re.IGNORECASE), "@"), (re.compile(r"\s{1,2}at\s{1,2}", re.IGNORECASE), "@"))
_TO_DOTS: Final = re.compile(_DOT, re.IGNORECASE)


def emails(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the address, in lower case and with its signs, of each e-mail address."""
    if "@" in text:
        yield from ((m.start(), m.end(), _address(m[0])) for m in _WRITTEN.finditer(text))
    if _HINT.search(text):
        yield from ((m.start(), m.end(), _address(m[0])) for m in _SPELLED.finditer(text))


def _address(written: str) -> str:
    address = _TO_DOTS.sub(".", written)
    if "@" not in address or _TO_SIGNS[0][0].search(address):
        for sign, character in _TO_SIGNS:
            address = sign.sub(character, address)
    return "".join(address.split()).lower()
