"""Search and last gate agree with the oracle in random small worlds: nobody gets what he may not, nor less than he may.

The comparisons are tried on mutants as well. A gate that was broken on purpose must be found out, or the
agreement would mean nothing. Decisions alone are compared in `tests/acl/test_differential.py`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import qdrant_edge as edge
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from qdrant_client import models

from acl.labels import PUBLIC
from acl.names import ROOT, DocumentId, NodeId, UserId
from audit.ledger import Ledger
from bench.deciders import oracle
from retrieval.edge import EdgeIndex, to_edge_point
from retrieval.edge_filter import passed_through, to_edge
from retrieval.embed import DIMENSION
from retrieval.filter import DOCUMENT, filter_of, of_key
from retrieval.fuse import NOISE
from retrieval.points import BM25, DENSE
from retrieval.types import ChunkId, Tags
from store.engine import snapshot
from store.folder import create, open_store
from tests.acl.small_worlds import (
    COLLECTIONS,
    DOCUMENTS,
    FOLDERS,
    GHOST,
    USERS,
    WORDS,
    settle,
    small_worlds,
)
from tests.retrieval.tampered import tampered, without_filter_on
from tests.worlds import World, hurry, points_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from acl.scope import Scope
    from bench.deciders.oracle import SmallWorld
    from retrieval.embed import Embed
    from retrieval.types import Hit, Point
    from store.folder import Store

EVERYBODY = [UserId(name) for name in (*USERS, GHOST)]
ALL_DOCUMENTS = [DocumentId(name) for name in DOCUMENTS]
QUESTION = " ".join(WORDS)


# --- the parts of a comparison ------------------------------------------------------------------


@dataclass(frozen=True)
class LeakyIndex:
    """An index that filters nothing: it gives every chunk of every document, whoever asks."""

    hits: Sequence[Hit]

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
        """Give them all."""
        return self.hits[:limit]


@dataclass(frozen=True)
class Arena:
    """A data folder that one small world after the other is settled in, with three indexes.

    `index` is tagged as SQL says, `forged` as suits one user best; `alone` holds what one user may reach.
    """

    store: Store
    index: EdgeIndex
    forged: EdgeIndex
    alone: EdgeIndex
    embed: Embed

    @property
    def world(self) -> World:
        return World(self.store, Ledger(self.store.engine, self.store.keys.audit), self.index, self.embed)

    def settle(self, small: SmallWorld) -> None:
        settle(small, self.store)
        fill(self.index, self.points())

    def points(self) -> list[Point]:
        with snapshot(self.store.engine) as connection:
            return points_of(connection, self.store.keys, ALL_DOCUMENTS, self.embed)

    def hits(self) -> list[Hit]:
        """Give a true hit for each chunk in SQL, of whatever version and state."""
        return self.world.hits(*ALL_DOCUMENTS)

    def texts(self, chunks: Iterable[str]) -> set[str]:
        """Give what some chunks hold, whoever may read it."""
        held = {str(point.chunk): point.text for point in self.points()}
        return {held[chunk] for chunk in chunks}


def fill(index: EdgeIndex, points: Iterable[Point]) -> None:
    """Make an index hold these points and no others, without waiting for the disk."""
    everything = edge.Filter(must=[edge.FieldCondition(DOCUMENT, match=edge.MatchAny(list(DOCUMENTS)))])
    index._shard.update(edge.UpdateOperation.delete_points_by_filter(everything))
    points = list(points)
    index._make_known({point.tags for point in points})
    index._shard.update(edge.UpdateOperation.upsert_points([to_edge_point(point) for point in points]))


def tagged_as(arena: Arena, before: SmallWorld, after: SmallWorld) -> None:
    """Settle one world, and then another in SQL alone: the index has the chunks of this one and the tags of that."""
    arena.settle(before)
    settle(after, arena.store)


def forge(point: Point, scope: Scope) -> Point:
    """Give a point with the tags that let a scope's reader at it: all that he is granted, nothing denied to him."""
    everywhere = tuple(map(NodeId, (*COLLECTIONS, *FOLDERS)))
    granted = scope.allow - scope.deny
    tags = Tags(of_key("scope", granted) | {ROOT}, everywhere, PUBLIC)
    return dataclasses.replace(point, tags=tags, own=of_key("own", granted))


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[Arena]:
    layout = create(tmp_path_factory.mktemp("arena") / "data", embedder="hash_embed@1")
    store = open_store(layout, "file:master.key", owner=True)
    indexes = [EdgeIndex(layout.root / name, DIMENSION) for name in ("index", "forged", "alone")]
    hurry(store)
    yield Arena(store, indexes[0], indexes[1], indexes[2], hash_embed)
    for index in indexes:
        index.close()
    store.engine.dispose()


def same(value: models.Filter) -> models.Filter:
    return value


def selected(arena: Arena, user: UserId, change: Callable[[models.Filter], models.Filter] = same) -> set[str]:
    """Give the texts that the filter of a user's scope selects; a mutant changes the filter."""
    chosen = to_edge(change(filter_of(arena.world.scope(user))))
    records, _ = arena.index._shard.scroll(edge.ScrollRequest(limit=1_000, filter=chosen))
    return arena.texts(str(record.id) for record in records)


def asked_of_each(arena: Arena, user: UserId) -> set[str]:
    """Give the texts that the same filter selects where the engine is to ask each point."""
    chosen = passed_through(to_edge(filter_of(arena.world.scope(user))))
    records, _ = arena.index._shard.scroll(edge.ScrollRequest(limit=1_000, filter=chosen))
    return arena.texts(str(record.id) for record in records)


def reachable(small: SmallWorld, user: str) -> set[str]:
    """Give the texts that rules and labels let a user at: the index knows nothing of versions and states."""
    return {
        text
        for name, document in small.documents.items()
        if oracle.may_reach(small, user, name)
        for _, text in document.chunks
    }


# --- agreement ----------------------------------------------------------------------------------


@settings(max_examples=80)
@given(small=small_worlds())
def test_the_index_finds_all_that_the_oracle_lets_a_user_at_and_nothing_else(arena: Arena, small: SmallWorld) -> None:
    """AZ-01."""
    arena.settle(small)
    (vector,) = arena.embed([QUESTION])
    for user in EVERYBODY:
        hits = arena.index.search(QUESTION, vector, arena.world.scope(user), 1_000)
        assert arena.texts(hit.chunk for hit in hits) == selected(arena, user) == reachable(small, user)
        assert asked_of_each(arena, user) == reachable(small, user)


@settings(max_examples=80)
@given(small=small_worlds())
def test_whatever_a_leaky_index_gives_the_oracle_has_its_way(arena: Arena, small: SmallWorld) -> None:
    """AZ-01, FT-03: rights come from SQL, whatever stands in the index."""
    settle(small, arena.store)
    hits = arena.hits()
    lies = [
        dataclasses.replace(hit, document=document, version=version)
        for hit in hits
        for document in (*ALL_DOCUMENTS, DocumentId("doc:none"))
        for version in (0, 1, 2, 3)
        if (document, version) != (hit.document, hit.version)
    ]
    strange = [dataclasses.replace(hit, chunk=ChunkId("00000000-0000-4000-8000-000000000000")) for hit in hits]
    for user in EVERYBODY:
        scope = arena.world.scope(user)
        permitted = arena.world.permit(hits, scope)
        assert {snippet.text for snippet in permitted.snippets} == oracle.texts(small, user)
        for snippet in permitted.snippets:
            level, compartments = oracle.label(small, snippet.document)
            assert (snippet.label.level, snippet.label.compartments) == (level, compartments)
        assert len(permitted.hits) == len(permitted.snippets)
        assert len(hits) == len(permitted.snippets) + sum(permitted.dropped.values())
        assert arena.world.permit([*lies, *strange], scope).snippets == ()
        assert arena.world.permit([*lies, *hits, *strange], scope).snippets == permitted.snippets


@settings(max_examples=30)
@given(small=small_worlds())
def test_a_question_ends_alike_on_a_true_a_leaky_and_a_forged_index(arena: Arena, small: SmallWorld) -> None:
    """AZ-01: the filter saves work; it is not what protects."""
    arena.settle(small)
    points, leaky, world = arena.points(), LeakyIndex(arena.hits()), arena.world
    for user in EVERYBODY:
        fill(arena.forged, [forge(point, world.scope(user)) for point in points])
        for within in (None, NodeId(COLLECTIONS[0]), NodeId(FOLDERS[-1])):
            wanted = oracle.texts(small, user, within)
            for index in (arena.index, leaky, arena.forged):
                found = world.find(QUESTION, user, within=within, index=index)
                assert {snippet.text for snippet in found.snippets} == wanted


@settings(max_examples=60)
@given(before=small_worlds(), after=small_worlds())
def test_old_tags_let_nothing_through(arena: Arena, before: SmallWorld, after: SmallWorld) -> None:
    """AZ-01: everything was moved, labelled and granted anew, and the index has heard of nothing."""
    tagged_as(arena, before, after)
    for user in EVERYBODY:
        found = arena.world.find(QUESTION, user)
        assert {snippet.text for snippet in found.snippets} <= oracle.texts(after, user)


@settings(max_examples=150)
@given(small=small_worlds())
def test_what_a_user_may_not_reach_moves_nothing_of_what_he_finds(arena: Arena, small: SmallWorld) -> None:
    """AZ-21: ids, order and scores are those of an index that never held the rest.

    But for the last bits of a score, which the engine adds up in another order. They break no tie.
    """
    arena.settle(small)
    (vector,) = arena.embed([QUESTION])
    user = EVERYBODY[0]
    scope = arena.world.scope(user)
    visible = reachable(small, user)
    fill(arena.alone, [point for point in arena.points() if point.text in visible])
    for limit in (1, 2, 1_000):  # where a leg is cut among equals, too
        among_others = arena.index.search(QUESTION, vector, scope, limit)
        alone = arena.alone.search(QUESTION, vector, scope, limit)
        assert [(hit.chunk, hit.similarity) for hit in among_others] == [(hit.chunk, hit.similarity) for hit in alone]
        assert [hit.score for hit in among_others] == pytest.approx([hit.score for hit in alone], abs=NOISE)


# --- mutants ------------------------------------------------------------------------------------

SMALL_WORLDS = small_worlds()
LOOK = settings(max_examples=400, phases=[Phase.generate], derandomize=True, database=None, deadline=None)


def is_found_out(wrong: Callable[[Any], bool], worlds: st.SearchStrategy[Any] = SMALL_WORLDS) -> bool:
    """Say whether some small world shows a mutant to be wrong."""
    try:
        find(worlds, wrong, settings=LOOK)
    except NoSuchExample:
        return False
    return True


def parts(conditions: object) -> list[models.Condition]:
    assert isinstance(conditions, list)
    return conditions


def without_grants(chosen: models.Filter) -> models.Filter:
    return models.Filter(must=parts(chosen.must)[1:], must_not=chosen.must_not)


def with_one_alternative(number: int) -> Callable[[models.Filter], models.Filter]:
    def change(chosen: models.Filter) -> models.Filter:
        first, *rest = parts(chosen.must)
        alone = parts(first.should)[number] if isinstance(first, models.Filter) else first
        return models.Filter(must=[alone, *rest], must_not=chosen.must_not)

    return change


def without(key: str) -> Callable[[models.Filter], models.Filter]:
    """Leave out what must not be the case with a key; of the level, what must."""

    def change(chosen: models.Filter) -> models.Filter:
        must, must_not = parts(chosen.must), parts(chosen.must_not)
        if key == "level":
            return models.Filter(must=[part for part in must if getattr(part, "key", "") != key], must_not=must_not)
        return models.Filter(must=must, must_not=[part for part in must_not if getattr(part, "key", "") != key])

    return change


def with_a_document_denied() -> st.SearchStrategy[SmallWorld]:
    """Few worlds show that such a deny is missing: put one into each."""
    more = (("role:everyone", "root:all", "read", "allow"), ("role:everyone", DOCUMENTS[0], "read", "deny"))
    return small_worlds().map(lambda small: dataclasses.replace(small, rules=(*small.rules, *more)))


@pytest.mark.parametrize(
    ("mutant", "worlds"),
    [
        pytest.param(without_grants, SMALL_WORLDS, id="no grant needed"),
        pytest.param(with_one_alternative(0), SMALL_WORLDS, id="no own grants"),
        pytest.param(with_one_alternative(1), SMALL_WORLDS, id="own grants alone"),
        pytest.param(without("level"), SMALL_WORLDS, id="no clearance needed"),
        pytest.param(without("scope"), SMALL_WORLDS, id="no denies on places"),
        pytest.param(without("own"), with_a_document_denied(), id="no denies on documents and owners"),
        pytest.param(without("comp"), SMALL_WORLDS, id="no compartments"),
    ],
)
def test_a_broken_filter_is_found_out(
    arena: Arena, mutant: Callable[[models.Filter], models.Filter], worlds: st.SearchStrategy[SmallWorld]
) -> None:
    def wrong(small: SmallWorld) -> bool:
        arena.settle(small)
        return any(selected(arena, user, mutant) != reachable(small, user) for user in EVERYBODY)

    assert is_found_out(wrong, worlds)


def test_a_flow_without_the_last_gate_is_found_out(arena: Arena) -> None:
    """The true filter alone: it knows of no version and no state, and its tags may be old."""
    (vector,) = arena.embed([QUESTION])

    def wrong(small: SmallWorld) -> bool:
        arena.settle(small)
        return any(
            arena.texts(hit.chunk for hit in arena.index.search(QUESTION, vector, arena.world.scope(user), 1_000))
            != oracle.texts(small, user)
            for user in EVERYBODY
        )

    assert is_found_out(wrong)


def test_a_flow_without_the_last_gate_is_found_out_on_old_tags(arena: Arena) -> None:
    (vector,) = arena.embed([QUESTION])

    def wrong(worlds: tuple[SmallWorld, SmallWorld]) -> bool:
        before, after = worlds
        tagged_as(arena, before, after)
        return any(
            not oracle.may_reach(after, user, hit.document)
            for user in EVERYBODY
            for hit in arena.index.search(QUESTION, vector, arena.world.scope(user), 1_000)
            if hit.document in after.documents
        )

    assert is_found_out(wrong, st.tuples(small_worlds(), small_worlds()))


@pytest.mark.parametrize("leg", [DENSE, BM25])
def test_a_search_with_a_leg_that_is_not_filtered_is_found_out(arena: Arena, leg: str) -> None:
    (vector,) = arena.embed([QUESTION])
    broken = tampered(arena.index, without_filter_on(leg))

    def wrong(small: SmallWorld) -> bool:
        arena.settle(small)
        return any(
            not oracle.may_reach(small, user, hit.document)
            for user in EVERYBODY
            for hit in broken.search(QUESTION, vector, arena.world.scope(user), 1_000)
        )

    assert is_found_out(wrong)


def test_a_gate_that_lets_everything_through_is_found_out(arena: Arena) -> None:
    def wrong(small: SmallWorld) -> bool:
        settle(small, arena.store)
        every_text = arena.texts(hit.chunk for hit in arena.hits())
        return any(every_text != oracle.texts(small, user) for user in EVERYBODY)

    assert is_found_out(wrong)
