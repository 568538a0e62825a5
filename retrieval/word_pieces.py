"""Counting word pieces as the tokenizer of the embedder does, and much faster than it cuts them.

A tokenizer of the BERT family looks at each word alone: at a stretch of letters and figures, and at each sign
by itself. So the pieces of a text are those of its words, and the most common words are one piece each. What
is not plain ASCII is left to the tokenizer, word by word; what could be one of its own marks, as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenizers import Tokenizer

_WORD: Final = re.compile(r"[a-z0-9]+|[^a-z0-9\s]")
_MARKS: Final = 2  # of begin and end
_REMEMBERED: Final = 50_000  # words, about 5 MB
# What the tokenizer treats in ways of its own: control characters, and its marks where a text holds them.
# Signs of print that are one piece each, as a comma is; without them most texts are plain ASCII.
_SIGNS: Final = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022\u00ab\u00bb\u201e\u201a\u00b7\u2032\u2033\u203a\u2039"
_PECULIAR: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\[(?:PAD|UNK|CLS|SEP|MASK)\]")


def counter(tokenizer: Tokenizer) -> Callable[[str], int]:
    """Give a function that counts the word pieces of a text, the marks of begin and end included."""
    whole = {word: 1 for word in tokenizer.get_vocab() if not word.startswith("##")}
    plain = {ord("\u00a0"): " ", **{ord(sign): "," for sign in _SIGNS if sign in whole}}
    remembered: dict[str, int] = {}

    def exactly(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    def of_word(word: str) -> int:
        count = remembered.get(word)
        if count is None:
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            count = remembered[word] = exactly(word)
        return count

    def of_ascii(text: str) -> int:
        return sum(whole.get(word) or of_word(word) for word in _WORD.findall(text.lower()))

    def count(text: str) -> int:
        if _PECULIAR.search(text):
            return _MARKS + exactly(text)
        text = text.translate(plain)
        if text.isascii():
            return _MARKS + of_ascii(text)
        return _MARKS + sum(of_ascii(word) if word.isascii() else of_word(word) for word in text.split())

    return count
