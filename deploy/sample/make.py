"""Render the sample company's office documents from the Markdown in `sources/`.

    python deploy/sample/make.py

`sources/people/letter.docx.md` becomes `documents/people/letter.docx`; `.pdf`, `.xlsx` and `.html`
go the same way. Documents that are text by nature (Markdown, mail, CSV) stand in `documents/` as
they were written, and nothing here touches them. A second run gives the same bytes.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import docx
import openpyxl  # type: ignore[import-untyped]  # it has no stubs
from reportlab import platypus  # type: ignore[import-untyped]  # it has no stubs
from reportlab.lib import pagesizes, styles  # type: ignore[import-untyped]  # it has no stubs

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = Path(__file__).parent
COMPANY: Final = "Brackwater Instruments"
WRITTEN: Final = datetime(2026, 3, 20, 9, 0)  # noqa: DTZ001 - both office formats want a naive UTC time here
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_TIMES: Final = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 is the title of the document, and there is one
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple[str, ...], ...]  # the first row is the head


@dataclass(frozen=True, slots=True)
class PageBreak:
    pass


Block = Heading | Paragraph | Table | PageBreak


def read_blocks(text: str) -> list[Block]:
    """Read the little Markdown of the sources.

    It knows headings, paragraphs, tables and, for a PDF, `---` as a page break, each set apart by an
    empty line. It knows no markup inside a line: what stands there is shown as it is.

    Raises:
        ValueError: The text does not begin with a title, or a table has rows of different lengths.
    """
    blocks = [_read_block(part) for part in re.split(r"\n\s*\n", text.strip())]
    if not isinstance(blocks[0], Heading) or blocks[0].level != 1:
        raise ValueError("A source begins with its title: `# Title`")
    return blocks


def _read_block(part: str) -> Block:
    if part.startswith("#"):
        marks, _, title = part.partition(" ")
        return Heading(len(marks), title)
    if part == "---":
        return PageBreak()
    if part.startswith("|"):
        return _read_table(part)
    return Paragraph(" ".join(part.split()))


def _read_table(part: str) -> Table:
    lines = [line.strip().removeprefix("|").removesuffix("|") for line in part.splitlines()]
    rows = tuple(tuple(cell.strip() for cell in line.split("|")) for line in lines)
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"A table has rows of different lengths; it begins {rows[0]}")
    return Table((rows[0], *rows[2:]))  # the second line is the rule below the head


def title_of(blocks: list[Block]) -> str:
    """Give the title, which `read_blocks` has seen to."""
    return next(block.text for block in blocks if isinstance(block, Heading))


def to_docx(blocks: list[Block]) -> bytes:
    """Write a Word document with heading styles."""
    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.last_modified_by, about.comments = title_of(blocks), COMPANY, COMPANY, ""
    for block in blocks:
        match block:
            case Heading(level, text):
                document.add_heading(text, level=level - 1)  # level 0 is Word's style "Title"
            case Paragraph(text):
                document.add_paragraph(text)
            case Table(rows):
                table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
                for row in rows:
                    for cell, text in zip(table.add_row().cells, row, strict=True):
                        cell.text = text
            case PageBreak():
                raise ValueError("A page break stands in a PDF only")
    return _saved(document.save)


def to_xlsx(blocks: list[Block]) -> bytes:
    """Write a workbook: each second-level heading begins a sheet, numbers become numbers."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = title_of(blocks), COMPANY
    for block in blocks[1:]:
        match block:
            case Heading(_, text):
                sheet = book.create_sheet(text)
                sheet.column_dimensions["A"].width = 48
            case Paragraph(text):
                sheet.append([text])
                sheet.append([])
            case Table(rows):
                for row in rows:
                    sheet.append([_cell(text) for text in row])
                sheet.append([])
            case PageBreak():
                raise ValueError("A page break stands in a PDF only")
    return _saved(book.save)


def _cell(text: str) -> str | float | None:
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text or None


def to_pdf(blocks: list[Block]) -> bytes:
    """Write a PDF whose text can be taken out again: standard fonts, no compression.

    Raises:
        ValueError: A character is outside of Windows-1252, which is all that the standard fonts have.
    """
    looks = styles.getSampleStyleSheet()
    flow: list[object] = []
    for block in blocks:
        match block:
            case Heading(level, text):
                flow.append(platypus.Paragraph(_printable(text), looks[f"Heading{level}"]))
            case Paragraph(text):
                flow += [platypus.Paragraph(_printable(text), looks["BodyText"]), platypus.Spacer(1, 4)]
            case Table(rows):
                cells = [[platypus.Paragraph(_printable(text), looks["BodyText"]) for text in row] for row in rows]
                lines = [("LINEBELOW", (0, 0), (-1, -1), 0.3, "grey"), ("VALIGN", (0, 0), (-1, -1), "TOP")]
                flow += [platypus.Table(cells, style=lines), platypus.Spacer(1, 8)]
            case PageBreak():
                flow.append(platypus.PageBreak())
    target = io.BytesIO()
    page = {"pagesize": pagesizes.A5, "leftMargin": 42, "rightMargin": 42, "topMargin": 36, "bottomMargin": 36}
    about = {"title": title_of(blocks), "author": COMPANY, "invariant": 1, "pageCompression": 0}
    platypus.SimpleDocTemplate(target, **page, **about).build(flow)
    return target.getvalue()


def _printable(text: str) -> str:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError as error:
        raise ValueError(f"The standard PDF fonts cannot show all of {text!r}") from error
    return escape(text)


def to_html(blocks: list[Block]) -> bytes:
    """Write a page without scripts, styles or anything else from elsewhere."""
    head = f'<meta charset="utf-8">\n<title>{escape(title_of(blocks))}</title>'
    body = "\n".join(_tag(block) for block in blocks)
    page = f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'
    return page.encode()


def _tag(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Table(rows):
            head, *rest = rows
            return "\n".join(["<table>", _row(head, "th"), *(_row(row, "td") for row in rest), "</table>"])
        case PageBreak():
            return "<hr>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """Save an office document without any trace of when that was."""
    raw, settled = io.BytesIO(), io.BytesIO()
    save(raw)
    stamp = WRITTEN.isoformat().encode() + b"Z"
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(settled, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                part = _TIMES.sub(rb"\g<1>" + stamp, part)
            target.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), part, zipfile.ZIP_DEFLATED)
    return settled.getvalue()


WRITERS: Final[dict[str, Callable[[list[Block]], bytes]]] = {
    ".docx": to_docx,
    ".html": to_html,
    ".pdf": to_pdf,
    ".xlsx": to_xlsx,
}


def make(sources: Path, documents: Path) -> list[Path]:
    """Render each source to its place below `documents`, and give the paths written.

    Raises:
        ValueError: A source is malformed; the message begins with its path.
    """
    written = []
    for source in sorted(sources.rglob("*.md")):
        target = documents / source.relative_to(sources).with_suffix("")
        try:
            content = WRITERS[target.suffix](read_blocks(source.read_text(encoding="utf-8")))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{source}: {error}") from error
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        written.append(target)
    return written


def main() -> int:
    for path in make(HERE / "sources", HERE / "documents"):
        print(path.relative_to(HERE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
