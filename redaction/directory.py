"""Recognise the people of the organisation's directory, in every form in which they are written.

All forms of a person have one identity: names in any order, initials, login, e-mail, phone. What is
ambiguous is returned once, with all whom it could mean; `redaction.recognise` decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import phonenumbers

from redaction.digits import parts
from redaction.emails import emails
from redaction.index import Index, together
from redaction.mentions import found_names
from redaction.names import Form, Strength, forms, readings, words_of
from redaction.normalise import fold
from redaction.types import Identity, Kind, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from redaction.index import Names, Someone
    from redaction.normalise import Folded
    from redaction.types import Recogniser

_NUMBER: Final = re.compile(r"(?<!\d)[+(]{0,2}\d(?:[ ()./\n-]{0,3}\d){5,}(?!\d)")
_SHORTEST, _LONGEST = 7, 17  # digits of a phone number; below, it is an extension, which is any number
_LOGIN: Final = 3  # characters at least of a login that counts by itself


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory."""

    id: str
    name: str
    email: str = ""
    phone: str = ""
    login: str = ""


def directory_recogniser(people: Iterable[Person], *, region: str = "GB") -> Recogniser:
    """Make the recogniser of these people.

    A first name or surname alone is sure where it stands with a capital. In small letters, or if it is an
    ordinary word too, it is returned as not sure, unless a greeting, a title or a signature says that a
    name stands there.

    Args:
        people: The directory; its values are folded as texts are.
        region: Where a phone number without a country code is dialled: two letters, as in ISO 3166.
    """
    index = Index()
    for person in people:
        _add(index, person, region)
    values = together(index.values)
    begins = frozenset(value[:_SHORTEST] for value in values if value[:_SHORTEST].isdigit())
    return partial(_recognised, names=index.frozen(), values=values, begins=begins)


def _add(index: Index, person: Person, region: str) -> None:
    identity = Identity(Kind.USER, person.id)
    for name in readings(person.name):
        for form in forms(name):
            index.add(identity, form)
    login = words_of(person.login)
    # "mara" is Mara's first name before it is her login, and "it" is a word: alone they say no more than that.
    names = words_of(person.name)
    plain = len(login) == 1 and (len(login[0]) < _LOGIN or any(name.startswith(login[0]) for name in names))
    index.add(identity, Form(login, Strength.WORD if plain else Strength.ANY_CASE), login=True)
    if person.email:
        index.values[fold(person.email).text.strip().lower()].add(identity)
    for number in _numbers(person.phone, region):
        index.values[number].add(identity)


def _numbers(phone: str, region: str) -> Iterator[str]:
    """Give the digits of every way to dial a number: at home, from abroad, and as it is written half-way."""
    try:
        parsed = phonenumbers.parse(fold(phone).text, region)
    except phonenumbers.NumberParseException:
        return
    national, country = phonenumbers.national_significant_number(parsed), str(parsed.country_code)
    if len(national) >= _SHORTEST:
        for prefix in ("", "0", country, f"{country}0", f"00{country}", f"00{country}0", f"011{country}"):
            yield prefix + national


def _recognised(text: Folded, *, names: Names, values: Mapping[str, Someone], begins: frozenset[str]) -> Iterator[Span]:
    for start, end, someone, sure in [*_values(text.text, values, begins), *found_names(text.text, names)]:
        yield Span(start, end, someone.identity, sure, someone.people)


def _values(
    text: str, values: Mapping[str, Someone], begins: frozenset[str]
) -> Iterator[tuple[int, int, Someone, bool]]:
    for start, end, address in emails(text):
        if someone := values.get(address):
            yield start, end, someone, True
    for run in _NUMBER.finditer(text):
        for start, end, digits in parts(run, _SHORTEST, _LONGEST, begins=begins):
            if someone := values.get(digits):
                signs = len(text[run.start() : start]) - len(text[run.start() : start].rstrip("+("))
                yield start - signs, end, someone, True
