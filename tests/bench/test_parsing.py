"""The measure of parsed text: what it counts, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.parsing import figures, similarities, similarity
from ingest.tables import read_csv

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Pier lamps\n\nThe lamp is green.", "# Pier *lamps*\n\nThe [lamp](http://pier.example) is **green**.\n"),
        ("Pier Lamps\n\n1. One\n2. Two", "## pier lamps\n\n1. one\n2. two\n\n<!-- image -->"),
        ("if x:\n    y()", "```\nif x:\n    y()\n```"),
        ("a < b & c", "a &lt; b &amp; c"),
    ],
)
def test_markup_case_and_marks_make_no_difference(text: str, markdown: str) -> None:
    assert similarity(text, markdown) == 1


def test_a_table_is_right_with_and_without_a_header() -> None:
    markdown = "| Pier | Lamp |\n| - | - |\n| North | green |\n| South | red |\n"
    assert similarity(read_csv("Pier,Lamp\nNorth,green\nSouth,red\n").text, markdown) == 1
    markdown = "| 1 | 2 |\n| - | - |\n| 3 | 4 |\n"
    assert similarity(read_csv("1,2\n3,4\n").text, markdown) == 1


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("one two three", 0.8, 0.9),  # a word is missing
        ("one two three four five", 0.85, 0.95),  # one is made up
        ("one one two three four", 0.85, 0.95),  # one is doubled
        ("two one three four", 0.7, 0.8),  # one is out of place
        ("five six seven eight", 0, 0),
        ("", 0, 0),
    ],
)
def test_a_word_that_is_missing_made_up_doubled_or_out_of_place_counts(text: str, least: float, most: float) -> None:
    assert least <= similarity(text, "one two three four") <= most


def test_a_file_that_is_not_read_counts_as_nothing_and_one_without_expected_text_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "formats" / "docling" / "md"
    for name in ("sources", "groundtruth"):
        (folder / name).mkdir(parents=True)
    for name, text in (
        ("a.md", "One two."),
        ("b.md", "\0"),
        ("c.md", "No expected text."),
        ("d.xyz", "No format."),
        ("e.txt", "One two."),
    ):
        (folder / "sources" / name).write_text(text)
    for name in ("a.md.md", "b.md.md", "d.xyz.md", "gone.md.md", "e.md"):
        (folder / "groundtruth" / name).write_text("One two.")
    assert dict(similarities(folder)) == {"a.md": 1, "b.md": 0, "e.txt": 1}
    (figure,) = figures(quick=True, data=tmp_path)
    assert (figure.id, figure.met) == ("D-md", False)
    assert figure.value == pytest.approx(2 / 3)


def test_without_the_data_the_figure_is_skipped(tmp_path: Path) -> None:
    (figure,) = figures(quick=True, data=tmp_path)
    assert figure.value is None
