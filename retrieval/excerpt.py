"""From permitted snippets, the short stretches that answer: little text, exact offsets, few sources."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import qdrant_edge

from retrieval.sentences import sentences
from retrieval.types import Excerpt, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from retrieval.permit import Permitted

MAX_EXCERPTS: Final = 5
MAX_CHARACTERS: Final = 480  # of one excerpt
MAX_FROM_ONE_DOCUMENT: Final = 2

# A snippet is relevant when it is near in meaning, or fairly near and shares the question's words, or holds
# all of them: of the names and numbers in "Gwen's IBAN" or "panel P09", an embedding knows nothing.
# Found on answerable and unanswerable questions: see docs/decisions/0008-honest-nothing.md.
NEAR: Final = 0.40
FAIRLY_NEAR: Final = 0.30
SHARED_WORDS: Final = 0.5
EXACT_WORDS: Final = 2  # a question of fewer says too little to be answered by its words alone

_BM25: Final = qdrant_edge.Bm25()  # its tokens, stop words and stems are those of the index


def excerpts(question: str, permitted: Permitted) -> tuple[Excerpt, ...]:
    """Choose the stretches of permitted snippets that answer a question; none if none is relevant.

    Args:
        question: As asked.
        permitted: In the order of relevance; that order is kept.

    Returns:
        At most 5, of at most 480 characters each (or one sentence, if that is longer), at most two from
        one document, no text twice, and of one document no sentence twice.
    """
    asked = terms(question)
    relevant = [snippet for snippet in permitted.snippets if snippet.text.strip() and is_relevant(asked, snippet)]
    weights = _weights(asked, [snippet.text for snippet in relevant])
    taken: Counter[str] = Counter()
    said: defaultdict[str, set[str]] = defaultdict(set)  # sentences of each document
    chosen: list[Excerpt] = []
    for snippet in relevant:
        excerpt = _best_stretch(snippet, weights, said[snippet.document])
        if excerpt is None or taken[snippet.document] == MAX_FROM_ONE_DOCUMENT:
            continue
        if excerpt.text not in {other.text for other in chosen}:
            taken[snippet.document] += 1
            chosen.append(excerpt)
            said[snippet.document].update(excerpt.text[start:end] for start, end in sentences(excerpt.text))
    return tuple(chosen[:MAX_EXCERPTS])


def is_relevant(asked: frozenset[int], snippet: Snippet) -> bool:
    """Say whether a snippet is worth showing for the terms of a question."""
    if snippet.similarity >= NEAR:
        return True
    shared = asked & terms(f"{snippet.title}\n{snippet.text}")
    if len(shared) == len(asked) >= EXACT_WORDS:
        return True
    return snippet.similarity >= FAIRLY_NEAR and len(shared) >= SHARED_WORDS * len(asked) > 0


def terms(text: str) -> frozenset[int]:
    """Give the stems of a text's words as the keyword index numbers them; stop words are left out."""
    return frozenset(_BM25.embed_query(text).indices)


def _weights(asked: frozenset[int], texts: Iterable[str]) -> dict[int, float]:
    """Weigh the question's terms: rare among these texts counts more (idf)."""
    bags = [terms(text) for text in texts]
    return {term: math.log(1 + len(bags) / (1 + sum(term in bag for bag in bags))) for term in asked}


def _best_stretch(snippet: Snippet, weights: Mapping[int, float], said: AbstractSet[str]) -> Excerpt | None:
    """Choose the stretch of a snippet that answers; none if what answers in it was said before.

    Chunks of one section overlap: the last sentences of one are the first of the next.
    """
    spans, repeated = _new_and_said(snippet.text, said)
    scores, before = _scores(snippet.text, spans, weights), _scores(snippet.text, repeated, weights)
    if not spans or (any(before) and not any(scores)):
        return None
    best = max(range(len(spans)), key=lambda number: (scores[number], -number))
    first, last = _widened(spans, best)
    start, end = spans[first][0], spans[last][1]
    return Excerpt(
        chunk=snippet.chunk,
        document=snippet.document,
        title=snippet.title,
        text=snippet.text[start:end],
        start=start,
        end=end,
        label=snippet.label,
    )


def _scores(text: str, spans: Iterable[tuple[int, int]], weights: Mapping[int, float]) -> list[float]:
    return [sum(weights.get(term, 0) for term in terms(text[start:end])) for start, end in spans]


def _new_and_said(text: str, said: AbstractSet[str]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Part the sentences of a text from those at its beginning and at its end that were said before."""
    spans = sentences(text)
    new = [number for number, (start, end) in enumerate(spans) if text[start:end] not in said]
    first, last = (new[0], new[-1] + 1) if new else (0, 0)
    return spans[first:last], [*spans[:first], *spans[last:]]


def _widened(spans: list[tuple[int, int]], best: int) -> tuple[int, int]:
    """Add neighbours to a sentence while they fit: what follows first, since pronouns point back."""
    first = last = best
    while True:
        if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= MAX_CHARACTERS:
            last += 1
        elif first > 0 and spans[last][1] - spans[first - 1][0] <= MAX_CHARACTERS:
            first -= 1
        else:
            return first, last
