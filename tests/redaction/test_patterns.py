from __future__ import annotations

import time
from typing import Final

import pytest
from stdnum import iban

from redaction.normalise import fold
from redaction.patterns import pattern_recognisers
from redaction.redact import redact
from redaction.restore import restore
from redaction.spans import union
from redaction.tokens import issuer
from redaction.types import DIRECT, Kind, Span
from tests.redaction.written import spans_of

RECOGNISERS: Final = pattern_recognisers()


def spans(text: str, region: str = "GB") -> list[Span]:
    return spans_of(text, *pattern_recognisers(region))


def masked(text: str) -> list[str]:
    """Give what identifies by itself; dates and amounts do not."""
    return [text[span.start : span.end] for span in union(s for s in spans(text) if s.identity.kind in DIRECT)]


def made_iban(country: str, account: str) -> str:
    """Put the right check digits to an account of a bank that does not exist."""
    return country + iban.calc_check_digits(f"{country}00{account}") + account


GERMAN: Final = made_iban("DE", "000000000123456789")
WRONG: Final = GERMAN[:-1] + ("0" if GERMAN[-1] != "0" else "1")


def in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # e-mail
        ("Write to jane.doe@mail.example.", ["jane.doe@mail.example"]),
        ("<JANE+News@Mail.Example>, ok?", ["JANE+News@Mail.Example"]),
        ("jane@sub.mail.example;john@mail.example", ["jane@sub.mail.example", "john@mail.example"]),
        ("jörg@müller.example", ["jörg@müller.example"]),
        ("it is jane [at] mail [dot] example now", ["jane [at] mail [dot] example"]),
        ("it is jane(at)mail(dot)example now", ["jane(at)mail(dot)example"]),
        ("it is jane.doe {at} mail.example now", ["jane.doe {at} mail.example"]),
        ("jane dot doe at mail dot example", ["jane dot doe at mail dot example"]),
        ("jane @ mail.example", ["jane @ mail.example"]),
        ("jane.doe@\nmail.example", ["jane.doe@\nmail.example"]),
        ("ja\u00adne@ma\u200bil.example", ["ja\u00adne@ma\u200bil.example"]),
        ("jane&#64;mail&period;example!", ["jane&#64;mail&period;example"]),
        ("j\u0430ne\uff20mail\uff0eexample", ["j\u0430ne\uff20mail\uff0eexample"]),
        # phone
        ("Ring 020 7946 0123 now", ["020 7946 0123"]),
        ("+44 20 7946 0123 or (020) 7946 0456", ["+44 20 7946 0123", "(020) 7946 0456"]),
        ("+1 202-555-0143, +1 (202) 555-0144", ["+1 202-555-0143", "+1 (202) 555-0144"]),
        ("+44 (0)20 7946 0123", ["+44 (0)20 7946 0123"]),
        ("from 020 7946\n0123 on", ["020 7946\n0123"]),
        ("\uff10\uff12\uff10 7946 0123", ["\uff10\uff12\uff10 7946 0123"]),
        ("Mobile: 07700 900123", ["07700 900123"]),  # a number that is never given out, so no valid one
        ("call me on 12-345-678", ["12-345-678"]),
        ("12-345-678 (fax), 12-345-679 office", ["12-345-678", "12-345-679"]),
        # IBAN
        (f"Pay to {GERMAN} today", [GERMAN]),
        (f"pay {in_fours(GERMAN)} please", [in_fours(GERMAN)]),
        (f"pay {GERMAN.lower()}, please", [GERMAN.lower()]),
        ("GB82 WEST 1234 5698 7654 32 is the example", ["GB82 WEST 1234 5698 7654 32"]),
        ("gb82-west-1234-5698-7654-32", ["gb82-west-1234-5698-7654-32"]),
        (f"IBAN: {WRONG}", [WRONG]),
        (f"the account {in_fours(WRONG)} of", [in_fours(WRONG)]),
        (in_fours(GERMAN).replace(" ", "\u00a0"), [in_fours(GERMAN).replace(" ", "\u00a0")]),
        (f"{GERMAN[:12]}\n{GERMAN[12:]}", [f"{GERMAN[:12]}\n{GERMAN[12:]}"]),
        # card
        ("4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("4111-1111-1111-1111.", ["4111-1111-1111-1111"]),
        ("x4111111111111111x", ["4111111111111111"]),
        ("in 2024 4111 1111 1111 1111 12/27", ["4111 1111 1111 1111"]),
        ("3782 822463 10005 and 5555555555554444", ["3782 822463 10005", "5555555555554444"]),
        ("card no. 4111 1111 1111 1112", ["4111 1111 1111 1112"]),
        ("1234 5678 9012 3456 (Visa)", ["1234 5678 9012 3456"]),
        ("card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"]),
        ("4111 1111\n1111 1111", ["4111 1111\n1111 1111"]),
        ("\u0664\u0661\u0661\u0661 1111 1111 1111", ["\u0664\u0661\u0661\u0661 1111 1111 1111"]),
        # IP
        ("host 192.0.2.17, port 80", ["192.0.2.17"]),
        ("192.0.2.17:8080 and 198.51.100.0/24.", ["192.0.2.17", "198.51.100.0"]),
        ("192[.]0[.]2[.]17", ["192[.]0[.]2[.]17"]),
        ("2001:db8::17 or 2001:DB8:0:0:0:0:0:17", ["2001:db8::17", "2001:DB8:0:0:0:0:0:17"]),
        ("[2001:db8::17]:80 fe80::1%eth0", ["2001:db8::17", "fe80::1"]),
        ("::ffff:192.0.2.17", ["::ffff:192.0.2.17"]),
    ],
)
def test_values_are_found_in_whatever_way_they_are_written(text: str, values: list[str]) -> None:
    """PT-03."""
    assert masked(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "The meeting is on 2024-05-03 at 10:30, or on 03.05.2024.",
        "Between 01/02/2024 and 31/12/2024, 09:00-17:30",
        "Call the office on 2024-05-03.",
        "It costs 1,234,567.89 EUR, or 12 345 678 euros, or $1 000.",
        "Python 3.11.2, release 2024.10.1, v2.0.0-rc.1",
        "version 10.0.19.45 and firmware 1.2.3.4",
        "Chrome 120.0.6099.129",
        "Article 4711-0815-22, part no. 0012-3456",
        "EAN 4006381333931, ISBN 978-3-16-148410-0",
        "Order 2024-000-1234567 of 50 pieces",
        "Invoice 100200300400",
        "RG 2024/05/0017 and PO-4500012345",
        "Rooms 101 102 103 104 105 106 107 108 109 110",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "1.5 2.5 3.5 4.5, 10 x 20 x 30 mm, 3.14159265358979",
        "section 4.2.1.3 and clause 7.1.2.9",
        "300.300.300.300 and 1.2.3",
        "12:30:45 and 00:1A:2B and std::vector and a::b :: ::",
        "1234 5678 9012 3456",
        "4111 1111 1111 1112",
        WRONG,
        "GB12 rules apply to 34 of 56 cases",
        "Our account is at 24 hours notice, and the bank is in DE 10 since 1999",
        "We meet at noon. Then dot the line at the end.",
        "@everyone look at a@b and user@localhost",
        "a == b @ c, 3 @ 4.50 each",
        "f3b0c44298fc1c149afbf4c8996fb92427ae41e4",
        "123e4567-e89b-12d3-a456-426614174000",
        "May, Will, Rose and April are at the Selkie TG-4 stand, hall 4.",
        "ticket 7946 0123",
        "+5 degrees, -12 345",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert masked(text) == []


@pytest.mark.parametrize(
    ("forms", "kind", "key"),
    [
        (
            ["jane@mail.example", "JANE@Mail.Example", "jane [at] mail [dot] example", "jane at mail dot example"],
            Kind.EMAIL,
            "jane@mail.example",
        ),
        (
            ["020 7946 0123", "+44 20 7946 0123", "(020) 79460123", "0044 20 7946 0123 tel", "tel 020.7946.0123"],
            Kind.PHONE,
            "+442079460123",
        ),
        ([GERMAN, GERMAN.lower(), in_fours(GERMAN)], Kind.IBAN, GERMAN),
        (["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111"], Kind.CARD, "4111111111111111"),
        (["192.0.2.17", "192[.]0[.]2[.]17", "192.000.002.017"], Kind.IP, "192.0.2.17"),
        (["2001:db8::17", "2001:0DB8:0:0:0:0:0:0017"], Kind.IP, "2001:db8::17"),
    ],
)
def test_a_value_is_one_identity_in_all_its_forms(forms: list[str], kind: Kind, key: str) -> None:
    for form in forms:
        assert {(span.identity.kind, span.identity.key) for span in spans(form)} == {(kind, key)}, form


def test_numbers_without_a_country_are_read_as_those_of_the_region() -> None:
    assert {span.identity.key for span in spans("(202) 555-0143", "US")} == {"+12025550143"}
    assert {span.identity.key for span in spans("(202) 555-0143", "GB")} == {"2025550143"}
    assert spans("0123 4567", "US") == []


def test_the_last_number_of_a_long_list_is_found() -> None:
    """The matcher gives up after 65,535 candidates, in silence, unless it is told not to."""
    text = "12;" * 66_000 + "020 7946 0123"
    assert masked(text)[-1:] == ["020 7946 0123"]


CANARIES: Final = [
    "jane.doe@mail.example",
    "020 7946 0123",
    GERMAN,
    "4111 1111 1111 1111",
    "192.0.2.17",
    "2001:db8::17",
]


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "around",
    ["{}", "Ask {} today.", "({})", "| a | {} | b |", "a\t{}\tb", '"{}","x"', "x: {}\ny: z", "<td>{}</td>", "**{}**"],
)
def test_no_canary_is_left_in_any_text_of_a_call(canary: str, around: str) -> None:
    """PT-01: in the question and in each excerpt."""
    texts = [around.format(canary), "nothing", f"{around.format(canary)} again"]
    result, tokens = redact(texts, RECOGNISERS, issuer())
    for text in result.texts:
        assert canary not in text
        assert canary.replace(" ", "") not in fold(text).text.replace(" ", "")
    assert [restore(text, tokens) for text in result.texts] == texts
    assert result.texts[1] == "nothing"


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "a.",
            "a@",
            "@",
            "1",
            "1 ",
            "1.",
            "1-",
            ":",
            "a:",
            "1:",
            "(",
            "[",
            "+1",
            " ",
            "\n",
            "&",
            "&amp;",
            "\u00ad1",
        ),
        *(" dot ", "a dot ", " at ", "a [at] ", "a at a ", "[at]", "<dot>"),
        *(
            "4111 ",
            "card 1 ",
            "GB12",
            "GB12 ",
            "DE89 3704 0044 0532 0130 01 ",
            "tel 1234567 ",
            "020 7946 0123\n",
            "\n1",
        ),
        *("(1) 2-3.", "1.2.3.4.", "::1 ", "iban "),
    ],
)
def test_recognising_takes_linear_time(piece: str) -> None:
    """PT-02: 100,000 characters made to be slow; what is quadratic takes minutes."""
    folded = fold((piece * 100_000)[:100_000])
    for recogniser in RECOGNISERS:
        begin = time.process_time()
        list(recogniser(folded))
        assert time.process_time() - begin < 5
