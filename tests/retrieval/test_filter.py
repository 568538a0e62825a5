from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import qdrant_edge as edge
from qdrant_client import models

from acl.decision import Principal
from acl.labels import Compartment, Level
from acl.names import OBJECT_KINDS, NodeId, Obj, UserId
from acl.scope import Scope
from retrieval.edge_filter import to_edge
from retrieval.filter import filter_of, of_key

if TYPE_CHECKING:
    from collections.abc import Collection

ANNA = Principal(UserId("user:anna"), Obj("app:tests"))


def scope(
    allow: Collection[str] = (),
    deny: Collection[str] = (),
    *,
    clearance: int = 0,
    compartments: Collection[str] = (),
    within: str | None = None,
) -> Scope:
    held = frozenset(map(Compartment, compartments))
    stay = None if within is None else NodeId(within)
    return Scope(ANNA, frozenset(map(Obj, allow)), frozenset(map(Obj, deny)), Level(clearance), held, stay)


def test_the_filter_of_a_scope_is_literally_this() -> None:
    denied = ["doc:2", "label:pci", "owner:bert", "folder:f", "doc:1"]
    full = scope(["coll:b", "coll:a"], denied, clearance=2, compartments=["hipaa", "gdpr"], within="coll:a")
    assert filter_of(full).model_dump(exclude_none=True, by_alias=True) == {
        "must": [
            {"key": "scope", "match": {"any": ["coll:a", "coll:b"]}},
            {"key": "level", "range": {"gte": 0.0, "lte": 2.0}},
            {"key": "comp", "match": {"any": ["base"]}},
            {"key": "own", "match": {"any": ["base"]}},
            {"key": "path", "match": {"any": ["coll:a"]}},
        ],
        "must_not": [
            {"key": "scope", "match": {"any": ["folder:f", "label:pci"]}},
            {"key": "own", "match": {"any": ["doc:1", "doc:2", "owner:bert"]}},
            {"key": "comp", "match": {"except": ["base", "gdpr", "hipaa"]}},
        ],
    }


def test_a_grant_on_a_document_or_an_owner_is_an_alternative_within_the_filter() -> None:
    chosen = filter_of(scope(["owner:anna", "coll:a", "label:public", "doc:1"])).model_dump(exclude_none=True)
    assert chosen["must"] == [
        {
            "should": [
                {"key": "scope", "match": {"any": ["coll:a", "label:public"]}},
                {"key": "own", "match": {"any": ["doc:1", "owner:anna"]}},
            ]
        },
        {"key": "scope", "match": {"any": ["root:all"]}},
        {"key": "level", "range": {"gte": 0.0, "lte": 0.0}},
        {"key": "comp", "match": {"any": ["base"]}},
        {"key": "own", "match": {"any": ["base"]}},
    ]


def test_of_an_own_grant_alone_the_other_alternative_selects_nothing() -> None:
    chosen = filter_of(scope(["doc:1"])).model_dump(exclude_none=True)
    assert chosen["must"][0] == {
        "should": [{"key": "scope", "match": {"any": []}}, {"key": "own", "match": {"any": ["doc:1"]}}]
    }


@pytest.mark.parametrize("kind", sorted(OBJECT_KINDS))
def test_every_kind_of_object_has_one_key(kind: str) -> None:
    obj = Obj(f"{kind}:x")
    assert (of_key("scope", [obj]), of_key("own", [obj])) in [({obj}, frozenset()), (frozenset(), {obj})]
    assert (of_key("own", [obj]) == {obj}) is (kind in ("doc", "owner"))


def test_the_filter_of_an_empty_scope_has_the_same_conditions_and_is_not_empty() -> None:
    """AZ-06: an empty filter selects everything; a condition without values selects nothing."""
    assert filter_of(scope()).model_dump(exclude_none=True, by_alias=True) == {
        "must": [
            {"key": "scope", "match": {"any": []}},
            {"key": "level", "range": {"gte": 0.0, "lte": 0.0}},
            {"key": "comp", "match": {"any": ["base"]}},
            {"key": "own", "match": {"any": ["base"]}},
        ],
        "must_not": [
            {"key": "scope", "match": {"any": []}},
            {"key": "own", "match": {"any": []}},
            {"key": "comp", "match": {"except": ["base"]}},
        ],
    }


def test_a_deny_is_never_shortened() -> None:
    documents = [f"doc:{number:05}" for number in range(20_000)]
    folders = [f"folder:{number:05}" for number in range(20_000)]
    chosen = filter_of(scope(["root:all"], [*documents, *folders])).model_dump(exclude_none=True)
    assert {"key": "scope", "match": {"any": folders}} in chosen["must_not"]
    assert {"key": "own", "match": {"any": documents}} in chosen["must_not"]


# --- for the engine in process ------------------------------------------------------------------

ANY = models.FieldCondition(key="scope", match=models.MatchAny(any=["coll:a"]))
RANGE = models.FieldCondition(key="level", range=models.Range(gte=0, lte=2))
OWN = models.FieldCondition(key="own", match=models.MatchAny(any=["doc:1"]))
EXCEPT = models.FieldCondition(key="comp", match=models.MatchExcept(**{"except": ["base"]}))


@pytest.mark.parametrize(
    "chosen",
    [
        filter_of(scope()),
        filter_of(scope(["coll:a"], ["doc:1"], clearance=3, compartments=["gdpr"], within="coll:a")),
        filter_of(scope(["coll:a", "doc:1"], ["owner:bert"], within="coll:a")),
        filter_of(scope(["owner:anna"])),
        models.Filter(must=[models.Filter(should=[ANY, OWN])], must_not=[]),
        models.Filter(must=[ANY], must_not=[]),
        models.Filter(must=[ANY, RANGE, EXCEPT], must_not=[ANY, RANGE, EXCEPT]),
    ],
)
def test_what_a_scope_asks_for_has_a_translation(chosen: models.Filter) -> None:
    translated = to_edge(chosen)
    assert isinstance(chosen.must, list)
    assert isinstance(chosen.must_not, list)
    assert len(translated.must or []) == len(chosen.must)
    for part, made in zip(chosen.must, translated.must or [], strict=True):
        assert isinstance(made, edge.Filter) is isinstance(part, models.Filter)
        assert not isinstance(made, edge.Filter) or (made.must, len(made.should or []), made.must_not) == (
            None,
            2,
            None,
        )
    assert len(translated.must_not or []) == len(chosen.must_not)


STRANGE_CONDITIONS = [
    models.FieldCondition(key="scope", match=models.MatchValue(value="coll:a")),
    models.FieldCondition(key="scope", match=models.MatchText(text="coll")),
    models.FieldCondition(key="scope", match=models.MatchAny(any=[1, 2])),
    models.FieldCondition(key="scope", match=models.MatchExcept(**{"except": [1]})),
    models.FieldCondition(key="level", range=models.Range(lte=2)),
    models.FieldCondition(key="level", range=models.Range(gte=0)),
    models.FieldCondition(key="level", range=models.Range(gte=0, lt=2)),
    models.FieldCondition(key="level", range=models.Range(gte=0, lte=2, gt=0)),
    models.FieldCondition(key="level", range=models.Range()),
    models.FieldCondition(key="level", range=models.DatetimeRange()),
    models.FieldCondition(key="scope"),
    models.FieldCondition(key="scope", match=models.MatchAny(any=["a"]), range=models.Range(gte=0, lte=2)),
    models.FieldCondition(key="scope", match=models.MatchAny(any=["a"]), values_count=models.ValuesCount(gte=1)),
    models.FieldCondition(key="scope", match=models.MatchAny(any=["a"]), is_empty=False),
    models.HasIdCondition(has_id=[1]),
    models.IsEmptyCondition(is_empty=models.PayloadField(key="scope")),
    models.IsNullCondition(is_null=models.PayloadField(key="scope")),
    models.Filter(must=[ANY]),
    models.Filter(),
    models.Filter(should=[]),
    models.Filter(should=[ANY]),
    models.Filter(should=[OWN]),
    models.Filter(should=[OWN, ANY]),
    models.Filter(should=[ANY, ANY]),
    models.Filter(should=[ANY, OWN, OWN]),
    models.Filter(should=[ANY, RANGE]),
    models.Filter(should=[RANGE, OWN]),
    models.Filter(should=[ANY, models.FieldCondition(key="own", match=models.MatchValue(value="doc:1"))]),
    models.Filter(should=[ANY, models.FieldCondition(key="own", match=models.MatchAny(any=[1]))]),
    models.Filter(should=[ANY, models.FieldCondition(key="own", match=models.MatchAny(any=["a"]), is_empty=False)]),
    models.Filter(should=[ANY, models.Filter(should=[ANY, OWN])]),
    models.Filter(should=[ANY, OWN], must=[ANY]),
    models.Filter(should=[ANY, OWN], must=[]),
    models.Filter(should=[ANY, OWN], must_not=[ANY]),
    models.Filter(should=[ANY, OWN], min_should=models.MinShould(conditions=[ANY], min_count=1)),
    models.Filter(min_should=models.MinShould(conditions=[ANY, OWN], min_count=1)),
]


@pytest.mark.parametrize("condition", STRANGE_CONDITIONS, ids=repr)
@pytest.mark.parametrize("place", ["must", "must_not"])
def test_no_condition_is_left_out_in_silence(condition: models.Condition, place: str) -> None:
    chosen = (
        models.Filter(must=[ANY, condition]) if place == "must" else models.Filter(must=[ANY], must_not=[condition])
    )
    chosen.must_not = chosen.must_not or []
    with pytest.raises(TypeError):
        to_edge(chosen)


@pytest.mark.parametrize(
    "chosen",
    [
        models.Filter(),
        models.Filter(must=[], must_not=[]),
        models.Filter(must_not=[ANY]),
        models.Filter(should=[ANY]),
        models.Filter(should=[], must=[ANY], must_not=[]),
        models.Filter(must=[ANY], must_not=[], should=[ANY]),
        models.Filter(must=[ANY], must_not=[], min_should=models.MinShould(conditions=[ANY], min_count=1)),
        models.Filter(must=ANY, must_not=[]),
        models.Filter(must=[ANY]),
        models.Filter(must=[ANY], must_not=[models.Filter(should=[ANY, OWN])]),
    ],
    ids=repr,
)
def test_a_filter_that_could_select_everything_has_no_translation(chosen: models.Filter) -> None:
    """AZ-06."""
    with pytest.raises(TypeError):
        to_edge(chosen)
