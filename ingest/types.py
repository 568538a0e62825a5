"""The values of ingestion: what was found, what a document says, the chunks that are indexed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redaction.detect import Finding


SEPARATOR: Final = "\n\n"  # between the blocks of a document text
MAX_BYTES: Final = 50_000_000  # of one file; a larger one is reported and not read
LONGEST_HEADING: Final = 200  # characters; what is longer is text
_LINE_BREAK: Final = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
# C0 and C1 controls but tab and newline, lone surrogates, noncharacters: neither SQL nor UTF-8 can hold them all.
# And the hyphen that is shown at a line's end alone: within a word it would keep the word from being found.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\ud800-\udfff\ufffe\uffff]")

_ESCAPE: Final = re.compile(r"\\(?:\\|[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
# Controls, formats (bidirectional overrides, zero-width), surrogates, unassigned, line and paragraph separators.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file below the folder that is walked.

    `relative` uses `/`, and is safe to show and to store. `place` is the names themselves, to open it by; what is
    opened has to be this `identity`.
    """

    relative: str
    place: tuple[str, ...]
    size: int  # bytes
    identity: tuple[int, int]  # device and inode
    modified: datetime | None = None  # when it was last changed

    @property
    def name(self) -> str:
        """Its own name: to tell its format by, not to be shown."""
        return self.place[-1]

    @property
    def folder(self) -> tuple[str, ...]:
        """The folders that it lies in, from the top, as they are shown; declarations are kept by them."""
        return tuple(self.relative.split("/")[:-1])


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something below the folder that is not read, and why; of a folder, all that lies below it."""

    relative: str  # "." for the folder that is walked
    reason: str
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, a list or a table of a document.

    `depth` is 1 to 6 for a heading, which is one short line, and 0 for everything else. Items of a list and rows of a
    table stand on lines of their own.
    """

    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a mail carries: a document of its own, with the label and the readers of the mail."""

    name: str  # as the sender wrote it: to be shown through `shown`, never to be used as a path
    data: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a document says, without its formatting and without the metadata of its file.

    `notes` say what was left out, for the person who ingests; they hold no content.
    """

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def text(self) -> str:
        """The whole text, that the offsets of chunks count in."""
        return SEPARATOR.join(block.text for block in self.blocks)


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A stretch of a document: `text == parsed.text[start:end]`, offsets in characters.

    `headings` are the document's title and the headings that the whole stretch stands under.
    """

    text: str
    headings: tuple[str, ...]
    start: int
    end: int

    @property
    def path(self) -> str:
        """Where it stands, to show beside it: `Sick leave > Contact`."""
        return " > ".join(self.headings)

    @property
    def indexed_text(self) -> str:
        """What is embedded and indexed: the text below those of its headings that it does not hold itself."""
        return indexed_text(self.headings, self.text)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that comes of reading one file: what is stored, what was noticed, what has to be read next."""

    title: str
    chunks: tuple[ChunkText, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


def indexed_text(headings: Iterable[str], text: str) -> str:
    """Give what is embedded and indexed of a chunk's text that stands under some headings."""
    own = set(text.splitlines())
    above = " > ".join(heading for heading in headings if heading not in own)
    return f"{above}\n{text}" if above else text


def printable(text: str) -> str:
    """Drop what no reader sees and no database keeps: control characters and lone surrogates."""
    return _UNPRINTABLE.sub("", _LINE_BREAK.sub("\n", text))


def clean(text: str) -> str:
    """Drop what is not printable, and the blanks around the rest."""
    return printable(text).strip()


def one_line(text: str) -> str:
    """Fold a title or a table cell into one line."""
    return " ".join(clean(text).split())


def as_title(text: str) -> str:
    """Fold a heading into a title of bounded length."""
    return one_line(text)[:LONGEST_HEADING].rstrip()


def first_heading(blocks: tuple[Block, ...]) -> str:
    """Give the text of the first heading, or nothing."""
    return next((block.text for block in blocks if block.depth), "")


def moment(seconds: int) -> datetime | None:
    """Give a point in time in UTC, of seconds since 1970; None of what no calendar has: a file may have any."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def shown(name: str) -> str:
    r"""Write a name so that it can be printed and stored: what cannot be seen becomes `\xNN`.

    A file name may hold terminal commands, line breaks, or marks that turn the reading direction and
    make `exe.txt` of `txt.exe`. Two names never become the same.
    """
    return "".join(_shown(character) for character in name)


def _shown(character: str) -> str:
    if character == "\\" or unicodedata.category(character) in _UNSHOWN:
        return character.encode("unicode_escape").decode("ascii")
    return character


def is_shown(text: str) -> bool:
    """Say whether a text is safe to show, as `shown` makes it.

    Another release of Python knows other characters: who shows one that is unassigned here, is believed.
    """
    rest = _ESCAPE.sub("", text)
    return "\\" not in rest and not any(unicodedata.category(letter) in _UNSHOWN - {"Cn"} for letter in rest)
