"""Recognise what has a form of its own: e-mail addresses, phone numbers, IBANs, payment cards, IP addresses.

A value counts if its checksum is right, or if its shape is right and a word nearby says what it is: a
mistyped card number is somebody's card number still. All patterns take linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final

from redaction.accounts import cards, ibans
from redaction.emails import emails
from redaction.normalise import fold
from redaction.phones import phones
from redaction.types import Identity, Kind, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.types import Recogniser

Finder = Callable[[str], Iterable[tuple[int, int, str]]]
"""From a folded text, the stretches of one kind: start, end, and the value in one form for all ways of writing it."""

_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:(?:\.|\[\.\])\d{1,3}){3}(?!\w|\.\d)", re.ASCII)
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?![\w:])", re.ASCII)
_VERSION: Final = re.compile(
    r"(?:\b(?:version|release|firmware|build|ver|rev|section|clause)\b[.:]?\s?|§\s?)\Z", re.IGNORECASE
)


def pattern_recognisers(region: str = "GB") -> tuple[Recogniser, ...]:
    """Make the recognisers of values that have a form of their own.

    Args:
        region: Where a phone number without a country code is dialled: two letters, as in ISO 3166.
    """
    finders: dict[Kind, Finder] = {
        Kind.EMAIL: emails,
        Kind.PHONE: partial(phones, region=region),
        Kind.IBAN: ibans,
        Kind.CARD: cards,
        Kind.IP: ip_addresses,
    }
    return tuple(partial(_recognised, kind=kind, finder=finder) for kind, finder in finders.items())


def ip_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and canonical form of each IPv4 and IPv6 address; a version number of four parts is none."""
    for match in _IPV4.finditer(text):
        parts = [int(part) for part in re.findall(r"\d+", match[0])]
        if max(parts) < 256 and not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield match.start(), match.end(), ".".join(map(str, parts))
    for match in _IPV6.finditer(text):  # of ::ffff:192.0.2.1 it finds the beginning, which overlaps with the rest
        # A digit is asked for: "a::b" and "dead::beef" are names in programs.
        if match[0].count(":") > 1 and any(map(str.isdigit, match[0])) and (address := _ipv6(match[0])):
            yield match.start(), match.end(), address


def _ipv6(written: str) -> str | None:
    try:
        return str(IPv6Address(written))
    except AddressValueError:
        return None


def _recognised(text: str, *, kind: Kind, finder: Finder) -> Iterator[Span]:
    folded = fold(text)
    return (Span(*folded.original(start, end), Identity(kind, value)) for start, end, value in finder(folded.text))
