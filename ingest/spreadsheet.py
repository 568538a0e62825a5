"""Spreadsheets: each sheet that is shown, under its name, as a table of what its cells show.

Read part by part, because a sheet holds what nobody sees: hidden sheets, columns and rows, formulas,
comments. A row that only a filter hides is kept; to filter is to look, not to conceal.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from ingest.archive import AS_DATA, open_archive
from ingest.drawing import A, drawn_parts, related, text_of
from ingest.errors import Unreadable
from ingest.flow import Paragraph, blocks_of_parts
from ingest.ole import expect_no_ole
from ingest.sheet_values import Values
from ingest.tables import MOST_CELLS, Table, table_block
from ingest.types import Block, Parsed, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.archive import Archive

_X: Final = "{*}"  # the name of its XML differs between the two forms of the standard
_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_WORKBOOK: Final = "xl/workbook.xml"
_CELL: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_MOST_SPREAD: Final = 5_000_000  # places of a sheet, its empty ones included
_MOST_COPIES: Final = 100_000  # of merged cells, per sheet
_LONGEST_COPY: Final = 200  # characters


def read_xlsx(data: bytes) -> Parsed:
    """Read a spreadsheet: each sheet under its name, formulas by their last computed values.

    Raises:
        Unreadable: It is encrypted, a zip bomb, too large, or no spreadsheet.
    """
    otherwise = "a .xlsx that is no Excel workbook"
    expect_no_ole(data, otherwise)
    archive = open_archive(data, otherwise, needs=_WORKBOOK)
    references = related(archive, _WORKBOOK)
    values = Values(archive, archive.xml(_WORKBOOK))
    hidden: Counter[str] = Counter()
    blocks: list[Block] = []
    cells = 0
    for listed in archive.xml(_WORKBOOK).iter(f"{_X}sheet"):
        if listed.get("state", "visible") != "visible":
            hidden["sheets"] += 1
            continue
        name = references.get(listed.get(_ID), "")
        sheet = _read_sheet(archive.read(name), values, MOST_CELLS - cells)
        cells += sheet.cells
        hidden.update(sheet.hidden())
        content = [block for block in _blocks(archive, name, sheet) if block.text]
        if content:
            blocks += [Block(one_line(listed.get("name", "")), 1), *content]
    notes = tuple(f"hidden {what} left out: {count}" for what, count in hidden.items() if count)
    return Parsed("", tuple(blocks), notes)


def _blocks(archive: Archive, name: str, sheet: _Sheet) -> Iterator[Block]:
    yield table_block(Table(sheet.table()))
    references = related(archive, name)
    for drawing in (part for part in references.values() if "/drawings/drawing" in part):
        root = archive.xml(drawing)
        text = (Paragraph(text_of(paragraph)) for paragraph in root.iter(A + "p"))
        yield from blocks_of_parts(text)
        yield from blocks_of_parts(drawn_parts(archive, root, related(archive, drawing)))


@dataclass(slots=True)
class _Sheet:
    """The cells of a sheet, by their place; rows and columns count from 1."""

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # top, left, bottom, right
    filtered: bool = False
    cells: int = 0

    def hidden(self) -> dict[str, int]:
        """Count what is left out and holds something."""
        if self.filtered:
            self.hidden_rows.clear()
        rows = sum(any(self.rows[number].values()) for number in self.hidden_rows if number in self.rows)
        columns = {column for row in self.rows.values() for column, text in row.items() if text}
        return {"rows": rows, "columns": sum(map(self._is_hidden, columns))}

    def _is_hidden(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)

    def table(self) -> list[list[str]]:
        """Give the rows that are seen, each with a place for each column that holds anything."""
        self._fill_merged()
        numbers = [number for number in sorted(self.rows) if number not in self.hidden_rows]
        used = {column for number in numbers for column, text in self.rows[number].items() if text}
        columns = sorted(column for column in used if not self._is_hidden(column))
        if len(numbers) * len(columns) > _MOST_SPREAD:
            raise Unreadable("a sheet of it is spread over too many rows and columns")
        table: list[list[str]] = []
        before = 0
        for number in numbers:
            if before and number > before + 1 and not self.hidden_rows & {number - 1}:
                table.append([])  # a gap parts two tables
            table.append([self.rows[number].get(column, "") for column in columns])
            before = number
        return table

    def _fill_merged(self) -> None:
        """Write a merged cell into the rows that it covers; into columns only beside others: else it is a caption."""
        copies = 0
        for top, left, bottom, right in self.merged:
            text = self.rows.get(top, {}).get(left, "")
            if not text or len(text) > _LONGEST_COPY:
                continue
            for number in range(top, bottom + 1):
                row = self.rows.get(number, {})
                beside = any(said for column, said in row.items() if not left <= column <= right)
                for column in range(left, (right if beside else left) + 1):
                    if row is not self.rows.get(number) or row.get(column):
                        continue
                    copies += 1
                    if copies > _MOST_COPIES:
                        return
                    row[column] = text


def _read_sheet(data: bytes, values: Values, room: int) -> _Sheet:
    """Read a sheet row by row, so that only what its cells say stays in memory."""
    sheet = _Sheet()
    tags = [f"{_X}{name}" for name in ("row", "col", "mergeCell", "filterColumn")]
    for _, element in etree.iterparse(BytesIO(data or b"<none/>"), tag=tags, **AS_DATA):
        kind = etree.QName(element).localname
        if kind == "row":
            _take_row(element, sheet, values, room)
        elif kind == "col" and element.get("hidden") in {"1", "true"}:
            sheet.hidden_columns.append((_figure(element.get("min")), _figure(element.get("max"))))
        elif kind == "mergeCell":
            sheet.merged += _range(element.get("ref", ""))
        elif kind == "filterColumn":
            sheet.filtered = True
        element.clear(keep_tail=True)
        while element.getprevious() is not None:
            del element.getparent()[0]
    return sheet


def _take_row(element: Any, sheet: _Sheet, values: Values, room: int) -> None:
    number = _figure(element.get("r")) or max(sheet.rows, default=0) + 1
    if element.get("hidden") in {"1", "true"}:
        sheet.hidden_rows.add(number)
    row: dict[int, str] = {}
    column = 0
    for cell in element.iterchildren(f"{_X}c"):
        column = _column(cell.get("r", "")) or column + 1
        sheet.cells += 1
        if text := values.shown(cell):
            row[column] = text
    if sheet.cells > room:
        raise Unreadable(f"it has more than {MOST_CELLS:,} cells")
    if row:
        sheet.rows[number] = row


def _figure(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 9 else 0


def _column(reference: str) -> int:
    column = 0
    for letter in reference.rstrip("0123456789"):
        column = column * 26 + ord(letter) - ord("A") + 1
    return column if 0 < column <= 16_384 else 0


def _range(reference: str) -> list[tuple[int, int, int, int]]:
    found = [_CELL.fullmatch(part) for part in reference.split(":")]
    if len(found) != 2 or found[0] is None or found[1] is None:
        return []
    first, last = found[0], found[1]
    return [(int(first[2]), _column(first[1]), int(last[2]), _column(last[1]))]
