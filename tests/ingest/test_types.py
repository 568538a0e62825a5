"""The values of ingestion keep their promises."""

from __future__ import annotations

import pytest

from ingest.types import Block, ChunkText, Parsed, as_title, clean, first_heading


def test_the_text_of_a_document_is_its_blocks_parted_by_blank_lines() -> None:
    assert Parsed("T", (Block("Head", 1), Block("- a\n- b"))).text == "Head\n\n- a\n- b"


def test_headings_that_a_chunk_holds_itself_are_not_indexed_twice() -> None:
    chunk = ChunkText("Contact\n\nRing the office.", ("Sick leave", "Contact"), 0, 25)
    assert chunk.path == "Sick leave > Contact"
    assert chunk.indexed_text == "Sick leave\nContact\n\nRing the office."


def test_a_chunk_without_headings_is_indexed_as_it_is() -> None:
    assert ChunkText("Words.", (), 0, 6).indexed_text == "Words."


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\x0cd\u2028e", "a\nb\nc\nd\ne"),
        ("\ta\tb \x00\x07\x9f\ud800\ufffe", "a\tb"),
        ("naïve 語 🙂", "naïve 語 🙂"),
    ],
)
def test_cleaning_drops_what_no_reader_sees_and_keeps_the_rest(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_title_is_one_short_line() -> None:
    assert as_title(" Sick\n leave ") == "Sick leave"
    assert len(as_title("word " * 100)) <= 200


def test_the_first_heading_is_the_first_block_with_a_depth() -> None:
    assert first_heading((Block("text"), Block("Head", 2), Block("Other", 1))) == "Head"
    assert first_heading((Block("text"),)) == ""
