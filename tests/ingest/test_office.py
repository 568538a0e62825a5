"""Word documents and spreadsheets."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, Any

import docx
import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest

from ingest.errors import Unreadable
from ingest.office import read_docx, read_xlsx
from ingest.types import Block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.types import Parsed

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)


def saved(document: Any) -> bytes:
    """Give the bytes of a document."""
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def texts(parsed: Parsed) -> list[str]:
    """List what the blocks say."""
    return [block.text for block in parsed.blocks]


def sheet(*rows: list[object]) -> bytes:
    """Make a spreadsheet of one sheet."""
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    return saved(workbook)


def test_headings_come_from_styles_and_short_paragraphs_are_text() -> None:
    document = docx.Document()
    document.add_heading("Pier lamps", level=0)
    document.add_heading("North", level=2)
    document.add_paragraph("Green lamp")
    parsed = read_docx(saved(document))
    assert parsed.blocks == (Block("Pier lamps", 1), Block("North", 2), Block("Green lamp"))
    assert parsed.title == "Pier lamps"


def test_lists_and_tables_of_a_document_are_kept_in_their_place() -> None:
    document = docx.Document()
    document.add_paragraph("before", style="List Bullet")
    document.add_paragraph("also", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, said in zip(table.rows, (("Pier", "Lamp"), ("North", "green")), strict=True):
        for cell, text in zip(row.cells, said, strict=True):
            cell.text = text
    document.add_paragraph("After it.")
    assert texts(read_docx(saved(document))) == ["- before\n- also", "Pier: North; Lamp: green", "After it."]


def test_merged_cells_of_a_document_keep_their_columns() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    for row, said in zip(table.rows, (("Pier", "Lamp"), ("North", "green"), ("", "red")), strict=True):
        for cell, text in zip(row.cells, said, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    assert read_docx(saved(document)).text == "Pier: North; Lamp: green\nPier: North; Lamp: red"


def test_a_running_header_stands_once() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_paragraph("First words.")
    second = document.add_section()
    second.header.is_linked_to_previous = False
    second.header.paragraphs[0].text = "Confidential"
    document.add_paragraph("More words.")
    assert texts(read_docx(saved(document))) == ["Confidential", "First words.", "More words."]


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
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data, changed = re.subn(rb'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"'.encode(), data)
                assert changed == 1
            new.writestr(name, data)
    return buffer.getvalue()


def test_an_encrypted_office_file_is_refused_as_encrypted_and_an_old_one_as_old() -> None:
    encrypted = OLE + "EncryptedPackage".encode("utf-16-le")
    for read in (read_docx, read_xlsx):
        with pytest.raises(Unreadable, match="encrypted"):
            read(encrypted)
        with pytest.raises(Unreadable, match="older Office"):
            read(OLE)


def test_an_encrypted_member_of_a_zip_is_refused_as_encrypted(documents: Mapping[str, bytes]) -> None:
    content = bytearray(documents[".docx"])
    at = content.index(b"PK\x01\x02")
    while not content[at + 46 :].startswith(b"word/document.xml"):
        at = content.index(b"PK\x01\x02", at + 1)
    content[at + 8] |= 1  # the flag of an encrypted member, in the directory of the zip
    with pytest.raises(Unreadable, match="encrypted"):
        read_docx(bytes(content))
    assert read_docx(documents[".docx"]).title == "Pier lamps"
