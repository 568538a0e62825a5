"""How figures are shown: the line of JSON that every bench keeps, and the page that is renewed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.excerpts import figures as excerpt_figures
from bench.figures import Figure, at_least, at_most, renew_page, table

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_holds_what_every_bench_says() -> None:
    line = json.loads(at_most("P9", "memory a chunk", 0.123456, 0.6).to_json())
    assert line == {"id": "P9", "measure": "memory a chunk", "value": 0.1235, "goal": "<= 0.6", "met": True}


def test_a_goal_is_met_or_it_is_not() -> None:
    assert at_most("P1", "x", 2, 2).met is True
    assert at_most("P1", "x", 2.1, 2).met is False
    assert at_least("Q1", "x", 2, 2).met is True
    assert at_least("Q1", "x", 1.9, 2).met is False
    assert Figure("D1", "x", 5).met is None


def test_without_its_data_a_figure_says_skipped_and_why(tmp_path: Path) -> None:
    (figure,) = excerpt_figures(quick=True, data=tmp_path)
    line = json.loads(figure.to_json())
    assert (line["value"], line["met"]) == ("skipped", None)
    assert "xquad" in line["note"]


def test_a_page_is_renewed_where_the_bench_stood(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\nWords.\n")
    renew_page("one", [Figure("D1", "first", 1.0)], page)
    renew_page("two", [Figure("D2", "second", 2.0)], page)
    renew_page("one", [Figure("D1", "first", 3.0)], page)
    text = page.read_text()
    assert text.startswith("# Benchmarks\n\nWords.\n")
    assert text.count("## one") == text.count("## two") == 1
    assert "| D1 | first | 3 |" in text
    assert "| D1 | first | 1 |" not in text
    assert "| D2 | second | 2 |" in text


def test_a_table_shows_a_miss_as_a_miss() -> None:
    assert table([at_most("P1", "x", 3, 2)]).splitlines()[-1] == "| P1 | x | 3 | <= 2 | no |"
