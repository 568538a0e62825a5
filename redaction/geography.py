"""Find coordinates and number plates in folded text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import re2

from redaction.context import nearby, words

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEGREES: Final = (
    r"[NSEWnsew]?\s?\d{1,3}(?:\.\d{1,8})?\s?(?:°"
    r"|deg)(?:\s?\d{1,2}(?:\.\d{1,6})?\s?['m](?:\s?\d{1,2}(?:\.\d{1,4})?\s?(?:\"|''|s))?)?"
    r"\s?[NSEWnsew]?"
)
_BY_DEGREES: Final = re.compile(rf"(?<![\w.]){_DEGREES}\s?[,;/ ]\s?{_DEGREES}(?![\w.])")
_DECIMAL: Final = re.compile(
    r"(?<![\w.,])[+-]?(?:[0-8]?\d|90)\.\d{4,15}\s?[,;/ ]\s?[+-]?(?:1[0-7]\d|\d?\d|180)\.\d{4,15}(?![\w.]\w)"
)
_NAMED: Final = re.compile(
    r"\blat(?:itude)?\s?[:=]?\s?[+-]?\d{1,2}\.\d{1,15}\W{1,4}(?:lon|lng|long"
    r"|longitude)\s?[:=]?\s?[+-]?\d{1,3}\.\d{1,15}"
    r"|\bgeo:[+-]?\d{1,2}\.\d{1,15},[+-]?\d{1,3}\.\d{1,15}",
    re.IGNORECASE,
)
_PLATE_WORDS: Final = words(
    r"(?:licen[cs]e|number|registration) plates?",
    "registration",
    r"reg(?:istration)? (?:no|number|mark)",
    "plates?",
    "vrm",
    "vehicle",
    "kennzeichen",
    "kfz",
    "nummernschild",
)
_BRITISH: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2} ?[A-HJ-PR-Z]{3}(?!\w)")
_ANY_PLATE: Final = re.compile(
    r"(?<![\w-])(?:[A-Z]{1,3}[- ][A-Z]{1,2} ?\d{1,4}[EH]?|[A-Z]{2}[- ]?\d{3}[- ]?[A-Z]{2}"
    r"|[A-Z]{1,3}[- ]?\d{3,4}[- ]?[A-Z]{0,3}"
    r"|\d{1,4}[- ]?[A-Z]{2,3}[- ]?\d{0,4})(?![\w-])"
)


_may_be_pair: Final = re2.compile(r"(?i)\d\.\d{4}|°|deg|\blat|geo:")
_may_be_british: Final = re2.compile(r"[A-Z]{2}\d{2} ?[A-Z]{3}")


def coordinates(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the pair as written, without blanks."""
    if not _may_be_pair.search(text):
        return
    for pattern in (_NAMED, _DECIMAL) if "°" not in text else (_NAMED, _DECIMAL, _BY_DEGREES):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), "".join(match[0].split())


def plates(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and letters and digits of each number plate; most only where a word says what they are."""
    for match in _BRITISH.finditer(text) if _may_be_british.search(text) else ():
        yield match.start(), match.end(), match[0].replace(" ", "")
    if _PLATE_WORDS.search(text):
        is_near = nearby(_PLATE_WORDS, text)
        for match in _ANY_PLATE.finditer(text):
            if is_near(match.start(), match.end()):
                yield match.start(), match.end(), re.sub("[ -]", "", match[0])
