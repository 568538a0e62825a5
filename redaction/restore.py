"""Put values back where a text holds their tokens. One pass, exact, and never inside a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redaction.links import links, overlapping
from redaction.normalise import fold
from redaction.tokens import find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded
    from redaction.types import Token, TokenMap


def restore(text: str, tokens: TokenMap) -> str:
    """Replace the tokens of this map by what they stand for.

    A token counts in its canonical form, in any case, with a Markdown escape before the underscore,
    full-width, or with invisible characters in it; what stands around it stays. Damaged tokens,
    tokens of others and tokens in a link stay as they are: the nearest match is another person.
    """
    folded = fold(text)
    parts: list[str] = []
    done = 0
    for start, end, token in _words(folded, tokens):
        if token is not None:
            parts += (text[done:start], tokens.surfaces[token])
            done = end
    return "".join([*parts, text[done:]])


def unresolved(text: str, tokens: TokenMap) -> tuple[str, ...]:
    """Give the words that look like tokens and that `restore` leaves as they are: each once, in order, as written."""
    words = _words(fold(text), tokens)
    return tuple(dict.fromkeys(text[start:end] for start, end, token in words if token is None))


def _words(folded: Folded, tokens: TokenMap) -> Iterator[tuple[int, int, Token | None]]:
    """Give each word that looks like a token with its offsets in the original; None if it is not to be restored."""
    among = links(folded)
    for word in find(folded):
        known = word.token in tokens.surfaces and not overlapping(word.start, word.end, among)
        yield *folded.original(word.start, word.end), word.token if known else None
