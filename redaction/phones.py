"""Find phone numbers in folded text."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    Leniency,
    PhoneMetadata,
    PhoneNumberFormat,
    PhoneNumberMatch,
    PhoneNumberMatcher,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTENSION: Final = r"(?: ?(?:x|ext\.?|extension|durchwahl) ?\d{1,6}(?!\d))?"
_SHAPE: Final = re.compile(rf"(?<!\d)\+?[(]?\d(?:[ ()./\n-]{{0,3}}\d){{5,14}}(?!\d){_EXTENSION}", re.IGNORECASE)
_IN_A_LINE: Final = re.compile(rf"(?<!\d)\+?[(]?\d(?:[ ()./-]{{0,3}}\d){{5,14}}(?!\d){_EXTENSION}", re.IGNORECASE)
# (311) 905-4466, 001-668-040-8670: in North America all numbers are grouped so, and little else is.
_GROUPED: Final = re.compile(
    rf"(?<![\w.-])(?:(?:\+|00)?\d{{1,3}}[-. ])?(?:\(\d{{3}}\) ?|\d{{3}}[-.])\d{{3}}[-. ]\d{{4}}(?![\w.-]\d"
    rf"|\d){_EXTENSION}",
    re.IGNORECASE,
)
_CALLED: Final = re.compile(  # "Tel. ", "phone: ", "call me on ", "not answering at "
    r"\b(?:tel|telephone|phone|mobile|mob|cell|fax|call|ring|dial|sms|whatsapp|reach|answering|telefon"
    r"|handy)\b\D{0,30}\Z",
    re.IGNORECASE,
)
_CALLED_AFTER: Final = re.compile(r"[ (/-]{1,3}(?:office|fax|mobile|cell|home|tel|phone|ext)\b", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}([./-])\d\d?\1\d\d?(?!\d)|\d\d?([./-])\d\d?\2\d{2,4}(?!\d)")
_PLAIN: Final = re.compile(r"[0-9 ()./\n-]*")
_NO_DIGIT: Final = re.compile(r"[^0-9]+")
_NEVER: Final = re.compile(r"(?!)")
_WRAP: Final = re.compile(r"(?<=[\d() ./-])\n(?=[\d( ])")


class _Matcher(PhoneNumberMatcher):
    """The library's matcher, but for what cannot be a valid number: it does not parse that.

    Of a text like "4111 4111 4111 …" it would parse each candidate as a whole and each piece of it.
    """

    def _parse_and_verify(self, candidate: str, offset: int) -> PhoneNumberMatch | None:
        if not _may_be_valid(candidate, self.preferred_region):
            return None
        verified: PhoneNumberMatch | None = super()._parse_and_verify(candidate, offset)
        return verified


def _may_be_valid(candidate: str, region: str | None) -> bool:
    """Say whether a candidate may be a valid number; where it is not of digits and punctuation alone, it may.

    Of a number without an international prefix, parsing takes off the country's own code, and the prefixes that are
    dialled within it, once or twice; what is left is valid if it has the form of numbers of a region with that code.
    """
    if not _PLAIN.fullmatch(candidate):
        return True
    digits, (from_abroad, national) = _NO_DIGIT.sub("", candidate), _forms(region)
    return bool(national is None or from_abroad.match(digits) or national.fullmatch(digits))


@cache
def _forms(region: str | None) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """Give how a number begins that is dialled abroad, and the form of all others; None if that is not known."""
    here = PhoneMetadata.metadata_for_region(region, None) if region else None
    if (
        here is None or here.country_code is None or here.national_prefix_transform_rule
    ):  # it may put digits before a number
        return _NEVER, None
    code = here.country_code
    around = [PhoneMetadata.metadata_for_region(one, None) for one in COUNTRY_CODE_TO_REGION_CODE[code]]
    forms = [one.general_desc.national_number_pattern for one in around if one is not None and one.general_desc]
    prefix = here.national_prefix_for_parsing or ""
    national = rf"(?:{code})?(?:{prefix}){{0,2}}(?:{'|'.join(f'(?:{form})' for form in forms)})"
    return re.compile(here.international_prefix or _NEVER.pattern), re.compile(national)


def phones(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and number (E.164 if it is valid, else its digits) of each phone number.

    Args:
        text: Folded.
        region: Where a number without a country code is dialled, such as "GB".
    """
    if not _SHAPE.search(text):
        return
    yield from _valid(text, region)
    unwrapped = _WRAP.sub(" ", text)
    if unwrapped != text:  # a number broken by a line end; one line after the other was looked at before
        yield from (found for found in _valid(unwrapped, region) if "\n" in text[found[0] : found[1]])
    yield from _announced(text, region)


def e164(number: str, region: str) -> str | None:
    """Give a written number in the form +442079460000, or None if it is no valid number."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164) if phonenumbers.is_valid_number(parsed) else None


def _valid(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    # Without max_tries the matcher gives up in silence after 65,535 candidates.
    for match in _Matcher(text, region, Leniency.VALID, max_tries=sys.maxsize):
        yield match.start, match.end, phonenumbers.format_number(match.number, PhoneNumberFormat.E164)


def _announced(text: str, region: str) -> Iterator[tuple[int, int, str]]:
    """Find what has the shape of a number and is called one: invalid numbers are often valid ones mistyped."""
    for match in _GROUPED.finditer(text):
        yield *match.span(), _number(match[0], region)
    for shape in (_SHAPE, _IN_A_LINE):  # one number may go over two lines, and two numbers stand on two lines
        for match in shape.finditer(text):
            start, end = match.span()
            called = _CALLED.search(text, max(0, start - 45), start) or _CALLED_AFTER.match(text, end)
            if called and not _DATE.fullmatch(match[0]):
                yield start, end, _number(match[0], region)


def _number(written: str, region: str) -> str:
    return e164(" ".join(written.split()), region) or "".join(filter(str.isdigit, written))
