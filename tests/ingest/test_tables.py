"""Each cell of a table keeps its header."""

from __future__ import annotations

import pytest

from ingest.errors import Unreadable
from ingest.tables import Table, lines, read_csv


def written(*rows: list[str], header: bool | None = None, pairs: bool = False) -> list[str]:
    """Write rows as lines."""
    return list(lines(Table(rows, header=header, pairs=pairs)))


def test_each_cell_stands_beside_its_header() -> None:
    assert written(["City", "Office"], ["Ostrey", "HQ"], ["Calder", ""]) == ["City: Ostrey; Office: HQ", "City: Calder"]


def test_a_marked_header_counts_even_where_it_looks_like_figures() -> None:
    years = (["2024", "2025"], ["1", "2"])
    assert written(*years, header=True) == ["2024: 1; 2025: 2"]
    assert written(*years) == ["2024; 2025", "1; 2"]


def test_a_row_that_is_marked_as_no_header_is_none() -> None:
    assert written(["City", "Office"], ["Ostrey", "HQ"], header=False) == ["City; Office", "Ostrey; HQ"]


@pytest.mark.parametrize(
    "first", [["a", "a"], ["Ada", "ada@pier.example"], ["12.5", "Pier"], ["word " * 30, "Pier"], ["", "", "x"]]
)
def test_a_first_row_that_looks_like_data_is_no_header(first: list[str]) -> None:
    assert not any(": " in line for line in written(first, ["Ostrey", "HQ", "1"]))


def test_lines_above_the_header_stay_lines() -> None:
    rows = (["Budget, approved in May", ""], ["Line", "Sum"], ["Ropes", "12"])
    assert written(*rows) == ["Budget, approved in May", "Line: Ropes; Sum: 12"]


def test_the_header_holds_on_after_an_empty_row() -> None:
    rows = (["Line", "Sum"], ["Ropes", "12"], ["", ""], ["Tar", "7"])
    assert written(*rows) == ["Line: Ropes; Sum: 12", "Line: Tar; Sum: 7"]


def test_a_row_longer_than_the_header_keeps_all_its_cells() -> None:
    assert written(["Line", "Sum"], ["Ropes", "12", "late"]) == ["Line: Ropes; Sum: 12; late"]


def test_a_header_alone_is_written_as_a_line() -> None:
    assert written(["Line", "Sum"]) == ["Line; Sum"]


def test_a_form_of_two_columns_pairs_them() -> None:
    assert written(["Name:", "Ada"], ["Pier:", "North"]) == ["Name: Ada", "Pier: North"]
    assert written(["Name", "Ada"], ["Pier", "North"], pairs=True) == ["Name: Ada", "Pier: North"]


def test_line_breaks_within_a_cell_do_not_break_the_line() -> None:
    assert written(["Line", "Remark"], ["Ropes", "wet\nand\r\nheavy"]) == ["Line: Ropes; Remark: wet and heavy"]


def test_a_table_of_nothing_gives_nothing() -> None:
    assert written() == []
    assert written(["", ""], [""]) == []


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_common_separator_is_understood(separator: str) -> None:
    text = separator.join(["City", "Office"]) + "\n" + separator.join(["Ostrey", '"HQ, north"']) + "\n"
    assert read_csv(text).text == "City: Ostrey; Office: HQ, north"


def test_a_line_break_in_quotes_is_part_of_its_cell() -> None:
    assert read_csv('City,Remark\nOstrey,"wet\nand heavy"\n').text == "City: Ostrey; Remark: wet and heavy"


def test_a_file_of_one_column_is_a_list_of_lines() -> None:
    assert read_csv("Ostrey\nCalder\n").text == "Ostrey\nCalder"


def test_an_empty_first_cell_keeps_the_columns_in_place() -> None:
    assert read_csv("\tQ1\tQ2\nRopes\t1\t2\n").text == "Ropes; Q1: 1; Q2: 2"


def test_a_cell_longer_than_a_table_has_is_a_reason_of_its_own() -> None:
    """Covers IN-08."""
    with pytest.raises(Unreadable, match="a cell of more than 131,072 characters"):
        read_csv("Pier,Lamp\n" + "l" * 131_073 + ",green\n")
    assert read_csv("Pier,Lamp\n" + "l" * 131_072 + ",green\n").blocks
