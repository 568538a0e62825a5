"""The written forms of a person's name, each as a sequence of words in folded lower case."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from redaction.normalise import fold
from redaction.ordinary import ORDINARY, SPELLS_A_WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

Words = tuple[str, ...]

SHORTEST_LOGIN: Final = 6  # characters of a login that is made of a name: below, it is any word
WORD: Final = re.compile(r"[^\W_]+")
TITLES: Final = (
    "mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|lady|lord|rev|herr|frau|monsieur|madame|mme|mlle|senor|senora"
)
_NO_NAME: Final = re.compile(rf"{TITLES}|jr|sr|ii|iii|iv|phd|msc|bsc|mba|md|esq|obe|mbe|cbe")
_TRANSLITERATED: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa", "ø": "oe", "Ø": "Oe"}
)
_PARTICLE: Final = re.compile(
    "al|bin|da|dal|de|degli|del|della|den|der|di|dos|du|el|ibn|la|las|le|los|mac|op|san|st|ten|ter|van|vom|von|zu|zum|zur"
)


class Strength(IntEnum):
    """How much a form says by itself."""

    WORD = 0  # nothing, without a greeting or the full name elsewhere: "Will"
    LONE = 1  # it is sure with a capital, and in small letters where the call names the person: "Mara"
    CAPITAL = 2  # it is sure if it is written with capitals, or as a login: "J. Doe", "j.doe"
    ANY_CASE = 3  # it is sure: "jane doe"


@dataclass(frozen=True, slots=True)
class Name:
    """A name in its parts, each of several words: hyphenated names, particles."""

    given: tuple[Words, ...]
    surname: Words


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing a name."""

    words: Words
    strength: Strength
    reverse: bool = False  # the surname first: sure only with capitals or a comma, for "may will" are two verbs


def words_of(text: str) -> Words:
    """Give the words of a text as they are compared: folded, in lower case."""
    return tuple(word.casefold() for word in WORD.findall(fold(text).text))


def readings(written: str) -> Iterator[Name]:
    """Take a name apart, in each way that it may be meant: "Jane van der Berg", "Berg, Jane", "Jane Doe, PhD"."""
    for name in {written, unicodedata.normalize("NFC", written).translate(_TRANSLITERATED)}:
        last, comma, first = re.sub(r"\([^()]*\)", " ", name).partition(",")
        units = _units(last)
        if comma and (given := _units(first)):
            yield Name(given, tuple(word for unit in units for word in unit))
        if not comma or (len(units) > 1 and not _PARTICLE.fullmatch(units[0][0])):
            yield _in_order(units)


def forms(name: Name) -> Iterator[Form]:
    """Give the ways of writing a name; what may stand between the words is for the matcher."""
    given, surname = name.given, name.surname
    if not surname:
        return
    if not given:  # somebody with one name goes by it
        yield Form(surname, _alone(surname))
        return
    every = tuple(word for unit in given for word in unit)
    names = {unit for unit in given if max(map(len, unit)) > 1}
    for firsts in names | ({every} if names else set()):
        yield Form(firsts + surname, Strength.ANY_CASE)
        yield Form(surname + firsts, Strength.ANY_CASE, reverse=True)
    initials = tuple(word[0] for word in every)
    for firsts in {initials, initials[:1], ("".join(initials),)}:
        yield Form(firsts + surname, Strength.CAPITAL)
        yield Form(surname + firsts, Strength.CAPITAL, reverse=True)
    for joined in {"".join(firsts + surname) for firsts in {every, initials, initials[:1]} | names}:
        if len(joined) >= SHORTEST_LOGIN and joined not in SPELLS_A_WORD:
            yield Form((joined,), Strength.ANY_CASE)
    for lone in names | {surname}:
        yield Form(lone, _alone(lone))


def is_particle(word: str) -> bool:
    """Tell whether a word, in lower case, is one that may begin a surname: "van", "de"."""
    return bool(_PARTICLE.fullmatch(word))


def _alone(words: Words) -> Strength:
    ordinary = all(len(word) == 1 or word in ORDINARY or is_particle(word) for word in words)
    return Strength.WORD if ordinary else Strength.LONE


def _in_order(units: tuple[Words, ...]) -> Name:
    begin = max(0, len(units) - 1)
    while begin > 1 and _PARTICLE.fullmatch(units[begin - 1][0]):
        begin -= 1
    return Name(units[:begin], tuple(word for unit in units[begin:] for word in unit))


def _units(text: str) -> tuple[Words, ...]:
    units = (words_of(unit) for unit in text.split())
    return tuple(words for words in units if words and not all(map(_NO_NAME.fullmatch, words)))
