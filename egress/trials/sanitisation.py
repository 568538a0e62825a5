"""Sanitisation: that the installation's own recognisers mask people of its directory, and numbers made for the trial.

Every value is made at run time, with check digits that are right, and planted in an ordinary sentence. One letter or
digit that stays is a miss.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Final

import phonenumbers
from sqlalchemy import select

from egress.trials.found import Found
from redaction.errors import RecogniserFailed, TookTooLong
from redaction.measure import Example, Marked, masked_by, score
from store.engine import snapshot
from store.schema import users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Engine

    from redaction.measure import Share
    from redaction.types import Recogniser

OF_EACH: Final = 20  # values of each kind
MOST_PEOPLE: Final = 200
PEOPLE_RECALL: Final = (995, 1000)  # at least; of what has a form of its own, all
_PERSON, _STRUCTURED = "PERSON", "STRUCTURED"
_NO_WORDS: Final = "BCDFGHJKLMNPQRSTVWZbcdfghjklmnpqrstvwz23456789"  # a key with "xxx" in it is taken for a form
_ABOUT_PEOPLE: Final = (
    "The travel request was approved by {} last week.",
    "Please ask {} before the meeting.",
    "{} has written the minutes.",
    "We agreed with {} that the order waits.",
)
_ABOUT: Final[Mapping[str, str]] = {
    "EMAIL": "Send the signed form to {} today.",
    "PHONE": "In urgent cases call {} at any hour.",
    "IBAN": "The refund goes to the account {} by Friday.",
    "CARD": "The hotel has charged the credit card {} twice.",
    "IP": "The request came from {} during the night.",
    "MAC": "The printer with the address {} is out of order.",
    "SECRET": "For the test use the key {} and nothing else.",
}


def sanitised(engine: Engine, recognisers: Sequence[Recogniser], chance: secrets.SystemRandom | None = None) -> Found:
    """Plant and count."""
    chance = chance or secrets.SystemRandom()
    people = _people(engine, chance)
    if not people:
        return Found(passed=None, why="the directory is empty, so there is nobody to look for")
    planted = [*_about_people(people, chance), *_structured(chance)]
    try:
        made = score(planted, masked_by(recognisers))
    except (RecogniserFailed, TookTooLong) as error:
        return Found(passed=False, why=f"recognition failed ({type(error).__name__})")
    persons, structured = made.recall[_PERSON], made.recall[_STRUCTURED]
    enough, of = PEOPLE_RECALL
    passed = structured.count == structured.of and persons.count * of >= enough * persons.of
    numbers = {
        **_counted("people", persons),
        **_counted("structured", structured),
        **{f"missed_{kind.lower()}": share.of - share.count for kind, share in made.recall.items() if kind in _ABOUT},
    }
    why = (
        f"masked: {persons.count} of {persons.of} mentions of people, "
        f"{structured.count} of {structured.of} numbers, addresses and keys"
    )
    return Found(passed=passed, why=why, numbers=numbers)


def _counted(name: str, share: Share) -> dict[str, int]:
    return {f"{name}_planted": share.of, f"{name}_masked": share.count}


def _people(engine: Engine, chance: secrets.SystemRandom) -> list[tuple[str, str]]:
    c = users.c
    with snapshot(engine) as connection:
        rows = [(row.name, row.email) for row in connection.execute(select(c.name, c.email).where(c.active))]
    return chance.sample(rows, min(MOST_PEOPLE, len(rows)))


def _about_people(people: Sequence[tuple[str, str]], chance: secrets.SystemRandom) -> Iterator[Example]:
    for name, email in people:
        first, *_, last = [*name.split(), ""] if " " not in name.strip() else name.split()
        forms = [name, email, f"{last}, {first}" if last else ""]
        for form in filter(None, forms):
            yield _planted(chance.choice(_ABOUT_PEOPLE), form, _PERSON)


def _structured(chance: secrets.SystemRandom) -> Iterator[Example]:
    for kind, sentence in _ABOUT.items():
        for _ in range(OF_EACH):
            yield _planted(sentence, _MAKERS[kind](chance), _STRUCTURED, kind)


def _planted(sentence: str, value: str, *types: str) -> Example:
    before, _, _ = sentence.partition("{}")
    return Example(sentence.replace("{}", value), (Marked(len(before), len(before) + len(value), types),))


def _digits(chance: secrets.SystemRandom, many: int) -> str:
    return "".join(chance.choices(string.digits, k=many))


def _email(chance: secrets.SystemRandom) -> str:
    name = "".join(chance.choices(string.ascii_lowercase, k=8))
    return f"{name}.{_digits(chance, 2)}@{''.join(chance.choices(string.ascii_lowercase, k=6))}.example"


def _phone(chance: secrets.SystemRandom) -> str:
    while True:
        number = phonenumbers.parse(f"+4930{chance.randint(2, 9)}{_digits(chance, 7)}")
        if phonenumbers.is_valid_number(number):
            form = chance.choice((phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164))
            return phonenumbers.format_number(number, form)


def _iban(chance: secrets.SystemRandom) -> str:
    account = _digits(chance, 18)
    check = 98 - int(f"{account}131400") % 97  # D, E are 13, 14
    whole = f"DE{check:02d}{account}"
    return whole if chance.random() < 0.5 else " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _card(chance: secrets.SystemRandom) -> str:
    known = f"4{_digits(chance, 14)}"
    doubled = [int(digit) * (2 if at % 2 == 0 else 1) for at, digit in enumerate(known)]
    whole = f"{known}{-sum(n - 9 * (n > 9) for n in doubled) % 10}"
    return " ".join(whole[at : at + 4] for at in range(0, 16, 4))


def _ip(chance: secrets.SystemRandom) -> str:
    return ".".join(str(chance.randint(11, 250)) for _ in range(4))


def _mac(chance: secrets.SystemRandom) -> str:
    return ":".join(f"{chance.randrange(256):02x}" for _ in range(6))


def _secret(chance: secrets.SystemRandom) -> str:
    return "gh" + "p_" + "".join(chance.choices(_NO_WORDS, k=36))


_MAKERS: Final = {
    "EMAIL": _email,
    "PHONE": _phone,
    "IBAN": _iban,
    "CARD": _card,
    "IP": _ip,
    "MAC": _mac,
    "SECRET": _secret,
}
