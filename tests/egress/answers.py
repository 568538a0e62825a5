"""A prompt, its tokens, and how a model's answer to it is checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from egress.check import check
from egress.prompt import build_prompt
from egress.types import Checked, Draft, RedactedPrompt
from redaction.tokens import make_token
from redaction.types import Identity, Kind, Redacted, Span, TokenMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded

DELIMITER: Final = "0a1b2c3d4e5f6789"
JANE = make_token(Kind.USER, "7F3K", "2")
OTHER = make_token(Kind.USER, "9ABC", "D")
TOKENS = TokenMap({JANE: "Jane Doe"})
PROMPT = build_prompt(
    Redacted(
        (
            f"What may {JANE} spend on a hotel?",
            f"Hotels cost up to 180 EUR. {JANE} approves more: https://wiki.example/travel?page=2. Anna Blum is one.",
            "Breakfast counts too: [rules](https://wiki.example/food), or www.rules.example/food.",
        ),
        {},
    ),
    DELIMITER,
)


def names(text: Folded) -> Iterator[Span]:
    """Recognise the people of these tests: Jane Doe, Anna Blum, and any e-mail address."""
    for match in re.finditer(r"Jane Doe|Anna Blum|[\w.]{1,40}@[\w.]{1,40}\w", text.text):
        yield Span(match.start(), match.end(), Identity(Kind.USER, match.group()))


def run(text: str, prompt: RedactedPrompt = PROMPT, tokens: TokenMap = TOKENS) -> Checked:
    return check(Draft(text, "model"), prompt, tokens, [names])


def shown(text: str) -> str:
    return run(text).text


EVIL = "https://evil.example/c?d=SECRET"
