from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId
from retrieval.excerpt import (
    EXACT_WORDS,
    FAIRLY_NEAR,
    MAX_CHARACTERS,
    MAX_EXCERPTS,
    MAX_FROM_ONE_DOCUMENT,
    NEAR,
    excerpts,
    is_relevant,
    terms,
)
from retrieval.permit import Permitted
from retrieval.sentences import sentences
from retrieval.types import ChunkId, Excerpt, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTION = "When is the boiler serviced?"


def snippet(
    text: str, *, document: str = "", title: str = "A title", similarity: float = 0.9, label: Label = PUBLIC
) -> Snippet:
    """Make a snippet, by default near to the question and of a document of its own."""
    name = document or f"doc:{abs(hash(text))}"
    return Snippet(ChunkId(f"chunk of {name}: {text}"), DocumentId(name), title, text, label, similarity, "a rule")


def choose(snippets: Iterable[Snippet], question: str = QUESTION) -> tuple[Excerpt, ...]:
    return excerpts(question, Permitted(tuple(snippets), (), 0))


# --- which snippets -----------------------------------------------------------------------------


def test_an_excerpt_carries_what_a_citation_needs() -> None:
    label = Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")}))
    one = snippet("The boiler is serviced in May.", document="doc:7", title="On heating", label=label)
    (excerpt,) = choose([one])
    assert excerpt == Excerpt(one.chunk, DocumentId("doc:7"), "On heating", one.text, 0, len(one.text), label)


def test_the_order_of_relevance_is_kept() -> None:
    texts = ["The boiler hums.", "It is serviced in May.", "The boiler is serviced."]
    assert [excerpt.text for excerpt in choose(map(snippet, texts))] == texts


def test_no_snippets_give_no_excerpts() -> None:
    assert choose([]) == ()


@pytest.mark.parametrize("similarity", [NEAR, 0.99, 1.0])
def test_what_is_near_in_meaning_is_relevant_whatever_its_words(similarity: float) -> None:
    assert is_relevant(terms(QUESTION), snippet("Maintenance takes place each spring.", similarity=similarity))


@pytest.mark.parametrize(
    ("text", "title", "relevant"),
    [
        ("The boiler was painted.", "A title", True),  # one word of two
        ("It was serviced.", "A title", True),
        ("It is done in May.", "Boilers", True),  # the title counts
        ("It is done in May.", "A title", False),
        ("When is the ferry?", "A title", False),  # stop words do not count
    ],
)
def test_what_is_fairly_near_needs_half_of_the_questions_words(text: str, title: str, *, relevant: bool) -> None:
    asked = terms(QUESTION)
    assert len(asked) == 2
    for similarity in (FAIRLY_NEAR, NEAR - 0.001):
        assert is_relevant(asked, snippet(text, title=title, similarity=similarity)) is relevant


FAR = [FAIRLY_NEAR - 0.001, 0.111, 0.0, -1.0]


@pytest.mark.parametrize("similarity", FAR)
@pytest.mark.parametrize(
    ("question", "text", "title", "relevant"),
    [
        ("What is Wanda Ferrow's IBAN?", "name: Ferrow, Wanda; iban: 7", "Pay", True),
        ("Wanda Ferrow IBAN", "name: Ferrow, Wanda; iban: 7", "Pay", True),
        ("Wanda Ferrow IBAN", "name: Ferrow, Wanda; account: 7", "IBANs", True),  # the title counts
        ("Wanda Ferrow IBAN", "name: Ferrow, Wanda; account: 7", "Pay", False),
        ("Wanda Ferrow IBAN", "name: Ferrow, Walter; iban: 7", "Pay", False),
        ("Why did panel P09 fail?", "Panel: P09; Peel test: Fail", "Trials", True),
        ("Why did panel P09 fail?", "Panel: P08; Peel test: Fail", "Trials", False),
        ("Ferrow's IBAN?", "name: Ferrow, Wanda; iban: 7", "Pay", True),  # two words suffice
        ("IBAN?", "name: Ferrow, Wanda; iban: 7", "IBAN", False),  # one does not
        ("What is it?", "What is it?", "What is it?", False),
    ],
)
def test_what_is_far_needs_all_of_the_questions_words(
    question: str, text: str, title: str, similarity: float, *, relevant: bool
) -> None:
    """An embedding knows nothing of names and numbers: whoever asks in exact words was told "nothing"."""
    assert bool(choose([snippet(text, title=title, similarity=similarity)], question)) is relevant
    assert EXACT_WORDS == 2


@pytest.mark.parametrize("question", ["", "?!", "is it the"])
def test_a_question_without_words_makes_nothing_relevant_by_words(question: str) -> None:
    fairly_near = snippet("The boiler.", similarity=NEAR - 0.001)
    assert terms(question) == frozenset()
    assert choose([fairly_near], question) == ()


def test_the_irrelevant_among_the_relevant_are_left_out() -> None:
    far = [snippet(f"Number {number} of no interest.", similarity=0.1) for number in range(5)]
    good = snippet("The boiler is serviced in May.")
    assert [excerpt.chunk for excerpt in choose([*far, good, *far])] == [good.chunk]
    assert choose(far) == ()


def test_a_blank_text_gives_no_excerpt() -> None:
    good = snippet("The boiler is serviced in May.")
    assert [excerpt.chunk for excerpt in choose([snippet(""), snippet(" \n\t "), good])] == [good.chunk]


# --- how many -----------------------------------------------------------------------------------


def test_five_are_given_of_many() -> None:
    texts = [f"The boiler of house {number} is serviced." for number in range(9)]
    assert [excerpt.text for excerpt in choose(map(snippet, texts))] == texts[:MAX_EXCERPTS]
    assert MAX_EXCERPTS == 5


def test_one_document_gives_two_at_most_and_leaves_room_for_others() -> None:
    """A long document must not be all that is heard."""
    many = [snippet(f"The boiler of house {number} is serviced.", document="doc:long") for number in range(6)]
    other = snippet("Another boiler is serviced.", document="doc:other")
    chosen = choose([*many, other])
    assert [excerpt.document for excerpt in chosen] == ["doc:long", "doc:long", "doc:other"]
    assert MAX_FROM_ONE_DOCUMENT == 2


def test_the_same_text_is_given_once_under_the_first_that_holds_it() -> None:
    copies = [snippet("The boiler is serviced in May.", document=f"doc:{number}") for number in range(3)]
    other = snippet("The boiler hums.", document="doc:0")
    assert [excerpt.document for excerpt in choose([*copies, other])] == ["doc:0", "doc:0"]


def test_a_copy_does_not_use_up_the_share_of_its_document() -> None:
    first = snippet("The boiler is serviced in May.", document="doc:first")
    copy = snippet("The boiler is serviced in May.", document="doc:second")
    own = [snippet(f"The boiler of house {number}.", document="doc:second") for number in range(2)]
    assert [excerpt.text for excerpt in choose([first, copy, *own])] == [first.text, own[0].text, own[1].text]


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
    assert len(excerpt.text) <= MAX_CHARACTERS
    assert len(excerpt.text) > MAX_CHARACTERS - 100  # the room that is left goes to its neighbours


def test_what_follows_is_taken_before_what_stands_before() -> None:
    """A pronoun points back: "It costs 90 EUR" needs the sentence before it to be understood."""
    text = " ".join([*FILLER[:6], "The boiler is serviced in May.", "It costs 90 EUR.", *FILLER[6:]])
    (excerpt,) = choose([snippet(text)])
    assert excerpt.text.startswith("The boiler is serviced in May. It costs 90 EUR.")


def test_a_rare_word_of_the_question_weighs_more_than_a_common_one() -> None:
    common = [snippet(f"The boiler of house {number} hums.") for number in range(4)]
    parts = ["Every boiler hums.", *FILLER, "What is serviced is listed here."]
    chosen = choose([snippet(" ".join(parts)), *common])
    assert "What is serviced is listed here." in chosen[0].text
    assert "Every boiler hums." not in chosen[0].text


def test_a_sentence_longer_than_the_budget_is_given_whole() -> None:
    long = "The boiler is serviced " + "and cleaned " * 60 + "in May."
    (excerpt,) = choose([snippet(f"{FILLER[0]} {long} {FILLER[1]}")])
    assert excerpt.text == long
    assert len(long) > MAX_CHARACTERS


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
    for excerpt in chosen:
        whole = by_chunk[excerpt.chunk]
        assert excerpt.text == whole.text[excerpt.start : excerpt.end]
        assert excerpt.text == excerpt.text.strip() != ""
        spans = sentences(whole.text)
        assert excerpt.start in {start for start, _ in spans}
        assert excerpt.end in {end for _, end in spans}
        assert len(excerpt.text) <= MAX_CHARACTERS or (excerpt.start, excerpt.end) in spans
        assert (excerpt.document, excerpt.label, excerpt.title) == (whole.document, whole.label, whole.title)
    assert len(chosen) <= MAX_EXCERPTS
    assert max(Counter(excerpt.document for excerpt in chosen).values(), default=0) <= MAX_FROM_ONE_DOCUMENT
    assert len({excerpt.text for excerpt in chosen}) == len(chosen)
    assert bool(chosen) == any(text.strip() for text, _ in encodable)
    order = [one.chunk for one in snippets]
    assert [order.index(excerpt.chunk) for excerpt in chosen] == sorted(
        order.index(excerpt.chunk) for excerpt in chosen
    )


# --- chunks that overlap ------------------------------------------------------------------------

BEFORE = "The boiler stands in the cellar. The boiler is serviced in May."
AFTER = "The boiler is serviced in May. Its boiler plate is cleaned in June."


@pytest.mark.parametrize("order", [(BEFORE, AFTER), (AFTER, BEFORE)])
def test_a_sentence_that_two_chunks_share_is_said_once(order: tuple[str, str]) -> None:
    chosen = choose([snippet(text, document="doc:1") for text in order])
    assert [excerpt.text for excerpt in chosen].count(order[0]) == 1
    assert " ".join(excerpt.text for excerpt in chosen).count("serviced in May") == 1
    assert all(
        excerpt.text == source[excerpt.start : excerpt.end] for excerpt, source in zip(chosen, order, strict=True)
    )


def test_a_chunk_that_answers_by_what_was_said_before_alone_gives_no_excerpt() -> None:
    chosen = choose(
        [snippet(BEFORE, document="doc:1"), snippet("The boiler is serviced in May. So it is.", document="doc:1")]
    )
    assert [excerpt.text for excerpt in chosen] == [BEFORE]


def test_another_document_may_say_the_same() -> None:
    chosen = choose([snippet(BEFORE, document="doc:1"), snippet(AFTER, document="doc:2")])
    assert [excerpt.text for excerpt in chosen] == [BEFORE, AFTER]


def test_a_chunk_without_a_word_of_the_question_is_still_shown_when_it_is_near() -> None:
    texts = ["Maintenance takes place each spring.", "It is done by a firm from Ostrey."]
    assert [one.text for one in choose([snippet(text, document="doc:1") for text in texts])] == texts
