"""Find addresses of machines in folded text: IPv4, IPv6, MAC."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:(?:\.|\[\.\])\d{1,3}){3}(?!\w|\.\d)", re.ASCII)
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?![\w:])", re.ASCII)
_MAC: Final = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2})"
    r"(?![\w:-])",
    re.ASCII,
)
_VERSION: Final = re.compile(
    r"(?:\b(?:version|release|firmware|build|ver|rev|section|clause)\b[.:]?\s?|§\s?)\Z", re.IGNORECASE
)


def ip_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and canonical form of each IPv4 and IPv6 address; a version number of four parts is none."""
    for match in _IPV4.finditer(text):
        parts = [int(part) for part in re.findall(r"\d+", match[0])]
        if max(parts) < 256 and not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield match.start(), match.end(), ".".join(map(str, parts))
    if ":" not in text:
        return
    for match in _IPV6.finditer(text):  # of ::ffff:192.0.2.1 it finds the beginning, which overlaps with the rest
        # A digit is asked for: "a::b" and "dead::beef" are names in programs.
        if match[0].count(":") > 1 and any(map(str.isdigit, match[0])) and (address := _ipv6(match[0])):
            yield match.start(), match.end(), address


def mac_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the twelve digits of each MAC address."""
    for match in _MAC.finditer(text):
        yield match.start(), match.end(), re.sub("[:.-]", "", match[0]).lower()


def _ipv6(written: str) -> str | None:
    try:
        return str(IPv6Address(written))
    except AddressValueError:
        return None
