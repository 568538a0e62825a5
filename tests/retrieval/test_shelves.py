"""Shelves: what a scope reaches by them is what it reaches by tags, and what is not known there is found by nobody."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import qdrant_edge as edge
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj
from retrieval.edge import EdgeIndex
from retrieval.shelves import Shelves, shelf_of
from retrieval.types import Tags
from tests.retrieval.points import DIMENSION, LONGITUDE, chunk_id, numbers, point, scope, search

if TYPE_CHECKING:
    from pathlib import Path

    from acl.scope import Scope

COLLECTIONS = ("coll:a", "coll:b")
OBJECTS = ("root:all", *COLLECTIONS, "folder:f")
CIRCLES: tuple[frozenset[Compartment], ...] = (frozenset(), frozenset({Compartment("gdpr")}))
ALL = [
    Tags(frozenset(map(Obj, {"root:all", collection, *folder})), (*map(NodeId, folder), NodeId(collection)), label)
    for collection, folder, label in product(COLLECTIONS, ((), ("folder:f",)), [Label(Level(2), c) for c in CIRCLES])
]


scopes = st.builds(
    scope,
    st.frozensets(st.sampled_from([*OBJECTS, "doc:1"])),
    st.frozensets(st.sampled_from(OBJECTS)),
    clearance=st.sampled_from(Level),
    compartments=st.frozensets(st.sampled_from(["gdpr", "pci"])),
    within=st.sampled_from([None, *COLLECTIONS]),
)


@given(scopes)
def test_a_scope_reaches_the_shelves_whose_tags_it_covers(inside: Scope) -> None:
    reach = Shelves(ALL).reach(inside)
    for tags in ALL:
        open_ = (
            tags.label.level <= inside.clearance
            and tags.label.compartments <= inside.compartments
            and not tags.scopes & inside.deny
            and (inside.within is None or inside.within in tags.path)
        )
        assert (shelf_of(tags) in reach.granted) == (open_ and bool(tags.scopes & inside.allow))
        assert (shelf_of(tags) in reach.others) == (open_ and not tags.scopes & inside.allow)


def test_a_shelf_has_one_number_and_each_its_own() -> None:
    assert len({shelf_of(tags) for tags in ALL}) == len(ALL)
    assert shelf_of(Tags(frozenset({Obj("root:all")}), (NodeId("coll:a"),), Label(Level.PUBLIC))) == 1930075971363940962


def test_a_shelf_that_is_not_known_is_reached_by_nobody() -> None:
    known = Shelves(ALL[:1])
    assert known.reach(scope(compartments=["gdpr"])).granted == [shelf_of(ALL[0])]
    assert (len(known), shelf_of(ALL[0]) in known, shelf_of(ALL[1]) in known) == (1, True, False)
    known.add(ALL[1])
    known.add(ALL[1])
    assert known.reach(scope(compartments=["gdpr"])).granted == [shelf_of(tags) for tags in ALL[:2]]


def put_past(index: EdgeIndex, number: int, payload: dict[str, Any]) -> None:
    """Write a point past the adapter, which goes on believing in its shelves."""
    vectors: Any = {"dense": LONGITUDE.tolist()}
    index._shard.update(edge.UpdateOperation.upsert_points([edge.Point(chunk_id(number), vectors, payload)]))


def test_a_point_on_no_shelf_or_on_one_that_is_not_known_is_found_by_nobody(index: EdgeIndex) -> None:
    index.put([point(1)])
    raw = {"scope": ["root:all"], "own": ["base", "doc:1"], "level": 0, "comp": ["base"], "path": ["coll:a"],
           "doc": "doc:1", "ver": 1}  # fmt: skip
    put_past(index, 2, raw)
    put_past(index, 3, raw | {"shelf": 1})
    put_past(index, 4, raw | {"shelf": str(shelf_of(point(1).tags))})
    put_past(index, 5, raw | {"shelf": shelf_of(point(1).tags)})
    assert numbers(search(index, scope())) == [1, 5]


def test_a_point_without_own_objects_escapes_no_deny_of_one(index: EdgeIndex) -> None:
    index.put([point(1, document="doc:1"), point(2, document="doc:2")])
    put_past(index, 3, {"shelf": shelf_of(point(1).tags), "doc": "doc:1", "ver": 1})
    assert numbers(search(index, scope(["root:all"], ["doc:1"]))) == [2]


def by_both(index: EdgeIndex, inside: Scope) -> list[list[int]]:
    """Search by shelves, and by tags."""
    found, shelves = [], index._shelves
    for known in (shelves, None):
        index._shelves = known
        found.append(numbers(search(index, inside)))
    index._shelves = shelves
    return found


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        (scope(["coll:a"]), [1, 2]),
        (scope(["doc:3"]), [3]),
        (scope(["coll:a", "doc:3"]), [1, 2, 3]),
        (scope(["coll:a", "doc:1"], ["doc:2"]), [1]),
        (scope(["root:all"], ["owner:anna"]), [2]),
        (scope(["owner:anna"], ["coll:b"]), [1]),
        (scope(["doc:3"], clearance=Level.PUBLIC), []),
        (scope([]), []),
        (scope(["doc:none", "coll:none"]), []),
    ],
)
def test_by_shelves_is_found_what_is_found_by_tags(index: EdgeIndex, inside: Scope, found: list[int]) -> None:
    a, b = ["root:all", "coll:a"], ["root:all", "coll:b"]
    index.put(
        [
            point(1, document="doc:1", scopes=a, owner="owner:anna"),
            point(2, document="doc:2", scopes=a),
            point(3, document="doc:3", scopes=b, owner="owner:anna", label=Label(Level.INTERNAL)),
        ]
    )
    assert by_both(index, inside) == [found, found]
    index.retag([DocumentId("doc:1")], point(1, scopes=b).tags)
    one, other = by_both(index, inside)
    assert one == other


def test_shelves_are_there_after_closing_and_opening(index: EdgeIndex, tmp_path: Path) -> None:
    index.put([point(1), point(2, label=Label(Level.INTERNAL)), point(3, label=Label(Level.INTERNAL))])
    index.remove([chunk_id(1)])
    index.close()
    again = EdgeIndex(tmp_path / "index", DIMENSION)
    assert again._shelves is not None
    assert len(again._shelves) == 1
    assert by_both(again, scope()) == [[2, 3], [2, 3]]
    again.close()


@pytest.mark.parametrize(
    "wrong", [{}, {"shelf": 7}, {"shelf": shelf_of(ALL[0])}, {"shelf": shelf_of(ALL[0]), "level": "x"}], ids=str
)
def test_where_shelves_and_tags_disagree_the_tags_are_asked(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """An index of before there were shelves, or one that somebody else has written to."""
    index = EdgeIndex(tmp_path / "index", DIMENSION)
    index.put([point(1)])
    index._shard.update(edge.UpdateOperation.delete_payload([chunk_id(1)], ["shelf"]))
    if wrong:
        index._shard.update(edge.UpdateOperation.set_payload([chunk_id(1)], wrong))
    index._shard.flush()
    index.close()
    again = EdgeIndex(tmp_path / "index", DIMENSION)
    assert again._shelves is None
    again.put([point(2)])
    assert numbers(search(again, scope())) == ([2] if "level" in wrong else [1, 2])
    assert search(again, scope(["coll:none"])) == []
    again.close()
