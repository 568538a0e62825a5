"""Health data: what somebody has, in the same passage as who it is. Medicine without a person is none.

What makes it: a number or a birthday that is a person's own, and any medical word; a name and a statement, such as
"has diabetes"; a mail address or a phone number, and a statement beside another medical word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import re2

from redaction.detectors.health_words import ILLNESSES, LEADING, STATEMENTS, WORDS
from redaction.detectors.persons import has_contact, has_name, has_own_number

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 1_500  # characters of a passage; what stands further apart says little about each other
_FORM_LINE: Final = 120  # characters; shorter paragraphs are lines of one form
_ENOUGH: Final = 100  # passages; more of them call for no other label
_MEDICAL: Final = re2.compile(rf"(?i)\b(?:{STATEMENTS}|(?:{ILLNESSES}|{WORDS})\b)")
_STATEMENT: Final = re2.compile(rf"(?i)\b(?:{STATEMENTS}|{LEADING}(?:{ILLNESSES})\b)")


def health_data(text: str) -> int:
    """Count the passages of a folded text that say something of somebody's health; a hundred are enough."""
    if not _MEDICAL.search(text):
        return 0
    found = 0
    for passage in _passages(text):
        found += _is_of_somebody(passage)
        if found == _ENOUGH:
            break
    return found


def _is_of_somebody(passage: str) -> bool:
    medical = {match[0].lower() for match in _MEDICAL.finditer(passage)}
    if not medical:
        return False
    if has_own_number(passage):
        return True
    if not _STATEMENT.search(passage):
        return False
    return has_name(passage) or (len(medical) > 1 and has_contact(passage))


def _passages(text: str) -> Iterator[str]:
    """Give the paragraphs, short ones that follow each other as one, long ones in pieces that overlap."""
    together: list[str] = []
    size = 0
    for paragraph in text.split("\n\n"):
        is_short = len(paragraph) <= _FORM_LINE
        if together and (not is_short or size + len(paragraph) > _LONGEST):
            yield "\n".join(together)
            together, size = [], 0
        if is_short:
            together.append(paragraph)
            size += len(paragraph)
        else:
            for start in range(0, len(paragraph), _LONGEST * 2 // 3):
                yield paragraph[start : start + _LONGEST]
    if together:
        yield "\n".join(together)
