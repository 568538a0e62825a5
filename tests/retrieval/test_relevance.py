from __future__ import annotations

import pytest

from retrieval.relevance import ENOUGH, IN_OTHER_WORDS, WORDS, asked_for, support, terms, weigh
from tests.retrieval.snippets import snippet

QUESTION = "When is the boiler serviced?"
UNRELATED = [snippet(f"House number {number} has a blue door.", similarity=0.0) for number in range(7)]


def worth_showing(question: str, text: str, *, similarity: float, title: str = "A title") -> bool:
    """Say so of a text among seven others that have nothing to do with the question."""
    return support(question, [snippet(text, title=title, similarity=similarity), *UNRELATED])[0] >= ENOUGH


@pytest.mark.parametrize(("similarity", "worth"), [(0.99, True), (0.42, True), (0.41, False), (0.0, False)])
def test_what_is_near_in_meaning_is_worth_showing_whatever_its_words(similarity: float, *, worth: bool) -> None:
    """A table of what is paid for bed and breakfast says what a hotel may cost."""
    assert worth_showing(QUESTION, "Maintenance takes place each spring.", similarity=similarity) is worth


@pytest.mark.parametrize(
    ("text", "title", "worth"),
    [
        ("The boiler was painted.", "A title", True),  # one word of two
        ("It was serviced.", "A title", True),
        ("It is done in May.", "Boilers", True),  # the title counts
        ("It is done in May.", "A title", False),
        ("When is the ferry?", "A title", False),  # stop words do not count
    ],
)
def test_what_is_fairly_near_needs_some_of_the_questions_words(text: str, title: str, *, worth: bool) -> None:
    assert worth_showing(QUESTION, text, similarity=0.35, title=title) is worth


@pytest.mark.parametrize("similarity", [0.0, 0.111])
@pytest.mark.parametrize(
    ("question", "text", "worth"),
    [
        ("What is Wanda Ferrow's IBAN?", "name: Ferrow, Wanda; iban: 7", True),
        ("Wanda Ferrow IBAN", "name: Ferrow, Wanda; iban: 7", True),
        ("Wanda Ferrow IBAN", "name: Ferrow, Wanda; account: 7", False),
        ("Wanda Ferrow IBAN", "name: Ferrow, Walter; iban: 7", False),
        ("Why did panel P09 fail?", "Panel: P09; Peel test: Fail", True),
        ("Why did panel P09 fail?", "Panel: P10; Peel test: Pass", False),
        ("IBAN?", "name: Ferrow, Wanda; iban: 7", False),  # of one word it says little
        ("What is it?", "What is it?", False),
    ],
)
def test_what_is_far_needs_nearly_all_of_the_questions_words(
    question: str, text: str, similarity: float, *, worth: bool
) -> None:
    """An embedding knows nothing of names and numbers: whoever asks in exact words was told "nothing"."""
    assert worth_showing(question, text, similarity=similarity) is worth


def test_a_word_that_is_rare_among_the_snippets_says_more() -> None:
    common = [snippet(f"The boiler of house {number}.", similarity=0.0) for number in range(6)]
    rare, usual = support(QUESTION, [snippet("It was serviced.", similarity=0.0), *common])[:2]
    assert rare > 1.5 * usual > 0


def test_headings_count_as_text() -> None:
    plain, headed = (
        snippet("It is done in May.", similarity=0.35, headings=path) for path in ((), ("House", "Boiler"))
    )
    assert support(QUESTION, [plain, *UNRELATED])[0] < ENOUGH <= support(QUESTION, [headed, *UNRELATED])[0]


def test_words_of_earlier_questions_count_less() -> None:
    own = snippet("It was serviced.", similarity=0.0)
    earlier = snippet("The boiler.", similarity=0.0)
    alone = support("serviced?", [own, earlier, *UNRELATED])
    together = support("serviced?", [own, earlier, *UNRELATED], about="boiler?")
    assert alone[1] == WORDS * IN_OTHER_WORDS < together[1] < together[0] < alone[0]
    assert asked_for("boiler?", "boiler? serviced?") == {
        **dict.fromkeys(terms("serviced"), 0.5),
        **dict.fromkeys(terms("boiler"), 1.0),
    }


@pytest.mark.parametrize("question", ["", "?!", "is it the"])
def test_a_question_without_words_is_judged_by_its_meaning_alone(question: str) -> None:
    assert terms(question) == frozenset()
    assert support(question, [snippet("The boiler.", similarity=0.4)]) == [0.4 + WORDS * IN_OTHER_WORDS]


def test_of_nothing_there_is_no_support() -> None:
    assert support(QUESTION, []) == []
    assert weigh({1: 1.0}, []) == {1: 0.0}


def test_all_words_and_the_same_meaning_are_the_most_that_can_be_said() -> None:
    (most,) = support(QUESTION, [snippet(QUESTION, similarity=1.0)])
    assert 1 + WORDS / 2 < most < 1 + WORDS
