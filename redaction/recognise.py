"""Run recognisers over the texts of one call, and settle what counts. Whatever goes wrong, nothing is returned."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from redaction.errors import RecogniserFailed
from redaction.settle import settled
from redaction.spans import checked
from redaction.timebox import within
from redaction.types import ALWAYS, EVERY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from redaction.directory import Person
    from redaction.normalise import Folded
    from redaction.types import Kind, Recogniser, Span

LIMIT: Final = timedelta(seconds=30)  # for all texts of a call, of 200,000 characters at most


def recognise(
    texts: Sequence[Folded],
    recognisers: Sequence[Recogniser],
    *,
    kinds: Collection[Kind] = EVERY,
    known: Sequence[Person] = (),
    limit: timedelta = LIMIT,
) -> tuple[tuple[Span, ...], ...]:
    """Give the spans of each text that count, in the order of the texts; they may overlap.

    Args:
        texts: Of one call: what one of them says of a person holds in all.
        recognisers: At least one.
        kinds: What counts; secrets and look-alikes of tokens always do.
        known: People who were named earlier in the conversation.
        limit: How long it may take.

    Raises:
        RecogniserFailed: There is no recogniser, or one of them raised or returned what is no span.
        TookTooLong: They have not come to an end.
    """
    if not recognisers:
        raise RecogniserFailed("there is no recogniser: nothing would be masked")
    masked = ALWAYS.union(kinds)
    found = within(limit, lambda: settled(texts, [tuple(_run(text, recognisers)) for text in texts], known))
    return tuple(tuple(span for span in spans if span.identity.kind in masked) for spans in found)


def _run(text: Folded, recognisers: Sequence[Recogniser]) -> Iterator[Span]:
    for recogniser in recognisers:
        try:
            spans = checked(recogniser(text), len(text.text))
        except RecogniserFailed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the text was not recognised and must not go on
            # The foreign error is not chained: its message may quote the text.
            raise RecogniserFailed(f"a recogniser failed: {type(error).__name__}") from None
        yield from spans
