"""The values of redaction: spans that identify, tokens that stand for them, the text without them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from redaction.normalise import Folded

Token = NewType("Token", str)  # USER_7F3K2Q: see redaction/tokens.py for the grammar


class Kind(StrEnum):
    """What a token stands for; it is the word before the underscore."""

    USER = "USER"
    HANDLE = "HANDLE"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    IBAN = "IBAN"
    BIC = "BIC"
    CARD = "CARD"
    IDENT = "IDENT"  # numbers that a state gives: of citizens, taxpayers, passports, driving licences
    NUMBER = "NUMBER"  # numbers of employees, customers, cases
    BIRTH = "BIRTH"
    ADDRESS = "ADDRESS"
    GEO = "GEO"
    PLATE = "PLATE"
    IP = "IP"
    MAC = "MAC"
    ORG = "ORG"
    PLACE = "PLACE"
    DATE = "DATE"
    AMOUNT = "AMOUNT"
    TRAIT = "TRAIT"  # what somebody is: a nationality, an occupation, an age
    URL = "URL"
    SECRET = "SECRET"  # noqa: S105 - removed for good: it has no token
    TEXT = "TEXT"  # text that only looks like a token


ALWAYS: Final = frozenset({Kind.SECRET, Kind.TEXT})
"""What may stand in no prompt, wherever it goes."""
INDIRECT: Final = frozenset({Kind.ORG, Kind.PLACE, Kind.DATE, Kind.AMOUNT, Kind.TRAIT, Kind.URL})
"""What identifies somebody only together with more of its sort."""
DIRECT: Final = frozenset(Kind) - ALWAYS - INDIRECT
"""What identifies a person, an account or a machine by itself."""
EVERY: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who or what is meant, whatever its written form: a person's id, a number without blanks."""

    kind: Kind
    key: str


def any_of(people: Collection[Identity]) -> Identity:
    """Give the identity of people who share a name: one of its own, or the model would learn who is meant."""
    return Identity(Kind.USER, "|".join(sorted(identity.key for identity in people)))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that identifies somebody, by its offsets: of a recogniser, in the folded text.

    What is not sure, such as a first name that is an ordinary word, counts only where the texts of the same
    call identify that person surely. `redaction.recognise` settles this, over all texts; each text is
    recognised alone. What may mean several people is one span: `identity` is then that of them together.
    """

    start: int
    end: int
    identity: Identity
    sure: bool = True
    people: frozenset[Identity] = frozenset()  # whom it may mean; empty: `identity`
    name: str = ""  # of a person whom no directory knows: the rest of the texts is searched for it
    guess: bool = False  # told by statistics, not by a rule


Recogniser = Callable[["Folded"], Iterable[Span]]
"""From a folded text, the stretches of it that identify: `folded.text[span.start:span.end]`."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One written form of an identity: 'Jane Doe', 'J. Doe' and 'doe@…' are mentions of one person."""

    identity: Identity
    surface: str


Issue = Callable[[Sequence[Mention]], Mapping[Mention, Token]]
"""Give each mention its token: the same within a conversation, and unguessable."""


@dataclass(frozen=True, slots=True)
class TokenMap:
    """The tokens of one request and what they stand for. It is never logged and has no useful repr."""

    surfaces: Mapping[Token, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Redacted:
    """Texts without identities, in the order given. Made by `redaction.redact` alone."""

    texts: tuple[str, ...]
    counts: Mapping[Kind, int]  # replaced stretches by kind
    secrets: tuple[int, ...] = ()  # which of the texts held secrets, from 0 on
