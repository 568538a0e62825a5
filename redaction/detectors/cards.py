"""Payment card numbers, as certain as a number can be: issuer, length, check digit, and how it is written.

`redaction` masks whatever may be a card. This asks whether a document holds cards, which locks it up, so a
number of an order or an article that happens to pass the check must not be enough.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import re2
from stdnum import luhn

from redaction.context import nearby, words

if TYPE_CHECKING:
    from collections.abc import Iterator

_Stretch = tuple[int, int]

_RUN: Final = re.compile(r"\d(?:[ -]?\d){12,}")
_LIKELY: Final = re2.compile(r"\d(?:[ -]?\d){12}")  # the same, in a tenth of the time; most texts have none
_ISSUED: Final = re.compile(  # by issuer: Visa, Mastercard, American Express, Diners, JCB, UnionPay, Discover, Maestro
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}"
    r"|3(?:0[0-5]|095|[689]\d)\d{11}"
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"
    r"|62\d{14,17}"
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}"
    r"|(?:5018|5020|5038|5893|6304|6759|6761|6762|6763)\d{9,15}"
)
_GROUPINGS: Final = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3))
_CARD_WORDS: Final = words(
    r"cards?", "credit", "debit", "visa", "mastercard", "amex", "maestro", "pan", "cvv", "cvc", r"(?:kredit)?karten?\w*"
)
_SURE_LENGTHS: Final = frozenset({15, 16})  # a number of another length may be an article, a parcel, a device
_GLUED_BEFORE: Final = re.compile(r"(?:[^\W\d]|[_+]|\w[-.,/])\Z")
_GLUED_AFTER: Final = re.compile(r"[^\W\d]|_|[.,/]\d|-\w")
_IBAN_HEAD: Final = re.compile(r"[A-Za-z]{2}\d\d[ -]\Z")
_REPEATED: Final = re.compile(r"(\d)\1{5}")
_FEWEST_DIGITS: Final = 4  # different ones: the numbers of shops' test pages have fewer


def card_numbers(text: str) -> int:
    """Count the payment card numbers of a folded text."""
    if not _LIKELY.search(text):
        return 0
    is_near = nearby(_CARD_WORDS, text)
    sure, alone, shaped = 0, 0, 0
    for run in _RUN.finditer(text):
        for start, end, grouped in _numbers(run):
            number = re.sub(r"\D", "", text[start:end])
            if not _ISSUED.fullmatch(number) or _is_for_tests(number):
                continue
            shaped += not grouped
            if not luhn.is_valid(number):
                continue
            if grouped or is_near(start, end):
                sure += 1
            elif len(number) in _SURE_LENGTHS:
                alone += 1
    # Of numbers that only look like cards, one in ten passes the check. Of cards, all do.
    return sure + (alone if alone * 2 > shaped else 0)


def _numbers(run: re.Match[str]) -> Iterator[tuple[int, int, bool]]:
    """Give start and end of what may be one number in a run of digits, and whether it is grouped as cards are."""
    groups = [(part.start() + run.start(), part.end() + run.start()) for part in re.finditer(r"\d+", run[0])]
    # A group at the end may be a part of something else: a word, an amount, "+49", the 12 of 12/27.
    if _GLUED_BEFORE.search(run.string, max(0, run.start() - 2), run.start()):
        del groups[0]
    if groups and _GLUED_AFTER.match(run.string, run.end()):
        del groups[-1]
    sizes = [end - start for start, end in groups]
    for at, (start, end) in enumerate(groups):
        if 13 <= sizes[at] <= 19:
            yield start, end, False
        for grouping in _GROUPINGS:
            behind = at + len(grouping)
            if tuple(sizes[at:behind]) == grouping and _stands_apart(run.string, groups, at, behind):
                yield start, groups[behind - 1][1], True


def _stands_apart(text: str, groups: list[_Stretch], at: int, behind: int) -> bool:
    """Tell the groups of a card number from a part of a longer row of numbers, and from those of an IBAN."""
    around = [*groups[max(0, at - 1) : at], *groups[behind : behind + 1]]
    in_a_row = any(end - start == 4 for start, end in around)
    signs = {text[end] for _, end in groups[at : behind - 1]}
    start = groups[at][0]
    return len(signs) == 1 and not in_a_row and not _IBAN_HEAD.search(text, max(0, start - 5), start)


def _is_for_tests(number: str) -> bool:
    return len(set(number)) < _FEWEST_DIGITS or _REPEATED.search(number) is not None
