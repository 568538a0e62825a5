from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.errors import ModelDown
from egress.extractive import Extractive, quote
from egress.prompt import build_prompt
from redaction.types import Redacted

TRAVEL = """# Travel policy
Flights are booked by the travel desk. Hotels are paid up to 180 EUR per night, e.g. in Hamburg.
Breakfast counts as part of the hotel bill."""
EXPENSES = """- Receipts are handed in within 30 days.
- USER_7F3K2Q approves expenses above 1,000 EUR.
Who signs travel requests? The head of each team signs them."""


def ask(question: str, *excerpts: str) -> str:
    return Extractive().complete(build_prompt(Redacted((question, *excerpts), {}), "0123456789abcdef")).text


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How much may a hotel cost per night?", "Hotels are paid up to 180 EUR per night, e.g. in Hamburg. [1]"),
        ("When do I have to hand in a receipt?", "Receipts are handed in within 30 days. [2]"),
        ("Who approves expenses?", "USER_7F3K2Q approves expenses above 1,000 EUR. [2]"),
        ("What does USER_7F3K8M approve?", "USER_7F3K2Q approves expenses above 1,000 EUR. [2]"),
        ("Who books flights?", "Flights are booked by the travel desk. [1]"),
    ],
)
def test_the_sentence_that_answers_is_quoted_with_its_number(question: str, first: str) -> None:
    assert first in ask(question, TRAVEL, EXPENSES).split("\n")


def test_words_match_whatever_their_ending() -> None:
    text = "Der Antrag wird geprüft. Reisekosten der Mitarbeiterinnen werden erstattet."
    assert ask("Wie werden die Reisekosten eines Mitarbeiters erstattet?", text).startswith("Reisekosten")


def test_a_heading_or_a_question_is_not_taken_for_an_answer() -> None:
    assert ask("Who signs travel requests?", EXPENSES).split("\n")[-1] == "The head of each team signs them. [1]"
    assert "# Travel" not in ask("What is the travel policy?", TRAVEL)


def test_at_most_three_sentences_in_the_order_of_the_excerpts() -> None:
    lines = ask(
        "Hotel?", *(f"Hotel {word} is open. Nothing else." for word in ("Alster", "Isar", "Rhein", "Spree"))
    ).split("\n")
    assert len(lines) == 3
    assert [line[-3:] for line in lines] == sorted(line[-3:] for line in lines)


def test_the_answer_stays_near_five_hundred_characters() -> None:
    long = "The hotel " + "is quite far from the station and " * 10 + "has no bar. "
    assert len(ask("Hotel bar?", long + long.replace("bar", "lift") + long.replace("bar", "pool"))) < 520
    assert len(ask("Hotel bar?", "hotel bar " * 400)) < 520


def test_the_same_sentence_is_quoted_once_from_the_first_excerpt_that_says_it() -> None:
    assert (
        ask("Hotel?", "The hotel is closed.", "the  hotel is\nclosed!", "Unrelated text.") == "The hotel is closed. [1]"
    )


def test_without_a_shared_word_the_first_sentence_is_quoted() -> None:
    assert ask("Warum?", TRAVEL, EXPENSES) == "Flights are booked by the travel desk. [1]"
    assert ask("Wann?", TRAVEL, EXPENSES) == "Hotels are paid up to 180 EUR per night, e.g. in Hamburg. [1]"
    assert ask("Wann?", "Travel policy") == "Travel policy [1]"


def test_a_citation_inside_a_document_is_not_ours() -> None:
    """A document that says "[2]" would make the answer cite an excerpt that it does not rest on."""
    text = ask("Hotel?", "The hotel is closed [2], see also \u30103\u2020source\u3011 and [[1]].", "Other.")
    assert re.findall(r"\[\d+\]", text) == ["[1]"]
    assert "\u3010" not in text
    assert ask("Hotel?", "The hotel [sic] is closed.") == "The hotel [sic] is closed. [1]"


def test_excerpts_without_a_word_give_no_answer() -> None:
    with pytest.raises(ModelDown):
        ask("Hotel?", "---\n***")


def test_the_model_is_named_for_what_it_is() -> None:
    prompt = build_prompt(Redacted(("Hotel?", "The hotel is closed."), {}), "0123456789abcdef")
    draft = Extractive().complete(prompt)
    assert draft.model == "extractive"
    assert draft.notes == ("No language model was used: these are quotes from the documents.",)


FIRMWARE = "TG4 firmware 3.2\n\nReleased in February by USER_7F3K2Q."
WHY = "Why there is a 3.2\n\nTwo harbours told us that their gauge reported the same minute twice."


@pytest.mark.parametrize(
    ("question", "excerpts", "quoted"),
    [
        ("What is new in firmware 3.2?", [FIRMWARE], ["Released in February by USER_7F3K2Q. [1]"]),
        ("Who made the TG4 firmware?", [FIRMWARE], ["Released in February by USER_7F3K2Q. [1]"]),
        (
            "Why is there a 3.2?",
            [WHY],
            ["Two harbours told us that their gauge reported the same minute twice. [1]"],
        ),
        (
            "What is on the roadmap for 2026?",
            ["Roadmap for 2026", "Engineering builds a probe."],
            ["Engineering builds a probe. [2]"],
        ),
        ("Hotel limits?", ["## Hotel limits, 90 EUR.\nBreakfast is paid."], ["Breakfast is paid. [1]"]),
        (
            "What does a hotel cost?",
            ["Hotel costs\nWhat: Hotel; Limit: none", "Hotel and costs"],
            ["What: Hotel; Limit: none [1]"],
        ),
        ("What is on the roadmap for 2026?", ["Roadmap for 2026"], ["Roadmap for 2026 [1]"]),
    ],
)
def test_a_heading_with_a_number_is_quoted_only_if_there_is_no_statement(
    question: str, excerpts: list[str], quoted: list[str]
) -> None:
    assert quote(question, excerpts).split("\n") == quoted


MAIL = """From: USER_7F3K2Q <USER_7F3K8M>
To: Wanda Ferrow <EMAIL_Y48XSQ>
Date: Thu, 12 Mar 2026 16:04:00 +0000
Subject: Offer 26-0417: sapphire windows for 40 EUR.

Dear Ms Ferrow,

thank you for asking. Each of them costs 38 EUR from next week on."""


@pytest.mark.parametrize(
    ("question", "excerpts", "quoted"),
    [
        ("How much do sapphire windows cost?", [MAIL], ["Each of them costs 38 EUR from next week on. [1]"]),
        ("What are sapphire windows?", ["Subject: Sapphire windows, 18 mm", "Windows"], ["Windows [2]"]),
        ("What are sapphire windows?", ["Subject: Sapphire windows"], ["Subject: Sapphire windows [1]"]),
        # A table may have such columns.
        ("Up to what does band B go?", ["From: 310; To: 390; Band: B"], ["From: 310; To: 390; Band: B [1]"]),
        ("Which band goes to 390?", ["Bands go up.\nFrom: 310; To: 390; Band: B"], ["From: 310; To: 390; Band: B [1]"]),
    ],
)
def test_the_head_of_a_mail_is_quoted_only_if_there_is_nothing_else(
    question: str, excerpts: list[str], quoted: list[str]
) -> None:
    assert quote(question, excerpts).split("\n") == quoted


HER_ROW = "employee: USER_JFJ0Y8; iban: IBAN_KHRT63; net_gbp: 2780.97"
HIS_ROW = "employee: USER_1JR6PC; iban: IBAN_9CB76A; net_gbp: 2945.30"
LETTER = "We pay into the bank account that you named, IBAN IBAN_9CB76A, in the name of USER_1JR6PC. Ask us in person."


@pytest.mark.parametrize(
    ("question", "excerpts", "quoted"),
    [
        ("What is USER_JFJ0ZA's IBAN?", [f"{HER_ROW}\n{HIS_ROW}"], [f"{HER_ROW} [1]"]),
        ("What is USER_1JR6ZA's IBAN?", [f"{HER_ROW}\n{HIS_ROW}"], [f"{HIS_ROW} [1]"]),
        ("USER_JFJ0ZA IBAN", [HIS_ROW, HER_ROW], [f"{HER_ROW} [2]"]),
        ("What is the bank account of USER_JFJ0ZA?", [LETTER, f"{HER_ROW}\n{HIS_ROW}"], [f"{HER_ROW} [2]"]),
        ("What is the net salary of USER_1JR6ZA?", ["The net salary is what remains.", HIS_ROW], [f"{HIS_ROW} [2]"]),
        # He occurs in no excerpt: what remains is not another person's account.
        ("What is the bank account of USER_QQQQQQ?", [LETTER], ["Ask us in person. [1]"]),
        ("What is the bank account of Wanda?", [LETTER], ["Ask us in person. [1]"]),
        ("What is the bank account of Wanda?", [HIS_ROW], [f"{HIS_ROW} [1]"]),  # there is nothing else
        # Nobody is named.
        ("Into which bank account do you pay?", [LETTER], [f"{LETTER.removesuffix(' Ask us in person.')} [1]"]),
    ],
)
def test_who_asks_about_one_person_gets_no_other_ones_account(
    question: str, excerpts: list[str], quoted: list[str]
) -> None:
    """The account of Gwen was asked for, and that of Femi was quoted first."""
    assert quote(question, excerpts).split("\n") == quoted


P05 = "Panel: P05; Film: None; Peel test: Fail at the rim; Remark: Fail"
P09 = "Panel: P09; Film: Third edition; Peel test: Fail"


@pytest.mark.parametrize(
    ("question", "excerpts", "quoted"),
    [
        ("Why did panel P09 fail?", [f"{P05}\n{P09}"], [f"{P09} [1]"]),
        ("Why did panel p05 fail?", [P09, P05], [f"{P05} [2]"]),
        ("Why did panel P09 fail?", [P05, "The panels hang at the pontoon."], ["The panels hang at the pontoon. [2]"]),
        ("Why did panel P09 fail?", [P05], [f"{P05} [1]"]),  # there is nothing else
        ("Which panels fail?", [f"{P05}\n{P09}"], [f"{P05} [1]", f"{P09} [1]"]),
        (
            "What did TG4-0937 show?",
            ["serial: TG4-0937; worst: 0.8; result: pass\nserial: TG4-0718; worst: 1.5; result: show pass"],
            ["serial: TG4-0937; worst: 0.8; result: pass [1]"],
        ),
        (
            "What did the TG4 show?",
            ["serial: TG4-0937; worst: 0.8; result: pass\nserial: TG3-0718; worst: 1.5; result: show pass"],
            ["serial: TG4-0937; worst: 0.8; result: pass [1]"],
        ),
        (
            "What changed in version 3.2?",
            ["Version 3.1 changed the clock of every gauge.", "Version 3.2 keeps the time of the harbour."],
            ["Version 3.2 keeps the time of the harbour. [2]"],
        ),
    ],
)
def test_a_part_that_is_named_is_the_one_that_is_quoted(question: str, excerpts: list[str], quoted: list[str]) -> None:
    assert quote(question, excerpts).split("\n") == quoted


def test_a_measure_without_a_stop_is_quoted() -> None:
    excerpts = [
        "TG4 tide gauge\n\nThe TG4 measures the tide. The TG4 weighs the water. The TG4 listens for it.",
        "The figures\n\nRange 0 to 12 m\n\nAccuracy 2 mm\n\nWarranty 5 years",
    ]
    assert "Accuracy 2 mm [2]" in quote("How accurate is the TG4?", excerpts).split("\n")
    assert "Warranty 5 years [2]" in quote("How long is the warranty?", excerpts).split("\n")


def test_a_heading_counts_for_the_sentences_below_it_and_not_for_those_of_the_next() -> None:
    sections = {"Trains": "Second class", "Taxis": "The night", "Hotels": "Three stars", "Ferries": "The deck"}
    sections |= {"Lunch": "Soup", "Tips": "A tenth"}
    text = "\n\n".join(f"{heading}\n\n{what} is paid for." for heading, what in sections.items())
    for heading, what in sections.items():
        quoted = quote(f"{heading}?", [text]).split("\n")
        assert quoted[0] == f"{what} is paid for. [1]", heading


WORDS = st.lists(
    st.sampled_from(["hotel", "Bar", "USER_7F3K2Q", "180", "is.", "The", "e.g.", "\n", "- ", "?", "[1]", "3.5", "|"]),
    max_size=40,
).map(" ".join)


@given(WORDS, st.lists(WORDS, min_size=1, max_size=4))
def test_no_word_is_invented(question: str, excerpts: list[str]) -> None:
    excerpts[0] = "Anchor. " + excerpts[0]
    text = ask(question + "?", *excerpts)
    for line in text.split("\n"):
        quote, _, number = line.rpartition(" ")
        source = " ".join(excerpts[int(number[1:-1]) - 1].split()).replace("[1]", "(1)")
        assert quote in source


@pytest.mark.parametrize("code", ["7F3K2Q", "ABCDEF", "A7BCDE", "222222"])
def test_the_random_part_of_a_token_decides_nothing(code: str) -> None:
    excerpt = (
        f"When you are sick, call USER_{code} before 08:30 on the first day. "
        f"Leave your name, and write the same to USER_{code}. The tower clock strikes at noon."
    )
    assert quote("Who do I call when I am sick?", [excerpt]) == (
        f"When you are sick, call USER_{code} before 08:30 on the first day. [1]"
    )


@pytest.mark.parametrize(
    ("question", "excerpts", "quoted"),
    [
        # The source that answers comes first, and in it its own order.
        (
            "How many weeks of leave?",
            ["Weeks of leave can be shared.", "It is for all staff. Leave is 12 weeks."],
            ["Leave is 12 weeks. [2]", "Weeks of leave can be shared. [1]"],
        ),
        # What only says where it is written comes after what says it.
        (
            "What is the travel benefit?",
            ["See the travel benefit page.", "The travel benefit pays for the bus."],
            ["The travel benefit pays for the bus. [2]", "See the travel benefit page. [1]"],
        ),
        ("What is comp time?", ["See comp time on the comp time page."], ["See comp time on the comp time page. [1]"]),
        # Numbers of a list are not part of what it says.
        ("How do I request leave?", ["1. Request leave from your head."], ["Request leave from your head. [1]"]),
        # What is said again is quoted once; another figure, or a "not", is another statement.
        (
            "Who adjusts the Tock setting?",
            [
                "The head adjusts the Tock setting for all hours.",
                "The head adjusts each Tock setting for all the hours.",
            ],
            ["The head adjusts the Tock setting for all hours. [1]"],
        ),
        (
            "Who adjusts the Tock setting?",
            ["The head adjusts the Tock setting in 3 hours.", "The head adjusts the Tock setting in 4 hours."],
            ["The head adjusts the Tock setting in 3 hours. [1]", "The head adjusts the Tock setting in 4 hours. [2]"],
        ),
        (
            "Who adjusts the Tock setting?",
            ["The head adjusts the Tock setting.", "The head does not adjust the Tock setting."],
            ["The head adjusts the Tock setting. [1]", "The head does not adjust the Tock setting. [2]"],
        ),
    ],
)
def test_a_direct_answer_comes_first_and_nothing_twice(question: str, excerpts: list[str], quoted: list[str]) -> None:
    assert quote(question, excerpts).split("\n") == quoted


def test_a_sentence_that_says_what_it_is_answers_what_is_it() -> None:
    excerpts = ["Comp time for travel ends at the hotel. Comp time is paid time off.", "Comp time needs approval."]
    assert quote("What is comp time?", excerpts).split("\n")[0].startswith("Comp time")
    assert "Comp time is paid time off. [1]" in quote("What is comp time?", excerpts).split("\n")


def test_the_words_of_an_earlier_question_count_less_and_its_person_goes_on() -> None:
    rows = [HER_ROW, HIS_ROW]
    assert quote("And the IBAN?", rows, ["What is the salary of USER_JFJ0ZA?"]) == f"{HER_ROW} [1]"
    assert quote("And the IBAN of USER_1JR6ZA?", rows, ["What is the salary of USER_JFJ0ZA?"]) == f"{HIS_ROW} [2]"
    texts = ["Hotels are paid up to 180 EUR.", "The head of the team signs hotel bills."]
    assert quote("Who signs it?", texts, ["What is paid for hotels?"]).startswith("The head of the team signs")
