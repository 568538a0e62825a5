"""Word documents: what stands on the page, in its order.

Left out is what a page does not show: deleted and moved text, hidden text, comments, field codes, and the
alternative forms that a newer Word leaves for an older one.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ingest.archive import open_archive, parse_xml
from ingest.drawing import drawn_parts, related
from ingest.flow import Paragraph, blocks_of_parts, once
from ingest.ole import expect_no_ole
from ingest.tables import Table
from ingest.types import Parsed, first_heading, one_line
from ingest.word_styles import Numbering, Styles, W, is_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.archive import Archive

_STRICT: Final = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_UNSEEN: Final = frozenset({W + "del", W + "moveFrom", W + "rPr", W + "pPr", W + "sdtPr", W + "tbl", _FALLBACK})
_BREAKS: Final = {W + "tab": " ", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-", W + "ptab": " "}
_BOX: Final = W + "txbxContent"
_DRAWN: Final = frozenset({W + "drawing", W + "pict", W + "object"})
_NOTES: Final = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}


def read_docx(data: bytes) -> Parsed:
    """Read a Word document. Its title is its first heading.

    Raises:
        Unreadable: It is encrypted, a zip bomb, or no Word document.
    """
    otherwise = "a .docx that is no Word document"
    expect_no_ole(data, otherwise)
    archive = open_archive(data, otherwise, needs="word/document.xml")
    document = _Document(archive)
    blocks = blocks_of_parts(document.parts())
    left_out = sum(1 for _ in document.body.iter(W + "altChunk"))
    notes = (f"embedded documents left out: {left_out}",) if left_out else ()
    return Parsed(first_heading(blocks), blocks, notes)


@dataclass(frozen=True)
class _Document:
    """One document, with what its parts refer to."""

    archive: Archive

    @cached_property
    def body(self) -> Any:
        return self._xml("word/document.xml")

    @cached_property
    def styles(self) -> Styles:
        return Styles(self._xml("word/styles.xml"))

    @cached_property
    def numbering(self) -> Numbering:
        return Numbering(self._xml("word/numbering.xml"))

    @cached_property
    def related(self) -> Mapping[str, str]:
        return related(self.archive, "word/document.xml")

    @cached_property
    def notes(self) -> Mapping[tuple[str, str], Any]:
        kinds = ("footnotes", "endnotes")
        found = ((kind, note) for kind in kinds for note in self._xml(f"word/{kind}.xml"))
        return {(kind, note.get(W + "id")): note for kind, note in found}

    def _xml(self, name: str) -> Any:
        data = self.archive.read(name) or b"<none/>"
        return parse_xml(data.replace(_STRICT, W[1:-1].encode()))

    def parts(self) -> Iterator[Paragraph | Table]:
        """Give headers, the body, and footers; those of several sections once, if they are the same."""
        yield from self._running("headerReference")
        yield from self.inside(next(iter(self.body), self.body))
        yield from self._running("footerReference")

    def _running(self, kind: str) -> Iterator[Paragraph | Table]:
        names = (self.related.get(reference.get(_ID), "") for reference in self.body.iter(W + kind))
        return once(part for name in names for part in self.inside(self._xml(posixpath.normpath(name))))

    def inside(self, container: Any) -> Iterator[Paragraph | Table]:
        """Give what stands in a body, a cell or a box, one below the other."""
        for element in container:
            if element.tag == W + "p":
                yield from self._paragraph(element)
            elif element.tag == W + "tbl":
                yield from self._table(element)
            elif element.tag not in _UNSEEN:  # content controls, and inserted or moved paragraphs
                yield from self.inside(element)

    def _paragraph(self, element: Any) -> Iterator[Paragraph | Table]:
        beside: list[Any] = []
        text = "".join(self._text(element, beside))
        look = self.styles.look(element)
        if look.hidden:
            text = ""
        mark = self.numbering.mark(look) if one_line(text) else ""
        if look.depth:
            numbered = f"{mark} {text}" if mark[:1].isalnum() else text
            yield Paragraph(numbered, look.depth)
        else:
            yield Paragraph(text, mark=mark, level=look.level)
        for other in beside:
            yield from self._beside(other)

    def _beside(self, element: Any) -> Iterator[Paragraph | Table]:
        """Give a text box, a footnote or a drawing right after the paragraph that it belongs to."""
        if element.tag in _NOTES:
            note = self.notes.get((_NOTES[element.tag], element.get(W + "id")))
            if note is not None:
                yield from self.inside(note)
        elif element.tag == _BOX:
            yield from self.inside(element)
        else:
            yield from drawn_parts(self.archive, element, self.related)

    def _text(self, element: Any, beside: list[Any]) -> Iterator[str]:
        for child in element:
            if child.tag == W + "t":
                yield child.text or ""
            elif child.tag in _BREAKS:
                yield _BREAKS[child.tag]
            elif child.tag == _MATH + "oMath":
                yield _formula(child)
            elif child.tag in _NOTES or child.tag == _BOX:
                beside.append(child)
            elif child.tag in _DRAWN:
                beside.append(child)
                list(self._text(child, beside))  # for the boxes within
            elif child.tag not in _UNSEEN and not (child.tag == W + "r" and self.styles.hides(child)):
                yield from self._text(child, beside)

    def _table(self, table: Any) -> Iterator[Paragraph | Table]:
        rows = [row for row in table.iter(W + "tr") if next(row.iterancestors(W + "tbl")) is table]
        rows = [row for row in rows if not _is_hidden_row(row)]
        if all(len(_cells(row)) == 1 for row in rows):  # a frame around text
            for row in rows:
                yield from self.inside(_cells(row)[0])
            return
        names = bool(rows) and rows[0].find(f"{W}trPr/{W}tblHeader") is not None
        yield Table(self._rows(rows), header=True if names else None)

    def _rows(self, rows: list[Any]) -> list[list[str]]:
        """Write the text of a merged cell into every place that it covers, so that columns stay in line."""
        written: list[list[str]] = []
        for row in rows:
            line: list[str] = [""] * _number(row.find(f"{W}trPr/{W}gridBefore"))
            for cell in _cells(row):
                merge = cell.find(f"{W}tcPr/{W}vMerge")
                goes_on = merge is not None and merge.get(W + "val", "continue") == "continue"
                above = written[-1] if written else []
                text = above[len(line)] if goes_on and len(line) < len(above) else self._cell(cell)
                line += [text] * max(1, _number(cell.find(f"{W}tcPr/{W}gridSpan")))
            written.append(line)
        return written

    def _cell(self, cell: Any) -> str:
        said = (block.text for block in blocks_of_parts(self.inside(cell)))
        return " ".join(said)


_WIDEST: Final = 100  # columns of one cell; a span of a million is an attack on memory


def _number(element: Any) -> int:
    value = "" if element is None else element.get(W + "val", "")
    return min(int(value), _WIDEST) if value.isascii() and value.isdigit() else 0


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row.iter(W + "tc") if next(cell.iterancestors(W + "tr")) is row]


def _is_hidden_row(row: Any) -> bool:
    deleted = row.find(f"{W}trPr/{W}del") is not None
    return deleted or is_on(row.find(f"{W}trPr/{W}hidden"))


def _formula(element: Any) -> str:
    """Write a formula on one line: `x^2`, `a/b`."""
    kind = element.tag.removeprefix(_MATH)
    if kind == "t":
        return element.text or ""
    parts = [_formula(child) for child in element if not child.tag.endswith("Pr")]
    joint = {"f": "/", "sSup": "^", "sSub": "_", "m": " ", "mr": " "}.get(kind, "")
    return joint.join(parts)
