"""Lines become paragraphs, lists and headings."""

from __future__ import annotations

import pytest

from ingest.layout import Line, blocks_of_lines, without_running_lines


def line(text: str, page: int = 0, at: float = 100) -> Line:
    """Make a line of the body's size."""
    return Line(text, page, size=10, top=at, bottom=at)


def said(*lines: Line) -> list[str]:
    """List what the blocks made of these lines say."""
    return [block.text for block in blocks_of_lines(lines)]


def test_a_paragraph_that_crosses_a_page_is_joined() -> None:
    lines = line("it goes on and", 0, 50), line("on over the page.", 1, 800), line("New one.", 2, 800)
    assert said(*lines) == ["it goes on and on over the page.", "New one."]


def test_a_raised_figure_does_not_part_its_paragraph() -> None:
    mark = Line("2", 0, size=6, top=92, bottom=92)
    said_so = said(line("a room of thirty m"), mark, line("and no more of them", at=88))
    assert said_so == ["a room of thirty m 2 and no more of them"]


def test_items_of_a_list_stay_together_on_their_own_lines() -> None:
    texts = [
        "Bring:",
        "\u2022 a lamp",
        "\u2022 a rope that is long enough for both of you and",
        "for the pier",
        "1. and go",
    ]
    lines = [line(text, at=100 - 12 * at) for at, text in enumerate(texts)]
    assert said(*lines) == ["Bring:", f"{texts[1]}\n{texts[2]} {texts[3]}\n{texts[4]}"]


def test_a_line_that_a_program_only_wrapped_goes_on_however_short_it_is() -> None:
    lines = Line("a very narrow", 0, 10, top=100, bottom=100, goes_on=True), line("column of words", at=88)
    assert said(*lines, line("and a line as long as a line can be here", at=60)) == [
        "a very narrow column of words",
        "and a line as long as a line can be here",
    ]


def depth_of_large(text: str) -> int:
    """Tell the depth of a line that is larger than the one below it."""
    large = Line(text, 0, size=14, top=120, bottom=120)
    return blocks_of_lines([large, line("Words, and many more words than above." * 3)])[0].depth


@pytest.mark.parametrize("text", ["North pier", "3. North pier", "2.1 Lamps"])
def test_a_larger_line_is_a_heading(text: str) -> None:
    assert depth_of_large(text) == 1


@pytest.mark.parametrize(
    "text",
    ["This is a sentence.", "Bring the following:", "* North pier", "1,299", ("word " * 13).strip(), "x" * 101],
)
def test_a_larger_line_that_does_not_read_like_a_heading_is_none(text: str) -> None:
    assert depth_of_large(text) == 0


def test_lines_without_sizes_and_places_are_still_read() -> None:
    assert [block.text for block in blocks_of_lines([Line("One.", 0), Line("Two.", 1)])] == ["One.", "Two."]
    assert blocks_of_lines([]) == ()


def test_only_the_edges_of_a_page_are_taken_for_running_lines() -> None:
    pages = [[line("head", page), line("same", page), line("foot", page)] for page in range(4)]
    assert [(one.text, one.page) for one in without_running_lines(pages) if one.text != "same"] == [
        ("head", 0),
        ("foot", 0),
    ]
    assert sum(one.text == "same" for one in without_running_lines(pages)) == 4
