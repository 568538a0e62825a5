"""One file in, all that is to be known of it out. This is what runs in the sandbox, and it touches nothing else."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from ingest.chunk import chunk
from ingest.errors import Unreadable
from ingest.parse import parse_bytes
from ingest.types import Reading
from redaction.detect import detect
from redaction.errors import RecogniserFailed
from retrieval.embed import word_piece_counter

if TYPE_CHECKING:
    from collections.abc import Callable

    from redaction.detect import Finding

# What a parser imports when it first meets its format.
_LIBRARIES: Final = ("openpyxl.styles", "openpyxl.utils.datetime", "pypdfium2")


def read(data: bytes, name: str) -> Reading:
    """Parse the content of a file that has this name, cut it, and look for what calls for a label.

    Raises:
        Unreadable: There is no text to be had, and why.
        ParserMoved: The installed parser is not the one that this release was written for.
        EmbedderDown: The tokenizer of the embedder is missing, so that no chunk can be measured.
    """
    parsed = parse_bytes(data, name)
    chunks = tuple(chunk(parsed, _measure()))
    text = parsed.text if parsed.title in parsed.text else f"{parsed.title}\n\n{parsed.text}"
    return Reading(parsed.title, chunks, _findings(text), parsed.notes, parsed.attachments)


def _findings(text: str) -> tuple[Finding, ...]:
    try:
        return detect(text)
    except RecogniserFailed as error:
        raise Unreadable(str(error)) from None


def warm_up() -> None:
    """Load what reading needs, so that the copies of this process have it.

    Raises:
        ParserMoved, EmbedderDown: See `read`.
    """
    for library in _LIBRARIES:
        import_module(library)
    read(b"# Opening hours\n\nThe office is open. It closes at noon.\n\n- one\n- two\n", "hours.md")
    read(b"Day,Hours\nMonday,all day\nFriday,until noon\n", "hours.csv")
    read(b"<!doctype html><title>Hours</title><h1>Hours</h1><p>The office is open.</p>", "hours.html")


@cache
def _measure() -> Callable[[str], int]:
    return word_piece_counter()
