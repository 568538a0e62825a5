from __future__ import annotations

import time

import pytest

from redaction.introduced import introduced
from redaction.normalise import fold


def told(text: str) -> list[tuple[str, str]]:
    """Give what is masked, and the name alone."""
    folded = fold(text)
    return sorted({(folded.text[span.start : span.end], span.name) for span in introduced(folded)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # by title
        ("Ask Mr Thorn.", [("Mr Thorn", "Thorn")]),
        ("Ask Ms. Mara Thorn-Roe today", [("Ms. Mara Thorn-Roe", "Mara Thorn-Roe")]),
        ("Herr Dr. Jo van der Thorn kommt", [("Herr Dr. Jo van der Thorn", "Jo van der Thorn")]),
        ("Mr K.H. Thorn and Mrs A. Roe came", [("Mr K.H. Thorn", "K.H. Thorn"), ("Mrs A. Roe", "A. Roe")]),
        ("Messrs Thorn and Roe", [("Messrs Thorn", "Thorn"), ("Roe", "Roe")]),
        ("Professor Özil spoke", [("Professor Ozil", "Ozil")]),
        ("hello, this is dr. mara thorn.", [("dr. mara thorn", "mara thorn")]),
        # by greeting and signature
        ("Dear Mara,\nthe report", [("Mara", "Mara")]),
        ("Hi Mara Thorn - about it", [("Mara Thorn", "Mara Thorn")]),
        ("See you.\nBest regards,\n\nMara Thorn\nSales", [("Mara Thorn", "Mara Thorn")]),
        ("Thanks!\nMara", [("Mara", "Mara")]),
        # by label
        ("Patient: Mara Thorn\nWard 3", [("Mara Thorn", "Mara Thorn")]),
        ("Name:    Mara Thorn\nAddress", [("Mara Thorn", "Mara Thorn")]),
        (
            "Present: Mara Thorn, Jo Roe and Al Fir\n",
            [("Al Fir", "Al Fir"), ("Jo Roe", "Jo Roe"), ("Mara Thorn", "Mara Thorn")],
        ),
        ("From: Mara Thorn <x@mail.example>", [("Mara Thorn", "Mara Thorn")]),
        # by what is said
        ("My name is Mara.", [("Mara", "Mara")]),
        ("my name is mara thorn", [("mara thorn", "mara thorn")]),
        ("This is Mara Thorn from sales", [("Mara Thorn", "Mara Thorn")]),
        ("Mara Thorn was born in 1944", [("Mara Thorn", "Mara Thorn")]),
        ("Mara Thorn, aged 35, and", [("Mara Thorn", "Mara Thorn")]),
        ("Mara Thorn, PhD", [("Mara Thorn", "Mara Thorn")]),
        ('"Thorn, Mara" <m@mail.example>', [("Thorn, Mara", "Thorn, Mara")]),
    ],
)
def test_a_person_is_found_by_what_stands_around_the_name(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The general rule, a major change, an officer",
        "Dear colleagues, Dear Sir or Madam,",
        "Dear All,\nhi team, Hello everyone!",
        "Thanks for the report",
        "Name: see below\nOwner: sales",
        "This is The End. This is not it.",
        "This is a test; I am here. I am Not sure",
        "the lord of the manor, miss it",
        "Best regards,\nthe team",
        "the company was born in 1944",
    ],
)
def test_other_words_introduce_nobody(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    "piece",
    [
        "Mr ",
        "Mr A",
        "Mr Aa ",
        "A. ",
        "Aa ",
        "Dear ",
        "Dear Aa",
        "name: ",
        "Name: Aa, ",
        "my name is a ",
        "A.A.",
        "Aa-Aa",
        "van ",
        "Aa van ",
    ],
)
def test_it_takes_linear_time(piece: str) -> None:
    folded = fold((piece * 50_000)[:50_000])
    begin = time.process_time()
    list(introduced(folded))
    assert time.process_time() - begin < 2.5
