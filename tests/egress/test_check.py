from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from egress.errors import AnswerBlocked
from egress.types import Checked
from tests.egress.answers import EVIL, JANE, OTHER, run, shown


def test_a_plain_answer_passes_unchanged() -> None:
    text = f"Hotels cost up to 180 EUR [1]. {JANE} approves more (e.g. 180 EUR) [1].\n\n- Breakfast: yes [2]\n- Bar: no"
    assert run(text) == Checked(text, (1, 2), ())


# --- Citations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "visible", "cited"),
    [
        ("Yes [1].", "Yes [1].", (1,)),
        ("Yes [2][1].", "Yes [2][1].", (1, 2)),
        ("Yes [1, 2].", "Yes [1][2].", (1, 2)),
        ("Yes [1;2] [1-2] [1\u20132].", "Yes [1][2] [1][2] [1][2].", (1, 2)),
        ("Yes [[1]].", "Yes [1].", (1,)),
        ("Yes \u30101\u3011 \uff3b2\uff3d \u30101\u2020source\u3011.", "Yes [1] [2] [1].", (1, 2)),
        ("Yes [\uff11].", "Yes [1].", (1,)),
        ("Yes [^1].", "Yes [1].", (1,)),
        ("Yes [ 1 ].", "Yes [1].", (1,)),
        (f"Yes [1]({EVIL}) [[2]]({EVIL}).", "Yes [1] [2].", (1, 2)),
        (f"Yes [1].\n\n[1]: {EVIL}", "Yes [1].", (1,)),
        ("Yes [3].", "Yes.", ()),
        ("Yes [0] [1, 9] [999999999].", "Yes [1].", (1,)),
        ("Yes [2-9999999].", "Yes [2].", (2,)),
        ("Yes [sic] [a1].", "Yes [sic] [a1].", ()),
    ],
)
def test_citations_are_written_one_way_and_name_given_excerpts_alone(
    written: str, visible: str, cited: tuple[int, ...]
) -> None:
    checked = run(written)
    assert (checked.text, checked.cited) == (visible, cited)
    assert ("the answer cites no excerpt" in checked.warnings) == (not cited)


# --- Characters, emptiness, limits ------------------------------------------------------------------------


def test_characters_that_are_not_shown_are_removed() -> None:
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "hidden")
    assert shown(f"a\x00b\x1b[31mc\u202ed\u2066e\u200bf\ufeffg\u00adh{hidden} [1]\u2028next\rline\r\nend\ttab") == (
        "ab[31mcdefgh [1]\nnext\nline\nend\ttab"
    )


@pytest.mark.parametrize(
    "nothing",
    [
        "",
        " \n",
        "\u200b",
        f"![]({EVIL})",
        "<!-- x -->",
        "[1]",
        "[9]",
        "Jane Doe",
        EVIL,
        "[1] Jane Doe [2]\n\n---",
        "* * *",
    ],
)
def test_when_nothing_is_left_the_answer_is_blocked(nothing: str) -> None:
    with pytest.raises(AnswerBlocked, match="nothing is left"):
        run(nothing)


def test_an_answer_nested_beyond_reason_is_blocked() -> None:
    with pytest.raises(AnswerBlocked, match="does not come to rest"):
        run("x &" + "amp;" * 40 + "lt;img src=x> [1]")
    assert shown("x &amp;amp;lt; y") == "x < y"


def test_an_overlong_answer_is_blocked() -> None:
    assert len(shown("word " * 4_000)) == 19_999
    with pytest.raises(AnswerBlocked, match="more than 20000 characters"):
        run("word " * 4_001)


# "_" stands for a blank and "~" for the end of a line.
MONOTONES = (
    "[ ![ *a_ a*b*_ < <a_ `a`` &amp; \\ > -_ 1._ a. a@ [a]( [1, // http:// www. ( || "
    "4142 QUJD 11_ a: %41 &#65; -_a~ <div>~ [a]:_b~"
)


@pytest.mark.parametrize("piece", MONOTONES.split())
def test_no_answer_takes_long_to_check(piece: str) -> None:
    began = time.process_time()
    with contextlib.suppress(AnswerBlocked):
        run((piece.replace("_", " ").replace("~", "\n") * 20_000)[:20_000])
    assert time.process_time() - began < 2


PIECES = st.one_of(
    st.sampled_from("[]()!<>/:*_`&#\\\n @.|'\"\u200b"),
    st.sampled_from(["\n\n", "- ", "1. ", "> ", "    ", "---", "~~~\n", "[1]", "[x]: ", "amp;", "lt;", "#91;"]),
    st.sampled_from(["https", "://", "evil.example", "www.", "wiki.example/food", "javascript:", "data:text/html,"]),
    st.sampled_from(["<b>", "</b>", "<script>", "img ", "src=", "a ", "180", "Jane Doe", JANE, OTHER]),
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_what_is_shown_is_at_rest_and_has_no_link_image_tag_or_name(text: str) -> None:
    """PI-01: whatever renders the text afterwards, as Markdown or not, finds nothing to follow or fetch."""
    try:
        checked = run(text)
    except AnswerBlocked:
        return
    assert run(checked.text).text == checked.text
    tokens = MarkdownIt("commonmark").parse(checked.text)
    kinds = {child.type for token in tokens for child in [token, *(token.children or [])]}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    assert not re.search(
        r"<[A-Za-z/!?]|evil\.example/|//evil|(?<![A-Za-z])(www\.evil|javascript:\S)|Jane Doe", checked.text
    )
