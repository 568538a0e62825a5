"""The parts of a document in their order, as blocks: paragraphs, headings, items of lists, tables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ingest.tables import Table, table_block
from ingest.types import Block, clean, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEEPEST: Final = 6


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. `depth` is that of a heading, 0 for none; `mark` stands before an item of a list, such as `1.`."""

    text: str
    depth: int = 0
    mark: str = ""
    level: int = 0  # of the item's list, 0 for the outermost


def once(parts: Iterable[Paragraph | Table]) -> Iterator[Paragraph | Table]:
    """Leave out what was there already: a header that several sections or pages share."""
    seen: set[str] = set()
    for part in parts:
        text = part.text if isinstance(part, Paragraph) else repr(part)
        if text not in seen:
            seen.add(text)
            yield part


def blocks_of_parts(parts: Iterable[Paragraph | Table | Block]) -> tuple[Block, ...]:
    """Turn parts into blocks. Items that follow each other are one block; what has no text is left out."""
    blocks: list[Block] = []
    for is_item, group in groupby(parts, key=lambda part: isinstance(part, Paragraph) and bool(part.mark)):
        if is_item:
            blocks.append(Block("\n".join(_item(part) for part in group if isinstance(part, Paragraph))))
        else:
            blocks.extend(_block(part) for part in group)
    return tuple(block for block in blocks if clean(block.text))


def _item(part: Paragraph) -> str:
    return f"{'  ' * min(part.level, DEEPEST - 1)}{part.mark} {one_line(part.text)}"


def _block(part: Paragraph | Table | Block) -> Block:
    if isinstance(part, Block):
        return part
    if isinstance(part, Table):
        return table_block(part)
    if part.depth:
        return Block(one_line(part.text), min(part.depth, DEEPEST))
    return Block("\n".join(filter(None, (one_line(line) for line in clean(part.text).split("\n")))))
