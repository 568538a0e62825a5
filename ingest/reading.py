"""One file in, all that is to be known of it out. This is what runs in the sandbox, and it touches nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ingest.chunk import chunk
from ingest.detect import detect
from ingest.parse import parse_bytes
from ingest.types import Reading
from retrieval.embed import word_piece_counter

if TYPE_CHECKING:
    from collections.abc import Callable


def read(data: bytes, name: str) -> Reading:
    """Parse the content of a file that has this name, cut it, and look for what calls for a label.

    Raises:
        Unreadable: There is no text to be had, and why.
        ParserMoved: The installed parser is not the one that this release was written for.
        EmbedderDown: The tokenizer of the embedder is missing, so that no chunk can be measured.
    """
    parsed = parse_bytes(data, name)
    chunks = tuple(chunk(parsed, _measure()))
    return Reading(parsed.title, chunks, detect(parsed.text), parsed.notes, parsed.attachments)


@cache
def _measure() -> Callable[[str], int]:
    return word_piece_counter()
