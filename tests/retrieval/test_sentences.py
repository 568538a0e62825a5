from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sentences import sentences

# Everything that a rule of the splitter looks at, so that the properties reach its corners.
WORDS = ["Dr. ", "e.g. ", "No. 4", "3.5", "USER_7F3K2Q", "word ", "Word ", "p.m. ", "U.S. ", "3. Mai ", "long " * 14]
MARKS = [
    ". ",
    "? ",
    "! ",
    "...",
    "\n",
    "\n\n",
    "\r\n",
    "- ",
    "1. ",
    "| a | b |",
    "\t",
    "# ",
    '"',
    ")",
    " ",
    "\u00a0",
    "\u3002",
]


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "whole",
    [
        "Hotels cost up to 180.50 EUR per night, e.g. in Hamburg.",
        "Dr. J. Doe approves each trip, cf. Sec. 4 of the policy.",
        "The U.S. office pays in dollars.",
        "The desk closes at 5 p.m. on Fridays.",
        "Acme Inc. pays the rest.",
        "Die Regel gilt z.B. ab dem 3. Mai für alle, vgl. Nr. 5.",
        "See https://wiki.example/travel.html for version 2.1 of it.",
        "This line was broken by a program at the width of a page, so the sentence\nGoes on in the next one.",
        "This one was broken early\nbut goes on in small letters.",
        "1. Scope of this policy",
        "# Travel policy",
        "| Hotel | 180. EUR | Dr. |",
        "Hotel\t180. A\tEUR",
        "Wait ... what is that",
    ],
)
def test_a_sentence_stays_whole(whole: str) -> None:
    assert split(whole) == [whole]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("First. Second.", ["First.", "Second."]),
        ("Really? Yes! Good.", ["Really?", "Yes!", "Good."]),
        ("It began in 2020. The rest is known.", ["It began in 2020.", "The rest is known."]),
        ("He said no. Then she left.", ["He said no.", "Then she left."]),
        ("Pens, paper etc. The rest is extra.", ["Pens, paper etc.", "The rest is extra."]),
        ("They met at Acme Ltd. Nobody spoke.", ["They met at Acme Ltd.", "Nobody spoke."]),
        (
            "USER_7F3K2Q wrote to USER_7F3K8M. USER_9ABCD2 replied.",
            ["USER_7F3K2Q wrote to USER_7F3K8M.", "USER_9ABCD2 replied."],
        ),
        ('"Stop." She stopped.', ['"Stop."', "She stopped."]),
        ("(See above.) Next.", ["(See above.)", "Next."]),
        ("Travel policy\nHotels are paid.", ["Travel policy", "Hotels are paid."]),
        ("Intro:\n- one\n- two. Two b.\n3. three", ["Intro:", "- one", "- two.", "Two b.", "3. three"]),
        ("| a | b. C |\n| 1 | 2 |", ["| a | b. C |", "| 1 | 2 |"]),
        (
            "What: Bed and breakfast; Limit: 115 a night, 150 in a capital; Receipt: Yes\nWhat: Meals; Limit: 38",
            ["What: Bed and breakfast; Limit: 115 a night, 150 in a capital; Receipt: Yes", "What: Meals; Limit: 38"],
        ),
        ("a\tb\nc\td", ["a\tb", "c\td"]),
        ("one paragraph\n\nand another", ["one paragraph", "and another"]),
        ("第一句。第二句\uff01第三句", ["第一句。", "第二句\uff01", "第三句"]),
        ("  padded.  \r\n\r\n  Twice.  ", ["padded.", "Twice."]),
    ],
)
def test_sentences_part_where_a_reader_would_part_them(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize("blank", ["", " ", "\n\n\t", "\u00a0"])
def test_a_blank_text_has_no_sentences(blank: str) -> None:
    assert sentences(blank) == []


@given(st.one_of(st.lists(st.sampled_from(WORDS + MARKS), max_size=30).map("".join), st.text(max_size=200)))
def test_sentences_cover_exactly_what_is_not_blank(text: str) -> None:
    at = 0
    for start, end in sentences(text):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end].strip() == text[start:end]
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize(
    "text", ["." * 20_000 + "x", "a." * 10_000, "\n" * 20_000, "|\t" * 10_000, '."' * 10_000, "1.\n" * 7_000]
)
def test_no_text_takes_quadratic_time(text: str) -> None:
    began = time.process_time()
    sentences(text)
    assert time.process_time() - began < 0.5
