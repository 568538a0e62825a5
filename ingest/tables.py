"""Tables as lines of text in which each cell keeps its header: `City: Berlin; Office: HQ`.

A chunk is cut from the middle of a table and read without its first row, so the header has to
stand beside every cell.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ingest.errors import Unreadable
from ingest.types import Block, Parsed, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_CELLS: Final = 1_000_000  # of one file
_DELIMITERS: Final = ",;\t|"
_SAMPLE_ROWS: Final = 20
_LONGEST_HEADER: Final = 80
_FIGURE: Final = re.compile(r"[\W\d_]+")  # 1,200.00 or 2024-05-01 or 30 %: a value, no header


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. `header` tells whether the first row names the columns; None leaves it to be guessed."""

    rows: Sequence[Sequence[str]]
    header: bool | None = None
    pairs: bool = False  # two columns, of which the first names what stands in the second


def table_block(table: Table) -> Block:
    """Write a table as one block, a line for each row."""
    return Block("\n".join(lines(table)))


def lines(table: Table) -> Iterator[str]:
    """Write a table as lines. Rows without content are left out and part one table from the next."""
    rows = [tuple(one_line(cell) for cell in row) for row in table.rows]
    if table.pairs or _is_form(rows):
        yield from (": ".join((row[0].rstrip(":"), *row[1:])) for row in rows if any(row))
        return
    names: tuple[str, ...] = ()
    for filled, group in groupby(rows, key=any):
        if filled:
            body = list(group)
            if names or not table.header:
                yield from (_joined(row) for row in _captions(body))
            if not names and body and (_names_columns(body[0]) if table.header is None else table.header):
                names = body.pop(0)
                if not body:
                    yield _joined(names)
            yield from (_named(names, row) for row in body)


def read_csv(text: str) -> Parsed:
    """Read a file of separated values, whatever its separator."""
    return _separated(text, _delimiter(text))


def read_tsv(text: str) -> Parsed:
    """Read a file of values that tabs separate."""
    return _separated(text, "\t")


def _separated(text: str, delimiter: str) -> Parsed:
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in csv.reader(StringIO(text, newline=""), delimiter=delimiter):
            cells += len(row)
            if cells > MOST_CELLS:
                raise Unreadable(f"it has more than {MOST_CELLS:,} cells")
            rows.append(row)
    except csv.Error:
        raise Unreadable(f"it has a cell of more than {csv.field_size_limit():,} characters, or is no table") from None
    return Parsed("", (table_block(Table(rows)),))


def _captions(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Take the rows above the header off: each has a single cell, and rows of several follow."""
    count = next((at for at, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    captions, rows[:] = rows[:count], rows[count:]
    return captions


def _names_columns(row: Sequence[str]) -> bool:
    """Tell whether a row looks like a header: short, different words, and no figures."""
    cells = [cell for cell in row if cell]
    return (
        len(cells) >= max(2, len(row) - 1)  # the corner above row names may be empty
        and len(set(cells)) == len(cells)
        and all(len(cell) <= _LONGEST_HEADER and "@" not in cell and not _FIGURE.fullmatch(cell) for cell in cells)
    )


def _is_form(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a table of two columns is a form: `Name:` beside the name."""
    return all(len(row) == 2 and row[0].endswith(":") for row in rows if any(row))


def _named(names: Sequence[str], row: Sequence[str]) -> str:
    padded = (*names, *[""] * (len(row) - len(names)))
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(padded, row, strict=False) if cell)


def _joined(row: Iterable[str]) -> str:
    return "; ".join(cell for cell in row if cell)


def _delimiter(text: str) -> str:
    """Find the separator that cuts the first rows into the same number of cells, more than one."""

    def regular(delimiter: str) -> tuple[int, int]:
        rows = list(csv.reader(text[:20_000].splitlines()[:_SAMPLE_ROWS], delimiter=delimiter))
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows) if width > 1 else 0, width)

    return max(_DELIMITERS, key=regular)
