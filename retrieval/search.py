"""Hybrid search, whatever the engine: by meaning and by words, each read to the end of its ties, then fused.

question and its vector -> a leg by meaning, a leg by words -> one order -> Hits
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from retrieval.errors import IndexDown
from retrieval.fuse import FUSIONS, are_equal, ranked
from retrieval.plan import PLAN
from retrieval.points import is_usable, words_asked
from retrieval.types import ChunkId, Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from qdrant_edge import SparseVector

    from acl.names import DocumentId
    from retrieval.fuse import Fusion

_WIDER: Final = (4, 16, 64)  # how far a tie at the end of a leg is followed, in lengths of the leg


@dataclass(frozen=True, slots=True)
class ByMeaning:
    """Which points are nearest to a vector?"""

    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ByWords:
    """Which points hold these words? How rare a word is, is counted inside the scope alone."""

    words: SparseVector


@dataclass(frozen=True, slots=True)
class HowNear:
    """How near to a vector are these points? Exactly, and no others."""

    vector: NDArray[np.float32]
    chunks: Sequence[ChunkId]


Query = ByMeaning | ByWords | HowNear


@dataclass(frozen=True, slots=True)
class Found:
    """A point that an engine found, with what one query says of it."""

    chunk: ChunkId
    document: DocumentId
    version: int
    score: float  # of a query for meaning, the cosine


class Ask(Protocol):
    """Whatever answers queries, of the points inside one scope and of no others."""

    def __call__(self, queries: Sequence[Query], limit: int) -> Sequence[Sequence[Found]]:
        """Give at most `limit` points for each query, best first."""
        ...


def search(
    question: str,
    vector: NDArray[np.float32],
    limit: int,
    ask: Ask,
    *,
    dimension: int,
    fusion: Fusion = PLAN.fusion,
) -> list[Hit]:
    """Find what is near a question by meaning and by words.

    Args:
        question: For the leg by words.
        vector: Of the question, length 1.
        limit: At most so many hits.
        ask: Knows the scope, and filters both legs by it.
        dimension: What the vector must have.
        fusion: How both become one order.

    Returns:
        Best first, ties in the order of the ids.

    Raises:
        IndexDown: The vector has the wrong shape or is not finite.
    """
    if not is_usable(vector, dimension):
        raise IndexDown("the vector of the question is not usable")
    by_meaning, by_words = _legs([ByMeaning(vector), ByWords(words_asked(question))], 2 * limit, ask)
    similar = _scores(by_meaning)
    scores = FUSIONS[fusion]([similar, _scores(by_words)])
    best = ranked(scores)[:limit]
    if unknown := [ChunkId(id_) for id_ in best if id_ not in similar]:
        (near,) = ask([HowNear(vector, unknown)], len(unknown))
        similar |= _scores(near)
    points = {point.chunk: point for point in (*by_meaning, *by_words)}
    # What is gone between two queries is no hit.
    return [_to_hit(points[ChunkId(id_)], scores[id_], similar[id_]) for id_ in best if id_ in similar]


def _legs(queries: Sequence[Query], length: int, ask: Ask) -> list[list[Found]]:
    """Give the best points of each query, equals in the order of the ids.

    The engine cuts a tie at the end as it comes, which hangs on points that are hidden: so the tie is read
    to its end. Where it has none within reach, all of it is left out.
    """
    legs = [list(leg) for leg in ask(queries, length + 1)]
    cut = [number for number, leg in enumerate(legs) if _is_cut(leg, length, length + 1)]
    for size in (length * times + 1 for times in _WIDER):
        if not cut:
            break
        for number, leg in zip(cut, ask([queries[number] for number in cut], size), strict=True):
            legs[number] = list(leg)
        cut = [number for number in cut if _is_cut(legs[number], length, size)]
    for number in cut:
        last = legs[number][-1].score
        legs[number] = [point for point in legs[number] if not are_equal(point.score, last)]
    return [_in_order(leg)[:length] for leg in legs]


def _is_cut(leg: Sequence[Found], length: int, size: int) -> bool:
    """Say whether a leg of this size ends within the tie in which it is to be cut to its length."""
    return len(leg) == size and are_equal(leg[length - 1].score, leg[-1].score)


def _in_order(leg: Iterable[Found]) -> list[Found]:
    points = {str(point.chunk): point for point in leg}
    return [points[id_] for id_ in ranked(_scores(points.values()))]


def _scores(leg: Iterable[Found]) -> dict[str, float]:
    return {point.chunk: point.score for point in leg}


def _to_hit(point: Found, score: float, similarity: float) -> Hit:
    return Hit(point.chunk, point.document, point.version, score, similarity)
