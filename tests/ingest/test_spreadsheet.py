"""Spreadsheets: what their cells show."""

from __future__ import annotations

import re
from datetime import date, datetime, time

import openpyxl.comments  # type: ignore[import-untyped]  # it ships no types
import pytest
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]  # it ships no types

from ingest.errors import Unreadable
from ingest.spreadsheet import read_xlsx
from ingest.types import Block
from tests.containers import part_of, saved, with_parts

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)


def sheet(*rows: list[object]) -> bytes:
    """Make a spreadsheet of one sheet."""
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    return saved(workbook)


def test_each_sheet_stands_under_its_name() -> None:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Lamps"
    workbook.active.append(["Pier", "Lamp"])
    workbook.active.append(["North", "green"])
    workbook.create_sheet("Empty")
    workbook.create_sheet("Ropes").append(["tar"])
    parsed = read_xlsx(saved(workbook))
    assert parsed.blocks == (Block("Lamps", 1), Block("Pier: North; Lamp: green"), Block("Ropes", 1), Block("tar"))
    assert parsed.title == ""  # the name of the file, then


def test_hidden_sheets_are_left_out_and_counted() -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["seen"])
    for state in ("hidden", "veryHidden"):
        other = workbook.create_sheet(f"secret {state}")
        other.append(["secret"])
        other.sheet_state = state
    parsed = read_xlsx(saved(workbook))
    assert "secret" not in parsed.text
    assert parsed.notes == ("hidden sheets left out: 2",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime.combine(date(2026, 5, 1), time()), "2026-05-01"),
        (datetime.combine(date(2026, 5, 1), time(9, 30)), "2026-05-01T09:30:00"),
        (time(9, 30), "09:30:00"),
        (12.0, "12"),
        (0.1 + 0.2, "0.3"),
        (True, "true"),
        (7, "7"),
    ],
)
def test_a_value_is_written_as_the_sheet_shows_it(value: object, shown: str) -> None:
    assert read_xlsx(sheet([value])).blocks[1].text == shown


def test_a_percentage_is_written_as_one() -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["rate", 0.035])
    workbook.active["B1"].number_format = "0.0%"
    assert read_xlsx(saved(workbook)).blocks[1].text == "rate; 3.5%"


def test_a_formula_is_its_last_value_and_not_its_text() -> None:
    assert "SUM" not in read_xlsx(sheet(["Line", "Sum"], ["Ropes", "=SUM(1,2)"])).text


def test_a_sheet_that_claims_a_million_columns_is_read_by_what_it_holds() -> None:
    """Covers IN-08."""
    claiming = _claiming(sheet(["Line", "Sum"], ["Ropes", 3]), "A1:XFD1048576")
    assert read_xlsx(claiming).blocks[1].text == "Line: Ropes; Sum: 3"


def _claiming(content: bytes, dimension: str) -> bytes:
    name = "xl/worksheets/sheet1.xml"
    data, changed = re.subn(r'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"', part_of(content, name))
    assert changed == 1
    return with_parts(content, {name: data})


def test_hidden_rows_and_columns_are_left_out_and_counted() -> None:
    """Covers PI-04."""
    workbook = openpyxl.Workbook()
    for row in (
        ["Pier", "Pay", "Lamp"],
        ["North", "secret", "green"],
        ["secret", "secret", "secret"],
        ["South", "", "red"],
    ):
        workbook.active.append(row)
    workbook.active.column_dimensions["B"].hidden = True
    workbook.active.row_dimensions[3].hidden = True
    parsed = read_xlsx(saved(workbook))
    assert parsed.blocks[1].text == "Pier: North; Lamp: green\nPier: South; Lamp: red"
    assert parsed.notes == ("hidden rows left out: 1", "hidden columns left out: 1")


def test_a_row_that_only_a_filter_hides_is_kept() -> None:
    workbook = openpyxl.Workbook()
    for row in (["Pier", "Lamp"], ["North", "green"], ["South", "red"]):
        workbook.active.append(row)
    workbook.active.auto_filter.ref = "A1:B3"
    workbook.active.auto_filter.add_filter_column(0, ["North"])
    workbook.active.row_dimensions[3].hidden = True
    parsed = read_xlsx(saved(workbook))
    assert "Pier: South; Lamp: red" in parsed.text
    assert parsed.notes == ()


def test_merged_cells_hold_for_the_rows_that_they_cover_and_a_merged_caption_stands_once() -> None:
    workbook = openpyxl.Workbook()
    for row in (["Lamps of the piers", None], ["Pier", "Lamp"], ["North", "green"], [None, "red"]):
        workbook.active.append(row)
    workbook.active.merge_cells("A1:B1")
    workbook.active.merge_cells("A3:A4")
    assert read_xlsx(saved(workbook)).blocks[1].text == (
        "Lamps of the piers\nPier: North; Lamp: green\nPier: North; Lamp: red"
    )


def test_a_gap_parts_two_tables() -> None:
    workbook = openpyxl.Workbook()
    workbook.active["A1"], workbook.active["B1"] = "Pier", "Lamp"
    workbook.active["A2"], workbook.active["B2"] = "North", "green"
    workbook.active["A5"], workbook.active["D5"] = "Total of all", 3
    assert read_xlsx(saved(workbook)).blocks[1].text.startswith("Pier: North; Lamp: green\n")


def test_comments_and_formulas_are_left_out_and_boxes_are_kept() -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["seen", "=SECRET(1)"])
    workbook.active["A1"].comment = openpyxl.comments.Comment("secret", "Author Nobody")
    content = saved(workbook)
    a = "http://schemas.openxmlformats.org/drawingml/2006/main"
    drawing = f'<d xmlns:a="{a}"><a:p><a:r><a:t>In a box.</a:t></a:r></a:p></d>'
    names = "xl/drawings/drawing1.xml", "xl/worksheets/_rels/sheet1.xml.rels"
    relation = '<Relationship Id="box" Target="../drawings/drawing1.xml"/></Relationships>'
    relations = part_of(content, names[1]).replace("</Relationships>", relation)
    text = read_xlsx(with_parts(content, {names[0]: drawing, names[1]: relations})).text
    assert text == "Sheet\n\nseen\n\nIn a box."


def test_a_sheet_of_more_cells_than_are_read_is_refused() -> None:
    """Covers IN-08."""
    row = "<row>" + "<c><v>1</v></c>" * 1_000 + "</row>"
    with pytest.raises(Unreadable, match="more than 1,000,000 cells"):
        read_xlsx(_of_rows(row, 1_001))
    assert read_xlsx(_of_rows(row, 3)).blocks[1].text.count("1") == 3_000


def test_a_sheet_that_is_spread_out_is_refused() -> None:
    """Covers IN-08: ten thousand cells in a diagonal have a hundred million places."""
    rows = "".join(f'<row r="{at}"><c r="{get_column_letter(at)}{at}"><v>1</v></c></row>' for at in range(1, 10_000))
    with pytest.raises(Unreadable, match="spread over too many"):
        read_xlsx(_of_rows(rows, 1))


def _of_rows(row: str, times: int) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    content = f'<worksheet xmlns="{main}"><sheetData>{row * times}</sheetData></worksheet>'
    noise = "".join(map(str, range(100_000)))  # so that the whole is no bomb by its ratio
    return with_parts(sheet(), {"xl/worksheets/sheet1.xml": content, "noise": noise})
