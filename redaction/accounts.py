"""Find IBANs, BICs and payment card numbers in folded text."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import re2
from stdnum import bic, iban, numdb

from redaction.context import nearby, words
from redaction.digits import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACCOUNT_WORDS: Final = words("iban", "bic", "swift", "account", "acct", "bank", "konto", "payee", "sepa")
_CARD_WORDS: Final = words(
    "card", "cards", "credit", "debit", "visa", "mastercard", "amex", "pan", "cvv", "cvc", "account", "acct", "karte"
)
_BIC_WORDS: Final = words("bic", "swift")
_BIC: Final = re.compile(r"(?<!\w)[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)")
_IBAN_HEAD: Final = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[ \n-]?\d[ \n-]?\d(?=[ \n-]{0,2}[A-Za-z0-9])")
_LIKE_IBAN: Final = re.compile(r"[A-Za-z]{2}[ -]?\d\d(?:[ -]?[A-Za-z]{4})?(?:[ \n-]{0,2}\d){8,26}(?!\d)")
_DIGITS: Final = re.compile(r"(?<!\d)\d(?:[ \n-]{0,3}\d){12,}(?!\d)")
_may_be_iban: Final = re2.compile(r"[A-Za-z]{2}[ \n-]?\d[ \n-]?\d[ \n-]{0,2}[A-Za-z0-9]")
_may_be_card: Final = re2.compile(r"\d(?:[ \n-]{0,3}\d){12}")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the sum of the digits of twice a digit
_GROUP: Final = 3  # each group of a card number but the last has at least so many digits
_CARD: Final = re.compile(  # by issuer: Visa, Mastercard, American Express, Diners, JCB, UnionPay, Discover, Maestro
    r"4\d{15}(?:\d{3})?|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14,17}|(?:5[06-9]|6\d)\d{12,17}"
)


def ibans(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and compact form of each IBAN in any spelling; also of a wrong one that is called so."""
    if not _may_be_iban.search(text):
        return
    is_near = nearby(_ACCOUNT_WORDS, text)
    for head in _IBAN_HEAD.finditer(text):
        whole = _of_length(_iban_length(head[1].upper())).match(text, head.start())
        if whole and iban.is_valid(_compact(whole[0])):
            yield whole.start(), whole.end(), _compact(whole[0])
        elif (like := _LIKE_IBAN.match(text, head.start())) and is_near(*like.span()):
            yield like.start(), like.end(), _compact(like[0])


def cards(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and digits of each payment card number; also of a wrong one that is called so."""
    if not _may_be_card.search(text):
        return
    is_near = nearby(_CARD_WORDS, text)
    group = 1 if _CARD_WORDS.search(text) else _GROUP
    for run in _DIGITS.finditer(text):
        for start, end, number in parts(run, 13, 19, group=group):
            if _is_card(number, text[start:end]) or is_near(start, end):
                yield start, end, number


def bics(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and code of each bank that is called one: words in capitals have the same shape."""
    if not _BIC_WORDS.search(text):
        return
    is_near = nearby(_BIC_WORDS, text)
    for match in _BIC.finditer(text):
        if is_near(match.start(), match.end()) and bic.is_valid(match[0]):
            yield match.start(), match.end(), match[0]


def _is_card(number: str, written: str) -> bool:
    if not _CARD.fullmatch(number) or not _has_luhn_digit(number):
        return False
    return min(map(len, re.split(r"\D+", written)[:-1]), default=_GROUP) >= _GROUP


def _has_luhn_digit(number: str) -> bool:
    """Say whether the last digit is the one that Luhn's formula gives (ISO/IEC 7812-1)."""
    if not number.isascii():
        return False
    digits = [*map(int, number)]
    return (sum(digits[-1::-2]) + sum([_DOUBLED[digit] for digit in digits[-2::-2]])) % 10 == 0


@cache
def _iban_length(country: str) -> int:
    """Give the length of a country's IBANs by the registry, or 0."""
    structure = dict(numdb.get("iban").info(country)[0][1]).get("bban", "") if country.isalpha() else ""
    return 4 + sum(map(int, re.findall(r"(\d+)!", structure))) if structure else 0


@cache
def _of_length(characters: int) -> re.Pattern[str]:
    if not characters:
        return re.compile(r"(?!)")  # matches nothing
    return re.compile(rf"[A-Za-z0-9](?:[ \n-]{{0,2}}[A-Za-z0-9]){{{characters - 1}}}(?![A-Za-z0-9])")


def _compact(written: str) -> str:
    return re.sub(r"[\s-]", "", written).upper()
