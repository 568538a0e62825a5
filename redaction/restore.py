"""Put values back where a text holds their tokens. One pass, exact, and never inside a link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redaction.links import links, overlapping
from redaction.normalise import fold
from redaction.tokens import CODE, find
from redaction.types import Kind, TokenMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded
    from redaction.types import Token

HELD_BACK: Final = 24  # characters that are shown; a token with an escape has at most 13, and one behind it decides
_OPEN_ENTITY: Final = re.compile(r"&[#\w]{0,32}\Z", re.ASCII)  # it may become a letter, which makes a token none


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


class Restoring:
    """Restore a text that comes in pieces, with the same outcome as `restore` of the whole, wherever it is cut.

    What may still become a token is held back: at most `HELD_BACK` characters, beside invisible ones and an HTML
    entity that is not finished. What was released is not looked at again, but for the links that begin in it.
    """

    def __init__(self, tokens: TokenMap) -> None:
        """Begin with nothing."""
        self._tokens = tokens
        self._text = ""
        self._released = 0  # characters of the text whose restored form was given

    def feed(self, piece: str) -> str:
        """Take the next piece, and give what is certain by now."""
        self._text += piece
        entity = _OPEN_ENTITY.search(self._text)
        folded = fold(self._text[: entity.start()] if entity else self._text)
        certain = len(folded.text) - HELD_BACK
        return self._release(folded, folded.starts[certain]) if certain > 0 else ""

    def end(self) -> str:
        """Give the rest."""
        return self._release(fold(self._text), len(self._text))

    def _release(self, folded: Folded, until: int) -> str:
        parts: list[str] = []
        for start, end, token in _words(folded, self._tokens):
            if self._released <= start < until:
                until = max(until, end)  # a word that reaches further is complete: it is shorter than what is held
                if token is not None:
                    parts += (self._text[self._released : start], self._tokens.surfaces[token])
                    self._released = end
        parts.append(self._text[self._released : until])
        self._released = max(self._released, until)
        return "".join(parts)


def identities_in(text: str, tokens: TokenMap) -> int:
    """Count whom and what `restore` would name in a text: the forms of one person count once."""
    found = {token for _, _, token in _words(fold(text), tokens) if token is not None and not _is_text(token)}
    return len({token[: token.index("_") + 1 + CODE] for token in found})


def without_names(tokens: TokenMap) -> TokenMap:
    """Give the part of a map that names nobody: words that only looked like tokens."""
    return TokenMap({token: surface for token, surface in tokens.surfaces.items() if _is_text(token)})


def _is_text(token: Token) -> bool:
    return token.startswith(f"{Kind.TEXT}_")


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
