"""Random worlds change at random: nothing forbidden leaves before the index follows, and afterwards all agrees."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import qdrant_edge as edge
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from acl.admin.change import Change, policy_change
from acl.admin.nodes import move_document, move_node, set_inheritance, set_label, set_owner
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, UserId
from audit.ledger import Ledger
from bench.deciders import oracle
from retrieval.edge import EdgeIndex
from retrieval.edge_filter import to_edge
from retrieval.embed import DIMENSION
from retrieval.filter import DOCUMENT, filter_of
from retrieval.tags import drain
from store.engine import snapshot
from store.folder import create, open_store
from tests.acl.small_worlds import (
    COLLECTIONS,
    COMPARTMENTS,
    DOCUMENTS,
    FOLDERS,
    GHOST,
    USERS,
    WORDS,
    settle,
    small_worlds,
)
from tests.retrieval.kinds import shard_of
from tests.retrieval.tagged import are_as_sql_says
from tests.worlds import ADMIN, World, hurry, points_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.deciders.oracle import SmallWorld
    from retrieval.embed import Embed
    from retrieval.homes import KeptIndex

Move: TypeAlias = tuple[str, str, Any]  # what is done, to what, and the new value
Changing: TypeAlias = "tuple[SmallWorld, list[Move], SmallWorld]"  # a world, changes to it, and what it is then
EVERYBODY = [UserId(name) for name in (*USERS, GHOST)]
LATER = datetime(2999, 1, 1, tzinfo=UTC)
PLACES = [*COLLECTIONS, *FOLDERS]
LABELS = st.tuples(st.integers(0, 3), st.frozensets(st.sampled_from(COMPARTMENTS)))

MOVES: st.SearchStrategy[Move] = st.one_of(
    st.tuples(st.just("move node"), st.sampled_from(FOLDERS), st.sampled_from(PLACES)),
    st.tuples(st.just("inherit"), st.sampled_from(PLACES), st.booleans()),
    st.tuples(st.just("label node"), st.sampled_from(PLACES), LABELS),
    st.tuples(st.just("label document"), st.sampled_from(DOCUMENTS), LABELS),
    st.tuples(st.just("move document"), st.sampled_from(DOCUMENTS), st.sampled_from(PLACES)),
    st.tuples(st.just("own"), st.sampled_from(DOCUMENTS), st.sampled_from([None, *USERS])),
)


def makes_sense(small: SmallWorld, move: Move) -> bool:
    what, place, value = move
    if what == "move node":
        return place not in oracle.path(small, value)
    return place in small.nodes or (place in small.documents and small.documents[place].state != "deleted")


def moved(small: SmallWorld, move: Move) -> SmallWorld:
    """Make a change in the oracle's world."""
    what, place, value = move
    change: dict[str, object]
    match what, value:
        case (("label node" | "label document"), (level, compartments)):
            change = {"level": level, "compartments": compartments}
        case "move node", _:
            change = {"parent": value}
        case "inherit", _:
            change = {"inherit": value}
        case "move document", _:
            change = {"node": value}
        case _:
            change = {"owner": value}
    if place in small.nodes:
        node = dataclasses.replace(small.nodes[place], **change)  # type: ignore[arg-type]  # by the name of a field
        return dataclasses.replace(small, nodes=small.nodes | {place: node})
    document = dataclasses.replace(small.documents[place], **change)  # type: ignore[arg-type]  # same
    return dataclasses.replace(small, documents=small.documents | {place: document})


def make(change: Change, move: Move) -> None:
    """Make it with the real parts."""
    match move:
        case "move node", place, value:
            move_node(change, NodeId(place), NodeId(value))
        case "inherit", place, value:
            set_inheritance(change, NodeId(place), inherit=value)
        case "move document", place, value:
            move_document(change, DocumentId(place), NodeId(value))
        case "own", place, value:
            set_owner(change, DocumentId(place), value)
        case _, place, (level, compartments):
            label = Label(Level(level), frozenset(map(Compartment, compartments)))
            set_label(change, NodeId(place), label)


@st.composite
def changing_worlds(draw: st.DrawFn) -> Changing:
    """Draw a world, changes to it, and what it is then."""
    drawn = draw(small_worlds())
    # Most changes would change nothing for anybody, if nobody was cleared and granted much, and all was secret.
    cleared = oracle.User(active=True, clearance=3, compartments=frozenset(COMPARTMENTS))
    plain = oracle.User(active=True, clearance=1, compartments=frozenset())
    grants = [("role:everyone", COLLECTIONS[0], "read", "allow"), ("user:u0", "owner:u0", "*", "allow")]
    small = after = dataclasses.replace(
        drawn,
        users=drawn.users | {USERS[0]: cleared, USERS[1]: plain},
        rules=(*(rule for rule in drawn.rules if rule[1] != "root:all"), *grants),
    )
    moves = []
    for move in draw(st.lists(MOVES, min_size=2, max_size=6)):
        if makes_sense(after, move):
            moves.append(move)
            after = moved(after, move)
    assume(moves)
    return small, moves, after


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[World]:
    """A data folder that one small world after the other is settled in."""
    layout = create(tmp_path_factory.mktemp("changing") / "data", embedder="hash_embed@1")
    store = open_store(layout, "file:master.key", owner=True)
    hurry(store)
    index = EdgeIndex(layout.index, DIMENSION)
    yield World(store, Ledger(store.engine, store.keys.audit), index, hash_embed)
    index.close()
    store.engine.dispose()


def begin(world: World, small: SmallWorld) -> None:
    settle(small, world.store)
    everything = edge.Filter(must=[edge.FieldCondition(DOCUMENT, match=edge.MatchAny([*DOCUMENTS]))])
    shard_of(world.index).update(edge.UpdateOperation.delete_points_by_filter(everything))
    with snapshot(world.store.engine) as connection:
        documents = map(DocumentId, small.documents)
        world.index.put(points_of(connection, world.store.keys, documents, world.embed))


def change(world: World, moves: list[Move]) -> None:
    with policy_change(world.store.engine, world.ledger, ADMIN) as opened:
        for move in moves:
            make(opened, move)


def selected(world: World, user: UserId) -> set[str]:
    """Name the documents whose points the filter of a user's scope selects."""
    chosen = to_edge(filter_of(world.scope(user)))
    records, _ = shard_of(world.index).scroll(edge.ScrollRequest(limit=1_000, filter=chosen))
    return {str((record.payload or {})[DOCUMENT]) for record in records}


def reachable(small: SmallWorld, user: str) -> set[str]:
    """Name the documents that rules and labels let a user at, of whatever state, if they have a chunk."""
    return {name for name, d in small.documents.items() if d.chunks and oracle.may_reach(small, user, name)}


def found(world: World, user: UserId) -> set[str]:
    return {snippet.text for snippet in world.find(" ".join(WORDS), user).snippets}


@settings(max_examples=80)
@given(changing=changing_worlds())
def test_what_is_forbidden_stays_so_before_the_drain_and_all_agrees_after_it(world: World, changing: Changing) -> None:
    """FT-03, IN-11."""
    before, moves, after = changing
    begin(world, before)
    change(world, moves)
    for user in EVERYBODY:
        assert found(world, user) <= oracle.texts(after, user)
    assert drain(world.store.engine, world.index, LATER).failed == {}
    for user in EVERYBODY:
        assert selected(world, user) == reachable(after, user)
        assert found(world, user) == oracle.texts(after, user)
    assert are_as_sql_says(world.index, world.store.engine)


# --- the comparison itself ------------------------------------------------------------------------

LOOK = settings(max_examples=400, phases=[Phase.generate], derandomize=True, database=None, deadline=None)


def is_seen(wanted: Callable[[Changing], bool]) -> bool:
    try:
        find(changing_worlds(), wanted, settings=LOOK)
    except NoSuchExample:
        return False
    return True


@pytest.mark.parametrize("way", ["tightened", "loosened"])
def test_there_are_changes_that_the_index_has_yet_to_hear_of(world: World, way: str) -> None:
    """Changes that moved nobody's rights would prove nothing."""

    def matters(changing: Changing) -> bool:
        before, moves, after = changing
        begin(world, before)
        change(world, moves)
        if way == "tightened":
            return any(selected(world, user) - reachable(after, user) for user in EVERYBODY)
        return any(oracle.texts(after, user) - found(world, user) for user in EVERYBODY)

    assert is_seen(matters)


@dataclasses.dataclass(frozen=True)
class Blunt:
    """Writes tags in a way that is wrong."""

    index: KeptIndex
    wrong: str

    def retag(self, documents: tuple[DocumentId, ...], tags: object, own: object = None) -> None:
        given = self.index.retag
        match self.wrong:
            case "of the first document alone":
                given(documents[:1], tags, own)  # type: ignore[arg-type]  # passed on
            case "without what is its own":
                given(documents, tags)  # type: ignore[arg-type]  # same
            case "of no document":
                pass


@pytest.mark.parametrize("wrong", ["of the first document alone", "without what is its own", "of no document"])
def test_tags_that_are_written_wrongly_are_found_out(world: World, wrong: str) -> None:
    def differs(changing: Changing) -> bool:
        before, moves, _ = changing
        begin(world, before)
        change(world, moves)
        drain(world.store.engine, Blunt(world.index, wrong), LATER)  # type: ignore[arg-type]  # it takes anything
        return not are_as_sql_says(world.index, world.store.engine)

    assert is_seen(differs)
