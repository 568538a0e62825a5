"""Texts in, the same texts without identities out. Nothing reaches a prompt by another way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from redaction.errors import TextTooLong, VaultDown
from redaction.links import links, overlapping
from redaction.normalise import fold
from redaction.recognise import recognise
from redaction.spans import union
from redaction.tokens import find, is_token
from redaction.types import EVERY, Identity, Kind, Mention, Redacted, Span, TokenMap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from redaction.directory import Person
    from redaction.links import Link
    from redaction.normalise import Folded
    from redaction.types import Issue, Recogniser, Token

MAX_CHARACTERS: Final = 200_000  # of all texts of one call
SECRET_REMOVED: Final = "[SECRET removed]"  # noqa: S105 - what stands where one stood


def redact(
    texts: Sequence[str],
    recognisers: Sequence[Recogniser],
    issue: Issue,
    *,
    kinds: Collection[Kind] = EVERY,
    known: Sequence[Person] = (),
) -> tuple[Redacted, TokenMap]:
    """Replace what identifies somebody by tokens, and give the texts with the map that restores them.

    Every word that looks like a token is replaced too, so that afterwards each such word is one that was
    issued here: `restore(text, tokens)` gives the original of each text, whatever it holds, but for its
    secrets. Instead of a secret stands `SECRET_REMOVED`, and nothing restores it.

    Args:
        texts: What goes into one prompt.
        recognisers: At least one.
        issue: Gives the tokens.
        kinds: What is replaced; secrets and look-alikes of tokens always are.
        known: People who were named earlier in the conversation.

    Raises:
        TextTooLong: The texts have more than `MAX_CHARACTERS` characters together.
        RecogniserFailed: Something was not recognised for certain, or in time, or there is no recogniser.
        VaultDown: `issue` gave no token, or no usable one, to a mention.
        UnknownConversation, StoreDown: From `issue`, unchanged.
    """
    if (total := sum(map(len, texts))) > MAX_CHARACTERS:
        raise TextTooLong(f"the texts have {total} characters; at most {MAX_CHARACTERS} can be redacted at once")
    folded = [fold(text) for text in texts]
    recognised = recognise(folded, recognisers, kinds=kinds, known=known)
    stretches = [replaced_stretches(text, spans) for text, spans in zip(folded, recognised, strict=True)]
    mentions = {
        _mention(text, stretch): None
        for text, found in zip(texts, stretches, strict=True)
        for stretch in found
        if not _is_secret(stretch)
    }
    tokens = _issued(tuple(mentions), issue)
    redacted = Redacted(
        texts=tuple(_replaced(text, found, tokens) for text, found in zip(texts, stretches, strict=True)),
        counts=Counter(stretch.identity.kind for found in stretches for stretch in found),
        secrets=tuple(n for n, found in enumerate(stretches) if any(map(_is_secret, found))),
    )
    return redacted, TokenMap({token: mention.surface for mention, token in tokens.items()})


def replaced_stretches(folded: Folded, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Give what is to be replaced in a text: the union of the spans and all look-alikes of tokens, widened.

    A stretch is widened until its token stands as a word of its own outside of every link. Else it would
    not be found again in the redacted text, or not be restored there.

    Args:
        folded: The text.
        spans: What was recognised, with offsets in the folded text.

    Returns:
        Ascending, apart from each other, with offsets in the original text.
    """
    look_alikes = (
        Span(word.start, word.end, Identity(Kind.TEXT, folded.text[word.start : word.end])) for word in find(folded)
    )
    stretches = union([*spans, *look_alikes])
    if not stretches:
        return ()
    among = links(folded)
    while (wider := union(_widened(stretch, folded, among) for stretch in stretches)) != stretches:
        stretches = wider
    return tuple(_unfolded(stretch, folded) for stretch in stretches)


def _unfolded(span: Span, folded: Folded) -> Span:
    # Dropped characters at the edges go too: they may be all that the span had.
    start = folded.ends[span.start - 1] if span.start else 0
    end = folded.starts[span.end] if span.end < len(folded.text) else len(folded.written)
    return replace(span, start=start, end=end)


def _widened(span: Span, folded: Folded, among: tuple[Link, ...]) -> Span:
    start, end = span.start, span.end
    if touched := overlapping(start, end, among):
        start, end = min(start, touched[0].start), max(end, touched[-1].end)
    while _is_inside_word(start, folded, before=True):
        start -= 1
    while _is_inside_word(end, folded, before=False):
        end += 1
    return replace(span, start=start, end=end)


def _is_inside_word(at: int, folded: Folded, *, before: bool) -> bool:
    """Tell whether a stretch cannot end here: its neighbour would run into the token, or is half a character."""
    if at == (0 if before else len(folded.text)):
        return False
    neighbour = folded.text[at - 1 if before else at]
    return (neighbour.isascii() and neighbour.isalnum()) or folded.splits(at)


def _mention(text: str, stretch: Span) -> Mention:
    return Mention(stretch.identity, text[stretch.start : stretch.end])


def _is_secret(stretch: Span) -> bool:
    return stretch.identity.kind is Kind.SECRET


def _replaced(text: str, stretches: Iterable[Span], tokens: Mapping[Mention, Token]) -> str:
    parts: list[str] = []
    done = 0
    for stretch in stretches:
        written = SECRET_REMOVED if _is_secret(stretch) else tokens[_mention(text, stretch)]
        parts += (text[done : stretch.start], written)
        done = stretch.end
    return "".join([*parts, text[done:]])


def _issued(mentions: Sequence[Mention], issue: Issue) -> Mapping[Mention, Token]:
    issued = issue(mentions) if mentions else {}
    tokens = {mention: issued.get(mention) for mention in mentions}
    usable = {mention: token for mention, token in tokens.items() if token is not None and is_token(token)}
    # Two mentions with one token would be restored to one of them: the wrong one, somewhere.
    if len(set(usable.values())) < len(mentions):
        raise VaultDown("a mention got no token, or one that is not usable")
    return usable
