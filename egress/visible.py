"""Only what people can see: the one rule on characters for prompts and for answers.

A person who reads "what left", or approves it, must see all of it. Zero-width characters, bidi
controls, tag characters and fillers hide instructions in a text, or words in an answer.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LINE_ENDS: Final = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co"})  # control, format, surrogate, private use
# Characters of other categories that are shown as nothing: joiners, fillers, variation selectors, reserved format.
_SHOWN_AS_NOTHING: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Drop every character that is not shown; line ends of all kinds become a line feed, tabs stay."""
    lines = _SHOWN_AS_NOTHING.sub("", _LINE_ENDS.sub("\n", text))
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in _HIDDEN_CATEGORIES)
