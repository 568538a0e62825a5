"""The lines of a page, joined to paragraphs and lists, with headings guessed from their size.

A PDF holds characters at places, and neither paragraphs nor headings. What is guessed here decides
only where chunks begin and what they stand under; no text depends on it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from ingest.types import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HYPHEN: Final = "\ufffe"  # what PDFium writes for a hyphen at a line's end; the line's end itself it drops
_BROKEN: Final = re.compile(rf"(\w+){_HYPHEN}(\w+)")
_COMPOUND: Final = re.compile(r"\w+-\w+")
_ITEM: Final = re.compile(r"(?:[•●▪‣◦■\u2013*-]|\(?(?:\d{1,3}|[a-z])[.)])\s")
_NUMBERED: Final = re.compile(r"\d{1,2}(?:\.\d{1,2})*\.?\s+[^\W\d_]")
_ENDS: Final = (".", "!", "?", ":", ";")
_DEEPEST: Final = 6
_MARK: Final = 2  # characters of a raised figure, at the most
_HEADING_WORDS: Final = 12
_HEADING_LENGTH: Final = 100
_LARGER: Final = 1.12  # a heading's size over the body's
_WIDER: Final = 1.3  # a paragraph's distance over a line's
_SHORT: Final = 0.7  # of a full line: what is shorter ended on purpose
_LEADING: Final = 1.4  # a line's distance over its size, at the most


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page. Sizes and places are in points; 0 where the file does not tell."""

    text: str
    page: int
    size: float = 0
    bold: bool = False
    top: float = 0  # height of its first character, and of its last: a line may be two, joined at a hyphen
    bottom: float = 0
    goes_on: bool = False  # it ends in a blank: the program that wrote it only wrapped a longer line
    is_whole: bool = False  # it is a paragraph of its own: recognised in a picture, and nothing is known of its place


def blocks_of_lines(lines: Sequence[Line]) -> tuple[Block, ...]:
    """Join lines to paragraphs and lists, and tell which of them are headings."""
    return _whole_words(list(_blocks(lines)))


def _blocks(lines: Sequence[Line]) -> Iterator[Block]:
    width = _width(lines)
    paragraphs = list(_paragraphs(lines, width))
    for kind, group in groupby(zip(paragraphs, _depths(paragraphs), strict=True), key=_kind):
        if kind == "item":
            yield Block("\n".join(_joined(paragraph) for paragraph, _ in group))
        else:
            yield from (Block(_joined(paragraph, 0 if depth else width), depth) for paragraph, depth in group)


def _whole_words(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Join words that were broken at a line's end, but keep the hyphens of compounds and double names."""
    compounds = {word.lower() for block in blocks for word in _COMPOUND.findall(block.text)}

    def whole(broken: re.Match[str]) -> str:
        first, second = broken.groups()
        is_compound = f"{first}-{second}".lower() in compounds or not second[0].islower()
        return f"{first}-{second}" if is_compound else first + second

    return tuple(Block(_BROKEN.sub(whole, block.text), block.depth) for block in blocks)


def _kind(read: tuple[Sequence[Line], int]) -> str:
    paragraph, depth = read
    return "item" if not depth and _ITEM.match(paragraph[0].text) else "other"


def _depths(paragraphs: Sequence[Sequence[Line]]) -> list[int]:
    """Give each heading its depth, by its size; 0 for what is no heading."""
    lines = [line for paragraph in paragraphs for line in paragraph]
    letters = sum(len(line.text) for line in lines)
    bold_counts = sum(len(line.text) for line in lines if line.bold) * 2 < letters
    body = _body_size(lines)
    headings = [_is_heading(paragraph, body, bold_counts=bold_counts) for paragraph in paragraphs]
    for at in reversed(range(len(headings))):
        if not headings[at]:
            break
        headings[at] = False  # nothing stands below it
    pairs = list(zip(paragraphs, headings, strict=True))
    sizes = sorted({paragraph[0].size for paragraph, is_one in pairs if is_one}, reverse=True)
    return [min(sizes.index(paragraph[0].size) + 1, _DEEPEST) if is_one else 0 for paragraph, is_one in pairs]


def _is_heading(paragraph: Sequence[Line], body: float, *, bold_counts: bool) -> bool:
    text = _joined(paragraph)
    if len(text) > _HEADING_LENGTH or len(text.split()) > _HEADING_WORDS or text.endswith((*_ENDS, ",")):
        return False
    if not re.search(r"[^\W\d_]{2}", text) or (_ITEM.match(text) and not _NUMBERED.match(text)):
        return False
    return paragraph[0].size > body * _LARGER or (bold_counts and paragraph[0].bold)


def _body_size(lines: Iterable[Line]) -> float:
    letters: Counter[float] = Counter()
    for line in lines:
        letters[line.size] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[Line]:
    """Leave out what stands on top or at the bottom of most pages, but for its first time."""
    edges = Counter(_pattern(line) for page in pages if page for line in {page[0], page[-1]})
    running = {pattern for pattern, count in edges.items() if count >= 3 and count * 2 > len(pages)}
    kept: list[Line] = []
    for page in pages:
        for at, line in enumerate(page):
            pattern = _pattern(line)
            if pattern in running and at in {0, len(page) - 1} and ("#" in pattern or line.page > pages[0][0].page):
                continue
            kept.append(line)
    return kept


def _pattern(line: Line) -> str:
    """Write the line with `#` for the number of its page."""
    return re.sub(rf"\b{line.page + 1}\b", "#", line.text, count=1)


def _paragraphs(lines: Sequence[Line], width: int) -> Iterator[list[Line]]:
    steps = [a.bottom - b.top for a, b in pairwise(lines) if a.page == b.page and a.size == b.size and a.bottom > b.top]
    step = median(steps) if steps else 0.0
    paragraph: list[Line] = []
    before: Line | None = None
    for line in lines:
        if before and _is_mark(line, before.size):
            paragraph.append(line)
            continue
        if before and _starts_anew(before, line, step, width):
            yield paragraph
            paragraph = []
        paragraph.append(line)
        before = line
    if paragraph:
        yield paragraph


def _starts_anew(before: Line, line: Line, step: float, width: int) -> bool:
    if before.text.endswith(_HYPHEN):
        return False
    if (
        before.is_whole
        or line.is_whole
        or (before.size, before.bold) != (line.size, line.bold)
        or _ITEM.match(line.text)
    ):
        return True
    ended = before.text.endswith(_ENDS)
    if before.page != line.page or line.top > before.bottom:  # the next page, or the next column
        return ended or not line.text[0].islower()
    near = max(step * _WIDER, line.size * _LEADING)
    return before.bottom - line.top > near or (ended and _is_short(before, width))


def _is_mark(line: Line, size: float) -> bool:
    """Tell a raised figure or the mark of a footnote, which belongs to the line before it."""
    return len(line.text) <= _MARK and line.size < size


def _width(lines: Iterable[Line]) -> int:
    """Give the length of a full line, in characters; one in ten may be longer."""
    lengths = sorted(len(part) for line in lines for part in line.text.split(_HYPHEN))
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def _is_short(line: Line, width: int) -> bool:
    return len(line.text.rpartition(_HYPHEN)[2]) < width * _SHORT


def _joined(paragraph: Sequence[Line], width: int = 0) -> str:
    """Join lines by blanks, but keep lines apart that end well before the margin: the rows of a table."""
    return "".join(line.text + _separator(line, width, paragraph[0].size) for line in paragraph).strip()


def _separator(line: Line, width: int, size: float) -> str:
    if line.text.endswith(_HYPHEN):
        return ""
    return "\n" if _is_short(line, width) and not line.goes_on and not _is_mark(line, size) else " "
