"""The scope decides what is looked at, whatever the tags of a point are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acl.labels import Compartment, Label, Level
from retrieval.shelves import shelf_of
from tests.retrieval.kinds import on_every_index, payload_of, put_raw
from tests.retrieval.points import LATITUDE, LONGITUDE, chunk_id, numbers, point, scope, search

if TYPE_CHECKING:
    from acl.scope import Scope
    from retrieval.homes import KeptIndex

pytestmark = on_every_index
GDPR, PCI = Compartment("gdpr"), Compartment("pci")


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        (scope(["coll:a"]), [1, 2]),
        (scope(["coll:a", "coll:b"]), [1, 2, 3]),
        (scope(["root:all"]), [1, 2, 3]),
        (scope(["root:all"], ["coll:b"]), [1, 2]),
        (scope(["root:all"], ["doc:2", "doc:3"]), [1]),
        (scope(["root:all"], ["root:all"]), []),
        (scope(["root:all"], ["owner:anna"]), [1, 3]),
        (scope(["root:all"], ["owner:anna", "doc:1", "coll:b"]), []),
        (scope(["doc:1"]), [1]),
        (scope(["owner:anna"]), [2]),
        (scope(["doc:1", "owner:bert"]), [1, 3]),
        (scope(["doc:1", "coll:b"]), [1, 3]),
        (scope(["doc:1", "coll:none"]), [1]),
        (scope(["doc:none", "coll:b"]), [3]),
        (scope(["doc:none", "owner:none"]), []),
        (scope(["doc:1", "coll:b"], ["doc:1"]), [3]),
        (scope(["doc:1", "coll:b"], ["coll:a"]), [3]),
        (scope(["doc:1", "coll:b"], ["root:all"]), []),
        (scope(["doc:1", "coll:b"], within="coll:b"), [3]),
        (scope([], ["doc:1"]), []),
        (scope(["coll:a"], ["coll:b"]), [1, 2]),
        (scope([]), []),
        (scope([], ["coll:b"]), []),
        (scope(["coll:none"]), []),
        (scope(["root:all"], within="coll:b"), [3]),
        (scope(["coll:a"], within="coll:b"), []),
        (scope(["root:all"], within="coll:none"), []),
        (scope(["root:all"], within="folder:f"), [2]),
    ],
)
def test_rules_decide_what_is_looked_at(index: KeptIndex, inside: Scope, found: list[int]) -> None:
    index.put(
        [
            point(1, document="doc:1", scopes=["root:all", "coll:a"], path=["coll:a"]),
            # Its folder cuts inheritance and is named as where it lies, not as what covers it.
            point(2, document="doc:2", scopes=["root:all", "coll:a"], path=["folder:f", "coll:a"], owner="owner:anna"),
            point(3, document="doc:3", scopes=["root:all", "coll:b"], path=["coll:b"], owner="owner:bert"),
        ]
    )
    assert numbers(search(index, inside)) == found


@pytest.mark.parametrize("clearance", Level)
def test_a_clearance_decides_what_is_looked_at(index: KeptIndex, clearance: Level) -> None:
    index.put([point(level + 1, label=Label(level)) for level in Level])
    assert numbers(search(index, scope(clearance=clearance))) == list(range(1, clearance + 2))


@pytest.mark.parametrize(
    ("held", "found"),
    [([], [1]), (["gdpr"], [1, 2]), (["pci"], [1, 3]), (["gdpr", "pci"], [1, 2, 3, 4]), (["hipaa"], [1])],
)
def test_compartments_decide_what_is_looked_at(index: KeptIndex, held: list[str], found: list[int]) -> None:
    circles = [frozenset[Compartment](), frozenset({GDPR}), frozenset({PCI}), frozenset({GDPR, PCI})]
    index.put([point(number, label=Label(Level.PUBLIC, circle)) for number, circle in enumerate(circles, 1)])
    assert numbers(search(index, scope(compartments=held))) == found


GOOD_TAGS: dict[str, Any] = {
    "scope": ["root:all"], "own": ["base", "doc:1"], "level": 0, "comp": ["base"], "path": ["coll:a"],
    "doc": "doc:1", "ver": 1,
}  # fmt: skip


@pytest.mark.parametrize("allow", [["root:all"], ["doc:1"], ["root:all", "doc:1"]], ids=str)
@pytest.mark.parametrize("key", ["scope", "own", "level", "comp"])
def test_a_point_that_lacks_a_tag_is_found_by_nobody(index: KeptIndex, key: str, allow: list[str]) -> None:
    """AZ-07: a missing key passes many a filter, and a deny that asks for it."""
    put_raw(index, 1, GOOD_TAGS)
    put_raw(index, 2, {name: value for name, value in GOOD_TAGS.items() if name != key})
    put_raw(index, 3, GOOD_TAGS | {key: None})
    put_raw(index, 4, GOOD_TAGS | {key: []})
    assert numbers(search(index, scope(allow, compartments=["gdpr"]))) == [1]


def test_a_point_that_does_not_say_where_it_lies_is_in_no_collection(index: KeptIndex) -> None:
    put_raw(index, 1, GOOD_TAGS)
    put_raw(index, 2, {name: value for name, value in GOOD_TAGS.items() if name != "path"})
    assert numbers(search(index, scope(within="coll:a"))) == [1]
    assert numbers(search(index, scope())) == [1, 2]


@pytest.mark.parametrize(
    "tags",
    [
        {"level": "0"},
        {"level": ["0"]},
        {"level": True},
        {"level": {"value": 0}},
        {"level": -1},
        {"level": 4},
        {"level": 99},
        {"scope": 1},
        {"scope": {"root:all": True}},
        {"scope": ["Root:all"]},
        {"scope": ["root:all "]},
        {"scope": "root"},
        {"scope": [["root:all"]]},
        {"own": "doc:1"},
        {"own": ["doc:1"]},
        {"own": ["Base", "doc:1"]},
        {"own": {"base": True}},
        {"comp": 0},
        {"comp": {"base": True}},
        {"comp": ["Base"]},
        {"comp": ["gdpr"]},
        {"comp": ["base", "GDPR"]},
        {"comp": ["base", "gdpr "]},
    ],
    ids=repr,
)
def test_a_point_with_a_tag_of_another_type_or_value_is_found_by_nobody(index: KeptIndex, tags: dict[str, Any]) -> None:
    """AZ-07."""
    put_raw(index, 1, GOOD_TAGS)
    put_raw(index, 2, GOOD_TAGS | tags)
    assert numbers(search(index, scope(compartments=["gdpr"]))) == [1]


@pytest.mark.parametrize(
    "said",
    [
        {"doc": None},
        {"doc": 7},
        {"doc": ["doc:1"]},
        {"doc": "doc:\u0000"},
        {"doc": "doc:" + "9" * 200_000},
        {"doc": "' OR 1=1 --"},
        {"ver": None},
        {"ver": "one"},
        {"ver": 1.5},
        {"ver": [1]},
    ],
)
def test_a_point_that_does_not_say_whose_it_is_hides_no_other_and_is_of_no_document(
    index: KeptIndex, said: dict[str, Any]
) -> None:
    """Whoever can write to the index must neither stop a search, nor choose what a database is asked about."""
    put_raw(index, 1, GOOD_TAGS)
    put_raw(index, 2, GOOD_TAGS | said)
    hits = search(index, scope(compartments=["gdpr"]))
    assert {hit.document for hit in hits if hit.chunk == chunk_id(1)} == {"doc:1"}
    assert {(hit.document, hit.version) for hit in hits if hit.chunk == chunk_id(2)} == {("", 0)}


def test_a_hidden_document_moves_no_score_of_a_visible_one(index: KeptIndex) -> None:
    """AZ-21: how rare a word is, counted over all documents, tells how many hidden ones hold it."""
    inside = scope(["coll:a"])
    visible = ["the boiler", "the mill", "the mill of the mill", "the boiler of the mill", "the ferry"]
    index.put([point(number, text, scopes=["coll:a"]) for number, text in enumerate(visible, 1)])
    before = search(index, inside, "boiler mill")
    assert len({hit.score for hit in before}) > 3  # enough of them that the weights of the words show
    index.put([point(100 + number, "a boiler", scopes=["coll:b"], document="doc:2") for number in range(40)])
    assert search(index, inside, "boiler mill") == before

    index.put([point(6, "a boiler", scopes=["coll:a"], document="doc:3")])  # one that may be seen does move them
    assert [hit.score for hit in search(index, inside, "boiler mill")][:5] != [hit.score for hit in before]


@pytest.mark.parametrize("hidden", [0, 3, 300])
def test_a_hidden_document_breaks_no_tie(index: KeptIndex, hidden: int) -> None:
    """AZ-21: a leg was cut among equals as the engine came by them, which hangs on what else is there."""
    visible = [point(number, "a boiler", scopes=[f"coll:{'ab'[number % 2]}"]) for number in range(40, 0, -1)]
    others = [point(100 + number, "a boiler", scopes=["coll:c"], document="doc:2") for number in range(hidden)]
    index.put([*others[: hidden // 2], *visible, *others[hidden // 2 :]])
    assert numbers(search(index, scope(["coll:a", "coll:b"]), limit=5)) == [1, 2, 3, 4, 5]


def test_a_tie_without_an_end_is_left_out_and_nothing_else_is(index: KeptIndex) -> None:
    """What of it was found would hang on hidden documents. The other leg may still tell its members apart."""
    same = [point(number, "a boiler", vector=LATITUDE) for number in range(1, 301)]
    index.put([*same, point(400, "a mill", vector=LONGITUDE)])
    assert numbers(search(index, scope(), "boiler", limit=2)) == [400]
    assert numbers(search(index, scope(), "boiler", limit=10)) == [400, *range(1, 10)]


def test_no_tag_is_a_principal_and_no_payload_is_text(index: KeptIndex) -> None:
    secret = point(1, "a secret boiler", label=Label(Level.INTERNAL, frozenset({GDPR})), owner="owner:anna")
    index.put([secret])
    assert payload_of(index, 1) == {
        "scope": ["root:all"], "own": ["base", "doc:1", "owner:anna"], "level": 1, "comp": ["base", "gdpr"],
        "path": ["coll:a"], "doc": "doc:1", "ver": 1, "shelf": shelf_of(secret.tags),
    }  # fmt: skip
