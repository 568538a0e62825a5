"""Texts folded for matching, with a way back to the characters that were written.

Folding undoes what hides a value from a pattern but not from a reader: full-width forms, ligatures,
accents, zero-width and bidi characters, soft hyphens, HTML entities, look-alike letters of other
scripts. Masking happens in the original text, at the offsets that the fold maps back to.

Each character is folded by itself (compatibility decomposition, marks dropped) and not composed with
its neighbours as in NFKC: the matches are the same, the offsets exact, and the fold of a text is the
fold of its parts.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# Letters of other scripts that are drawn like Latin ones, Latin letters that do not decompose, and the
# many forms of dash and apostrophe: what is matched as what. Written as code points, or nobody could
# tell the sides apart.
_ALIKE: Final = {
    "ABESIJKMHOPCTYXQW": "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d"
    "\u041e\u0420\u0421\u0422\u0423\u0425\u051a\u051c",  # Cyrillic
    "aesijopcyxqwhd": "\u0430\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u051b\u051d\u04bb\u0501",
    "ABEZHIKMNOPTYXC": "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03f9",  # Greek
    "aikvopuxcj": "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u03c7\u03f2\u03f3",  # Greek
    "lLoOdDhHij": "łŁøØđĐħĦıȷ",
}
_LOOK_ALIKES: Final = {
    **{alike: plain for letters, written in _ALIKE.items() for plain, alike in zip(letters, written, strict=True)},
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043", "-"),
    **dict.fromkeys("\u2019\u2018\u201b\u02bc\u2032\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201f\u201e", '"'),
    **dict.fromkeys("\v\f\u0085\u2028\u2029", "\n"),
    **dict.fromkeys("\t\r", " "),
    **dict(zip("ßẞæÆœŒþÞ", ("ss", "SS", "ae", "Ae", "oe", "Oe", "th", "Th"), strict=True)),
}
# What is shown as nothing although its category does not say so: joiners, fillers, variation selectors.
_SHOWN_AS_NOTHING: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
_ENTITY: Final = r"&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_TO_FOLD: Final = re.compile(rf"[^\n\x20-\x7e]|{_ENTITY}")
_ONLY_ENTITY: Final = re.compile(_ENTITY)
_NOT_PLAIN: Final = re.compile(r"[^\n\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. `starts[i]` and `ends[i]` bound the original characters of folded character i."""

    written: str  # the original
    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Give the original stretch of a folded one that is not empty."""
        return self.starts[start], self.ends[end - 1]

    def original_text(self, start: int, end: int) -> str:
        """Give what was written where this folded stretch, not empty, stands."""
        return self.written[self.starts[start] : self.ends[end - 1]]

    def folded(self, start: int, end: int) -> tuple[int, int]:
        """Give where the characters of an original stretch stand; the end is not behind the start if none does."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)

    def splits(self, at: int) -> bool:
        """Tell whether this offset falls between two folded characters of one original."""
        return 0 < at < len(self.text) and self.starts[at] == self.starts[at - 1]


def fold(text: str) -> Folded:
    """Fold a text for matching, in linear time."""
    if not _TO_FOLD.search(text):
        return Folded(text, text, range(len(text)), range(1, len(text) + 1))
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _TO_FOLD.finditer(text):
        starts.extend(range(done, match.start()))
        ends.extend(range(done + 1, match.start() + 1))
        folded = fold_written(match[0])
        starts.extend([match.start()] * len(folded))
        ends.extend([match.end()] * len(folded))
        parts += (text[done : match.start()], folded)
        done = match.end()
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return Folded(text, "".join([*parts, text[done:]]), starts, ends)


def fold_text(text: str) -> str:
    """Give the `text` of `fold` alone: faster, and without the offsets, which take more room than the text."""
    if "&" in text:
        text = _ONLY_ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return _NOT_PLAIN.sub(lambda match: match[0].translate(_FOLDS), text)


def fold_written(written: str) -> str:
    """Fold one character, or one HTML entity, which stands for characters."""
    return "".join(map(_fold_character, html.unescape(written)))


@cache
def _fold_character(character: str) -> str:
    # The cache holds single characters, so it is bounded and keeps nothing of a text.
    if character in _LOOK_ALIKES:
        return _LOOK_ALIKES[character]
    hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES and character != "\n"
    if hidden or _SHOWN_AS_NOTHING.match(character) or unicodedata.combining(character):
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    decomposed = unicodedata.normalize("NFKD", character)
    if decomposed != character:
        return "".join(map(_fold_character, decomposed))
    return character


class _Folds(dict[int, str]):
    """The fold of each character that was met: by its code, as `str.translate` asks for it."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


_FOLDS: Final = _Folds()
