"""How much of a document's text is read, and in which order: parsed text against expected text.

The expected text is Markdown that was made from the same document and corrected by hand. Measure of one
document: both texts as lists of words (letters and digits, in small letters, without markup, punctuation and
case), and of these 2 x (words in common, in order) / (words of both), the normalised Indel similarity; 1 is
the same. A word that is missing, made up, doubled or out of place counts against it.

Tables: ingestion writes each cell beside its header, so the tables of the expected text are written by the same
function (`ingest.tables.lines`), or a right table would count as wrong. Whether a first row is a header cannot be
seen in Markdown, which demands one; so both ways are tried for the whole document, and the better one counts.
"""

from __future__ import annotations

import re
import unicodedata
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

import lxml.html  # type: ignore[import-untyped]  # lxml ships no types
from markdown_it import MarkdownIt
from rapidfuzz.distance import Indel

from bench.figures import Figure, at_least
from ingest.errors import Unreadable
from ingest.parse import FORMATS, parse_bytes
from ingest.tables import Table, lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOAL: Final = 0.9
HELD_TO_IT: Final = ("csv", "docx", "html", "md", "pptx", "xlsx")
_WORD: Final = re.compile(r"\w+")
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:  # noqa: ARG001 - it takes seconds
    """Measure each format that has expected texts."""
    root = data / "formats" / "docling"
    if not root.is_dir():
        yield Figure("D0", "parsed text like the expected text", None, note=f"{root} is not there")
        return
    for folder in sorted(root.iterdir()):
        found = dict(similarities(folder))
        if not found:
            continue
        least = min(found, key=lambda name: found[name])
        note = f"{len(found)} documents, the least {found[least]:.2f} ({least})"
        measure = f"{folder.name}: parsed text like the expected text, mean similarity"
        if folder.name in HELD_TO_IT:
            yield at_least(f"D-{folder.name}", measure, mean(found.values()), GOAL, note)
        else:
            yield Figure(f"D-{folder.name}", measure, mean(found.values()), note=note)


def similarities(folder: Path) -> Iterator[tuple[str, float]]:
    """Give name and similarity of each document of a format that has an expected text; 0 if it is not read."""
    for expected in sorted((folder / "groundtruth").glob("*.md")):
        source = _source(folder / "sources", expected.stem)
        if source is None:
            continue
        try:
            text = parse_bytes(source.read_bytes(), source.name).text
        except Unreadable:
            yield source.name, 0.0
        else:
            yield source.name, similarity(text, expected.read_text("utf-8"))


def _source(folder: Path, name: str) -> Path | None:
    """Find the document that an expected text is of: it has its name, or its name without the suffix."""
    found = [folder / name, *(folder / f"{name}{suffix}" for suffix in sorted(FORMATS) if "." not in name)]
    return next((path for path in found if path.suffix.lower() in FORMATS and path.is_file()), None)


def similarity(text: str, markdown: str) -> float:
    """Compare a parsed text with its expected text, 0 to 1."""
    read = words(text)
    return max(Indel.normalized_similarity(read, words(plain(markdown, header=header))) for header in (True, None))


def words(text: str) -> list[str]:
    """Give the words of a text in one form."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def plain(markdown: str, *, header: bool | None) -> str:
    """Give the text of Markdown; each table as ingestion would write it."""
    html = _MARKDOWN.render(markdown)
    if not html.strip():
        return ""
    root = lxml.html.document_fromstring(f"<body>{html}</body>")
    for comment in root.xpath("//comment()"):
        comment.drop_tree()
    for table in list(root.iter("table")):
        rows = [[_text(cell) for cell in row if cell.tag in {"td", "th"}] for row in table.iter("tr")]
        table.clear(keep_tail=True)
        table.text = "\n".join(lines(Table(rows, header=header)))
    for ordered in root.iter("ol"):
        for number, item in enumerate(ordered.iterchildren("li"), int(ordered.get("start", "1"))):
            item.text = f"{number}. {item.text or ''}"  # which exists on the screen alone
    for element in root.iter("p", "li", "td", "th", "br", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre"):
        element.tail = f"\n{element.tail or ''}"
    return str(root.text_content())


def _text(cell: Any) -> str:
    return " ".join(cell.text_content().split())
