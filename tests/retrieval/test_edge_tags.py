"""Tags are rewritten where they stand: by document, in one operation, whatever the number of points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj
from retrieval.edge import EdgeIndex
from retrieval.types import Tags
from tests.retrieval.points import DIMENSION, chunk_id, numbers, point, scope, search

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = DocumentId("doc:1"), DocumentId("doc:2")
SECRET = Tags(
    frozenset({Obj("root:all"), Obj("coll:b"), Obj("label:restricted")}),
    (NodeId("coll:b"),),
    Label(Level.RESTRICTED, frozenset({Compartment("gdpr")})),
)


@dataclass
class CountedShard:
    """Passes everything on to the engine, and notes what it was told to write."""

    shard: Any
    written: list[Any] = field(default_factory=list)

    def update(self, operation: Any) -> None:
        self.written.append(operation)
        self.shard.update(operation)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shard, name)


def payload(index: EdgeIndex, number: int) -> Any:
    (record,) = index._shard.retrieve([chunk_id(number)], with_payload=True, with_vector=False)
    return record.payload


def test_all_points_of_a_document_get_the_tags_and_no_other_point(index: EdgeIndex) -> None:
    """IN-11: of all its versions; and all that is not a tag stays."""
    index.put([point(n, document=ONE, version=n % 2 + 1, owner="owner:anna") for n in range(1, 301)])
    index.put([point(301, document=TWO), point(302, document="doc:11")])
    vectors = search(index, scope(["root:all"]), limit=302)
    index.retag([ONE], SECRET)
    for number in range(1, 301):
        assert payload(index, number) == {
            "scope": ["coll:b", "label:restricted", "root:all"], "level": 3, "comp": ["base", "gdpr"],
            "path": ["coll:b"], "own": ["base", "doc:1", "owner:anna"], "doc": "doc:1", "ver": number % 2 + 1,
        }  # fmt: skip
    assert numbers(search(index, scope(), limit=302)) == [301, 302]
    assert search(index, scope(compartments=["gdpr"]), limit=302) == vectors


def test_many_documents_are_written_in_one_operation(index: EdgeIndex) -> None:
    counted: Any = CountedShard(index._shard)
    index.put([point(n, document=f"doc:{n // 5}") for n in range(1_000)])
    index._shard = counted
    index.retag([DocumentId(f"doc:{n}") for n in range(200)], SECRET)
    assert len(counted.written) == 1
    assert len(search(index, scope(["coll:b"], compartments=["gdpr"]), limit=1_000)) == 1_000


def test_own_objects_change_where_they_are_given(index: EdgeIndex) -> None:
    index.put([point(1, document=ONE, owner="owner:anna"), point(2, document=TWO, owner="owner:anna")])
    index.retag([ONE, TWO], point(1).tags)
    assert numbers(search(index, scope(["owner:anna"]))) == [1, 2]
    index.retag([ONE], point(1).tags, {Obj("doc:1"), Obj("owner:bert")})
    assert numbers(search(index, scope(["owner:anna"]))) == [2]
    assert numbers(search(index, scope(["owner:bert"]))) == [1]


def test_what_has_no_points_gets_none(index: EdgeIndex) -> None:
    index.put([point(1, document=ONE)])
    index.retag([TWO], SECRET)
    index.retag([], SECRET)
    assert index.count() == 1
    assert numbers(search(index, scope())) == [1]


def test_tags_are_there_after_closing_and_opening(index: EdgeIndex, tmp_path: Path) -> None:
    index.put([point(1, document=ONE), point(2, document=TWO)])
    index.retag([ONE], SECRET)
    index.close()
    again = EdgeIndex(tmp_path / "index", DIMENSION)
    assert numbers(search(again, scope())) == [2]
    again.close()
