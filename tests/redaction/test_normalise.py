from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.visible import visible
from redaction.normalise import fold


@pytest.mark.parametrize(
    ("written", "matched"),
    [
        ("plain text, as it is!", "plain text, as it is!"),
        ("Ｊａｎｅ ０２０", "Jane 020"),  # noqa: RUF001 - full-width characters are the subject
        ("J\u200ba\u00adn\u2060e\ufeff", "Jane"),
        ("\u202eJane\u202c", "Jane"),
        ("\U000e0041J\ufe0fane\u034f", "Jane"),
        ("Zoë Zoe\u0308", "Zoe Zoe"),
        ("ﬁn", "fin"),
        ("J\u0430n\u0435 D\u043e\u0435", "Jane Doe"),
        ("\u0391nn\u03b1", "Anna"),
        ("Łukasz Søren Groß", "Lukasz Soren Gross"),
        ("\u0660\u0661\u0662 ①", "012 1"),
        ("a\u2013b\u2011c O\u2019Brien", "a-b-c O'Brien"),
        ("a\u00a0b\tc\u2003d", "a b c d"),
        ("a\r\nb\u2028c", "a \nb\nc"),
        ("j&#64;k &#x4a;ane&nbsp;D&shy;oe AT&amp;T &zzz; & &;", "j@k Jane Doe AT&T &zzz; & &;"),
    ],
)
def test_what_hides_a_value_is_undone(written: str, matched: str) -> None:
    """PT-03."""
    assert fold(written).text == matched


@given(st.text())
def test_a_fold_leads_back_to_its_characters(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    for n in range(len(folded.text)):
        start, end = folded.original(n, n + 1)
        assert 0 <= start < end <= len(text)
        assert folded.text[n] in fold(text[start:end]).text
    assert list(folded.starts) == sorted(folded.starts)
    assert list(folded.ends) == sorted(folded.ends)


@given(st.text(st.characters(exclude_characters="&")), st.text(st.characters(exclude_characters="&")))
def test_the_fold_of_a_text_is_the_fold_of_its_parts(left: str, right: str) -> None:
    assert fold(left + right).text == fold(left).text + fold(right).text


@given(st.text())
def test_what_a_prompt_drops_is_dropped_for_matching_too(text: str) -> None:
    """Else a character that the prompt drops would hide a value here and show it there."""
    assert fold(visible(text)).text.split() == fold(text).text.split()


def test_an_offset_inside_one_character_is_told() -> None:
    folded = fold("a½b")
    assert folded.text == "a1\u20442b"
    assert [folded.splits(at) for at in range(6)] == [False, False, True, True, False, False]
    assert folded.original(2, 3) == (1, 2)
    assert folded.original_text(1, 5) == "½b"


@pytest.mark.parametrize("piece", ["a", "&", "&a", "&amp;", "\u00ad", "\ufdfa", "e\u0301", "&#1234567;"])
def test_folding_takes_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    begin = time.process_time()
    fold(text)
    assert time.process_time() - begin < 3
