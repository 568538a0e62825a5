"""Behind HTTP, search and last gate agree with the oracle as well: fewer worlds than in test_agreement.py.

The filter is made in one place and goes to a server as it is. What differs is the way there and back.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from acl.labels import PUBLIC
from acl.names import ROOT, DocumentId, NodeId, UserId
from acl.read import whats_of
from audit.ledger import Ledger
from bench.deciders import oracle
from retrieval.embed import DIMENSION
from retrieval.filter import filter_of, of_key
from retrieval.fuse import NOISE
from retrieval.homes import QdrantHome
from retrieval.qdrant_server import Server
from retrieval.tags import group_of
from retrieval.types import Tags
from store.engine import snapshot
from store.folder import create, open_store
from tests.acl.small_worlds import COLLECTIONS, DOCUMENTS, FOLDERS, GHOST, USERS, WORDS, settle, small_worlds
from tests.retrieval.conftest import MADE, served
from tests.retrieval.kinds import selected
from tests.worlds import World, hurry, points_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from acl.scope import Scope
    from bench.deciders.oracle import SmallWorld
    from retrieval.embed import Embed
    from retrieval.homes import KeptIndex
    from retrieval.types import Point

EVERYBODY = [UserId(name) for name in (*USERS, GHOST)]
ALL_DOCUMENTS = [DocumentId(name) for name in DOCUMENTS]
QUESTION = " ".join(WORDS)


@dataclasses.dataclass(frozen=True)
class Arena:
    """A data folder that one small world after the other is settled in, with two indexes on a server."""

    world: World
    index: KeptIndex  # tagged as SQL says, or was said once
    other: KeptIndex

    def points(self) -> list[Point]:
        with snapshot(self.world.store.engine) as connection:
            return points_of(connection, self.world.store.keys, ALL_DOCUMENTS, self.world.embed)

    def settle(self, small: SmallWorld) -> None:
        settle(small, self.world.store)
        fill(self.index, self.points())

    def texts(self, chunks: Iterable[str]) -> set[str]:
        held = {str(point.chunk): point.text for point in self.points()}
        return {held[chunk] for chunk in chunks}


def fill(index: KeptIndex, points: list[Point]) -> None:
    """Make an index hold these points and no others."""
    for document in ALL_DOCUMENTS:
        index.keep_only(document, -1)
    index.put(points)


def forge(point: Point, scope: Scope) -> Point:
    """Give a point with the tags that let a scope's reader at it."""
    granted = scope.allow - scope.deny
    tags = Tags(of_key("scope", granted) | {ROOT}, tuple(map(NodeId, (*COLLECTIONS, *FOLDERS))), PUBLIC)
    return dataclasses.replace(point, tags=tags, own=of_key("own", granted))


def reachable(small: SmallWorld, user: str) -> set[str]:
    """Give the texts that rules and labels let a user at: the index knows nothing of versions and states."""
    reached = (document for name, document in small.documents.items() if oracle.may_reach(small, user, name))
    return {text for document in reached for _, text in document.chunks}


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("arena")
    store = open_store(create(folder / "data", embedder="hash_embed@1"), "file:master.key", owner=True)
    hurry(store)
    made = dataclasses.replace(MADE, dimension=DIMENSION)
    with served(folder) as server:
        indexes: list[Any] = [QdrantHome(Server(server.url, name), made).open() for name in ("index", "other")]
        world = World(store, Ledger(store.engine, store.keys.audit), indexes[0], hash_embed)
        yield Arena(world, *indexes)
        for index in indexes:
            index.close()
    store.engine.dispose()


@settings(max_examples=15, derandomize=True)
@given(small=small_worlds())
def test_the_server_finds_all_that_the_oracle_lets_a_user_at_and_nothing_else(arena: Arena, small: SmallWorld) -> None:
    """AZ-01."""
    arena.settle(small)
    (vector,) = arena.world.embed([QUESTION])
    for user in EVERYBODY:
        scope = arena.world.scope(user)
        hits = arena.index.search(QUESTION, vector, scope, 1_000)
        chosen = selected(arena.index, filter_of(scope))
        assert arena.texts(hit.chunk for hit in hits) == arena.texts(chosen) == reachable(small, user)


@settings(max_examples=10, derandomize=True)
@given(small=small_worlds())
def test_whatever_tags_a_server_holds_nothing_forbidden_comes_through(arena: Arena, small: SmallWorld) -> None:
    """AZ-01: somebody wrote to it what suits one user best."""
    arena.settle(small)
    points = arena.points()
    for user in EVERYBODY:
        scope = arena.world.scope(user)
        fill(arena.other, [forge(point, scope) for point in points])
        for within in (None, NodeId(COLLECTIONS[0]), NodeId(FOLDERS[-1])):
            wanted = oracle.texts(small, user, within)
            for index in (arena.index, arena.other):
                found = arena.world.find(QUESTION, user, within=within, index=index)
                assert {snippet.text for snippet in found.snippets} == wanted


@settings(max_examples=15, derandomize=True)
@given(before=small_worlds(), after=small_worlds())
def test_old_tags_on_a_server_let_nothing_through_and_all_agrees_once_they_are_written(
    arena: Arena, before: SmallWorld, after: SmallWorld
) -> None:
    arena.settle(before)
    held = {str(point.chunk) for point in arena.points()}
    settle(after, arena.world.store)
    for user in EVERYBODY:
        found = arena.world.find(QUESTION, user)
        assert {snippet.text for snippet in found.snippets} <= oracle.texts(after, user)
    with snapshot(arena.world.store.engine) as connection:
        groups = [group_of(id_, what) for id_, what in whats_of(connection, ALL_DOCUMENTS).items()]
    for group in groups:
        arena.index.retag(group.documents, group.tags, group.own)
    points = {str(point.chunk): point for point in arena.points() if str(point.chunk) in held}
    for user in EVERYBODY:
        reached = {id_ for id_, point in points.items() if oracle.may_reach(after, user, point.document)}
        assert selected(arena.index, filter_of(arena.world.scope(user))) & points.keys() == reached


@settings(max_examples=15, derandomize=True)
@given(small=small_worlds())
def test_what_a_user_may_not_reach_moves_nothing_of_what_he_finds_on_a_server(arena: Arena, small: SmallWorld) -> None:
    """AZ-21: ids, order and scores are those of a server that never held the rest."""
    arena.settle(small)
    (vector,) = arena.world.embed([QUESTION])
    scope, visible = arena.world.scope(EVERYBODY[0]), reachable(small, EVERYBODY[0])
    fill(arena.other, [point for point in arena.points() if point.text in visible])
    for limit in (1, 2, 1_000):  # where a leg is cut among equals, too
        among_others = arena.index.search(QUESTION, vector, scope, limit)
        alone = arena.other.search(QUESTION, vector, scope, limit)
        assert [(hit.chunk, hit.similarity) for hit in among_others] == [(hit.chunk, hit.similarity) for hit in alone]
        assert [hit.score for hit in among_others] == pytest.approx([hit.score for hit in alone], abs=NOISE)
