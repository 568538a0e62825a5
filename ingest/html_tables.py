"""HTML tables as rows of plain cells, and layout tables as plain sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ingest.tables import Table, lines

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDEST_SPAN: Final = 50  # a span of a million cells is an attack on memory, no table
_PARTS: Final = ("thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup", "col")
_SECTIONS: Final = ("table", "pre", "hr", "form", "section", "article")
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_SHORT: Final = 100  # characters: a heading in a cell of more sets a page, in one of less the cell in larger letters
_APART: Final = ("br", "p", "div", "li", "tr")


def flatten_tables(root: Any) -> None:
    """Replace each table in place: data by lines of text, a layout by sections.

    Merged cells are written out, so that columns stay in line. And a table that holds a whole page, as in most mails,
    is no table.
    """
    tables = list(root.iter("table"))
    layout = {table for table in tables if _is_layout(table)}
    for part in list(root.iter(*_PARTS)):
        if next(part.iterancestors("table"), None) in layout:
            part.tag = "div"
    for table in tables:
        if table in layout:
            table.tag = "div"
        else:
            _become_text(table)


def _is_layout(table: Any) -> bool:
    """Tell a table that arranges a page, or a whole mail, from one that holds data."""
    if table.get("role") in {"presentation", "none"} or next(table.iterdescendants(*_SECTIONS), None) is not None:
        return True
    rows = list(table.iter("tr"))
    if len(rows) < 2 or all(len(_cells(row)) < 2 for row in rows):
        return True
    has_heading = next(table.iterdescendants(*_HEADINGS), None) is not None
    return has_heading and any(len(_text(cell)) > _SHORT for row in rows for cell in _cells(row))


def _become_text(table: Any) -> None:
    captions = [" ".join(part.text_content().split()) for part in table.iter("caption")]
    text = "\n".join([*filter(None, captions), *lines(_table(table))])
    for child in list(table):
        table.remove(child)
    table.tag, table.text = "pre", text


def _table(table: Any) -> Table:
    trs = [tr for tr in table.iter("tr") if _cells(tr)]
    heads = [[cell.tag == "th" for cell in _cells(tr)] for tr in trs]
    rows = _spread(trs)
    if heads and all(row == [True, False] for row in heads):
        return Table(rows, pairs=True)
    return Table(rows, header=_header(trs))


def _header(trs: list[Any]) -> bool | None:
    """Tell whether the first row is marked as the header; None when no row says anything."""
    if not any(cell.tag == "th" for tr in trs for cell in _cells(tr)):
        return True if trs and trs[0].getparent().tag == "thead" else None
    first = _cells(trs[0])
    return any(cell.tag == "th" for cell in first) and all(cell.tag == "th" or not _text(cell) for cell in first)


def _spread(trs: Iterable[Any]) -> list[list[str]]:
    """Write the text of a merged cell into every place that it covers, so that columns stay in line."""
    rows: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column -> rows still covered from above, text
    for tr in trs:
        row: list[str] = []
        for cell in _cells(tr):
            _fill(row, hanging)
            text, down = _text(cell), _span(cell, "rowspan") - 1
            for _ in range(_span(cell, "colspan")):
                if down:
                    hanging[len(row)] = (down, text)
                row.append(text)
        _fill(row, hanging)
        rows.append(row)
    return rows


def _fill(row: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    while (column := len(row)) in hanging:
        left, text = hanging.pop(column)
        row.append(text)
        if left > 1:
            hanging[column] = (left - 1, text)


def _text(cell: Any) -> str:
    for part in cell.iterdescendants(*_APART):
        part.tail = f" {part.tail or ''}"
    return " ".join(cell.text_content().split())


def _cells(tr: Any) -> list[Any]:
    return [cell for cell in tr if cell.tag in {"td", "th"}]


def _span(cell: Any, name: str) -> int:
    text = cell.get(name, "1").strip()
    return max(1, min(int(text), _WIDEST_SPAN)) if text.isascii() and text.isdigit() else 1
