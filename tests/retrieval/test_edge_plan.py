"""An index that is laid out by its plan: in parts, without a graph, and before it was put in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import qdrant_edge as edge

from retrieval.edge import EdgeIndex, to_edge_point
from retrieval.errors import IndexDown
from retrieval.plan import PLAN, Plan, kilobytes
from retrieval.points import BM25, DENSE
from tests.retrieval.points import chunk_id, numbers, point, scope

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.types import Point

WIDTH = 32
MANY = 600
# So small that a few hundred points are put in order: in one part, and in four.
WHOLE = Plan(index_from=60)
IN_PARTS = Plan(index_from=60, part=150)


def cloud(count: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(1).standard_normal((count, WIDTH), dtype=np.float32)
    made: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return made


VECTORS = cloud(MANY)


def points(begin: int = 0, end: int = MANY) -> list[Point]:
    return [
        point(number, vector=VECTORS[number], document=f"doc:{number}", scopes=["root:all", f"coll:{number % 4}"])
        for number in range(begin, end)
    ]


def nearest(vector: NDArray[np.float32], allowed: list[int], count: int = 10) -> list[int]:
    return sorted(allowed, key=lambda number: -float(VECTORS[number] @ vector))[:count]


def laid_out(folder: Path) -> list[tuple[int, str]]:
    """Give of each part in order the edges of a point in its graph, and its codes."""
    found = []
    for file in folder.glob("segments/*/segment.json"):
        dense = json.loads(file.read_text())["config"]["vector_data"][DENSE]
        if dense["index"]["type"] == "hnsw":
            codes = (dense.get("quantization_config") or {}).get("turbo", {}).get("bits", "")
            found.append((dense["index"]["options"]["m"], codes))
    return found


def filled(folder: Path, plan: Plan) -> EdgeIndex:
    """Tidy whenever a part may be full."""
    index = EdgeIndex(folder, WIDTH, plan=plan)
    for begin in range(0, MANY, 150):
        index.put(points(begin, begin + 150))
        assert index.untidied() >= 150
        assert index.tidy()
    return index


@pytest.mark.parametrize("inside", [["root:all"], ["coll:1"], ["doc:7", "coll:2"]], ids=str)
@pytest.mark.parametrize("plan", [WHOLE, IN_PARTS, Plan(index_from=60, wide=0), Plan(index_from=60, wide=1)], ids=str)
def test_the_nearest_of_what_may_be_seen_are_found_whichever_way_is_taken(
    tmp_path: Path, plan: Plan, inside: list[str]
) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=plan)
    index.put(points())
    allowed = [
        number
        for number in range(MANY)
        if inside == ["root:all"] or f"coll:{number % 4}" in inside or f"doc:{number}" in inside
    ]
    assert index.way(scope(inside)).wide == (len(allowed) > plan.wide * MANY)
    for tidied in (False, True):
        if tidied:
            assert index.tidy()
        for asked in VECTORS[:20] + 0.7 * VECTORS[20:40]:
            vector = asked / np.linalg.norm(asked)
            hits = index.search("", vector, scope(inside), 10)
            assert set(numbers(hits)) == set(nearest(vector, allowed))
            assert [hit.similarity for hit in hits] == pytest.approx(
                [float(VECTORS[number] @ vector) for number in numbers(hits)], abs=1e-5
            )
    index.close()


def test_an_index_that_is_tidied_as_often_as_a_part_is_full_is_in_parts(tmp_path: Path) -> None:
    index = filled(tmp_path / "index", IN_PARTS)
    assert not index.tidy()
    for asked in range(0, MANY, 50):
        assert numbers(index.search("", VECTORS[asked], scope(), 5)) == nearest(VECTORS[asked], list(range(MANY)), 5)
    index.close()
    assert laid_out(tmp_path / "index") == [(0, "bits4")] * 4


def test_small_parts_become_one(tmp_path: Path) -> None:
    filled(tmp_path / "index", WHOLE).close()
    assert laid_out(tmp_path / "index") == [(0, "bits4")]


def test_what_is_written_is_found_before_it_is_put_in_order(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=IN_PARTS)
    index.put(points(0, 300))
    assert index.tidy()
    index.put(points(300, MANY))
    for number in (5, 305, 599):
        assert numbers(index.search("", VECTORS[number], scope(), 1)) == [number]
    assert index.count() == MANY
    index.tidy()
    for number in (5, 305, 599):
        assert numbers(index.search("", VECTORS[number], scope(), 1)) == [number]
    assert index.count() == MANY
    assert not index.tidy()
    index.close()


BEFORE_PLANS = edge.EdgeVectorParams(size=WIDTH, distance=edge.Distance.Cosine)
WITH_A_GRAPH = edge.EdgeVectorParams(
    size=WIDTH,
    distance=edge.Distance.Cosine,
    hnsw_config=edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=1),
)


@pytest.mark.parametrize("vectors", [BEFORE_PLANS, WITH_A_GRAPH], ids=["before plans", "with a graph"])
def test_an_index_of_another_layout_is_brought_in_line(tmp_path: Path, vectors: edge.EdgeVectorParams) -> None:
    """It answers as it is, and has codes and no graph afterwards."""
    (tmp_path / "index").mkdir()
    old = edge.EdgeShard.load(
        str(tmp_path / "index"),
        edge.EdgeConfig(
            vectors={DENSE: vectors},
            sparse_vectors={BM25: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
            optimizers=edge.EdgeOptimizersConfig(indexing_threshold=kilobytes(60, WIDTH)),
        ),
    )
    old.update(edge.UpdateOperation.upsert_points([to_edge_point(some) for some in points()]))
    old.optimize()
    old.close()
    (edges,) = {edges for edges, _ in laid_out(tmp_path / "index")}
    assert edges == 16
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=WHOLE)
    assert numbers(index.search("", VECTORS[3], scope(), 1)) == [3]
    assert index.tidy()
    assert numbers(index.search("", VECTORS[3], scope(), 10)) == nearest(VECTORS[3], list(range(MANY)))
    assert not index.tidy()
    index.close()
    assert laid_out(tmp_path / "index") == [(0, "bits4")]


def test_a_small_index_has_codes_without_being_put_in_order(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH)
    index.put(points())
    assert not index.tidy()
    assert numbers(index.search("", VECTORS[9], scope(), 3)) == nearest(VECTORS[9], list(range(MANY)), 3)
    index.close()
    assert laid_out(tmp_path / "index") == []
    assert '"bits":"bits4"' in next((tmp_path / "index").glob("segments/*/segment.json")).read_text()


def test_an_index_says_which_way_a_search_goes(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=WHOLE)
    index.put(points())
    index.tidy()
    wide, narrow, nothing = index.way(scope()), index.way(scope(["coll:1"])), index.way(scope([]))
    assert (wide.points, wide.visible, wide.by_shelves, wide.wide) == (MANY, MANY, True, True)
    assert (narrow.visible, narrow.wide) == (MANY // 4, False)
    assert (nothing.visible, nothing.wide) == (0, False)
    assert "all chunks passed through: scanned over codes" in str(wide)
    assert "the visible ones gathered: scanned over codes" in str(narrow)
    index._shelves = None
    assert "each point asked for its tags" in str(index.way(scope(["coll:1"])))
    index.close()


@pytest.mark.parametrize("wide", [-1, 2], ids=["each point asked", "gathered"])
def test_neither_way_selects_what_stands_on_no_shelf_or_on_one_that_is_not_known(tmp_path: Path, wide: float) -> None:
    """AZ-02: also for whom nothing is granted, and for whom everything is."""
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=Plan(wide=wide))
    index.put(points(0, 10))
    for number in (10, 11):
        index._shard.update(edge.UpdateOperation.upsert_points([to_edge_point(points(number, number + 1)[0])]))
    on_none, on_another = (edge.Filter(must=[edge.HasIdCondition({chunk_id(number)})]) for number in (10, 11))
    index._shard.update(edge.UpdateOperation.delete_payload_by_filter(on_none, ["shelf"]))
    index._shard.update(edge.UpdateOperation.set_payload_by_filter(on_another, {"shelf": 7}))
    assert index.count() == 12
    for vector in VECTORS[:12]:
        assert sorted(numbers(index.search("", vector, scope(), 100))) == list(range(10))
        assert index.search("", vector, scope([]), 100) == []
    index.close()


def test_a_closed_index_is_not_tidied(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH)
    index.close()
    with pytest.raises(IndexDown):
        index.tidy()


def test_thresholds_are_in_kilobytes_of_original_vectors() -> None:
    assert kilobytes(PLAN.part, 384) == 375_000
    assert kilobytes(1, 4) == 1  # a threshold of none means another thing
