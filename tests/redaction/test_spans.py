from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.errors import RecogniserFailed
from redaction.spans import checked, union
from redaction.types import Identity, Kind, Span

JANE = Identity(Kind.USER, "user:jane")
MAIL = Identity(Kind.EMAIL, "jane@mail.example")
CARD = Identity(Kind.CARD, "4111111111111111")
WORD = Identity(Kind.TEXT, "USER_7F3K2Q")

spans = st.lists(
    st.builds(
        lambda start, length, identity: Span(start, start + length, identity),
        st.integers(0, 60),
        st.integers(1, 12),
        st.sampled_from([JANE, MAIL, CARD, WORD]),
    )
)


@pytest.mark.parametrize(
    "nonsense",
    [
        Span(-1, 3, JANE),
        Span(0, 11, JANE),
        Span(4, 4, JANE),
        Span(5, 2, JANE),
        Span(10, 10, JANE),
        Span(0, 10**9, JANE),
        (0, 3),
        None,
        "span",
    ],
)
def test_a_span_that_is_none_is_refused(nonsense: object) -> None:
    """PT-02: negative, out of range, empty, reversed, or no span at all."""
    with pytest.raises(RecogniserFailed):
        checked([Span(0, 2, JANE), nonsense], 10)


@pytest.mark.parametrize(("start", "end"), [(0.0, 3), (0, 3.5), (None, 3), ("0", 3), (False, 3)])
def test_an_offset_that_is_no_whole_number_is_refused(start: Any, end: Any) -> None:
    with pytest.raises(RecogniserFailed):
        checked([Span(start, end, JANE)], 10)


@pytest.mark.parametrize("identity", [None, "user:jane", ("USER", "jane")])
def test_an_identity_that_is_none_is_refused(identity: Any) -> None:
    with pytest.raises(RecogniserFailed):
        checked([Span(0, 3, identity)], 10)
    with pytest.raises(RecogniserFailed):
        checked([Span(0, 3, Identity(identity, "jane"))], 10)


def test_spans_up_to_both_ends_are_accepted() -> None:
    found = [Span(0, 10, JANE), Span(0, 1, MAIL), Span(9, 10, CARD)]
    assert checked(found, 10) == tuple(found)
    assert checked((), 0) == ()


@given(spans)
def test_no_character_of_a_span_survives_and_none_besides_is_masked(found: list[Span]) -> None:
    masked = [at for span in union(found) for at in range(span.start, span.end)]
    assert len(masked) == len(set(masked))
    assert set(masked) == {at for span in found for at in range(span.start, span.end)}


@given(spans)
def test_joined_spans_ascend_with_a_gap_between_them(found: list[Span]) -> None:
    joined = union(found)
    assert all(before.end < after.start for before, after in pairwise(joined))
    assert union(joined) == joined
    assert union(reversed(found)) == joined


@pytest.mark.parametrize(
    ("found", "joined"),
    [
        ([Span(0, 8, MAIL), Span(0, 8, JANE)], [Span(0, 8, JANE)]),  # the directory knows who it is
        ([Span(0, 20, MAIL), Span(0, 8, JANE)], [Span(0, 20, JANE)]),
        ([Span(0, 8, CARD), Span(4, 20, MAIL)], [Span(0, 20, MAIL)]),  # the longest
        ([Span(0, 20, CARD), Span(4, 8, MAIL)], [Span(0, 20, CARD)]),
        ([Span(0, 20, WORD), Span(4, 8, MAIL)], [Span(0, 20, MAIL)]),
        ([Span(0, 8, MAIL), Span(8, 12, CARD)], [Span(0, 12, MAIL)]),  # touching
        ([Span(0, 8, MAIL), Span(9, 12, CARD)], [Span(0, 8, MAIL), Span(9, 12, CARD)]),
        ([Span(0, 4, CARD), Span(3, 6, JANE), Span(5, 99, MAIL)], [Span(0, 99, JANE)]),  # a chain
        ([], []),
    ],
)
def test_the_identity_that_says_most_stands_for_the_whole(found: list[Span], joined: list[Span]) -> None:
    assert union(found) == tuple(joined)
