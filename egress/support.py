"""Which sentences of an answer say something that its excerpts do not.

Words and numbers are compared, not meanings: it finds what was made up out of other words, and a number that
stands nowhere. A sentence that turns an excerpt's meaning around with its own words passes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from retrieval.relevance import terms
from retrieval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST_WORDS: Final = 3  # "As you wish." says nothing that could be looked for
_SHARED: Final = 0.5  # of a sentence's words, at least
_MARK: Final = re.compile(r"\[\d+\]")
_NUMBER: Final = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])(?!\. \w)")  # not "1. " of a list


def unsupported(text: str, given: Sequence[str]) -> tuple[int, ...]:
    """Give the numbers of the sentences, from 1, that are not supported by the texts that were given.

    A sentence is supported if at least half of its words, and each of its numbers, stand in them; one of fewer
    than three words without a number always is.
    """
    known = frozenset[int]().union(*map(terms, given))
    numbers = {number for each in given for number in _NUMBER.findall(each)}
    plain = _MARK.sub("", text)
    said = [plain[start:end] for start, end in sentences(plain)]
    return tuple(
        place
        for place, sentence in enumerate(said, start=1)
        if not _is_supported(terms(sentence), known) or not numbers.issuperset(_NUMBER.findall(sentence))
    )


def _is_supported(words: frozenset[int], known: frozenset[int]) -> bool:
    return len(words) < _LEAST_WORDS or len(words & known) >= _SHARED * len(words)
