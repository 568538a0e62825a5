"""Run recognisers over the texts of one call, and settle what counts.

Each text is recognised alone, so what was found in it can be kept with it. What depends on the other
texts is settled afterwards: a name that is not sure by itself counts where its person is identified
anywhere in the call, and a name that two people share is hers whom the call identifies otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from redaction.errors import RecogniserFailed
from redaction.spans import checked
from redaction.types import Identity, Kind, Span, any_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from redaction.types import Recogniser


def recognise(texts: Sequence[str], recognisers: Sequence[Recogniser]) -> tuple[tuple[Span, ...], ...]:
    """Give the spans of each text that count, in the order of the texts; they may overlap.

    Raises:
        RecogniserFailed: There is no recogniser, or one of them raised or returned what is no span.
    """
    if not recognisers:
        raise RecogniserFailed("there is no recogniser: nothing would be masked")
    found = [tuple(_run(text, recognisers)) for text in texts]
    named = frozenset(people for spans in found for people in _named(spans))
    return tuple(tuple(_settled(spans, named)) for spans in found)


def _run(text: str, recognisers: Sequence[Recogniser]) -> Iterator[Span]:
    for recogniser in recognisers:
        try:
            spans = checked(recogniser(text), len(text))
        except RecogniserFailed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the text was not recognised and must not go on
            # The foreign error is not chained: its message may quote the text.
            raise RecogniserFailed(f"a recogniser failed: {type(error).__name__}") from None
        yield from spans


def _named(spans: Iterable[Span]) -> Iterator[frozenset[Identity]]:
    """Give whom the sure names of a text mean: one person, or several that it could be."""
    for candidates in _by_stretch(span for span in spans if span.sure):
        if people := _people(candidates):
            yield people


def _settled(spans: Iterable[Span], named: AbstractSet[frozenset[Identity]]) -> Iterator[Span]:
    alone = frozenset(identity for people in named if len(people) == 1 for identity in people)
    for candidates in _by_stretch(spans):
        yield from (span for span in candidates if span.identity.kind is not Kind.USER)
        sure = _people(span for span in candidates if span.sure)
        people = sure or _people(candidates)
        clear = people & alone
        if sure or clear or people in named:
            yield Span(candidates[0].start, candidates[0].end, _identity(clear or people, candidates))


def _identity(people: frozenset[Identity], candidates: Iterable[Span]) -> Identity:
    # A name that hundreds share has its identity ready: to join their keys for each mention takes seconds.
    return next((span.identity for span in candidates if span.people == people), None) or any_of(people)


def _people(spans: Iterable[Span]) -> frozenset[Identity]:
    found = [span.people or frozenset({span.identity}) for span in spans if span.identity.kind is Kind.USER]
    return found[0] if len(found) == 1 else frozenset().union(*found)


def _by_stretch(spans: Iterable[Span]) -> Iterable[list[Span]]:
    stretches = defaultdict[tuple[int, int], list[Span]](list)
    for span in spans:
        stretches[span.start, span.end].append(span)
    return stretches.values()
