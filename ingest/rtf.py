r"""Rich text (RTF 1.9.1): paragraphs, lists and tables, as a page shows them.

Read directly, because the encoding of each character follows from its font (`\fcharset`), which converters
that take the whole file for one code page get wrong: Czech and Japanese come out as noise.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ingest.errors import Unreadable
from ingest.flow import Paragraph, blocks_of_parts
from ingest.rtf_words import CHARACTERS, CODE_PAGES, DATA, SHOWN, TOKEN, WHOLE_FILE
from ingest.tables import Table
from ingest.types import Parsed, first_heading, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST: Final = 1_000  # groups within groups
_VALUED: Final = frozenset({b"ansicpg", b"f", b"fcharset", b"cpg", b"s", b"outlinelevel", b"ilvl", b"fs"})
_TINY: Final = 2  # half points
_HEADING: Final = re.compile(r"heading (\d)")
_BULLET: Final = re.compile(r"[^\w(]*")


def read_rtf(data: bytes) -> Parsed:
    """Read rich text. Its title is its first heading.

    Raises:
        Unreadable: It is no rich text, or nested too deeply.
    """
    if not data.startswith(b"{\\rtf"):
        raise Unreadable("an .rtf that is no rich text: it does not begin with {\\rtf")
    blocks = blocks_of_parts(_Reader().parts(data))
    return Parsed(first_heading(blocks), blocks)


@dataclass(frozen=True, slots=True)
class _State:
    """What holds in a group, and ends with it."""

    into: bytes = b""  # what its text goes to; empty for the page
    encoding: str = ""
    skip: int = 1  # characters that stand in for a \u one
    hidden: bool = False
    tiny: bool = False  # in letters that nobody reads
    deleted: bool = False
    in_table: bool = False
    depth: int = 0
    level: int = 0
    begins: bool = True  # nothing was read in it


@dataclass(slots=True)
class _Reader:
    """One pass over a file."""

    encoding: str = "cp1252"
    state: _State = field(default_factory=_State)
    above: list[_State] = field(default_factory=list)
    fonts: dict[int, str] = field(default_factory=dict)
    font: int = 0
    style: int = 0
    headings: dict[int, int] = field(default_factory=dict)
    raw: bytearray = field(default_factory=bytearray)  # characters that are not decoded yet
    text: dict[bytes, list[str]] = field(default_factory=dict)
    skipping: int = 0
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    names: bool = False
    notes: list[str] = field(default_factory=list)
    running: dict[str, None] = field(default_factory=dict)  # headers and footers, in their order
    shown: int = 0  # of these

    def parts(self, data: bytes) -> Iterator[Paragraph | Table]:
        at = 0
        while found := TOKEN.match(data, at):
            at = found.end()
            if found["word"] == b"bin":  # so many bytes of data, which may hold anything
                at += max(0, int(found["number"] or 0))
            elif found["brace"]:
                self._group(opens=found["brace"] == b"{")
            elif found["word"]:
                yield from self._word(found["word"], found["number"])
            elif found["symbol"]:
                yield from self._symbol(found["symbol"])
            elif found["byte"]:
                self._bytes(bytes.fromhex(found["byte"].decode()))
            elif found["text"]:
                self._bytes(found["text"])
        self.state = _State()  # whatever is still open
        yield from self._end_of_paragraph()

    def _group(self, *, opens: bool) -> None:
        self._decode()
        self.skipping = 0
        if opens:
            if len(self.above) >= _DEEPEST:
                raise Unreadable("it is nested too deeply")
            self.above.append(self.state)
            self.state = replace(self.state, begins=True)
        elif self.above:
            closed, self.state = self.state, self.above.pop()
            self._closed(closed.into)

    def _closed(self, into: bytes) -> None:
        """Take up what a note, or the header of a page, held when it ends."""
        if into == self.state.into:
            return
        if into == b"footnote":
            self.notes.append(self._taken(into))
        elif into == b"running":
            self.running[self._taken(into)] = None

    def _word(self, word: bytes, number: bytes | None) -> Iterator[Paragraph | Table]:
        value = int(number) if number else None
        begins, state = self.state.begins, self.state
        if word == b"u" and value is not None:
            self._decode()
            self._add(_unicode(value))
            self.skipping = state.skip
            return
        if word in CHARACTERS:
            self._decode()
            self._add(CHARACTERS[word])
            return
        self._decode()
        if begins:
            self.state = replace(state, begins=False)
        if word in DATA or (begins and word in {b"fonttbl", b"footnote", b"listtext", b"pntext"}):
            self.state = replace(self.state, into=_goes_to(word, state.into))
        elif word in SHOWN and state.into == b"*":
            self.state = replace(self.state, into=b"")
        elif word in {b"header", b"headerf", b"headerl", b"headerr", b"footer", b"footerf", b"footerl", b"footerr"}:
            self.state = replace(self.state, into=b"running")
        else:
            yield from self._control(word, value)

    def _control(self, word: bytes, value: int | None) -> Iterator[Paragraph | Table]:
        if word in {b"par", b"sect", b"page"}:
            yield from self._end_of_paragraph()
        elif word == b"cell":
            self._end_of_cell()
        elif word == b"row":
            self._end_of_row()
        elif word == b"trhdr":
            self.names = self.names or not self.rows
        elif word in WHOLE_FILE:
            self.encoding = WHOLE_FILE[word]
        elif value is not None and word in _VALUED:
            self._valued(word, value)
        else:
            self._switch(word, value)

    def _switch(self, word: bytes, value: int | None) -> None:
        if word == b"pard":
            self.state = replace(self.state, in_table=False, depth=0, level=0)
        elif word == b"intbl":
            self.state = replace(self.state, in_table=True)
        elif word == b"plain":
            self.state = replace(self.state, hidden=False, tiny=False, encoding="")
        elif word == b"v":
            self.state = replace(self.state, hidden=value != 0)
        elif word == b"deleted":
            self.state = replace(self.state, deleted=value != 0)
        elif word == b"uc":
            self.state = replace(self.state, skip=min(max(value or 0, 0), 10))

    def _valued(self, word: bytes, value: int) -> None:
        if word in {b"ansicpg", b"fcharset", b"cpg"} or (word == b"f" and self.state.into == b"fonttbl"):
            self._encoded(word, value)
        elif word == b"f":
            self.state = replace(self.state, encoding=self.fonts.get(value, ""))
        elif word == b"s" and self.state.into == b"stylesheet":
            self.style = value
        elif word == b"s":
            self.state = replace(self.state, depth=self.headings.get(value, 0))
        elif word == b"outlinelevel" and self.state.into != b"stylesheet":
            self.state = replace(self.state, depth=value + 1 if 0 <= value < 9 else 0)
        elif word == b"fs":
            self.state = replace(self.state, tiny=value <= _TINY)
        elif word == b"ilvl":
            self.state = replace(self.state, level=min(max(value, 0), 8))

    def _encoded(self, word: bytes, value: int) -> None:
        if word == b"ansicpg":
            self.encoding = _known(f"cp{value}", self.encoding)
        elif word == b"f":
            self.font = value
        elif word == b"cpg":
            self.fonts[self.font] = _known(f"cp{value}", self.encoding)
        elif value in CODE_PAGES:
            self.fonts[self.font] = CODE_PAGES[value]

    def _symbol(self, symbol: bytes) -> Iterator[Paragraph | Table]:
        if symbol == b"*" and self.state.begins:
            self.state = replace(self.state, into=self.state.into or b"*")
        elif symbol in b"\r\n":
            yield from self._end_of_paragraph()
        elif symbol in CHARACTERS:
            self._decode()
            self._add(CHARACTERS[symbol])

    def _bytes(self, raw: bytes) -> None:
        passed = min(self.skipping, len(raw))
        self.skipping -= passed
        self.state = self.state if not self.state.begins else replace(self.state, begins=False)
        if self.state.into in {b"", b"stylesheet", b"footnote", b"listtext", b"running"}:
            self.raw += raw[passed:]

    def _decode(self) -> None:
        if self.raw:
            raw, self.raw = bytes(self.raw), bytearray()
            self._add(raw.decode(self.state.encoding or self.encoding, "replace"))

    def _add(self, text: str) -> None:
        into = self.state.into
        if into == b"stylesheet":
            if found := _HEADING.match(text.strip().lower()):
                self.headings[self.style] = int(found[1])
        elif not (self.state.hidden or self.state.tiny or self.state.deleted):
            self.text.setdefault(into, []).append(text)

    def _taken(self, into: bytes) -> str:
        """Take what was collected; characters beyond the first plane come as two halves."""
        text = "".join(self.text.pop(into, []))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _end_of_paragraph(self) -> Iterator[Paragraph | Table]:
        self._decode()
        into = self.state.into
        if into or self.state.in_table:
            self._add("\n")
            return
        yield from self._end_of_table()
        yield from (Paragraph(text) for text in list(self.running)[self.shown :])
        self.shown = len(self.running)
        text, mark = self._taken(b""), one_line(self._taken(b"listtext"))
        if mark and one_line(text):
            mark = "-" if _BULLET.fullmatch(mark) else mark
        if self.state.depth:
            yield Paragraph(f"{mark} {text}" if mark not in {"", "-"} else text, self.state.depth)
        else:
            yield Paragraph(text, mark=mark if one_line(text) else "", level=self.state.level)
        yield from self._end_of_notes()

    def _end_of_notes(self) -> Iterator[Paragraph | Table]:
        notes, self.notes = self.notes, []
        yield from (Paragraph(note) for note in notes)

    def _end_of_cell(self) -> None:
        self._decode()
        mark = one_line(self._taken(b"listtext"))
        self.cells.append(f"{mark} {self._taken(b'')}" if mark else self._taken(b""))

    def _end_of_row(self) -> None:
        if self.cells:
            self.rows.append(self.cells)
        self.cells = []

    def _end_of_table(self) -> Iterator[Paragraph | Table]:
        self._end_of_row()
        rows, names, self.rows, self.names = self.rows, self.names, [], False
        if len(rows) and all(len(row) == 1 for row in rows):  # a frame around text
            yield from (Paragraph(row[0]) for row in rows)
        elif rows:
            yield Table(rows, header=True if names else None)
        if rows:
            yield from self._end_of_notes()


def _goes_to(word: bytes, into: bytes) -> bytes:
    """Tell where the text of a group goes that begins with this word; what stands in data is data."""
    if into not in {b"", b"running"}:
        return into
    return {b"pntext": b"listtext"}.get(word, word)


def _known(encoding: str, otherwise: str) -> str:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return otherwise
    return encoding


def _unicode(value: int) -> str:
    value = value + 0x10000 if value < 0 else value
    return chr(value) if 0 < value <= 0x10FFFF else ""
