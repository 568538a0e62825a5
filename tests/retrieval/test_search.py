"""The order of what an engine finds, and what is asked of it, with an engine that is a function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from acl.names import DocumentId
from retrieval.errors import IndexDown
from retrieval.search import ByMeaning, ByWords, Found, HowNear, Query, search
from tests.retrieval.points import DIMENSION, LONGITUDE, chunk_id, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.fuse import Fusion
    from retrieval.types import Hit


@dataclass
class Engine:
    """Says of each point how near it is and how well its words fit; a point may have but one of both."""

    near: Mapping[int, float]
    fitting: Mapping[int, float]
    gone: frozenset[int] = frozenset()  # by the time of the second question
    asked: list[tuple[list[type[Query]], int]] = field(default_factory=list)

    def __call__(self, queries: Sequence[Query], limit: int) -> list[list[Found]]:
        """Answer from the two tables."""
        self.asked.append(([type(query) for query in queries], limit))
        return [self._answer(query)[:limit] for query in queries]

    def _answer(self, query: Query) -> list[Found]:
        match query:
            case ByMeaning():
                scores = self.near
            case ByWords():
                scores = self.fitting
            case HowNear(_, chunks):
                wanted = {number for number in self.fitting if chunk_id(number) in chunks} - self.gone
                scores = dict.fromkeys(wanted, 0.25)
        best = sorted(scores.items(), key=lambda item: -item[1])
        return [Found(chunk_id(number), DocumentId("doc:1"), 1, score) for number, score in best]


def found(engine: Engine, limit: int = 3) -> list[Hit]:
    return search("boiler", LONGITUDE, limit, engine, dimension=DIMENSION)


def test_both_legs_are_asked_at_once_for_one_more_than_they_need() -> None:
    engine = Engine({1: 0.9, 2: 0.5}, {1: 3.0, 2: 1.0})
    assert numbers(found(engine)) == [1, 2]
    assert engine.asked == [([ByMeaning, ByWords], 7)]


@pytest.mark.parametrize(("fusion", "order"), [("dbsf", [1, 2, 3]), ("rrf", [2, 1, 3])])
def test_legs_become_one_order_by_their_scores_or_by_their_places(fusion: Fusion, order: list[int]) -> None:
    engine = Engine({1: 0.9, 2: 0.3, 3: 0.29, 4: 0.1}, {2: 1.2, 3: 1.19, 1: 1.0, 4: 0.1})
    hits = search("boiler", LONGITUDE, 3, engine, dimension=DIMENSION, fusion=fusion)
    assert numbers(hits) == order


def test_how_near_a_point_is_that_was_found_by_words_is_asked_of_it_alone() -> None:
    engine = Engine({1: 0.9, 2: 0.5}, {3: 3.0, 1: 2.0})
    assert {hit.chunk: hit.similarity for hit in found(engine)} == {
        chunk_id(1): 0.9, chunk_id(2): 0.5, chunk_id(3): 0.25,
    }  # fmt: skip
    assert engine.asked[1:] == [([HowNear], 1)]


def test_what_was_removed_between_two_questions_is_no_hit() -> None:
    near, fitting = {1: 0.9, 2: 0.5}, {3: 3.0, 1: 2.0}
    assert set(numbers(found(Engine(near, fitting)))) == {1, 2, 3}
    assert set(numbers(found(Engine(near, fitting, gone=frozenset({3}))))) == {1, 2}


def test_a_leg_that_ends_in_a_tie_is_read_to_the_end_of_it_and_the_other_is_not_asked_again() -> None:
    tied = dict.fromkeys(range(20, 0, -1), 1.0)
    engine = Engine({100: 0.9}, tied)
    assert numbers(found(engine)) == [1, 2, 3]
    assert engine.asked == [([ByMeaning, ByWords], 7), ([ByWords], 25), ([HowNear], 3)]


def test_a_tie_that_is_longer_than_a_leg_is_followed_is_left_out() -> None:
    engine = Engine({100: 0.9}, {50: 2.0} | dict.fromkeys(range(1000, 600, -1), 1.0))
    assert set(numbers(found(engine))) == {100, 50}
    assert [limit for _, limit in engine.asked] == [7, 25, 97, 385, 1]


@pytest.mark.parametrize("vector", [LONGITUDE[:3], LONGITUDE * np.float32(np.nan)], ids=repr)
def test_nothing_is_asked_with_a_vector_that_is_not_usable(
    vector: np.ndarray[tuple[int], np.dtype[np.float32]],
) -> None:
    engine = Engine({1: 0.9}, {})
    with pytest.raises(IndexDown, match="not usable"):
        search("boiler", vector, 3, engine, dimension=DIMENSION)
    assert engine.asked == []
    assert numbers(search("boiler", LONGITUDE, 3, engine, dimension=DIMENSION)) == [1]
