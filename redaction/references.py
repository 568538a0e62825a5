"""Find numbers of cases, customers, employees in folded text, and those of a form that the organisation has set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import re2

from redaction.context import hint
from redaction.errors import BadPattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOUN: Final = (
    r"applications?|cases?|files?|dockets?|claims?|complaints?|appeals?|proceedings|matter|employee|staff|personnel"
    r"|customer|client|member(?:ship)?|patient|policy|account|subscriber|contract|reference|ref|registration|decision"
    r"|judgment|permit|licen[cs]e|plot|incident|emp|cust|booking|loyalty|student|matriculation|serial"
    r"|(?:akten|kunden|personal|mitglieds|patienten|vertrags|konto|versicherungs|matrikel)"
)
_VALUE: Final = r"[A-Za-z]{0,6}[ /.-]?\d[\w]*(?:[/.:-]\w{1,12}){0,6}"
_CALLED: Final = re.compile(
    rf"\b(?:{_NOUN})[ _-]?(?:numbers?|nos?\.?|nrs?\.?|num\.?|id|code|zeichen|nummer|#)\s?(?:is|was|:|="
    rf"|#)?[\s:#]{{0,3}}"
    rf"({_VALUE}(?:(?:,| and|, and| &) {_VALUE}){{0,5}})(?!\w)",
    re.IGNORECASE,
)
# "no. 18403/91", "nos. 1996/302 and 1996/303", "Az. 3 K 12/04": a number over a year is a case, not a rule.
_OVER: Final = re.compile(
    r"\b(?:nos?|nrs?|numbers?|az|ref)\b\.?:?\s{0,2}((?:[A-Z]{1,4}[ .-]?)?\d{1,7}[/:]\d{1,6}(?:[/.:-]\w{1,6}){0,4}"
    r"(?:(?:,| and|, and) \d{1,7}[/:]\d{1,6}(?:[/.:-]\w{1,6}){0,4}){0,60})(?!\w)",
    re.IGNORECASE,
)


_HAS_DIGIT: Final = re.compile(r"\d")
_may_be_called: Final = hint(rf"(?:{_NOUN})[ _-]?(?:numbers?|nos?\.?|nrs?\.?|num\.?|id|code|zeichen|nummer|#)")
_may_be_over: Final = hint(r"(?:nos?|nrs?|numbers?|az|ref)\b\.?:?\s{0,2}(?:[A-Z]{1,4}[ .-]?)?\d{1,7}[/:]\d")


def reference_numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and number of each reference that a word before it says to be one."""
    if not _HAS_DIGIT.search(text):
        return
    for pattern, is_likely in ((_CALLED, _may_be_called), (_OVER, _may_be_over)):
        for match in pattern.finditer(text) if is_likely(text) else ():
            yield match.start(1), match.end(1), "".join(match[1].split()).upper()


class OwnNumbers:
    """Finds the numbers of the organisation's own forms, in linear time whatever the patterns are."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns, in the syntax of RE2.

        Raises:
            BadPattern: One is no pattern, or matches nothing at all.
        """
        self._patterns = [_compiled(pattern) for pattern in patterns]

    def __call__(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Give start, end and number."""
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                if match.end() > match.start():
                    yield match.start(), match.end(), match.group().upper()


def _compiled(pattern: str) -> re2._Regexp[str]:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise BadPattern(f"{pattern!r} is no pattern: {error}") from None
    if compiled.search("") is not None:
        raise BadPattern(f"{pattern!r} matches the empty text")
    return compiled
