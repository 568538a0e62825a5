"""Plain text: a heading is believed only where it stands like one."""

from __future__ import annotations

import pytest

from ingest.plain import read_text
from ingest.types import Block

TEXT = "The keeper looks at each lamp before he goes home."


def test_a_short_line_above_text_is_a_heading() -> None:
    parsed = read_text(f"PIER LAMPS\n\n{TEXT}\n\nNorth pier\n\n{TEXT}\n")
    assert parsed.blocks == (Block("PIER LAMPS", 1), Block(TEXT), Block("North pier", 2), Block(TEXT))
    assert parsed.title == "PIER LAMPS"


def test_a_sentence_alone_is_no_heading() -> None:
    assert read_text(f"{TEXT}\n\nIt is green.\n\n{TEXT}\n").blocks == (Block(TEXT), Block("It is green."), Block(TEXT))


@pytest.mark.parametrize(
    "lines",
    [
        "Ada Example\n\nHead of Lamps\n\nPier Company",  # an address
        "Name: Ada Example",  # a form
        "First, the north pier; second, the south pier, and then all of the others in turn",
    ],
)
def test_short_lines_that_do_not_stand_like_headings_are_text(lines: str) -> None:
    assert not any(block.depth for block in read_text(f"{TEXT}\n\n{lines}\n\n{TEXT}\n").blocks)


def test_a_signature_at_the_end_is_no_heading() -> None:
    assert not any(block.depth for block in read_text(f"{TEXT}\n\nKind regards\n\nAda\n").blocks)


def test_a_title_counts_only_on_top() -> None:
    parsed = read_text(f"{TEXT}\n\nNorth pier\n\n{TEXT}\n")
    assert parsed.title == ""
    assert [block.depth for block in parsed.blocks] == [0, 2, 0]


def test_wrapped_lines_are_joined_and_a_list_stays_a_list() -> None:
    text = "The keeper looks at each lamp\nbefore he goes home.\n\n- north\n- south\n\n1. first\n2. second\n"
    assert (
        read_text(text).text
        == "The keeper looks at each lamp before he goes home.\n\n- north\n- south\n1. first\n2. second"
    )
