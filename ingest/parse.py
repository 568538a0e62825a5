"""A file in, its text as blocks out: the one door to all formats.

The suffix says what a file claims to be, and its content has to agree. Whatever a parser throws
becomes `Unreadable` with a reason; the parser's own message may quote the document and ends here.
"""

from __future__ import annotations

import codecs
import re
import warnings
from functools import partial
from pathlib import PurePath
from threading import Lock
from typing import TYPE_CHECKING, Final

from ingest.epub import read_epub
from ingest.errors import ParserMoved, Unreadable
from ingest.libreoffice import read_old_office
from ingest.mail import read_mail
from ingest.markup import named_encoding, read_html, read_markdown
from ingest.open_document import read_odt
from ingest.outlook import read_msg
from ingest.pdf import read_pdf
from ingest.plain import read_text
from ingest.records import read_json, read_json_lines
from ingest.rtf import read_rtf
from ingest.slides import read_pptx
from ingest.spreadsheet import read_xlsx
from ingest.tables import read_csv, read_tsv
from ingest.types import LONGEST_HEADING, Block, Parsed, as_title, clean, printable, shown
from ingest.word import read_docx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEXTS: Final[Mapping[str, Callable[[str], Parsed]]] = {
    ".csv": read_csv,
    ".htm": read_html,
    ".html": read_html,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".md": read_markdown,
    ".ndjson": read_json_lines,
    ".tsv": read_tsv,
    ".txt": read_text,
}
_BINARIES: Final[Mapping[str, Callable[[bytes], Parsed]]] = {
    ".doc": partial(read_old_office, suffix=".doc"),
    ".docm": read_docx,
    ".docx": read_docx,
    ".eml": read_mail,
    ".epub": read_epub,
    ".msg": read_msg,
    ".odt": read_odt,
    ".pdf": read_pdf,
    ".ppt": partial(read_old_office, suffix=".ppt"),
    ".pptm": read_pptx,
    ".pptx": read_pptx,
    ".rtf": read_rtf,
    ".xls": partial(read_old_office, suffix=".xls"),
    ".xlsm": read_xlsx,
    ".xlsx": read_xlsx,
}
FORMATS: Final = frozenset({*_TEXTS, *_BINARIES})
"""The suffixes that can be read, in lower case."""

# Formats that may be text themselves, so that decoding does not tell them apart.
_OTHERS: Final = {
    "a PDF": b"%PDF-",
    "a rich text document": b"{\\rtf",
    "a PostScript file": b"%!PS",
    "a picture": b"GIF8",
    "a ZIP archive": b"PK\x03\x04",
}
_END_OF_ZIP: Final = b"PK\x05\x06"
_HTML_PAGE: Final = re.compile(r"\s*(?:<!doctype html|<html[\s>])", re.IGNORECASE)
_TAG: Final = re.compile(r"<[a-z!/][^<>]*>", re.IGNORECASE)
# The parsers share caches that know nothing of threads, and warnings are silenced for the whole process.
_ONE_AT_A_TIME: Final = Lock()


def parse_bytes(data: bytes, name: str) -> Parsed:
    """Read the content of a file that has this name.

    Returns:
        Blocks, each with text; of a page or a plain text there may be none, and then a note says so. And a title:
        the document's own, else its first heading, else the name without its suffix.

    Raises:
        Unreadable: There is no text to be had, and why.
        ParserMoved: The installed parser is not the one that this release was written for.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in FORMATS:
        raise Unreadable("files of this kind are not read: docs/explanation/formats.md lists those that are")
    if not data.strip():
        raise Unreadable("it is empty")
    parsed = _read(data, suffix)
    blocks = tuple(_bounded(block) for block in parsed.blocks if clean(block.text))
    if not blocks and suffix not in _TEXTS:
        raise Unreadable("it holds no text")
    title = as_title(parsed.title) or as_title(shown(PurePath(name).stem))
    # A page that only sends its reader elsewhere, or shows a picture, is no fault of anybody's.
    notes = parsed.notes if blocks else (*parsed.notes, "it holds no text")
    return Parsed(title, blocks, notes, parsed.attachments)


def _bounded(block: Block) -> Block:
    text = clean(block.text)
    return Block(text, block.depth if len(text) <= LONGEST_HEADING and "\n" not in text else 0)


def _read(data: bytes, suffix: str) -> Parsed:
    reason = f"this {suffix} is damaged, or something else with that suffix"
    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about each feature that it does not know
            if suffix in _TEXTS:
                return _TEXTS[suffix](_decode(data, suffix))
            _check(data, suffix)
            return _BINARIES[suffix](data)
    except (Unreadable, ParserMoved):
        raise
    except RecursionError:
        reason = f"this {suffix} is nested too deeply"
    except MemoryError:
        reason = f"this {suffix} needs more memory than there is"
    except UnicodeDecodeError:
        if suffix in _TEXTS:
            reason = f"this {suffix} is no UTF-8 text: save it as UTF-8"
    except Exception:  # noqa: BLE001, S110 - a parser may throw anything, and what it throws may quote the document
        pass
    raise Unreadable(reason)  # out here it has no context, which holds the document and which a log would print


def _check(data: bytes, suffix: str) -> None:
    if suffix == ".pdf" and not data.removeprefix(codecs.BOM_UTF8).startswith(b"%PDF-"):
        raise Unreadable("a .pdf that is no PDF: it does not begin with %PDF")
    if suffix == ".pdf" and _ends_as_zip(data):
        raise Unreadable("it is a PDF and a ZIP archive in one file: what it says depends on the program that opens it")
    if suffix == ".eml" and b"\0" in data:
        raise Unreadable("a .eml that is no e-mail: it holds binary data")


def _ends_as_zip(data: bytes) -> bool:
    """Say whether the last bytes are the end of a ZIP archive, with the comment that it names (APPNOTE 4.3.16)."""
    at = data.rfind(_END_OF_ZIP)
    return at >= 0 and at + 22 + int.from_bytes(data[at + 20 : at + 22], "little") == len(data)


def _decode(data: bytes, suffix: str) -> str:
    """Decode UTF-8, UTF-16 with its mark, or what a page names, and nothing else: a guessed encoding is wrong text."""
    for kind, start in _OTHERS.items():
        if data.startswith(start):
            raise Unreadable(f"a {suffix} that is {kind}: give it its own suffix")
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf-16" if marked else "utf-8-sig"
    if not marked and suffix in {".html", ".htm"}:
        encoding = named_encoding(data) or encoding
    text = data.decode(encoding)
    if "\0" in text:
        raise Unreadable(f"this {suffix} holds binary data")
    if not text.strip():
        raise Unreadable("it is empty")
    is_page = bool(_HTML_PAGE.match(text))
    if suffix in {".txt", ".csv"} and is_page:
        raise Unreadable(f"a {suffix} that is an HTML page: give it its own suffix")
    if suffix in {".html", ".htm"} and not _TAG.search(text):
        raise Unreadable(f"a {suffix} that is no HTML: it has no tag")
    return printable(text)
