"""OpenDocument text: what stands on the page, in its order.

Left out is what a page does not show: deleted text, hidden text and sections, comments, descriptions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ingest.archive import open_archive
from ingest.counting import written
from ingest.errors import Unreadable
from ingest.flow import Paragraph, blocks_of_parts, once
from ingest.ole import LOCKED
from ingest.tables import Table
from ingest.types import Parsed, first_heading, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.archive import Archive

_OASIS: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT: Final = _OASIS + "text:1.0}"
_TABLE: Final = _OASIS + "table:1.0}"
_STYLE: Final = _OASIS + "style:1.0}"
_OFFICE: Final = _OASIS + "office:1.0}"
_DRAW: Final = _OASIS + "drawing:1.0}"
_SVG: Final = _OASIS + "svg-compatible:1.0}"
_FO: Final = _OASIS + "xsl-fo-compatible:1.0}"
_MATH: Final = "{http://www.w3.org/1998/Math/MathML}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}"
_LEFT_OUT: Final = frozenset(
    {
        _TEXT + "tracked-changes",
        _OFFICE + "annotation",
        _OFFICE + "forms",
        _TEXT + "hidden-text",
        _TEXT + "hidden-paragraph",
        _TEXT + "sequence-decls",
        _TEXT + "variable-decls",
        _TEXT + "user-field-decls",
        _TEXT + "note-citation",
        _SVG + "title",
        _SVG + "desc",
        _TEXT + "ruby-text",
    }
)
_MIMETYPES: Final = (b"application/vnd.oasis.opendocument.text",)
_WIDEST: Final = 100  # columns or rows that one cell may cover or repeat; a million is an attack on memory
_TINY: Final = re.compile(r"(?:0*(?:\.0+)?|1(?:\.0+)?|0?\.\d+)(?:pt|px)")
_FIGURES: Final = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}


def read_odt(data: bytes) -> Parsed:
    """Read an OpenDocument text. Its title is its first heading.

    Raises:
        Unreadable: It is encrypted, a zip bomb, or no OpenDocument text.
    """
    otherwise = "an .odt that is no OpenDocument text"
    archive = open_archive(data, otherwise, needs="content.xml")
    if not archive.read("mimetype").startswith(_MIMETYPES):
        raise Unreadable(otherwise)
    if next(archive.xml("META-INF/manifest.xml").iter("{*}encryption-data"), None) is not None:
        raise Unreadable(LOCKED)
    document = _Document(archive)
    blocks = blocks_of_parts(document.parts())
    return Parsed(first_heading(blocks), blocks)


class _Document:
    """One document, with its styles."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._content = archive.xml("content.xml")
        roots = (archive.xml("styles.xml"), self._content)
        styles = [style for root in roots for style in root.iter(_STYLE + "style")]
        self._parents = {style.get(_STYLE + "name"): style.get(_STYLE + "parent-style-name", "") for style in styles}
        self._hidden = {style.get(_STYLE + "name") for style in styles if _hides(style)}
        self._lists = {one.get(_STYLE + "name"): one for root in roots for one in root.iter(_TEXT + "list-style")}
        self._masters = roots[0]

    def parts(self) -> Iterator[Paragraph | Table]:
        """Give headers, the body, and footers; what several pages share stands once."""
        yield from self._running(_STYLE + "header")
        for body in self._content.iter(_OFFICE + "text"):
            yield from self.inside(body)
        yield from self._running(_STYLE + "footer")

    def _running(self, tag: str) -> Iterator[Paragraph | Table]:
        shown = (one for one in self._masters.iter(tag) if one.get(_STYLE + "display") != "false")
        return once(part for running in shown for part in self.inside(running))

    def inside(self, container: Any) -> Iterator[Paragraph | Table]:
        """Give what stands in a body, a section, a cell or a box, one below the other."""
        for element in container:
            if element.tag in {_TEXT + "p", _TEXT + "h"}:
                yield from self._paragraph(element)
            elif element.tag == _TEXT + "list":
                yield from self._list(element, 0, None)
            elif element.tag == _TABLE + "table":
                yield self._table(element)
            elif element.tag not in _LEFT_OUT and not _is_closed(element):
                yield from self.inside(element)

    def _paragraph(self, element: Any, mark: str = "", level: int = 0) -> Iterator[Paragraph | Table]:
        beside: list[Any] = []
        text = "".join(self._text(element, beside))
        depth = element.get(_TEXT + "outline-level", "1") if element.tag == _TEXT + "h" else "0"
        if self._style_of(element) & self._hidden:
            text = ""
        depth = "1" if "Title" in self._style_of(element) else depth
        yield Paragraph(text, int(depth) if depth in set("0123456789") else 1, mark if one_line(text) else "", level)
        for other in beside:
            yield from self._object(other) if other.tag == _DRAW + "object" else self.inside(other)

    def _object(self, element: Any) -> Iterator[Paragraph | Table]:
        """Give what an embedded chart or formula says."""
        folder = element.get(_XLINK + "href", "").removeprefix("./").rstrip("/")
        root = self._archive.xml(f"{folder}/content.xml")
        if root.tag == _MATH + "math":
            annotations = set(root.iter(_MATH + "annotation"))
            yield Paragraph("".join(found.text or "" for found in root.iter() if found not in annotations))
        for chart in root.iter(_OFFICE + "chart"):
            yield from self.inside(chart)

    def _style_of(self, element: Any) -> set[str]:
        """Give the names of an element's style and of those that it is based on; a circle ends."""
        names: set[str] = set()
        name = element.get(_TEXT + "style-name", "")
        while name and name not in names:
            names.add(name)
            name = self._parents.get(name, "")
        return names

    def _text(self, element: Any, beside: list[Any]) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            if child.tag == _TEXT + "s" or child.tag == _TEXT + "tab":
                yield " "
            elif child.tag == _TEXT + "line-break":
                yield "\n"
            elif child.tag in {_TEXT + "note-body", _DRAW + "text-box", _DRAW + "object"}:
                beside.append(child)
            elif child.tag not in _LEFT_OUT and not self._style_of(child) & self._hidden:
                yield from self._text(child, beside)
            yield child.tail or ""

    def _list(self, element: Any, level: int, style: Any) -> Iterator[Paragraph | Table]:
        style = self._lists.get(element.get(_TEXT + "style-name"), style)
        count = 0
        for item in element:
            count += item.tag == _TEXT + "list-item"
            mark = _mark(style, level, count) if item.tag == _TEXT + "list-item" else ""
            for part in item:
                if part.tag == _TEXT + "list":
                    yield from self._list(part, level + 1, style)
                elif part.tag in {_TEXT + "p", _TEXT + "h"}:
                    yield from self._paragraph(part, mark if part.tag == _TEXT + "p" else "", level)

    def _table(self, table: Any) -> Table:
        rows: list[list[str]] = []
        hanging: dict[tuple[int, int], str] = {}
        for row in table.iter(_TABLE + "table-row"):
            if next(row.iterancestors(_TABLE + "table")) is table and row.get(_TABLE + "visibility") in {
                None,
                "visible",
            }:
                rows.append(self._row(row, len(rows), hanging))
        named = table.find(_TABLE + "table-header-rows") is not None
        return Table(rows, header=True if named else None)

    def _row(self, row: Any, at: int, hanging: dict[tuple[int, int], str]) -> list[str]:
        line: list[str] = []
        for cell in row:
            if cell.tag not in {_TABLE + "table-cell", _TABLE + "covered-table-cell"}:
                continue
            text = " ".join(block.text for block in blocks_of_parts(self.inside(cell)))
            for _ in range(_span(cell, "number-columns-repeated")):
                for down in range(_span(cell, "number-rows-spanned")):
                    for right in range(_span(cell, "number-columns-spanned")):
                        if down or right:
                            hanging[at + down, len(line) + right] = text
                line.append(hanging.get((at, len(line)), "") or text)
        return line


def _span(cell: Any, name: str) -> int:
    value = cell.get(_TABLE + name, "1")
    return max(1, min(int(value), _WIDEST)) if value.isascii() and value.isdigit() else 1


def _hides(style: Any) -> bool:
    return any(
        found.get(_TEXT + "display") == "none" or _TINY.fullmatch(found.get(_FO + "font-size", ""))
        for found in style.iter(_STYLE + "text-properties")
    )


def _is_closed(element: Any) -> bool:
    return element.get(_TEXT + "display") in {"none", "condition"}


def _mark(style: Any, level: int, count: int) -> str:
    numbered = f"{_TEXT}list-level-style-number"
    found = () if style is None else style.iterfind(numbered)
    for one in found:
        if one.get(_TEXT + "level") == str(level + 1):
            first = one.get(_TEXT + "start-value", "1")
            number = count + (int(first) if first.isascii() and first.isdigit() and len(first) < 6 else 1) - 1
            kind = _FIGURES.get(one.get(_STYLE + "num-format", "1"), "decimal")
            return f"{written(number, kind)}{one.get(_STYLE + 'num-suffix', '')}"
    return "-"
