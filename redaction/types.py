"""The values of redaction: spans that identify, tokens that stand for them, the text without them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

Token = NewType("Token", str)  # USER_7F3K2Q: see redaction/tokens.py for the grammar


class Kind(StrEnum):
    """What a token stands for; it is the word before the underscore."""

    USER = "USER"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    IBAN = "IBAN"
    CARD = "CARD"
    IP = "IP"
    TEXT = "TEXT"  # text that only looks like a token


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
    """A stretch of text that identifies somebody: `text[start:end]`, offsets in characters.

    What is not sure, such as a first name that is an ordinary word, counts only where the texts of the same
    call identify that person surely. `redaction.recognise` settles this, over all texts; each text is
    recognised alone. What may mean several people is one span: `identity` is then that of them together.
    """

    start: int
    end: int
    identity: Identity
    sure: bool = True
    people: frozenset[Identity] = frozenset()  # whom it may mean; empty: `identity`


Recogniser = Callable[[str], Iterable[Span]]


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
