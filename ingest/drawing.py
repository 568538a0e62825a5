"""What the drawings of Word and PowerPoint say: text, tables, diagrams and charts."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

from ingest.flow import Paragraph
from ingest.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.archive import Archive

A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM: Final = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_OF: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TINY: Final = 100
_MOST_POINTS: Final = 5_000  # of one series of a chart


def related(archive: Archive, part: str) -> Mapping[str, str]:
    """Give the parts that a part refers to, by the id of the reference. What lies outside of the file is left out."""
    folder, name = posixpath.split(part)
    root = archive.xml(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
    found = {}
    for reference in root:
        if reference.get("TargetMode") != "External" and reference.get("Target"):
            target = reference.get("Target")
            found[reference.get("Id")] = target[1:] if target[:1] == "/" else posixpath.normpath(f"{folder}/{target}")
    return found


def drawn_parts(archive: Archive, element: Any, references: Mapping[str, str]) -> Iterator[Paragraph | Table]:
    """Give what the diagrams and charts within an element say."""
    for diagram in element.iter(_DIAGRAM + "relIds"):
        root = archive.xml(references.get(diagram.get(_OF + "dm"), ""))
        for point in root.iter(_DIAGRAM + "pt"):
            yield from (Paragraph(text) for text in paragraphs(point))
    for chart in element.iter(_CHART + "chart"):
        if chart.get(_OF + "id"):
            yield from _chart_parts(archive.xml(references.get(chart.get(_OF + "id"), "")))


def paragraphs(element: Any) -> Iterator[str]:
    """Give the paragraphs of a shape or a cell, as text."""
    for paragraph in element.iter(A + "p"):
        yield text_of(paragraph)


def text_of(paragraph: Any) -> str:
    """Give the text of one paragraph; the number of the slide is left out."""
    parts = []
    for child in paragraph:
        if child.tag == A + "br":
            parts.append("\n")
        elif child.tag in {A + "r", A + "fld"}:
            parts.append("" if child.get("type") == "slidenum" or _is_tiny(child) else child.findtext(A + "t") or "")
        else:  # a formula, in whatever form
            parts.extend(found.text or "" for found in child.iter() if str(found.tag).endswith("/math}t"))
    return "".join(parts)


def _is_tiny(run: Any) -> bool:
    """Say whether nobody can read it: in hundredths of a point."""
    properties = run.find(A + "rPr")
    size = "" if properties is None else properties.get("sz", "")
    return size.isascii() and size.isdigit() and int(size) <= _TINY


def table_of_drawing(table: Any) -> Table:
    """Read a table of a slide; a merged cell is written into every place that it covers."""
    rows: list[list[str]] = []
    for row in table.iter(A + "tr"):
        line: list[str] = []
        for cell in row.iter(A + "tc"):
            if cell.get("hMerge") in {"1", "true"} and line:
                line.append(line[-1])
            elif cell.get("vMerge") in {"1", "true"} and rows and len(line) < len(rows[-1]):
                line.append(rows[-1][len(line)])
            else:
                line.append(" ".join(paragraphs(cell)))
        rows.append(line)
    properties = table.find(A + "tblPr")
    named = properties is not None and properties.get("firstRow") in {"1", "true"} and len(rows) > 1
    return Table(rows, header=True if named else None)


def _chart_parts(root: Any) -> Iterator[Paragraph | Table]:
    for title in root.iter(_CHART + "title"):
        yield Paragraph(" ".join(paragraphs(title)))
    for plot in root.iter(_CHART + "plotArea"):
        series = [_series(one) for one in plot.iter(_CHART + "ser")]
        names = next((names for _, names, _ in series if names), {})
        rows = [["", *(name for name, _, _ in series)]]
        places = sorted({at for _, _, values in series for at in values} | set(names))
        rows += [[names.get(at, ""), *(values.get(at, "") for _, _, values in series)] for at in places]
        if len(rows) > 1:
            yield Table(rows, header=True)


def _series(element: Any) -> tuple[str, dict[int, str], dict[int, str]]:
    """Give name, categories and values of a series, as the chart was last drawn."""
    name = " ".join(value.text or "" for value in element.iterfind(f"{_CHART}tx//{_CHART}v"))
    found = [_points(element.find(_CHART + kind)) for kind in ("cat", "xVal", "val", "yVal")]
    return name, found[0] or found[1], found[2] or found[3]


def _points(element: Any) -> dict[int, str]:
    if element is None:
        return {}
    points = list(element.iter(_CHART + "pt"))[:_MOST_POINTS]
    return {
        int(point.get("idx")): point.findtext(_CHART + "v") or ""
        for point in points
        if (point.get("idx") or "").isdecimal()
    }
