"""Spans of one text: which are believed, and what becomes of those that overlap."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from redaction.errors import RecogniserFailed
from redaction.types import Identity, Kind, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def checked(found: Iterable[object], length: int) -> tuple[Span, ...]:
    """Give what a recogniser returned for a text of this length, if each of it is a span of that text.

    Raises:
        RecogniserFailed: Something is no span, or is empty, negative or out of range. Python would
            slice on with it, and a value would stay in the text.
    """
    return tuple(_checked(span, length) for span in found)


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join spans that overlap or touch, so that none of their characters stays; ascending, apart from each other.

    A joined span has the identity that says most: a secret, then a person of the directory, then the longest
    stretch. A losing span is masked all the same: to un-mask its remainder has leaked half a number.
    Touching spans are joined because two tokens without anything between them are no longer two words.
    """
    joined: list[Span] = []
    best: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if joined and span.start <= joined[-1].end:
            best[-1] = min(best[-1], span, key=_rank)
            joined[-1] = replace(joined[-1], end=max(joined[-1].end, span.end), identity=best[-1].identity)
        else:
            joined.append(span)
            best.append(span)
    return tuple(joined)


def touched(span: Span, apart: Sequence[Span]) -> bool:
    """Tell whether a span overlaps with one of these, which are ascending and apart from each other."""
    first = bisect_right(apart, span.start, key=lambda other: other.end)
    return first < len(apart) and apart[first].start < span.end


def _checked(span: object, length: int) -> Span:
    if (
        not isinstance(span, Span)
        or not isinstance(span.identity, Identity)
        or not isinstance(span.identity.kind, Kind)
        or not isinstance(span.people, frozenset)
        or not isinstance(span.name, str)
    ):
        raise RecogniserFailed("a recogniser returned something that is no span")
    # Compared as they are: a float or a numpy number that only looks like an offset would fail later, or silently.
    if type(span.start) is not int or type(span.end) is not int or not 0 <= span.start < span.end <= length:
        raise RecogniserFailed("a recogniser returned a span outside of its text")
    return span


def _rank(span: Span) -> tuple[int, int, int, Kind, str]:
    kind = span.identity.kind
    # A name that a rule or statistics found may be half of a firm's or a street's: the longest stretch knows best.
    order = 2 if kind is Kind.USER and span.name else {Kind.SECRET: 0, Kind.USER: 1, Kind.TEXT: 3}.get(kind, 2)
    return order, span.start - span.end, span.start, kind, span.identity.key
