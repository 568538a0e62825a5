"""The matcher of phone numbers finds what the library's own finds, and takes no time over what cannot be one."""

from __future__ import annotations

import sys
import time

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import Leniency, PhoneMetadata, PhoneNumberFormat, PhoneNumberMatcher, PhoneNumberType

from redaction.phones import _Matcher, _may_be_valid, phones

REGIONS = ("GB", "US", "DE", "AT", "FR", "IT", "BR", "AR", "GG", "JE", "AI", "SM", "JP", "CH", "AU", "MX", "CI", "ZZ")
FORMS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)
EXAMPLES = [
    phonenumbers.format_number(number, form)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE, PhoneNumberType.UAN)
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
    for form in FORMS
]
PIECES = st.one_of(
    st.sampled_from(EXAMPLES),
    st.text("0123456789 0123456789 .-/()+\n", min_size=1, max_size=25),
    st.sampled_from(
        ["call ", "0", "00", "+", "0044 ", "44", "(0)", " x12", " ext. 3", ";ext=7", "#", "~", "a", "\u0663", "/ "]
    ),
)
TEXTS = st.builds(
    lambda pieces, between: between.join(pieces), st.lists(PIECES, max_size=8), st.sampled_from(["", " ", "/", ", "])
)


def found(matcher: type[PhoneNumberMatcher], text: str, region: str) -> list[tuple[int, int, str]]:
    matches = matcher(text, region, Leniency.VALID, max_tries=sys.maxsize)
    return [(one.start, one.end, phonenumbers.format_number(one.number, PhoneNumberFormat.E164)) for one in matches]


@given(text=TEXTS, region=st.sampled_from(REGIONS))
def test_it_finds_what_the_librarys_own_finds(text: str, region: str) -> None:
    assert found(_Matcher, text, region) == found(PhoneNumberMatcher, text, region)


@pytest.mark.parametrize("region", ["GB", "DE", "US", "AI", "AR"])
def test_it_finds_an_example_of_each_country_however_it_is_written(region: str) -> None:
    text = " , ".join(EXAMPLES)
    numbers = found(_Matcher, text, region)
    assert len(numbers) > 800
    assert numbers == found(PhoneNumberMatcher, text, region)


def test_every_number_of_ones_own_country_may_be_valid() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None and PhoneMetadata.metadata_for_region(region, None) is not None:
                assert all(_may_be_valid(phonenumbers.format_number(number, form), region) for form in FORMS)


def test_what_cannot_be_a_number_is_not_parsed() -> None:
    assert _may_be_valid("020 7946 0000", "GB")
    assert not any(
        _may_be_valid(piece, "GB") for piece in ("1", "4111", "1 1 1 1 1 1 1 1 1 1 1 1 1 1", "12/11/2024", "")
    )
    assert [*phones("1 " * 2_000, "GB")] == [*phones("4111 " * 1_000, "GB")] == []


def test_its_time_is_that_of_a_look_and_not_of_parsing() -> None:
    """A text that is made to be slow takes a fraction of what the library takes over it."""
    taken = []
    for matcher in (_Matcher, PhoneNumberMatcher):
        begin = time.process_time()
        assert found(matcher, "1 " * 20_000, "GB") == []
        taken.append(time.process_time() - begin)
    assert taken[0] < taken[1] / 1.5
