"""A document cut into chunks: by its headings, none longer than the embedder reads.

The embedder silently ignores what is beyond its limit, and ignored text is never found. So each chunk
is measured with the embedder's own tokenizer, and cut again until it fits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

from ingest.errors import ParserMoved
from ingest.offline import unstructured
from ingest.types import SEPARATOR, ChunkText
from retrieval.embed import MAX_WORD_PIECES
from retrieval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest.types import Parsed

MAX_CHARACTERS: Final = 900
NEW_AFTER: Final = 600
COMBINE_UNDER: Final = 200
OVERLAP: Final = 120  # characters
_HEADINGS_SHARE: Final = 4  # of the pieces, at most one in so many goes to the headings above the text
_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'”’)\]]*\s|[。！？]")  # noqa: RUF001 - of Chinese and Japanese
_STOP: Final = re.compile(r"[.!?…。！？][\"'”’)\]]*$")  # noqa: RUF001 - same
_BLANK: Final = re.compile(r"\s")
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, or a part of a long one, at its place in the document's text."""

    start: int
    end: int
    is_heading: bool
    path: tuple[str, ...]  # the title and the headings that it stands under; of a heading, with itself


def chunk(parsed: Parsed, measure: Callable[[str], int], limit: int = MAX_WORD_PIECES) -> list[ChunkText]:
    """Cut a document into chunks by its headings.

    Args:
        parsed: The document.
        measure: Counts the word pieces of a text as the embedder does, its marks of begin and end included.
        limit: The most word pieces that the indexed text of a chunk may have.

    Returns:
        Chunks in the document's order. All its text is in them. Where a section is cut, the next chunk begins with
        the last sentences of the one before, of up to 120 characters; else no two hold the same.
    """
    text = parsed.text
    groups = _with_their_text(_by_title(list(_pieces(parsed, text)), text))
    cuts = [cut for group in groups for cut in _fitting(group, text, measure, limit)]
    overlapped = (_overlapped(before, after, text, measure, limit) for before, after in pairwise(cuts))
    return [*(cut.chunk for cut in cuts[:1]), *overlapped]


def normal_form(text: str) -> str:
    """Fold a text so that boilerplate compares equal: case, marks and blanks do not count. Words and figures do."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.casefold()).casefold())
    return " ".join(_BETWEEN_WORDS.sub(" ", folded).split())


@dataclass(frozen=True, slots=True)
class _Cut:
    """A chunk, and the pieces that it holds."""

    chunk: ChunkText
    pieces: Sequence[_Piece]


def _pieces(parsed: Parsed, text: str) -> Iterator[_Piece]:
    at = 0
    stack: list[tuple[int, str]] = []
    for block in parsed.blocks:
        if block.depth:
            stack = [*(above for above in stack if above[0] < block.depth), (block.depth, block.text)]
        headings = tuple(heading for _, heading in stack)
        path = headings if headings[:1] == (parsed.title,) else (parsed.title, *headings)
        for start, end in _parts(text, at, at + len(block.text)):
            yield _Piece(start, end, bool(block.depth), path)
        at += len(block.text) + len(SEPARATOR)


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what is too long for one chunk into parts of about the size that a chunk should have."""
    while end - start > MAX_CHARACTERS:
        cut = _boundary(text, start, start + NEW_AFTER)
        yield from _trimmed(text, start, cut)
        start = cut
    yield from _trimmed(text, start, end)


def _by_title(pieces: Sequence[_Piece], text: str) -> Iterator[list[_Piece]]:
    library = unstructured()
    elements = [(library.heading if p.is_heading else library.paragraph)(text[p.start : p.end]) for p in pieces]
    made = library.chunk_by_title(
        elements,
        max_characters=MAX_CHARACTERS,
        new_after_n_chars=NEW_AFTER,
        combine_text_under_n_chars=COMBINE_UNDER,
        include_orig_elements=True,
    )
    counts = [len(composite.metadata.orig_elements or ()) for composite in made]
    if sum(counts) != len(pieces):
        raise ParserMoved("chunk_by_title of this release of unstructured does not account for every element")
    at = 0
    for count in counts:
        yield list(pieces[at : at + count])
        at += count


def _with_their_text(groups: Iterator[list[_Piece]]) -> Iterator[list[_Piece]]:
    """Join a group of nothing but headings to the next: alone it would answer nothing."""
    waiting: list[_Piece] = []
    for group in groups:
        waiting += group
        if not all(piece.is_heading for piece in waiting):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _fitting(group: Sequence[_Piece], text: str, measure: Callable[[str], int], limit: int) -> Iterator[_Cut]:
    whole = _chunk(group, text)
    if measure(whole.indexed_text) <= limit:
        yield _Cut(whole, group)
        return
    headings = whole.headings
    while headings and measure(" > ".join(headings)) > limit // _HEADINGS_SHARE:
        headings = headings[1:]
    whole = ChunkText(whole.text, headings, whole.start, whole.end)
    if measure(whole.indexed_text) <= limit or whole.end - whole.start == 1:
        yield _Cut(whole, group)
        return
    for half in _halves(group, text):
        yield from _fitting(half, text, measure, limit)


def _overlapped(before: _Cut, after: _Cut, text: str, measure: Callable[[str], int], limit: int) -> ChunkText:
    """Begin a chunk with the end of the one before, where both stand in the same section: a sentence may point back.

    With all of it, the one before would be there twice.
    """
    chunk = after.chunk
    if after.pieces[0].is_heading or after.pieces[0].path != before.pieces[-1].path:
        return chunk
    for start in _last_sentences(before, text):
        longer = ChunkText(text[start : chunk.end], chunk.headings, start, chunk.end)
        if start > before.chunk.start and measure(longer.indexed_text) <= limit:
            return longer
    return chunk


def _last_sentences(cut: _Cut, text: str) -> list[int]:
    """Give where the last whole sentences of a chunk begin that are short enough together, the first of them first.

    What ends without a stop is a row of a table or an item of a list, and stands for itself.
    """
    end = cut.chunk.end
    lowest = max([cut.pieces[0].start, *(piece.end for piece in cut.pieces if piece.is_heading)])
    line = max(lowest, text.rfind("\n", lowest, max(lowest, end - OVERLAP)) + 1)  # a sentence, or more, begins there
    starts: list[int] = []
    for first, last in reversed(sentences(text[line:end])):
        if end - line - first > OVERLAP or not _STOP.search(text, line + first, line + last):
            break
        starts.insert(0, line + first)
    return starts


def _chunk(group: Sequence[_Piece], text: str) -> ChunkText:
    start, end = group[0].start, group[-1].end
    paths = [piece.path for piece in group if not piece.is_heading] or [piece.path for piece in group]
    shared = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    return ChunkText(text[start:end], tuple(level[0] for level in shared), start, end)


def _halves(group: Sequence[_Piece], text: str) -> Iterator[Sequence[_Piece]]:
    """Part a group between two pieces, never below a heading; or its only text near the middle."""
    middle = (group[0].start + group[-1].end) / 2
    places = [at for at in range(1, len(group)) if not group[at - 1].is_heading]
    if places:
        at = min(places, key=lambda place: abs(group[place].start - middle))
        yield from (group[:at], group[at:])
        return
    *above, last = group
    if above and last.end - last.start == 1:
        yield from (above, [last])
        return
    cut = _boundary(text, last.start, (last.start + last.end + 1) // 2)
    parts = [
        _Piece(start, end, last.is_heading, last.path)
        for half in ((last.start, cut), (cut, last.end))
        for start, end in _trimmed(text, *half)
    ]
    yield [*above, parts[0]]
    yield from ([part] for part in parts[1:])


def _boundary(text: str, start: int, at: int) -> int:
    """Find the best place to cut at or before `at`: after a line, else a sentence, else a word, else there."""
    earliest = start + (at - start) // 2
    if (newline := text.rfind("\n", earliest, at)) > 0:
        return newline + 1
    for pattern in (_SENTENCE_END, _BLANK):
        ends = [found.end() for found in pattern.finditer(text, earliest, at)]
        if ends:
            return ends[-1]
    return at


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    if part.strip():
        yield start + len(part) - len(part.lstrip()), start + len(part.rstrip())
