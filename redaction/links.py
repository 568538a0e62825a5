"""Where links stand in a text. A token is never turned back into a value there.

A link is followed by machines: a mail client, a preview, a browser that fetches an image. A value in
it has left the house before anybody has clicked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded

# What begins a link. It goes on to the next blank, because renderers differ on every other end. Each
# alternative is linear: a run of host characters is tried from its first one alone. None can be made up
# of characters of a token and its neighbours, so replacing a stretch by a token begins no link.
_BEGINNING: Final = re.compile(
    r"""
      (?:\b[a-z][a-z0-9+.-]{0,20}:)?[/\\]{2}            # https://, and //host, which takes the scheme of the page
    | \b(?:www\.|(?:mailto|tel|sms|data|javascript):)
    | \]\(\s?<[^<>\n]*                                  # [text](<target with blanks>)
    | \]\(
    | \b(?:href|src|srcset|action|background|poster)\s?=
    | (?<![a-z0-9._@-])[a-z0-9-]+\.[a-z0-9.-]+[/?\#]    # host.example/path, without a scheme
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_BLANK: Final = re.compile(r"\s|\Z")


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a folded text, with what begins it and up to the next blank."""

    start: int
    end: int


def links(folded: Folded) -> tuple[Link, ...]:
    """Find the links of a text: ascending, apart from each other, offsets in the folded text."""
    return tuple(_links(folded.text))


def overlapping(start: int, end: int, among: tuple[Link, ...]) -> tuple[Link, ...]:
    """Give the links that a stretch has characters of, and the one right behind whose end it begins."""
    first = bisect_left(among, start, key=lambda link: link.end)
    last = bisect_left(among, end, key=lambda link: link.start)
    return among[first:last]


def _links(text: str) -> Iterator[Link]:
    position = 0
    while match := _BEGINNING.search(text, position):
        blank = _BLANK.search(text, match.end())
        position = blank.start() if blank else len(text)
        yield Link(match.start(), position)
