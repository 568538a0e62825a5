"""An index that is laid out by its plan: what is scanned, what goes by the graph, and before either was built."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import qdrant_edge as edge

from retrieval.edge import EdgeIndex
from retrieval.errors import IndexDown
from retrieval.plan import PLAN, Plan, kilobytes
from retrieval.points import BM25, DENSE
from tests.retrieval.points import numbers, point, scope

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.types import Point

WIDTH = 32
MANY = 600
# So small that a few hundred points are indexed: all of them are scanned by the one, none by the other.
SCANNED = Plan(index_from=60, scan_up_to=10_000)
BY_GRAPH = Plan(index_from=60, scan_up_to=1)
MIXED = Plan(index_from=60, scan_up_to=200)  # a fourth is scanned, and all go by the graph


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


def laid_out(folder: Path) -> list[tuple[str, str, int]]:
    """Give of each segment its index, its codes and its threshold in points, 0 where it has none."""
    found = []
    for file in folder.glob("segments/*/segment.json"):
        dense = json.loads(file.read_text())["config"]["vector_data"][DENSE]
        graph = file.parent / f"vector_index-{DENSE}" / "hnsw_config.json"
        threshold = json.loads(graph.read_text())["full_scan_threshold"] if graph.exists() else 0
        codes = (dense.get("quantization_config") or {}).get("turbo", {}).get("bits", "")
        found.append((dense["index"]["type"], codes, threshold))
    return sorted(found)


@pytest.mark.parametrize(
    ("plan", "inside"),
    [
        (SCANNED, ["root:all"]),
        (SCANNED, ["coll:1"]),
        (SCANNED, ["doc:7", "coll:2"]),
        (BY_GRAPH, ["root:all"]),
        (MIXED, ["root:all"]),
        (MIXED, ["coll:1"]),
    ],
    ids=str,
)
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


def test_what_is_written_is_found_before_the_graph_is_built_over_it(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=BY_GRAPH)
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


def test_an_index_of_another_plan_is_brought_in_line(tmp_path: Path) -> None:
    """Also one that was made before there were plans: it answers as it is, and has codes and a graph afterwards."""
    (tmp_path / "index").mkdir()
    old = edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(size=WIDTH, distance=edge.Distance.Cosine)},
        sparse_vectors={BM25: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
    )
    edge.EdgeShard.load(str(tmp_path / "index"), old).close()
    assert laid_out(tmp_path / "index") == [("plain", "", 0)]
    for plan, threshold in ((SCANNED, 10_000), (BY_GRAPH, 8), (MIXED, 200)):
        index = EdgeIndex(tmp_path / "index", WIDTH, plan=plan)
        index.put(points())
        assert numbers(index.search("", VECTORS[3], scope(), 1)) == [3]
        assert index.tidy()
        assert numbers(index.search("", VECTORS[3], scope(), 1)) == [3]
        assert not index.tidy()
        index.close()
        assert [(kind, codes, points) for kind, codes, points in laid_out(tmp_path / "index") if kind == "hnsw"] == [
            ("hnsw", "bits4", threshold)
        ]


def test_a_small_index_has_codes_and_needs_no_graph(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH)
    index.put(points())
    assert not index.tidy()
    assert numbers(index.search("", VECTORS[9], scope(), 3)) == nearest(VECTORS[9], list(range(MANY)), 3)
    index.close()
    assert laid_out(tmp_path / "index") == [("plain", "bits4", 0)]


def test_an_index_says_which_way_a_search_goes(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH, plan=MIXED)
    index.put(points())
    index.tidy()
    wide, narrow, nothing = index.way(scope()), index.way(scope(["coll:1"])), index.way(scope([]))
    assert (wide.points, wide.visible, wide.by_shelves, wide.scanned) == (MANY, MANY, True, False)
    assert (narrow.visible, narrow.scanned) == (MANY // 4, True)
    assert (nothing.visible, nothing.scanned) == (0, True)
    assert "by the graph" in str(wide)
    assert "scanned over codes" in str(narrow)
    index._shelves = None
    assert "each point asked for its tags" in str(index.way(scope(["coll:1"])))
    index.close()


def test_a_closed_index_is_not_tidied(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", WIDTH)
    index.close()
    with pytest.raises(IndexDown):
        index.tidy()


def test_thresholds_are_in_kilobytes_of_original_vectors() -> None:
    assert kilobytes(PLAN.scan_up_to, 384) == 900_000
    assert kilobytes(1, 4) == 1  # a threshold of none means another thing
