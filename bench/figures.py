"""A figure, and the three ways of showing it: a line of JSON, a row of a table, a section of a page."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Args:
        id: As in the table of goals; a figure without a goal has an id of its bench.
        measure: What was measured, with its unit.
        value: The figure; None where it was skipped.
        goal: In words, such as `<= 20`; empty where none is set.
        met: Whether the value meets the goal; None without a goal or a value.
        note: Why it was skipped, or what it was measured on.
    """

    id: str
    measure: str
    value: float | None
    goal: str = ""
    met: bool | None = None
    note: str = ""

    def to_json(self) -> str:
        """Give it as one line of JSON."""
        value = "skipped" if self.value is None else round(self.value, 4)
        line = {"id": self.id, "measure": self.measure, "value": value, "goal": self.goal, "met": self.met}
        return json.dumps({**line, "note": self.note} if self.note else line)


def at_most(id_: str, measure: str, value: float, goal: float, note: str = "") -> Figure:
    """Make a figure that should be no larger than its goal."""
    return Figure(id_, measure, value, f"<= {goal:g}", met=value <= goal, note=note)


def at_least(id_: str, measure: str, value: float, goal: float, note: str = "") -> Figure:
    """Make a figure that should be no smaller than its goal."""
    return Figure(id_, measure, value, f">= {goal:g}", met=value >= goal, note=note)


def table(figures: Sequence[Figure]) -> str:
    """Give a table in Markdown."""
    rows = ["| id | measure | value | goal | met |", "|---|---|---|---|---|"]
    for figure in figures:
        value = "skipped" if figure.value is None else f"{figure.value:.3g}"
        met = {True: "yes", False: "no", None: ""}[figure.met]
        rows.append(f"| {figure.id} | {figure.measure} | {value} | {figure.goal} | {met} |")
    return "\n".join(rows)


def renew_page(name: str, figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Put a bench's table into docs/benchmarks.md, in place of its last one."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    section = f"{begin}\n## {name}\n\n{datetime.now(UTC):%Y-%m-%d}, {machine}.\n\n{table(figures)}\n{end}"
    before, found, rest = page.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    page.write_text(f"{before.rstrip()}\n\n{section}\n{after.strip()}".rstrip() + "\n", "utf-8")
