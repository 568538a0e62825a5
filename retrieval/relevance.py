"""Whether a permitted snippet speaks of what was asked: near in meaning, or in the rare words of the question."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import qdrant_edge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from retrieval.types import Snippet

# How much it says that a snippet holds all words of a question, against a cosine of one; the share of them that is
# taken to stand in any snippet, since a text may answer in other words; and how much of all is enough to show it.
# Found on answerable and unanswerable questions: see docs/decisions/0008-honest-nothing.md. They belong to the
# embedding model.
WORDS: Final = 0.7
IN_OTHER_WORDS: Final = 0.15
ENOUGH: Final = 0.52

ABOUT: Final = 0.5  # what a word of an earlier question weighs, against one of the question itself

_BM25: Final = qdrant_edge.Bm25()  # its tokens, stop words and stems are those of the index


def terms(text: str) -> frozenset[int]:
    """Give the stems of a text's words as the keyword index numbers them; stop words are left out."""
    return frozenset(_BM25.embed_query(text).indices)


def asked_for(question: str, about: str = "") -> dict[int, float]:
    """Give the terms of a question, with what each counts; those of the questions that it goes on from count less."""
    return dict.fromkeys(terms(about), ABOUT) | dict.fromkeys(terms(question), 1.0)


def weigh(asked: Mapping[int, float], bags: Sequence[AbstractSet[int]]) -> dict[int, float]:
    """Weigh the terms of a question: rare among these bags of terms counts more (idf)."""
    return {term: counts * _idf(sum(term in bag for bag in bags), len(bags)) for term, counts in asked.items()}


def covered(weights: Mapping[int, float], bag: AbstractSet[int]) -> float:
    """Give the weight of those terms that a bag holds."""
    return sum(weight for term, weight in weights.items() if term in bag)


def support(question: str, snippets: Sequence[Snippet], about: str = "") -> list[float]:
    """Say how much speaks for each snippet: its cosine, and the share of the question's words that it holds.

    Words are weighed among these snippets alone, so that what somebody may not see moves nothing. A title and
    headings count as text. The whole of a question is taken as one word longer than it is: of a question of one word
    it says little that a snippet holds it.

    Args:
        question: As asked.
        snippets: All that the question is to be answered from.
        about: The earlier questions that it goes on from.

    Returns:
        For each snippet, about .1 to 1.6; what has less than `ENOUGH` is not worth showing.
    """
    bags = [terms("\n".join((snippet.title, *snippet.headings, snippet.text))) for snippet in snippets]
    weights = weigh(asked_for(question, about), bags)
    whole = sum(weights.values()) + _idf(1, len(bags))
    shares = [max(IN_OTHER_WORDS, covered(weights, bag) / whole) for bag in bags]
    return [snippet.similarity + WORDS * share for snippet, share in zip(snippets, shares, strict=True)]


def _idf(holding: int, among: int) -> float:
    return math.log(1 + among / (1 + holding))
