"""PDF: its text layer, line by line. `ingest.layout` makes paragraphs of the lines."""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
from pypdfium2 import raw

from ingest.errors import Unreadable
from ingest.layout import Line, blocks_of_lines, without_running_lines
from ingest.types import Parsed, first_heading

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK: Final = Lock()  # PDFium is not thread-safe: two documents at once corrupt its memory


def read_pdf(data: bytes) -> Parsed:
    """Read the text layer of a PDF.

    Raises:
        Unreadable: It is encrypted, malformed, or has no text layer.
    """
    pages = _pages(data)
    empty = sum(not page for page in pages)
    if empty == len(pages):
        raise Unreadable("this PDF has no text layer, it is probably a scan; OCR is needed")
    blocks = blocks_of_lines(without_running_lines(pages))
    notes = (f"pages without a text layer left out: {empty} of {len(pages)}",) if empty else ()
    return Parsed(first_heading(blocks), blocks, notes)


def _pages(data: bytes) -> list[list[Line]]:
    with _LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if error.err_code == raw.FPDF_ERR_PASSWORD:
                raise Unreadable("this PDF is encrypted, it cannot be read without its password") from None
            raise Unreadable("this PDF is damaged, it cannot be opened") from None
        try:
            return [_page_lines(document, number) for number in range(len(document))]
        finally:
            document.close()  # here and not by the garbage collector, which would not hold the lock


def _page_lines(document: Any, number: int) -> list[Line]:
    page = document[number]
    try:
        text_page = page.get_textpage()
        try:
            return list(_lines(text_page, number))
        finally:
            text_page.close()
    finally:
        page.close()


def _lines(text_page: Any, number: int) -> Iterator[Line]:
    at = 0
    for text in text_page.get_text_range().split("\n"):  # each ends in a carriage return
        if text.strip():
            first = raw.FPDFText_GetCharIndexFromTextIndex(text_page, at + len(text) - len(text.lstrip()))
            last = raw.FPDFText_GetCharIndexFromTextIndex(text_page, at + len(text.rstrip()) - 1)
            yield _line(text_page, text.rstrip("\r"), number, first, last)
        at += len(text) + 1


def _line(text_page: Any, text: str, number: int, first: int, last: int) -> Line:
    goes_on = text.endswith(" ")
    text = text.strip()
    if first < 0 or last < 0:
        return Line(text, number, goes_on=goes_on)
    # Of the last character: the first may be a bullet, in a font of its own.
    size = round(raw.FPDFText_GetFontSize(text_page, last), 1)
    bold = _is_bold(text_page, first) and _is_bold(text_page, last)
    return Line(text, number, size, bold, _height(text_page, first), _height(text_page, last), goes_on)


def _height(text_page: Any, index: int) -> float:
    x, y = ctypes.c_double(), ctypes.c_double()
    return y.value if raw.FPDFText_GetCharOrigin(text_page, index, x, y) else 0


def _is_bold(text_page: Any, index: int) -> bool:
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text_page, index, name, len(name), flags)
    return b"bold" in name.value.lower() or raw.FPDFText_GetFontWeight(text_page, index) >= 600
