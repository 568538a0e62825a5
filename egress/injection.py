"""How much a text looks like orders to a model: a signal for people who look, never a barrier.

Nothing is refused for its score. Orders in plain business prose have none, and whoever knows these rules words his
so; what holds against them is that a model has no tools, no names and no address to write to (egress/check.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redaction.normalise import fold_text

if TYPE_CHECKING:
    from collections.abc import Sequence

SUSPICIOUS: Final = 0.5

_DIRECTIVE: Final = (
    r"(?:instructions?|directives?|prompts?|rules|guidelines|commands?|tasks?|orders|steps|objectives?|mission)"
)


def _sign(weight: float, *parts: str) -> tuple[re.Pattern[str], float]:
    return re.compile("".join(parts), re.IGNORECASE | re.MULTILINE), weight


# What a text does that tries to take a model over, and how much each says. Gaps have a length, or a text of one
# word over and over would take quadratic time.
_SIGNS: Final = (
    _sign(
        0.8,
        r"\b(?:ignore|disregard|forget|override|bypass|do not follow|drop)\b[^.\n]{0,40}",
        rf"\b(?:previous|prior|above|earlier|preceding|original|all|your|any)\b[^.\n]{{0,30}}{_DIRECTIVE}",
    ),
    _sign(0.5, r"^\W{0,3}(?:system|assistant)\s{0,3}(?:\(\w{1,20}\)|prompt|message|override)?\s{0,3}:"),
    _sign(0.7, r"<\|?(?:im_start|im_end|system|endoftext|INFORMATION)\|?>|\[/?INST\]|<</?SYS>>|^#{2,6} ?instruction"),
    _sign(0.5, r"\b(?:you are now|from now on,? you|pretend (?:to be|you)|act as (?:if|an? (?:AI|unrestricted)))\b"),
    _sign(
        0.4,
        r"\b(?:AI|language models?|LLMs?|chatbot|assistant|copilot|GPT)\b[^.\n]{0,40}",
        r"\b(?:must|should|shall|has to|have to|is to|are to|please)\b",
    ),
    _sign(
        0.4,
        r"\b(?:following|next|upcoming|subsequent|forthcoming|new|additional|below|ahead)\b[^.\n]{0,30}",
        rf"\b{_DIRECTIVE}\b|\b{_DIRECTIVE}\b[^.\n]{{0,30}}\b(?:follows?|ahead|below|to come|to follow|awaits?)\b",
    ),
    _sign(
        0.25,
        r"\b(?:urgent(?:ly)?|immediate(?:ly)?|critical|crucial|imperative|paramount|top priority|high priority",
        r"|attention|mission-critical|without delay|utmost|vital|pivotal|must not be ignored|essential)\b",
    ),
    _sign(
        0.35,
        r"\b(?:next|following|succeeding|ensuing|upcoming|imminent|what follows|to follow|comes next|lies ahead)\b",
        r"[^.\n]{0,60}",
        r"\b(?:attention|priority|execut\w{1,5}|action|responsibilit\w{1,3}|focus|must-do|optional|obey|comply)\b",
    ),
    _sign(0.35, r"\b(?:execute|obey|comply with|carry out)\b[^.\n]{0,20}\b(?:them|it|this|these|at once|now|with)\b"),
    _sign(0.3, r"\b(?:brace yourself|buckle up|hold on to|listen (?:up|closely)|take note|make no mistake)\b"),
    _sign(
        0.4,
        r"\b(?:respond|reply|answer|output|write|say|print|repeat)\b[^.\n]{0,20}",
        r"\b(?:only|exactly|just|nothing but|verbatim)\b",
    ),
    _sign(0.3, r"\b(?:do not|don't|never|without)\b[^.\n]{0,20}\b(?:mention|tell|reveal|inform|disclose)\w{0,5}\b"),
    _sign(
        0.6,
        r"\b(?:reveal|print|repeat|show|leak|output)\b[^.\n]{0,30}",
        r"\b(?:system prompt|your (?:prompt|instructions|rules)|initial prompt|code ?words?|secrets?)\b",
    ),
    _sign(
        0.5,
        r"\b(?:send|forward|post|upload|email|append|include|embed|render)\b[^\n]{0,80}",
        r"(?:https?://|!\[|<img|\b\w{1,40}@\w{1,40}\.\w)",
    ),
)


def score(text: str) -> float:
    """Rate from 0 to 1 how much a text looks like orders to a model; 0.5 and more is worth a look.

    Signs count together as if each were independent of the others. Disguises are folded away first.
    """
    folded = fold_text(text)
    doubt = 1.0
    for pattern, weight in _SIGNS:
        if pattern.search(folded):
            doubt *= 1 - weight
    return round(1 - doubt, 2)


def suspicious(scores: Sequence[float]) -> tuple[int, ...]:
    """Give the numbers, from 1, of the texts whose score is worth a look."""
    return tuple(number for number, found in enumerate(scores, start=1) if found >= SUSPICIOUS)
