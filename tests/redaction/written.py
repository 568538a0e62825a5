"""What recognisers find, told in the words of the text: recognisers work on folded texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from redaction.normalise import fold
from redaction.recognise import recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redaction.normalise import Folded
    from redaction.types import Recogniser, Span


def recognised(texts: Sequence[str], recognisers: Sequence[Recogniser]) -> tuple[tuple[Span, ...], ...]:
    """Recognise, and give the spans with offsets in the texts as they were written."""
    folded = [fold(text) for text in texts]
    found = recognise(folded, recognisers)
    return tuple(tuple(in_original(text, spans)) for text, spans in zip(folded, found, strict=True))


def spans_of(text: str, *recognisers: Recogniser) -> list[Span]:
    """Run recognisers on one text, without settling, and give the spans with offsets in it as it was written."""
    folded = fold(text)
    return list(in_original(folded, (span for recogniser in recognisers for span in recogniser(folded))))


def in_original(text: Folded, spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        start, end = text.original(span.start, span.end)
        yield replace(span, start=start, end=end)


def in_folded(text: Folded, spans: Iterable[Span]) -> Iterator[Span]:
    """Give spans of the written text with offsets in the folded one; what folding drops cannot be recognised."""
    for span in spans:
        start, end = text.folded(span.start, span.end)
        if start < end:
            yield replace(span, start=start, end=end)
