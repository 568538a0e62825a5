"""What every index does, whatever engine keeps it: it finds, and it is written to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from acl.names import DocumentId
from retrieval.errors import IndexDown
from tests.retrieval.kinds import on_every_index
from tests.retrieval.points import LATITUDE, LONGITUDE, chunk_id, numbers, point, scope, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieval.homes import KeptIndex

pytestmark = on_every_index

# --- what is found ------------------------------------------------------------------------------


def test_a_hit_says_what_the_point_was_and_how_near_it_is(index: KeptIndex) -> None:
    halfway = (LONGITUDE + LATITUDE) / np.float32(np.sqrt(2))
    index.put([point(1, document="doc:7", version=3, vector=halfway)])
    (hit,) = search(index, scope())
    assert (hit.chunk, hit.document, hit.version) == (chunk_id(1), "doc:7", 3)
    assert hit.similarity == pytest.approx(np.sqrt(0.5), abs=1e-6)


def test_what_is_near_by_meaning_or_by_words_is_found_and_both_count(index: KeptIndex) -> None:
    index.put(
        [
            point(1, "nothing in common", vector=LATITUDE),
            point(2, "nothing in common", vector=LONGITUDE),
            point(3, "a boiler", vector=LATITUDE),
            point(4, "a boiler", vector=LONGITUDE),
        ]
    )
    found = numbers(search(index, scope()))
    assert found[0] == 4
    assert set(found[1:3]) == {2, 3}
    assert found[3] == 1


@pytest.mark.parametrize("question", ["", "   ", "the of and", "?!", "\u0000", "\U0001f600", "x" * 20_000])
def test_a_question_without_words_is_answered_by_meaning(index: KeptIndex, question: str) -> None:
    index.put([point(1), point(2, vector=LATITUDE)])
    assert numbers(search(index, scope(), question))[0] == 1


@pytest.mark.parametrize(("limit", "found"), [(0, 0), (1, 1), (3, 3), (1_000, 5)])
def test_any_number_of_hits_can_be_asked_for(index: KeptIndex, limit: int, found: int) -> None:
    index.put([point(number) for number in range(1, 6)])
    assert len(index.search("boiler", LONGITUDE, scope(), limit)) == found


def test_a_billion_hits_are_all_that_there_are_or_a_refusal(index: KeptIndex) -> None:
    index.put([point(number) for number in range(1, 6)])
    with suppress(IndexDown):  # a server has a limit of its own
        assert len(index.search("boiler", LONGITUDE, scope(), 1_000_000_000)) == 5
    assert len(index.search("boiler", LONGITUDE, scope(), 10)) == 5


def test_ties_stand_in_the_order_of_their_ids(index: KeptIndex) -> None:
    order = [5, 3, 9, 1, 7]
    index.put([point(number) for number in order])
    assert numbers(search(index, scope())) == sorted(order)
    scores = {hit.score for hit in search(index, scope())}
    assert len(scores) == 1


def test_no_more_hits_come_than_were_asked_for(index: KeptIndex) -> None:
    index.put([point(number) for number in range(1, 10)])
    assert len(search(index, scope(), limit=4)) == 4
    assert len(search(index, scope(), limit=100)) == 9


# --- writing ------------------------------------------------------------------------------------


BAD_VECTORS = [
    np.array([1, 0, 0], dtype=np.float32),
    np.array([1, 0, 0, 0, 0], dtype=np.float32),
    np.array([[1, 0, 0, 0]], dtype=np.float32),
    np.array([], dtype=np.float32),
    np.array([np.nan, 0, 0, 0], dtype=np.float32),
    np.array([np.inf, 0, 0, 0], dtype=np.float32),
]


@pytest.mark.parametrize("vector", BAD_VECTORS, ids=repr)
def test_a_vector_that_would_never_be_found_is_refused_with_its_batch(
    index: KeptIndex, vector: NDArray[np.float32]
) -> None:
    index.put([point(1)])
    with pytest.raises(IndexDown, match="doc:2"):
        index.put([point(2), point(3, document="doc:2", vector=vector)])
    assert index.count() == 1
    index.put([point(2), point(3, document="doc:2")])
    assert index.count() == 3


@pytest.mark.parametrize("vector", BAD_VECTORS, ids=repr)
def test_a_question_needs_a_vector_too(index: KeptIndex, vector: NDArray[np.float32]) -> None:
    index.put([point(1)])
    with pytest.raises(IndexDown, match="not usable"):
        search(index, scope(), vector=vector)


def test_a_point_is_replaced_by_one_of_the_same_id(index: KeptIndex) -> None:
    index.put([point(1, scopes=["coll:a"])])
    index.put([point(1, scopes=["coll:b"])])
    assert index.count() == 1
    assert search(index, scope(["coll:a"])) == []
    assert numbers(search(index, scope(["coll:b"]))) == [1]


def test_nothing_is_written_for_nothing(index: KeptIndex) -> None:
    index.put([])
    assert index.count() == 0
    assert search(index, scope()) == []


def test_of_a_document_only_one_version_is_kept(index: KeptIndex) -> None:
    index.put(
        [
            point(1, document="doc:1", version=1),
            point(2, document="doc:1", version=2),
            point(3, document="doc:1", version=2),
            point(4, document="doc:1", version=3),
            point(5, document="doc:2", version=1),
            point(6, document="doc:11", version=1),
        ]
    )
    index.keep_only(DocumentId("doc:1"), 2)
    assert numbers(search(index, scope())) == [2, 3, 5, 6]
    index.keep_only(DocumentId("doc:1"), 2)
    index.keep_only(DocumentId("doc:none"), 1)
    assert numbers(search(index, scope())) == [2, 3, 5, 6]
    index.keep_only(DocumentId("doc:1"), -1)
    assert numbers(search(index, scope())) == [5, 6]


def test_points_are_removed_by_their_ids_and_no_others(index: KeptIndex) -> None:
    index.put([point(1), point(2), point(3)])
    index.remove([chunk_id(1), chunk_id(3), chunk_id(99)])
    assert index.count() == 1
    index.remove([])
    assert index.count() == 1
