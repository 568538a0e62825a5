"""Payment card numbers are found however they are written, and other long numbers are let be. Label: pci."""

from __future__ import annotations

from typing import Final

import pytest
from stdnum import luhn

from redaction.detectors.cards import card_numbers
from redaction.normalise import fold_text
from tests.redaction.detectors.made_up import card, grouped

VISA: Final = card("4")
AMEX: Final = card("37", 15)
ISSUERS: Final = {
    "Visa": VISA,
    "Mastercard": card("53"),
    "Mastercard, new": card("2221"),
    "Mastercard, last": card("2720"),
    "American Express": AMEX,
    "JCB": card("3530"),
    "Discover": card("6011"),
    "Discover, new": card("645"),
    "UnionPay": card("62"),
    "Maestro": card("6759"),
}


@pytest.mark.parametrize("number", ISSUERS.values(), ids=ISSUERS)
def test_a_number_of_each_issuer_is_found_and_the_same_with_a_wrong_check_digit_is_not(number: str) -> None:
    assert card_numbers(f"Paid with {number}.") == 1
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert card_numbers(f"Paid with {wrong}.") == 0


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        grouped(VISA, 4, 4, 4, 4),
        grouped(VISA, 4, 4, 4, 4, sign="-"),
        grouped(VISA, 4, 4, 4, 4, sign="\u00a0"),
        grouped(VISA, 4, 4, 4, 4, sign="\u2011"),
        grouped(AMEX, 4, 6, 5),
        grouped(card("36", 14), 4, 6, 4),
        grouped(card("4", 19), 4, 4, 4, 4, 3),
        f"Visa {grouped(VISA, 4, 4, 4, 4)} 12/27 123",
        f"1 {grouped(VISA, 4, 4, 4, 4)} 12-27",
        f"Number: {VISA}; Expiry: 12/27; CVV: 123",
        f"| {VISA} | 12/27 |",
        f"card:{VISA},",
        f"({VISA})",
        "\u200b".join(VISA),
        VISA.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
        VISA.translate({48 + digit: 0x0660 + digit for digit in range(10)}),
        "".join(f"&#{ord(digit)};" for digit in VISA),
        f"Kreditkarte {card('36', 14)}",
        f"maestro card {card('6759', 18)}",
        f"Old Visa card: {card('4', 13)}",
    ],
)
def test_a_card_number_is_found_however_it_is_written(text: str) -> None:
    assert card_numbers(fold_text(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        # parts of something longer
        f"{VISA}{VISA}",
        f"7{VISA}5555",
        f"x{VISA}",
        f"{VISA}x",
        f"{VISA}.50",
        f"0.{VISA}",
        f"id-{VISA}",
        f"+{VISA}",
        f"{grouped(VISA, 4, 4, 4, 4)} 1234 5678",
        f"2014 {grouped(VISA, 4, 4, 4, 4)}",
        f"DE89 {grouped(VISA, 4, 4, 4, 4)} 00",
        # groups that no card has
        grouped(VISA, 3, 3, 3, 3, 4),
        grouped(VISA, 2, 4, 4, 6),
        grouped(VISA, 4, 4, 8),
        f"{VISA[:4]} {VISA[4:8]}-{VISA[8:12]} {VISA[12:]}",
        # numbers of other things
        card("1"),
        card("9"),
        card("2219"),
        card("2721"),
        f"EAN {card('4', 13)}",
        f"IMEI {card('35', 15)}",
        card("36", 14),
        card("6759", 18),
        "2026-11-25 12:30:00 2027 2028 2029 2030",
        # numbers that are made for tests
        "4" + "1" * 15,
        "4242" * 4,
        "5" * 12 + "4" * 4,
        "4" + "0" * 14 + "2",
        "",
        "no number at all",
    ],
)
def test_other_numbers_are_let_be(text: str) -> None:
    assert card_numbers(fold_text(text)) == 0


def test_each_number_counts() -> None:
    assert card_numbers("\n".join(ISSUERS.values())) == len(ISSUERS)


def test_numbers_of_orders_of_which_one_passes_the_check_by_chance_are_let_be() -> None:
    orders = [str(4_518_302_749_345_678 + 7 * step) for step in range(30)]
    assert 1 <= sum(map(luhn.is_valid, orders)) <= 5
    assert card_numbers("\n".join(orders)) == 0
    assert card_numbers("\n".join([*orders, f"Card: {VISA}"])) == 1
