"""Words nearby that say what a number is."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Callable

_BEFORE: Final = 40  # characters: "IBAN of the account in question: "
_AFTER: Final = 15  # " (Visa card)"


def words(*alternatives: str) -> re.Pattern[str]:
    """Make a pattern that finds any of these words, in any case."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


def hint(*alternatives: str) -> Callable[[str], bool]:
    """Make what tells, in a fraction of the time, whether a text has any of these words: most have none."""
    pattern = re2.compile(rf"(?i)\b(?:{'|'.join(alternatives)})")
    return lambda text: pattern.search(text) is not None


def nearby(context: re.Pattern[str], text: str) -> Callable[[int, int], bool]:
    """Look a text through for context words; give what tells whether one stands shortly before or after a stretch."""
    spans = [match.span() for match in context.finditer(text)]
    if not spans:
        return _never

    def is_near(start: int, end: int) -> bool:
        before = bisect_left(spans, (start - _BEFORE, 0))
        after = bisect_left(spans, (end, 0))
        return (before < len(spans) and spans[before][1] <= start) or (
            after < len(spans) and spans[after][1] <= end + _AFTER
        )

    return is_near


def _never(_start: int, _end: int) -> bool:
    return False
