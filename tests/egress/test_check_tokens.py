"""A token that is restored must not become a part of a longer address than the one that it stands for."""

from __future__ import annotations

import pytest

from redaction.restore import restore
from redaction.tokens import make_token
from redaction.types import Kind, TokenMap
from tests.egress.answers import JANE, PROMPT, run

MAIL = make_token(Kind.EMAIL, "7F3K", "2")
ADDRESS = make_token(Kind.IP, "9ABC", "D")
HELD = TokenMap({MAIL: "drop@evil.example", ADDRESS: "203.0.113.5", JANE: "Jane Doe"})


def _restored(text: str) -> str:
    return restore(run(text, PROMPT, HELD).text, HELD)


@pytest.mark.parametrize(
    "text",
    [
        f"See {ADDRESS}:8080/50000 for it",
        f"See {ADDRESS}/50000 for it",
        f"See {ADDRESS}?q=50000 for it",
        f"See http:{ADDRESS} for it",
        f"Write to 50000.{MAIL} for it",
        f"Write to 50000{MAIL} for it",
        f"Write to 50000+{MAIL} for it",
        f"Write to {MAIL}?d=50000 for it",
        f"Write to {MAIL}.50000.example for it",
        f"Write to {MAIL}{ADDRESS} for it",
        f"Write to {MAIL}:{JANE} for it",
    ],
)
def test_what_is_hung_on_an_address_takes_it_away(text: str) -> None:
    """PI-01, PI-03: the secret would travel with whoever follows the address."""
    restored = _restored(text)
    assert "drop@evil.example" not in restored
    assert "203.0.113.5" not in restored
    assert restored != text or "EMAIL_" in text  # taken away, or glued so that it is no token at all


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        (f"Write to {MAIL}.", "Write to drop@evil.example."),
        (f"Write to {MAIL}, or call. [1]", "Write to drop@evil.example, or call. [1]"),
        (f"Write to ({MAIL}) or {MAIL}: soon", "Write to (drop@evil.example) or drop@evil.example: soon"),
        (f"It is {ADDRESS}. Try it!", "It is 203.0.113.5. Try it!"),
        (f"It is {ADDRESS}; try {ADDRESS}?", "It is 203.0.113.5; try 203.0.113.5?"),
        (f"{JANE}'s hotel, {JANE}-style", "Jane Doe's hotel, Jane Doe-style"),
    ],
)
def test_what_stands_alone_is_restored(text: str, restored: str) -> None:
    assert _restored(text) == restored
