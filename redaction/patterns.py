"""The recognisers of what has a form of its own, or words around it that say what it is.

A value counts if its checksum is right, or if its shape is right and a word nearby says what it is: a
mistyped card number is somebody's card number still. All patterns take linear time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from redaction.accounts import bics, cards, ibans
from redaction.addresses import addresses
from redaction.amounts import amounts
from redaction.dates import ages, births, dates
from redaction.emails import emails
from redaction.geography import coordinates, plates
from redaction.introduced import introduced
from redaction.network import ip_addresses, mac_addresses
from redaction.official import official_numbers
from redaction.organisations import organisations
from redaction.phones import phones
from redaction.references import OwnNumbers, reference_numbers
from redaction.secret import secrets
from redaction.types import Identity, Kind, Span
from redaction.urls import handles, urls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redaction.normalise import Folded
    from redaction.types import Recogniser

Finder = Callable[[str], Iterable[tuple[int, int, str]]]
"""From a folded text, the stretches of one kind: start, end, and the value in one form for all ways of writing it."""


def pattern_recognisers(region: str = "GB", own_numbers: Sequence[str] = ()) -> tuple[Recogniser, ...]:
    """Make the recognisers of values that have a form of their own, and of people whom a text introduces.

    Args:
        region: Where a phone number without a country code is dialled: two letters, as in ISO 3166.
        own_numbers: Patterns, in the syntax of RE2, of numbers that the organisation gives out.

    Raises:
        BadPattern: One of these cannot be used.
    """
    finders: tuple[tuple[Kind, Finder], ...] = (
        (Kind.SECRET, secrets),
        (Kind.EMAIL, emails),
        (Kind.PHONE, partial(phones, region=region)),
        (Kind.IBAN, ibans),
        (Kind.BIC, bics),
        (Kind.CARD, cards),
        (Kind.IDENT, official_numbers),
        (Kind.NUMBER, reference_numbers),
        (Kind.NUMBER, OwnNumbers(own_numbers)),
        (Kind.BIRTH, births),
        (Kind.ADDRESS, addresses),
        (Kind.GEO, coordinates),
        (Kind.PLATE, plates),
        (Kind.IP, ip_addresses),
        (Kind.MAC, mac_addresses),
        (Kind.URL, urls),
        (Kind.HANDLE, handles),
        (Kind.ORG, organisations),
        (Kind.DATE, dates),
        (Kind.TRAIT, ages),
        (Kind.AMOUNT, amounts),
    )
    return (introduced, *(partial(_recognised, kind=kind, finder=finder) for kind, finder in finders))


def _recognised(text: Folded, *, kind: Kind, finder: Finder) -> Iterator[Span]:
    return (Span(start, end, Identity(kind, value)) for start, end, value in finder(text.text))
