"""Presentations: each slide under its title, with the notes of the speaker below it.

Slides that are not shown, comments and the description of pictures are left out. What a master puts on
every slide, such as a marking, stands once.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

from ingest.archive import open_archive
from ingest.drawing import A, drawn_parts, related, table_of_drawing, text_of
from ingest.flow import Paragraph, blocks_of_parts
from ingest.ole import expect_no_ole
from ingest.types import Parsed, first_heading, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.archive import Archive
    from ingest.tables import Table

_P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_STRICT: Final = (b"http://purl.oclc.org/ooxml/", b"http://schemas.openxmlformats.org/")
_TITLES: Final = frozenset({"title", "ctrTitle"})
_LEFT_OUT: Final = frozenset({"sldNum", "dt", "sldImg"})
_RUNNING: Final = frozenset({"ftr", "hdr"})


def read_pptx(data: bytes) -> Parsed:
    """Read a presentation. Its title is the title of its first slide that has one.

    Raises:
        Unreadable: It is encrypted, a zip bomb, or no presentation.
    """
    otherwise = "a .pptx that is no PowerPoint presentation"
    expect_no_ole(data, otherwise)
    archive = open_archive(data, otherwise, needs="ppt/presentation.xml")
    references = related(archive, "ppt/presentation.xml")
    parts: list[Paragraph | Table] = []
    seen: set[str] = set()
    hidden = 0
    for listed in archive.xml("ppt/presentation.xml").iter(_P + "sldId"):
        name = references.get(listed.get(_ID), "")
        root = archive.xml(name)
        if root.get("show") in {"0", "false"}:
            hidden += 1
        else:
            parts += _slide(archive, name, root, seen)
    blocks = blocks_of_parts(parts)
    return Parsed(first_heading(blocks), blocks, (f"hidden slides left out: {hidden}",) if hidden else ())


def _slide(archive: Archive, name: str, root: Any, seen: set[str]) -> Iterator[Paragraph | Table]:
    references = related(archive, name)
    shapes = list(_shapes(root))
    titles = [shape for shape in shapes if _role(shape) in _TITLES]
    for shape in titles:
        text = one_line(" ".join(text_of(paragraph) for paragraph in shape.iter(A + "p")))
        yield Paragraph(text, 1)
    for shape in shapes:
        role = _role(shape)
        if role in _RUNNING:
            yield from _once(_text_parts(shape, role), seen)
        elif role not in _TITLES | _LEFT_OUT:
            yield from _shape_parts(archive, shape, references, role)
    yield from _once(_behind(archive, references), seen)
    notes = next((part for part in references.values() if "/notesSlides/" in f"/{part}"), "")
    for shape in _shapes(archive.xml(notes)):
        if _role(shape) == "body":
            yield from _text_parts(shape, "notes")


def _behind(archive: Archive, references: Mapping[str, str]) -> Iterator[Paragraph | Table]:
    """Give what the layout and the master of a slide show of their own."""
    layout = next((part for part in references.values() if posixpath.dirname(part).endswith("slideLayouts")), "")
    behind = related(archive, layout) if layout else {}
    master = next((part for part in behind.values() if posixpath.dirname(part).endswith("slideMasters")), "")
    for name in filter(None, (layout, master)):
        for shape in _shapes(archive.xml(name)):
            if not _role(shape):
                yield from _text_parts(shape, "")


def _once(parts: Iterator[Paragraph | Table], seen: set[str]) -> Iterator[Paragraph | Table]:
    for part in parts:
        if isinstance(part, Paragraph) and part.text not in seen:
            seen.add(part.text)
            yield part


def _shapes(element: Any) -> Iterator[Any]:
    """Give shapes and frames, those within groups as well, in the order in which they were drawn."""
    for child in element:
        if child.tag in {_P + "sp", _P + "graphicFrame", _P + "cxnSp"}:
            if not _is_hidden(child):
                yield child
        elif child.tag != _FALLBACK and not _is_hidden(child):
            yield from _shapes(child)


def _is_hidden(shape: Any) -> bool:
    properties = shape.find(f"./*/{_P}cNvPr")
    return properties is not None and properties.get("hidden") in {"1", "true"}


def _role(shape: Any) -> str:
    """Give the kind of a placeholder, and nothing for a shape that is none."""
    placeholder = shape.find(f"./{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return "" if placeholder is None else placeholder.get("type", "obj")


def _shape_parts(archive: Archive, shape: Any, references: Mapping[str, str], role: str) -> Iterator[Paragraph | Table]:
    for table in shape.iter(A + "tbl"):
        yield table_of_drawing(table)
    yield from drawn_parts(archive, shape, references)
    yield from _text_parts(shape, role)


def _text_parts(shape: Any, role: str) -> Iterator[Paragraph | Table]:
    """Give the paragraphs of a shape; those of a list of points as its items."""
    body = shape.find(_P + "txBody")
    for paragraph in () if body is None else body.iterchildren(A + "p"):
        properties = paragraph.find(A + "pPr")
        level = 0 if properties is None else _level(properties.get("lvl", "0"))
        is_item = role in {"body", "obj"} or (properties is not None and _bullet(properties))
        is_plain = properties is not None and properties.find(A + "buNone") is not None
        text = text_of(paragraph)
        yield Paragraph(text, mark="-" if is_item and not is_plain and one_line(text) else "", level=level)


def _bullet(properties: Any) -> bool:
    return properties.find(A + "buChar") is not None or properties.find(A + "buAutoNum") is not None


def _level(value: str) -> int:
    return int(value) if value in set("012345678") else 0
