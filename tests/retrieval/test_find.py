from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest

from acl.labels import Label, Level
from acl.names import UserId
from retrieval.errors import EmbedderDown, IndexDown
from retrieval.find import SNIPPETS, find
from retrieval.permit import permit
from store.errors import StoreDown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from acl.names import NodeId
    from acl.scope import Scope
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from tests.worlds import World

ANNA = UserId("user:anna")


@dataclass
class ListedIndex:
    """Gives the first of a list of hits, whoever asks, and remembers how many were asked for."""

    hits: Sequence[Hit]
    limits: list[int] = field(default_factory=list)

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
        """Give the first so many."""
        self.limits.append(limit)
        return self.hits[:limit]


@pytest.fixture
def coll(world: World) -> NodeId:
    """A collection that anna may read, with her and it in place."""
    world.user("anna", clearance=Level.INTERNAL)
    coll = world.collection("a")
    world.allow(ANNA, coll)
    return coll


def texts(permitted: Permitted) -> set[str]:
    return {snippet.text for snippet in permitted.snippets}


def test_what_is_near_and_permitted_is_found_nearest_first(world: World, coll: NodeId) -> None:
    world.document(coll, "The ferry sails at noon.")
    world.document(coll, "The boiler is serviced in May.")
    world.document(world.collection("b"), "The boiler is serviced in secret.")
    found = world.find("When is the boiler serviced?", ANNA)
    assert found.snippets[0].text == "The boiler is serviced in May."
    assert texts(found) == {"The boiler is serviced in May.", "The ferry sails at noon."}
    assert found.dropped == {}  # the filter has done the work


def test_who_may_read_nothing_finds_nothing_by_the_same_work(world: World, coll: NodeId) -> None:
    """AZ-06, AZ-21: how long it takes must not tell whether there was anything."""
    world.document(coll, "The boiler is serviced in May.")
    gate = partial(permit, engine=world.store.engine, keys=world.store.keys)
    for user, found in ((ANNA, 1), (world.user("bert"), 0), (UserId("user:nobody"), 0)):
        calls: list[str] = []

        def embed(texts: Sequence[str], calls: list[str] = calls) -> NDArray[np.float32]:
            calls.append("embed")
            return world.embed(texts)

        def decide(hits: Sequence[Hit], scope: Scope, calls: list[str] = calls) -> Permitted:
            calls.append("permit")
            return gate(hits, scope)

        permitted = find("boiler", world.scope(user), index=world.index, embed=embed, permit=decide)
        assert len(permitted.snippets) == found
        assert calls == ["embed", "permit"]


def test_hidden_hits_before_the_visible_ones_are_made_up_for_by_one_refill(world: World, coll: NodeId) -> None:
    visible = world.document(coll, *(f"visible {number}" for number in range(10)))
    hidden = world.document(world.collection("b"), *(f"hidden {number}" for number in range(40)))
    index = ListedIndex([*world.hits(hidden), *world.hits(visible)])
    found = world.find("anything", ANNA, index=index)
    assert index.limits == [24, 96]
    assert texts(found) == {f"visible {number}" for number in range(10)}
    assert found.dropped == {"no rule allows it": 40}


def test_there_is_no_second_refill(world: World, coll: NodeId) -> None:
    visible = world.document(coll, "visible")
    hidden = world.document(world.collection("b"), *(f"hidden {number}" for number in range(96)))
    index = ListedIndex([*world.hits(hidden), *world.hits(visible)])
    assert world.find("anything", ANNA, index=index).snippets == ()
    assert index.limits == [24, 96]


@pytest.mark.parametrize(("visible", "hidden"), [(SNIPPETS, 30), (30, 0), (3, 0), (0, 0), (23, 0), (3, 20)])
def test_nothing_is_asked_again_when_there_is_enough_or_no_more(
    world: World, coll: NodeId, visible: int, hidden: int
) -> None:
    one = world.document(coll, *(f"visible {number}" for number in range(visible)))
    other = world.document(world.collection("b"), *(f"hidden {number}" for number in range(hidden)))
    index = ListedIndex([*world.hits(one), *world.hits(other)])
    found = world.find("anything", ANNA, index=index)
    assert index.limits == [24]
    assert len(found.snippets) == min(visible, 24)


def test_a_question_can_stay_in_a_collection(world: World, coll: NodeId) -> None:
    world.document(coll, "The boiler of a.")
    other = world.collection("b")
    world.allow(ANNA, other)
    world.document(other, "The boiler of b.")
    assert texts(world.find("boiler", ANNA)) == {"The boiler of a.", "The boiler of b."}
    assert texts(world.find("boiler", ANNA, within=coll)) == {"The boiler of a."}


def test_a_stale_tag_hides_or_is_found_out(world: World, coll: NodeId) -> None:
    """FT-03: the index did not hear of a change; only what was loosened may be missed."""
    tightened = world.document(coll, "The boiler, raised since.")
    world.document(coll, "The boiler, as it was.")
    with_level = Label(Level.RESTRICTED)
    loosened = world.document(coll, "The boiler, lowered since.", label=with_level)
    world.set_level(tightened, Level.RESTRICTED)
    world.set_level(loosened, Level.PUBLIC)
    found = world.find("boiler", ANNA)
    assert texts(found) == {"The boiler, as it was."}
    assert found.dropped == {"not cleared for restricted": 1}
    world.reindex(tightened)
    world.reindex(loosened)
    again = world.find("boiler", ANNA)
    assert texts(again) == {"The boiler, as it was.", "The boiler, lowered since."}
    assert again.dropped == {}


@pytest.mark.parametrize("broken", ["embed", "index", "permit"])
def test_an_error_anywhere_is_an_error_and_no_answer(world: World, coll: NodeId, broken: str) -> None:
    world.document(coll, "The boiler is serviced in May.")
    errors = {"embed": EmbedderDown("down"), "index": IndexDown("down"), "permit": StoreDown("down")}

    class BrokenIndex:
        def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
            raise errors["index"]

    def no_embed(texts: Sequence[str]) -> NDArray[np.float32]:
        raise errors["embed"]

    def no_permit(_hits: Sequence[Hit], _scope: Scope) -> Permitted:
        raise errors["permit"]

    gate = partial(permit, engine=world.store.engine, keys=world.store.keys)
    with pytest.raises(type(errors[broken])):
        find(
            "boiler",
            world.scope(ANNA),
            index=BrokenIndex() if broken == "index" else world.index,
            embed=no_embed if broken == "embed" else world.embed,
            permit=no_permit if broken == "permit" else gate,
        )
