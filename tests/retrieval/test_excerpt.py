from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import Compartment, Label, Level
from acl.names import DocumentId
from retrieval.excerpt import ALSO, LEAST, MAX_EXCERPTS, MOST_OF_ONE_DOCUMENT, SHARE, excerpts
from retrieval.find import SNIPPETS
from retrieval.sentences import sentences
from retrieval.types import Excerpt, Snippet
from tests.retrieval.snippets import permitted, snippet

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTION = "When is the boiler serviced?"


def choose(snippets: Iterable[Snippet], question: str = QUESTION) -> tuple[Excerpt, ...]:
    return excerpts(question, permitted(snippets))


# --- which snippets -----------------------------------------------------------------------------


def test_an_excerpt_carries_what_a_citation_needs() -> None:
    label = Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")}))
    when, path = datetime(2026, 3, 1, tzinfo=UTC), ("On heating", "Service")
    one = snippet(
        "The boiler is serviced in May.", document="doc:7", title="On heating", label=label, dated=when, headings=path
    )
    (excerpt,) = choose([one])
    document = DocumentId("doc:7")
    assert excerpt == Excerpt(
        one.chunk, document, "On heating", one.text, 0, len(one.text), label, headings=path, dated=when
    )


def test_what_most_speaks_for_stands_first() -> None:
    hums = snippet("The boiler hums.", similarity=0.6)
    serviced = snippet("The boiler is serviced in May.", similarity=0.6)
    far = snippet("The boiler is serviced by Kay.", similarity=0.5)
    assert [excerpt.chunk for excerpt in choose([hums, far, serviced])] == [serviced.chunk, far.chunk, hums.chunk]


def test_no_snippets_give_no_excerpts() -> None:
    assert choose([]) == ()


def test_where_nothing_is_worth_showing_nothing_is_shown() -> None:
    far = [snippet(f"Number {number} of no interest.", similarity=0.41) for number in range(5)]
    near = snippet("Maintenance takes place each spring.", similarity=0.42)
    assert choose(far) == ()
    assert choose([*far, near])[0].chunk == near.chunk


def test_what_is_far_less_supported_than_the_best_is_left_out() -> None:
    good = snippet("The boiler is serviced in May.", similarity=0.8)
    far = snippet("Maintenance takes place each spring.", similarity=0.5)
    assert [excerpt.chunk for excerpt in choose([far, good])] == [good.chunk]
    assert choose([far]) != ()
    assert ALSO == 0.6


def test_a_blank_text_gives_no_excerpt() -> None:
    good = snippet("The boiler is serviced in May.")
    assert [excerpt.chunk for excerpt in choose([snippet(""), snippet(" \n\t "), good])] == [good.chunk]


def test_no_more_is_looked_at_than_a_search_always_gives() -> None:
    """What had to be searched for the rest, where hidden hits were dropped, must not move anything."""
    few = [snippet(f"The boiler of house {number} is serviced.") for number in range(SNIPPETS)]
    more = [snippet(f"The pump of house {number} is serviced in May.", similarity=1.0) for number in range(20)]
    assert choose([*few, *more]) == choose(few) != ()


# --- how many -----------------------------------------------------------------------------------


def test_five_are_given_of_many() -> None:
    texts = [f"The boiler of house {number} is serviced." for number in range(SNIPPETS)]
    assert [excerpt.text for excerpt in choose(map(snippet, texts))] == texts[:MAX_EXCERPTS]
    assert MAX_EXCERPTS == 5


SENTENCE = "The boiler of house {} is serviced by the men of the {} firm in the month of May."


def long_text(*names: str) -> str:
    return " ".join(SENTENCE.format(house, name) for name in names for house in ("one", "two", "three"))


def test_one_document_leaves_room_for_others() -> None:
    """A long document must not be all that is heard."""
    many = [snippet(long_text(name), document="doc:long") for name in ("red", "blue", "green", "grey")]
    other = snippet(long_text("white"), document="doc:other", similarity=0.85)
    chosen = choose([*many, other])
    room = max(LEAST, SHARE * sum(len(each.text) for each in (*many, other)))
    shares = {
        document: sum(len(each.text) for each in chosen if each.document == document)
        for document in ("doc:long", "doc:other")
    }
    assert shares["doc:other"] > 0
    assert shares["doc:long"] <= MOST_OF_ONE_DOCUMENT * room
    assert sum(shares.values()) <= room


def test_one_document_may_have_all_the_room_that_nobody_else_needs() -> None:
    many = [snippet(long_text(name), document="doc:long") for name in ("red", "blue", "green", "grey", "black")]
    chosen = choose(many)
    room = SHARE * sum(len(each.text) for each in many)
    assert MOST_OF_ONE_DOCUMENT * room < sum(len(each.text) for each in chosen) <= room


def test_a_question_about_two_documents_gets_both() -> None:
    travel = snippet(
        "Hotels are paid up to 180 EUR. " + long_text("red"), title="Travel", document="doc:t", similarity=0.6
    )
    leave = snippet(
        "Parental leave is granted for 12 weeks. " + long_text("blue"), title="Leave", document="doc:l", similarity=0.6
    )
    chosen = choose([travel, leave], "What is paid for hotels, and how long is parental leave?")
    said = " ".join(excerpt.text for excerpt in chosen)
    assert "180 EUR" in said
    assert "12 weeks" in said


def test_the_same_text_is_given_once_under_the_first_that_holds_it() -> None:
    copies = [snippet("The boiler is serviced in May.", document=f"doc:{number}") for number in range(3)]
    other = snippet("The boiler hums.", document="doc:0")
    assert [excerpt.text for excerpt in choose([*copies, other])] == [copies[0].text, other.text]


def test_near_copies_are_given_once_and_other_figures_stay_apart() -> None:
    first = snippet("The boiler is serviced in May, at 7:30.")
    copy = snippet("The BOILER is serviced in May at 7:30!")
    later = snippet("The boiler is serviced in May, at 8:30.")
    never = snippet("The boiler is not serviced in May, at 7:30.")
    assert [excerpt.chunk for excerpt in choose([first, copy, later, never])] == [first.chunk, later.chunk, never.chunk]


def test_the_newer_of_two_versions_stands_first_and_the_older_names_it() -> None:
    old, new = (
        snippet(
            f"The boiler is serviced in {month} by the men of the firm Kay.",
            dated=datetime(year, 3, 1, tzinfo=UTC),
            similarity=near,
        )
        for month, year, near in (("May", 2024, 0.9), ("June", 2026, 0.8))
    )
    first, second = choose([old, new])
    assert (first.chunk, first.newest) == (new.chunk, None)
    assert (second.chunk, second.newest) == (old.chunk, new.document)


# --- which stretch ------------------------------------------------------------------------------

FILLER = [
    f"House number {number} stands by the sea and has a blue door that creaks in the wind." for number in range(12)
]


@pytest.mark.parametrize("place", [0, 1, 5, 11, 12])
def test_the_sentence_that_answers_is_in_the_excerpt_wherever_it_stands(place: int) -> None:
    answer = "The boiler is serviced in May."
    text = " ".join([*FILLER[:place], answer, *FILLER[place:]])
    (excerpt,) = choose([snippet(text)])
    assert answer in excerpt.text
    assert len(answer) < len(excerpt.text) <= LEAST  # the sentences beside it go with it


def test_a_sentence_that_points_back_brings_the_one_before() -> None:
    """Who is meant by "it" stands there."""
    text = " ".join([*FILLER[:6], "We have one for each house.", "It is serviced in May.", *FILLER[6:]])
    (excerpt,) = choose([snippet(text)], "When is it serviced in May?")
    assert "We have one for each house. It is serviced in May." in excerpt.text


def test_a_rare_word_of_the_question_weighs_more_than_a_common_one() -> None:
    common = [snippet(f"The boiler of house {number} hums.") for number in range(4)]
    parts = ["Every boiler hums.", *FILLER, "What is serviced is listed here."]
    chosen = choose([snippet(" ".join(parts)), *common])
    assert "What is serviced is listed here." in chosen[0].text
    assert "Every boiler hums." not in chosen[0].text


def test_a_sentence_longer_than_the_room_is_given_whole() -> None:
    long = "The boiler is serviced " + "and cleaned " * 60 + "in May."
    (excerpt,) = choose([snippet(f"{FILLER[0]} {long} {FILLER[1]}")])
    assert excerpt.text == long
    assert len(long) > LEAST


words = st.sampled_from(
    ["boiler", "serviced", "May", "house", "e.g.", "No. 4", "3.50", "\u00e9t\u00e9", "\U0001f600", "\u4e2d\u6587\u3002"]
)
ends = st.sampled_from([". ", "? ", "!\n", ".\n\n", "\n- ", " ", ", ", "\u2026 ", "\t|\t"])
texts = st.lists(st.tuples(words, ends), min_size=1, max_size=150).map(lambda parts: "".join(w + e for w, e in parts))


@given(st.lists(st.tuples(texts | st.text(), st.sampled_from(["doc:1", "doc:2", "doc:3"])), max_size=8))
def test_an_excerpt_is_always_a_true_stretch_within_the_limits(parts: list[tuple[str, str]]) -> None:
    encodable = [(text.encode(errors="replace").decode(), document) for text, document in parts]
    snippets = [snippet(text, document=document) for text, document in encodable]
    chosen = choose(snippets)
    by_chunk = {one.chunk: one for one in snippets}
    room = max(LEAST, SHARE * sum(len(one.text) for one in snippets[:MAX_EXCERPTS]))
    for excerpt in chosen:
        whole = by_chunk[excerpt.chunk]
        assert excerpt.text == whole.text[excerpt.start : excerpt.end]
        assert excerpt.text == excerpt.text.strip() != ""
        spans = sentences(whole.text)
        assert excerpt.start in {start for start, _ in spans}
        assert excerpt.end in {end for _, end in spans}
        assert (excerpt.document, excerpt.label, excerpt.title) == (whole.document, whole.label, whole.title)
        assert (
            len(chosen) == 1
            or sum(len(each.text) for each in chosen) <= room
            or (chosen[0].start, chosen[0].end) in spans
        )
    assert len(chosen) <= MAX_EXCERPTS
    assert len({excerpt.chunk for excerpt in chosen}) == len(chosen)
    assert bool(chosen) == any(text.strip() for text, _ in encodable[:SNIPPETS])


# --- chunks that overlap ------------------------------------------------------------------------

BEFORE = "The boiler stands in the cellar. The boiler is serviced in May."
AFTER = "The boiler is serviced in May. Its boiler plate is cleaned in June."


@pytest.mark.parametrize("order", [(BEFORE, AFTER), (AFTER, BEFORE)])
def test_a_sentence_that_two_chunks_share_is_said_once(order: tuple[str, str]) -> None:
    chosen = choose([snippet(text, document="doc:1") for text in order])
    assert " ".join(excerpt.text for excerpt in chosen).count("serviced in May") == 1
    assert all(
        excerpt.text == source[excerpt.start : excerpt.end] for excerpt, source in zip(chosen, order, strict=True)
    )


def test_a_chunk_that_answers_by_what_was_said_before_alone_gives_no_excerpt() -> None:
    chosen = choose(
        [snippet(BEFORE, document="doc:1"), snippet("The boiler is serviced in May. So it is.", document="doc:1")]
    )
    assert [excerpt.text for excerpt in chosen] == [BEFORE]


def test_of_another_document_only_what_is_new_is_shown() -> None:
    chosen = choose([snippet(BEFORE, document="doc:1"), snippet(AFTER, document="doc:2")])
    assert {excerpt.document for excerpt in chosen} == {"doc:1", "doc:2"}
    assert " ".join(excerpt.text for excerpt in chosen).count("serviced in May") == 1


def test_a_chunk_without_a_word_of_the_question_is_still_shown_when_it_is_near() -> None:
    texts = ["Maintenance takes place each spring.", "It is done by a firm from Ostrey."]
    assert [one.text for one in choose([snippet(text, document="doc:1") for text in texts])] == texts
