from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.followup import MOST_EARLIER, background, goes_on

HOTEL = "How much may a hotel cost in Hamburg per night?"


@pytest.mark.parametrize(
    "question",
    [
        "And in Berlin?",
        "in Berlin?",
        "And P10?",
        "For contractors?",
        "What about contractors?",
        "How about business class?",
        "The same for interns?",
        "Who signs it?",
        "Does it cover breakfast?",
        "Is that also true for interns?",
        "Who approves their travel?",
        "Who is her manager?",
        "How do I get there?",
        "What else is covered?",
        "Which one is cheaper?",
        "And who approves?",
        "Why?",
        "How much?",
        "Tell me more",
        "Und in Berlin?",
        "Was ist mit Externen?",
        "Wer unterschreibt das?",
        "Wer genehmigt sie?",
        "Qui la signe et pourquoi elle ?",
    ],
)
def test_what_cannot_be_understood_alone_goes_on(question: str) -> None:
    assert goes_on(question)
    assert background(question, [HOTEL])
    assert background(question, []) == ()


@pytest.mark.parametrize(
    "question",
    [
        HOTEL,
        "How do I request paid parental leave?",
        "And what is the password policy?",
        "What is Tock?",
        "VPN?",
        "Password requirements",
        "Are there exceptions?",
        "Is there a dress code?",
        "Is it possible to work from home?",
        "What time is it?",
        "How long does it take to get a visa?",
        "Can employees bring their laptops to the office?",
        "When I lose my badge, how do I replace it?",
        "If my laptop breaks, who repairs it?",
        "In which city is the office?",
        "Where are the offices?",
        "Why did panel P09 fail?",
        "Können Sie mir helfen?",
        "Wie viele Tage Urlaub gibt es?",
    ],
)
def test_what_names_all_that_it_speaks_of_stands_for_itself(question: str) -> None:
    """An earlier question that is added wrongly misleads the search."""
    assert not goes_on(question)
    assert background(question, [HOTEL]) == ()


@pytest.mark.parametrize(
    ("question", "earlier", "read_with"),
    [
        ("And in Berlin?", [HOTEL], ("How much may a hotel cost per night?",)),
        ("For contractors?", ["How long is leave for employees?"], ("How long is leave?",)),
        ("Und in Berlin?", ["Was kostet ein Hotel in Hamburg?"], ("Was kostet ein Hotel?",)),
        ("And in winter?", ["Who clears the snow?"], ("Who clears the snow?",)),  # there is nothing to put it for
        ("And in Berlin?", ["In Hamburg?"], ("In Hamburg?",)),  # nothing would be left of it
        ("Who signs it in Berlin?", [HOTEL], (HOTEL,)),  # it speaks of all that was asked
        ("Who signs it?", ["What is paid?", "And for guests?", "And in May?"], ("What is paid?", "And in May?")),
    ],
)
def test_what_the_question_replaces_is_left_out(question: str, earlier: list[str], read_with: tuple[str, ...]) -> None:
    assert background(question, earlier) == read_with


def test_an_earlier_question_helps_with_its_beginning_alone() -> None:
    (part,) = background("Why?", ["word " * 400])
    assert part == ("word " * 60).strip()


@given(st.text(max_size=300), st.lists(st.text(max_size=500), max_size=4))
def test_any_text_is_read_with_little(question: str, earlier: list[str]) -> None:
    read_with = background(question, earlier)
    assert len(read_with) <= MOST_EARLIER
    assert all(0 < len(part) <= 300 for part in read_with)
