"""What the tagger sees of a line: each word with its shape, its affixes, what the lexicon knows, its neighbours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redaction.lexicon import Lexicon

TOKEN: Final = re.compile(r"[^\W_]+|[^\w\s]|_")
_ENDS: Final = frozenset({"^", ".", "!", "?", '"', ":"})


class _Word(NamedTuple):
    lower: str
    shape: str
    known: str


_EDGE: Final = _Word("^", "^", "^")


def features(words: Sequence[str], lexicon: Lexicon) -> list[list[str]]:
    """Give the features of each word of a line; the names of features are what the model was trained on."""
    seen = {word: _word(word, lexicon) for word in {*words}}
    line = [seen[word] for word in words]
    in_place = _places(line, lexicon)
    padded = [_EDGE, _EDGE, *line, _EDGE, _EDGE]
    return [_of(padded[n : n + 5], in_place=is_inside) for n, is_inside in enumerate(in_place)]


def _of(window: Sequence[_Word], *, in_place: bool) -> list[str]:
    (lower2, shape2, _), (lower1, shape1, known1), (lower, shape, known), after, after2 = window
    lower_after, shape_after, known_after = after
    found = [
        f"w={lower}",
        f"s={shape}",
        f"l={known}",
        f"sl={shape}{known}",
        f"p3={lower[:3]}",
        f"s3={lower[-3:]}",
        f"s2={lower[-2:]}",
        f"-w={lower1}",
        f"-s={shape1}",
        f"-l={known1}{shape1}",
        f"+w={lower_after}",
        f"+s={shape_after}",
        f"+l={known_after}{shape_after}",
        f"--w={lower2}",
        f"--s={shape2}",
        f"++w={after2.lower}",
        f"++s={after2.shape}",
        f"-ss={shape1}{shape}",
        f"+ss={shape}{shape_after}",
        f"-sl={known1}{known}{shape}",
        f"+sl={known}{known_after}{shape}",
        f"-ww={lower2} {lower1}",
    ]
    if shape1 in _ENDS:
        found += ("first", f"fl={known}{shape}")
    if in_place:
        found.append("place")
    return found


def _word(word: str, lexicon: Lexicon) -> _Word:
    lower = word.lower()
    return _Word(lower, _shape(word), lexicon.of(lower))


def _shape(word: str) -> str:
    if word.isdigit():
        return f"d{min(len(word), 5)}"
    if not word[0].isalnum():
        return word
    if word.islower():
        return "x"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx" if word[0].isupper() and word[1:].islower() else "xX"


def _places(line: Sequence[_Word], lexicon: Lexicon) -> list[bool]:
    found = [False] * len(line)
    for n, word in enumerate(line):
        if word.shape != "x" and word.lower in lexicon.beginnings:
            for inside in range(n, n + lexicon.place([other.lower for other in line[n : n + 4]])):
                found[inside] = True
    return found
