"""How many tokens a call took and what they cost: as the provider says, unless that cannot be.

What a provider reports goes into a bill and into limits, so it is not believed further than a count of our
own reaches: a token stands for at least one byte of text. Where the report is missing, negative, zero or
above that, our own count takes its place, a token for every three bytes: more than the usual four of English,
and about what German and Chinese take, so it errs upwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

_BYTES_PER_TOKEN: Final = 3
_AROUND: Final = 64  # tokens that servers add around the messages: roles, marks of beginning and end
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call."""

    prompt_tokens: int
    completion_tokens: int
    reported: bool  # both as the provider reported them; else at least one is our own count


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in whatever currency the contract has."""

    prompt: Decimal
    completion: Decimal


def usage_of(prompt: str, answer: str, reported: object) -> Usage:
    """Give the tokens of a call.

    Args:
        prompt: All that was sent.
        answer: All that came back.
        reported: What the provider calls usage, of any type.
    """
    told = reported if isinstance(reported, dict) else {}
    sent = _believed(told.get("prompt_tokens"), prompt, around=_AROUND)
    received = _believed(told.get("completion_tokens"), answer, around=_AROUND)
    if sent is None or received is None:
        return Usage(sent or _counted(prompt), received or _counted(answer), reported=False)
    return Usage(sent, received, reported=True)


def cost(usage: Usage, price: Price) -> Decimal:
    """Give what a call cost, exactly."""
    return (usage.prompt_tokens * price.prompt + usage.completion_tokens * price.completion) / _MILLION


def _believed(told: object, text: str, *, around: int) -> int | None:
    # A bool is an int in Python, and none in a bill.
    if type(told) is int and 0 < told <= len(text.encode()) + around:
        return told
    return None


def _counted(text: str) -> int:
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)
