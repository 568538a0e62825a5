"""Find dates, dates of birth and ages in folded text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redaction.context import hint, nearby, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january januar jan",
            "february februar feb",
            "march marz maerz mar mrz",
            "april apr",
            "may mai",
            "june juni jun",
            "july juli jul",
            "august aug",
            "september sept sep",
            "october oktober oct okt",
            "november nov",
            "december dezember dec dez",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = rf"(?!(?-i:may|march|mar|dec)\b)(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_YEAR: Final = r"(?:1[6-9]|20)\d\d"
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|\.)?"
_TIME: Final = r"(?:[T ,]{1,2}(?:at )?\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\.\d{1,6})?\s?(?:[ap]\.?m\b\.?|Z|UTC|h\b)?)?"
_DATE: Final = re.compile(
    rf"(?<![\w.])(?:(?P<year1>{_YEAR})(?P<sign>[-/.])(?P<month1>0?[1-9]|1[0-2])(?P=sign)(?P<day1>0?[1-9]|[12]\d"
    rf"|3[01])(?!\d){_TIME}"
    rf"|(?P<left>\d\d?)(?P<sign2>[-/.])(?P<right>\d\d?)(?P=sign2)(?P<year2>{_YEAR}|\d\d)(?![\d/]|[.-]\d){_TIME}"
    rf"|(?:{_DAY}(?:,| and| or| to|-| -) ?){{0,3}}(?P<day3>{_DAY})[ -]{{1,2}}(?:of )?(?P<month3>{_MONTH})"
    rf"(?:,?[ -](?P<year3>{_YEAR})(?!\d))?"
    rf"|(?P<month4>{_MONTH})[ -](?P<day4>{_DAY})(?!\d)(?:(?: and| to"
    rf"|-) {_DAY}(?!\d))?(?:,? (?P<year4>{_YEAR})(?!\d))?"
    rf"|(?P<month5>{_MONTH})(?:,| of)? (?P<year5>{_YEAR})(?!\d)"
    rf")",
    re.IGNORECASE,
)
_YEARS: Final = re.compile(
    rf"(?<![\w.,/:#$€£-])(?<!no\. )(?:{_YEAR}(?:[-/]\d\d(?:\d\d)?|s)?)(?![\w%$€£/:]|[.,]\d|-\w|'s? law)"
)
_WEEKDAYS: Final = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch)\b",
    re.IGNORECASE,
)
_may_be_weekday: Final = hint(
    "(?:mon|tue|wed|thu|fri|sat|sun|diens|mitt|donn|frei|sams|sonn)[a-z]{0,6}(?:days?|tag|och)\\b"
)
_BIRTH_WORDS: Final = words(
    "born",
    r"date of birth",
    "birth ?dates?",
    "birth ?days?",
    "birth",
    "dob",
    r"d\.o\.b\.?",
    r"geb\.?",
    "geboren(?:e[rs]?)?",
    "geburtsdatum",
    "geburtstag",
    r"n[ée]e? le",
    "year of birth",
)
_may_be_birth: Final = hint("born|birth|dob|d\\.o\\.b|geb|year of|n[ée]e? le")
_HAS_DIGIT: Final = re.compile(r"\d")
_AGE: Final = re.compile(
    r"\b(?:aged?|alter)(?: of)?:? {0,2}\d{1,3}\b|\b\d{1,3}(?:[ -]years?[ -]old|[ -]jahre alt|[ -]jahrige[rsn]?)\b",
    re.IGNORECASE,
)


_DURATION: Final = re.compile(
    r"\b(?:\d{1,4}(?:[.,]\d)?|a|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen"
    r"|eighteen|twenty|thirty|forty|fifty|sixty|several|half a)(?:[ -](?:one|two|three|four|five|six|seven|eight"
    r"|nine))?"
    r"[ -](?:and a half )?(?:years?|months?|weeks?|days?)(?:'|\b)",
    re.IGNORECASE,
)
_TO: Final = re.compile(r" ?(?:,|and|or|to|until|till|-|/) ?(?:from |on |the )?")
_FROM: Final = re.compile(r"\b(?:between|from) \Z", re.IGNORECASE)


def dates(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and date (as in ISO 8601, as far as it is told) of each date that is nobody's birthday.

    From one date to another is one stretch.
    """
    is_birth = nearby(_BIRTH_WORDS, text) if _may_be_birth(text) else _never
    row: list[tuple[int, int, str]] = []
    for found in sorted(_dates(text)):
        if is_birth(found[0], found[1]) or (row and found[1] <= row[-1][1]):
            continue
        if row and not _TO.fullmatch(text, row[-1][1], found[0]):
            yield _joined(text, row)
            row = []
        row.append(found)
    if row:
        yield _joined(text, row)


def _never(_start: int, _end: int) -> bool:
    return False


def _joined(text: str, row: Sequence[tuple[int, int, str]]) -> tuple[int, int, str]:
    start = row[0][0]
    if len(row) > 1 and (lead := _FROM.search(text, max(0, start - 8), start)):
        start = lead.start()
    return start, row[-1][1], "/".join(value for _, _, value in row)


def durations(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the words of each length of time."""
    for match in _DURATION.finditer(text):
        yield match.start(), match.end(), match[0].lower()


def births(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and date of each date of birth."""
    if not _may_be_birth(text):
        return iter(())
    is_birth = nearby(_BIRTH_WORDS, text)
    return (found for found in _dates(text) if is_birth(found[0], found[1]))


def ages(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the words of each age."""
    for match in _AGE.finditer(text) if _HAS_DIGIT.search(text) else ():
        yield match.start(), match.end(), match[0].lower()


def _dates(text: str) -> Iterator[tuple[int, int, str]]:
    if _HAS_DIGIT.search(text):
        for match in _DATE.finditer(text):
            yield match.start(), match.end(), _iso(match)
        for match in _YEARS.finditer(text):
            yield match.start(), match.end(), match[0]
    for match in _WEEKDAYS.finditer(text) if _may_be_weekday(text) else ():
        yield match.start(), match.end(), match[0].lower()


def _iso(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found["left"]:  # which of the two is the day, nobody can tell
        return " ".join(match[0].lower().split())
    year = found["year1"] or found["year3"] or found["year4"] or found["year5"] or ""
    named = (found["month3"] or found["month4"] or found["month5"] or "").lower().rstrip(".")
    month = int(found["month1"] or 0) or _MONTHS[named]
    day = re.sub(r"\D", "", found["day1"] or found["day3"] or found["day4"] or "")
    return "-".join([year or "-", f"{month:02d}", *([f"{int(day):02d}"] if day else ())])
