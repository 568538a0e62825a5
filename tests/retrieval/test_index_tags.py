"""Tags are rewritten where they stand: by document, in one operation, whatever the number of points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj
from retrieval.shelves import shelf_of
from retrieval.types import Tags
from tests.retrieval.kinds import on_every_index, payload_of, written_to
from tests.retrieval.points import numbers, point, scope, search

if TYPE_CHECKING:
    from retrieval.homes import KeptIndex

pytestmark = on_every_index
ONE, TWO = DocumentId("doc:1"), DocumentId("doc:2")
SECRET = Tags(
    frozenset({Obj("root:all"), Obj("coll:b"), Obj("label:restricted")}),
    (NodeId("coll:b"),),
    Label(Level.RESTRICTED, frozenset({Compartment("gdpr")})),
)


def test_all_points_of_a_document_get_the_tags_and_no_other_point(index: KeptIndex) -> None:
    """IN-11: of all its versions; and all that is not a tag stays."""
    index.put([point(n, document=ONE, version=n % 2 + 1, owner="owner:anna") for n in range(1, 301)])
    index.put([point(301, document=TWO), point(302, document="doc:11")])
    vectors = search(index, scope(["root:all"]), limit=302)
    index.retag([ONE], SECRET)
    for number in range(1, 301):
        assert payload_of(index, number) == {
            "scope": ["coll:b", "label:restricted", "root:all"], "level": 3, "comp": ["base", "gdpr"],
            "path": ["coll:b"], "own": ["base", "doc:1", "owner:anna"], "doc": "doc:1", "ver": number % 2 + 1,
            "shelf": shelf_of(SECRET),
        }  # fmt: skip
    assert numbers(search(index, scope(), limit=302)) == [301, 302]
    assert search(index, scope(compartments=["gdpr"]), limit=302) == vectors


def test_many_documents_are_written_in_one_operation(index: KeptIndex) -> None:
    index.put([point(n, document=f"doc:{n // 5}") for n in range(1_000)])
    written = written_to(index)
    index.retag([DocumentId(f"doc:{n}") for n in range(200)], SECRET)
    assert len(written) == 1
    assert len(search(index, scope(["coll:b"], compartments=["gdpr"]), limit=1_000)) == 1_000


def test_own_objects_change_where_they_are_given(index: KeptIndex) -> None:
    index.put([point(1, document=ONE, owner="owner:anna"), point(2, document=TWO, owner="owner:anna")])
    index.retag([ONE, TWO], point(1).tags)
    assert numbers(search(index, scope(["owner:anna"]))) == [1, 2]
    index.retag([ONE], point(1).tags, {Obj("doc:1"), Obj("owner:bert")})
    assert numbers(search(index, scope(["owner:anna"]))) == [2]
    assert numbers(search(index, scope(["owner:bert"]))) == [1]


def test_what_has_no_points_gets_none(index: KeptIndex) -> None:
    index.put([point(1, document=ONE)])
    index.retag([TWO], SECRET)
    index.retag([], SECRET)
    assert index.count() == 1
    assert numbers(search(index, scope())) == [1]
