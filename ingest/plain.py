"""Plain text: paragraphs, lists, and the few lines that are clearly headings."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from ingest.elements import blocks_of
from ingest.offline import unstructured
from ingest.types import Block, Parsed, first_heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def read_text(text: str) -> Parsed:
    """Read plain text. Its title is a heading that it begins with."""
    blocks = text_blocks(text)
    return Parsed(first_heading(blocks[:1]), blocks)


def text_blocks(text: str) -> tuple[Block, ...]:
    """Turn plain text into blocks."""
    blocks = blocks_of(unstructured().partition_text(text=text, languages=[""]))
    return tuple(_doubted(blocks))


def _doubted(blocks: Iterable[Block]) -> Iterator[Block]:
    """Keep a guessed heading only where it looks and stands like one.

    The parser takes each short line without a full stop for a heading: the lines of an address, a
    signature, `Name: Anna`. A heading stands alone, or below the title, and has text below it.
    """
    runs = [list(run) for _, run in groupby(blocks, key=lambda block: bool(block.depth))]
    for at, run in enumerate(runs):
        ends_here = at == len(runs) - 1
        for block in run:
            is_first = at == 0 and block is run[0]
            if not block.depth or ends_here or len(run) > 2 or ":" in block.text:
                yield replace(block, depth=0)
            else:
                yield replace(block, depth=1 if is_first else 2)
