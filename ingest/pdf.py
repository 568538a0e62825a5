"""PDF: its text layer, line by line, and what can be recognised on pages without one.

`ingest.layout` makes paragraphs of the lines.
"""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
from pypdfium2 import raw

from ingest.errors import Unreadable
from ingest.layout import Line, blocks_of_lines, without_running_lines
from ingest.ocr import HINT, Recogniser, can_recognise
from ingest.types import Parsed, first_heading

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK: Final = Lock()  # PDFium is not thread-safe: two documents at once corrupt its memory


MOST_PAGES: Final = 20_000


def read_pdf(data: bytes) -> Parsed:
    """Read a PDF.

    Raises:
        Unreadable: It is encrypted, malformed, too long, or has neither a text layer nor recognised text.
    """
    pages, notes = _pages(data)
    if not any(pages):
        raise Unreadable(
            "; ".join(("this PDF has no text layer", *(notes or ("no text was recognised on its pages",))))
        )
    blocks = blocks_of_lines(without_running_lines(pages))
    return Parsed(first_heading(blocks), blocks, notes)


def _pages(data: bytes) -> tuple[list[list[Line]], tuple[str, ...]]:
    """Give the lines of each page, and what has to be said of the pages that have none."""
    with _LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if error.err_code == raw.FPDF_ERR_PASSWORD:
                raise Unreadable("this PDF is encrypted, it cannot be read without its password") from None
            raise Unreadable("this PDF is damaged, it cannot be opened") from None
        try:
            if len(document) > MOST_PAGES:
                raise Unreadable(f"it has more than {MOST_PAGES:,} pages")
            pages = [_page_lines(document, number) for number in range(len(document))]
            return pages, tuple(_recognised(document, pages))
        finally:
            document.close()  # here and not by the garbage collector, which would not hold the lock


def _recognised(document: Any, pages: list[list[Line]]) -> Iterator[str]:
    """Fill the pages that have no lines with what can be recognised on them."""
    empty = [number for number, page in enumerate(pages) if not page]
    if empty and not can_recognise():
        yield HINT if len(empty) == len(pages) else f"pages without a text layer left out: {len(empty)}; {HINT}"
        return
    recogniser = Recogniser()
    damaged = 0
    for number in empty:
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            damaged += 1
            continue
        try:
            pages[number] = [Line(text, number, is_whole=True) for text in recogniser.paragraphs(page)]
        finally:
            page.close()
    if found := sum(bool(pages[number]) for number in empty):
        yield f"pages recognised from pictures: {found}"
    if recogniser.left_out:
        yield f"pages without a text layer left out: {recogniser.left_out}; recognising them took too long"
    if damaged:
        yield f"damaged pages left out: {damaged}"


def _page_lines(document: Any, number: int) -> list[Line]:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:  # of a damaged file: its other pages may be whole
        return []
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
