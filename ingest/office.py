"""Word documents and spreadsheets of Microsoft Office, in their zipped form."""

from __future__ import annotations

from datetime import date, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile, ZipFile

from ingest.elements import blocks_of
from ingest.errors import Unreadable
from ingest.offline import unstructured
from ingest.tables import Table, table_block
from ingest.types import Block, Parsed, first_heading, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of old Office files, and of encrypted new ones
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")  # [MS-OFFCRYPTO] 2.3.4.4


def read_docx(data: bytes) -> Parsed:
    """Read a Word document. Its title is its first heading.

    Raises:
        Unreadable: It is encrypted, or no Word document.
    """
    _expect(data, "word/document.xml", "a .docx that is no Word document")
    blocks = blocks_of(unstructured().partition_docx(file=BytesIO(data), languages=[""]))
    return Parsed(first_heading(blocks), blocks)


def read_xlsx(data: bytes) -> Parsed:
    """Read a spreadsheet: each sheet under its name, formulas by their last computed values.

    Raises:
        Unreadable: It is encrypted, or no spreadsheet.
    """
    from openpyxl import load_workbook  # type: ignore[import-untyped]  # noqa: PLC0415 - no types; 0.2 s to import

    _expect(data, "xl/workbook.xml", "a .xlsx that is no Excel workbook")
    workbook = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        hidden = len(workbook.worksheets) - len(shown)
        blocks = tuple(block for sheet in shown for block in _sheet(sheet))
    finally:
        workbook.close()
    return Parsed("", blocks, (f"hidden sheets left out: {hidden}",) if hidden else ())


def _sheet(sheet: Any) -> Iterator[Block]:
    sheet.reset_dimensions()  # the size that the file claims may be a million rows of nothing
    table = table_block(Table([[_shown(cell) for cell in row] for row in sheet.iter_rows()]))
    if table.text:
        yield Block(one_line(sheet.title), 1)
        yield table


def _shown(cell: Any) -> str:
    """Write a cell about as the sheet shows it: 25% and not 0.25, a day without its midnight."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value * 100:.10g}%" if "%" in (cell.number_format or "") else f"{value:.15g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _expect(data: bytes, member: str, otherwise: str) -> None:
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise Unreadable("it is encrypted, it cannot be read without its password")
        raise Unreadable(f"{otherwise}: it is a file of an older Office; save it anew in today's format")
    try:
        with ZipFile(BytesIO(data)) as archive:
            found = {info.filename: info for info in archive.infolist()}
    except BadZipFile:
        raise Unreadable(f"{otherwise}: it is cut short, or something else with its suffix") from None
    if member not in found:
        raise Unreadable(otherwise)
    if found[member].flag_bits & 0x1:
        raise Unreadable("it is encrypted, it cannot be read without its password")
