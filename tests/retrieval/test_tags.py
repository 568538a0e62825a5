"""Places move, labels and owners change: what holds before the index hears of it, and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import qdrant_edge as edge
from sqlalchemy import delete, insert, select, update

from acl.admin.change import Change, policy_change
from acl.admin.nodes import move_document, move_node, set_inheritance, set_label, set_owner
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from acl.read import whats_of
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION
from retrieval.errors import IndexDown
from retrieval.tags import Drained, drain, own_of, tags_of
from store import schema
from store.engine import snapshot, write
from tests.retrieval.kinds import written_to
from tests.retrieval.points import point
from tests.worlds import ADMIN, World, put_document

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Engine

    from retrieval.types import Tags
    from store.folder import Store

Edit: TypeAlias = Callable[[Change], None]
NOW = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
LATER = datetime(2999, 1, 1, tzinfo=UTC)  # every line is due by then
DONE = Drained(1, {})
GDPR = Compartment("gdpr")


def edit(world: World, *edits: Edit) -> None:
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        for make in edits:
            make(change)


def drained(world: World, index: Any = None) -> Drained:
    return drain(world.store.engine, index or world.index, LATER)


def lines(engine: Engine) -> list[tuple[str, int, datetime]]:
    with snapshot(engine) as connection:
        c = schema.outbox.c
        return [(t, n, at) for t, n, at in connection.execute(select(c.target, c.attempts, c.next_at).order_by(c.id))]


def tags_in(index: EdgeIndex) -> dict[str, list[dict[str, Any]]]:
    """Give the payloads in an index, by document."""
    records, _ = index._shard.scroll(edge.ScrollRequest(limit=100_000))
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        payload: Any = record.payload
        found.setdefault(payload["doc"], []).append(payload)
    return found


def are_as_sql_says(index: EdgeIndex, engine: Engine) -> bool:
    """Say whether every point has the tags that a fresh one would get."""
    found = tags_in(index)
    with snapshot(engine) as connection:
        whats = whats_of(connection, map(DocumentId, found))
    for id_, what in whats.items():
        tags = tags_of(what)
        wanted = {
            "scope": sorted(tags.scopes), "own": ["base", *sorted(own_of(what))], "level": int(tags.label.level),
            "comp": ["base", *sorted(tags.label.compartments)], "path": list(tags.path),
        }  # fmt: skip
        if any(payload | wanted != payload for payload in found[id_]):
            return False
    return whats.keys() == found.keys()


# --- every kind of change, there and back -----------------------------------------------------------

OPEN, CLOSED = NodeId("coll:open"), NodeId("coll:closed")
ANNA, BERT, CLEO, DORA, EMIL = (UserId(f"user:{name}") for name in ("anna", "bert", "cleo", "dora", "emil"))
EVERYBODY = (ANNA, BERT, CLEO, DORA, EMIL)
QUESTION = "boiler"


@dataclass(frozen=True)
class Site:
    """A paper in open/outer/inner. Anna reads open, Bert closed, Emil outer, Cleo what is hers, Dora everything."""

    world: World
    outer: NodeId
    inner: NodeId
    side: NodeId
    paper: DocumentId
    neighbour: DocumentId

    def found(self, user: UserId) -> bool:
        return self.paper in {snippet.document for snippet in self.world.find(QUESTION, user).snippets}

    def hit(self, user: UserId) -> bool:
        """Say whether the index gives the paper, whatever becomes of it."""
        (vector,) = self.world.embed([QUESTION])
        hits = self.world.index.search(QUESTION, vector, self.world.scope(user), 100)
        return self.paper in {hit.document for hit in hits}

    def readers(self) -> set[UserId]:
        found = {user for user in EVERYBODY if self.found(user)}
        assert (
            found
            == {user for user in EVERYBODY if self.world.verdict(user, self.paper)}
            == set(filter(self.hit, EVERYBODY))
        )
        return found


@pytest.fixture
def site(world: World) -> Site:
    for user in EVERYBODY:
        cleared = user == DORA
        world.user(
            user.removeprefix("user:"),
            clearance=Level.RESTRICTED if cleared else Level.INTERNAL,
            compartments=["gdpr"] if cleared else [],
        )
    world.collection("open")
    world.collection("closed")
    outer = world.folder(OPEN, "outer")
    inner = world.folder(outer, "inner")
    side = world.folder(OPEN, "side")
    for user, obj in ((ANNA, OPEN), (BERT, CLOSED), (CLEO, "owner:cleo"), (DORA, "root:all"), (EMIL, outer)):
        world.allow(user, obj)
    paper = world.document(inner, "the boiler", "the boiler again")
    return Site(world, outer, inner, side, paper, world.document(side, "another boiler"))


@dataclass(frozen=True)
class Case:
    there: Callable[[Site, Change], None]
    back: Callable[[Site, Change], None]
    lose: set[UserId] = field(default_factory=set)
    gain: set[UserId] = field(default_factory=set)


def labelled(level: Level, *compartments: Compartment) -> Label:
    return Label(level, frozenset(compartments))


CASES = {
    "a folder is moved to another collection": Case(
        lambda s, c: move_node(c, s.inner, CLOSED), lambda s, c: move_node(c, s.inner, s.outer), {ANNA, EMIL}, {BERT}
    ),
    "the folder above it is moved to another collection": Case(
        lambda s, c: move_node(c, s.outer, CLOSED), lambda s, c: move_node(c, s.outer, OPEN), {ANNA}, {BERT}
    ),
    "a folder is moved up": Case(
        lambda s, c: move_node(c, s.inner, OPEN), lambda s, c: move_node(c, s.inner, s.outer), {EMIL}
    ),
    "the document is moved to another collection": Case(
        lambda s, c: move_document(c, s.paper, CLOSED),
        lambda s, c: move_document(c, s.paper, s.inner),
        {ANNA, EMIL},
        {BERT},
    ),
    "the document is moved to a folder beside": Case(
        lambda s, c: move_document(c, s.paper, s.side), lambda s, c: move_document(c, s.paper, s.outer), {EMIL}
    ),
    "inheritance is cut in its folder": Case(
        lambda s, c: set_inheritance(c, s.inner, inherit=False),
        lambda s, c: set_inheritance(c, s.inner, inherit=True),
        {ANNA, EMIL},
    ),
    "inheritance is cut above": Case(
        lambda s, c: set_inheritance(c, s.outer, inherit=False),
        lambda s, c: set_inheritance(c, s.outer, inherit=True),
        {ANNA},
    ),
    "the level of the collection is raised": Case(
        lambda _, c: set_label(c, OPEN, labelled(Level.CONFIDENTIAL)),
        lambda _, c: set_label(c, OPEN, PUBLIC),
        {ANNA, EMIL},
    ),
    "the level of its folder is raised": Case(
        lambda s, c: set_label(c, s.inner, labelled(Level.RESTRICTED)),
        lambda s, c: set_label(c, s.inner, labelled(Level.INTERNAL)),
        {ANNA, EMIL},
    ),
    "a folder above it comes into a compartment": Case(
        lambda s, c: set_label(c, s.outer, labelled(Level.PUBLIC, GDPR)),
        lambda s, c: set_label(c, s.outer, PUBLIC),
        {ANNA, EMIL},
    ),
    "its own level is raised": Case(
        lambda s, c: set_label(c, s.paper, labelled(Level.RESTRICTED)),
        lambda s, c: set_label(c, s.paper, PUBLIC),
        {ANNA, EMIL},
    ),
    "it comes into a compartment itself": Case(
        lambda s, c: set_label(c, s.paper, labelled(Level.PUBLIC, GDPR)),
        lambda s, c: set_label(c, s.paper, PUBLIC),
        {ANNA, EMIL},
    ),
    "it gets an owner": Case(
        lambda s, c: set_owner(c, s.paper, CLEO), lambda s, c: set_owner(c, s.paper, None), gain={CLEO}
    ),
    "it changes hands": Case(
        lambda s, c: set_owner(c, s.paper, CLEO), lambda s, c: set_owner(c, s.paper, BERT), gain={CLEO}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_tightens_holds_at_once_and_what_loosens_when_the_index_has_it(site: Site, case: Case) -> None:
    """FT-03, IN-11."""
    before = site.readers()
    assert before == {ANNA, DORA, EMIL}
    after = before - case.lose | case.gain
    for change, was, becomes in ((case.there, before, after), (case.back, after, before)):
        edit(site.world, lambda c, change=change: change(site, c))  # type: ignore[misc]  # bound at once
        for user in was - becomes:
            assert site.hit(user)  # the index is behind, and still gives it to him
            assert not site.found(user)
        for user in becomes - was:
            assert site.world.verdict(user, site.paper)
            assert not site.found(user)
        assert all(site.found(user) for user in was & becomes)
        assert drained(site.world) == DONE
        assert site.readers() == becomes
        assert are_as_sql_says(site.world.index, site.world.store.engine)
        assert lines(site.world.store.engine) == []


def test_a_change_beside_it_touches_nothing_of_a_document(site: Site) -> None:
    before = tags_in(site.world.index)[site.neighbour]
    edit(site.world, lambda c: move_node(c, site.outer, CLOSED), lambda c: set_label(c, site.inner, Label()))
    assert drained(site.world) == Drained(2, {})
    assert tags_in(site.world.index)[site.neighbour] == before


def test_a_rule_on_a_label_follows_the_label(site: Site) -> None:
    site.world.deny(DORA, "label:gdpr")
    assert site.found(DORA)
    edit(site.world, lambda c: set_label(c, site.outer, labelled(Level.PUBLIC, GDPR)))
    assert not site.found(DORA)
    drained(site.world)
    assert site.readers() == set()
    site.world.withdraw(DORA, "label:gdpr")
    assert site.readers() == {DORA}


# --- how many writes ----------------------------------------------------------------------------


def test_a_label_reaches_all_chunks_of_a_long_document_in_one_write(world: World) -> None:
    """IN-11: all of them, or none."""
    paper = world.document(world.collection("a"), *(f"part {number}" for number in range(300)))
    edit(world, lambda c: set_label(c, paper, labelled(Level.CONFIDENTIAL, GDPR)))
    written = written_to(world.index)
    assert drained(world) == DONE
    assert len(written) == 1
    assert [(tags["level"], tags["comp"]) for tags in tags_in(world.index)[paper]] == [(2, ["base", "gdpr"])] * 300


@pytest.fixture
def large(store: Store, world: World, index: EdgeIndex) -> NodeId:
    """A folder with 10,000 chunks of 200 documents, half of them in a folder in it."""
    upper = world.folder(world.collection("a"), "upper")
    lower = world.folder(upper, "lower")
    world.collection("b")
    with write(store.engine) as connection:
        for number in range(200):
            put_document(connection, store.keys, lower if number % 2 else upper, [], document=f"doc:{number}")
    index.put([point(number, document=f"doc:{number % 200}") for number in range(10_000)])
    return upper


def test_a_large_folder_takes_as_many_writes_as_it_has_groups(world: World, index: EdgeIndex, large: NodeId) -> None:
    edit(world, lambda c: move_node(c, large, NodeId("coll:b")))
    written = written_to(index)
    assert drained(world, index) == DONE
    assert len(written) == 2  # it and the folder in it: no document has a label of its own
    assert are_as_sql_says(index, world.store.engine)
    edit(
        world,
        lambda c: set_label(c, DocumentId("doc:0"), labelled(Level.INTERNAL)),
        lambda c: set_label(c, DocumentId("doc:2"), labelled(Level.INTERNAL)),
        lambda c: set_label(c, DocumentId("doc:3"), labelled(Level.INTERNAL, GDPR)),
        lambda c: set_owner(c, DocumentId("doc:5"), None),
    )
    drained(world, index)
    written.clear()
    edit(world, lambda c: set_label(c, large, labelled(Level.CONFIDENTIAL)))
    assert drained(world, index) == DONE
    assert len(written) == 4  # two folders, and in each a label that some have of their own
    assert are_as_sql_says(index, world.store.engine)


def test_a_place_that_changed_twice_is_written_once(site: Site) -> None:
    written = written_to(site.world.index)
    edit(site.world, lambda c: set_label(c, site.inner, Label()), lambda c: move_node(c, site.inner, CLOSED))
    edit(site.world, lambda c: set_label(c, site.inner, PUBLIC))
    assert len(lines(site.world.store.engine)) == 3
    assert drained(site.world) == DONE
    assert len(written) == 1
    assert site.readers() == {BERT, DORA}
    assert drained(site.world) == Drained(0, {})
    assert len(written) == 1


# --- what goes wrong ----------------------------------------------------------------------------


@dataclass
class Spied:
    """An index that does something before a write: fail, or let somebody else act."""

    index: EdgeIndex
    before: Callable[[int], None]
    writes: int = 0

    def retag(self, documents: Sequence[DocumentId], tags: Tags, own: Collection[Obj] | None = None) -> None:
        self.writes += 1
        self.before(self.writes)
        self.index.retag(documents, tags, own)


def failing(index: EdgeIndex, *writes: int, error: Exception | None = None) -> Spied:
    def fail(number: int) -> None:
        if number in writes:
            raise error or IndexDown("no room")

    return Spied(index, fail)


def test_a_place_that_fails_waits_and_the_others_are_written(site: Site) -> None:
    engine = site.world.store.engine
    edit(site.world, lambda c: set_label(c, site.inner, Label()), lambda c: set_label(c, site.side, Label()))
    assert drain(engine, failing(site.world.index, 1), LATER) == Drained(1, {"IndexDown": 1})
    assert lines(engine) == [(site.inner, 1, LATER + timedelta(seconds=2))]
    assert [tags["level"] for tags in tags_in(site.world.index)[site.neighbour]] == [3]
    assert not are_as_sql_says(site.world.index, engine)
    assert drain(engine, site.world.index, LATER + timedelta(seconds=1)) == Drained(0, {})
    assert drain(engine, site.world.index, LATER + timedelta(seconds=2)) == DONE
    assert are_as_sql_says(site.world.index, engine)


@pytest.mark.parametrize("error", [KeyError("a secret"), RuntimeError("a secret"), MemoryError()])
def test_no_error_keeps_the_rest_from_being_written(site: Site, error: Exception) -> None:
    edit(site.world, lambda c: set_label(c, site.inner, Label()), lambda c: set_label(c, site.side, Label()))
    index = failing(site.world.index, 1, error=error)
    assert drained(site.world, index) == Drained(1, {type(error).__name__: 1})
    assert [target for target, _, _ in lines(site.world.store.engine)] == [site.inner]


def test_each_attempt_waits_longer_than_the_one_before_and_none_for_ever(site: Site) -> None:
    engine, now = site.world.store.engine, LATER
    edit(site.world, lambda c: set_label(c, site.inner, Label()))
    broken = Spied(site.world.index, lambda _: (_ for _ in ()).throw(IndexDown("no room")))
    waits = []
    for _ in range(40):
        assert drain(engine, broken, now) == Drained(0, {"IndexDown": 1})
        ((_, _, due),) = lines(engine)
        waits.append(due - now)
        now = due
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (2, 4, 8, 16)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=10)
    assert drain(engine, broken, now - timedelta(seconds=1)) == Drained(0, {})
    assert drain(engine, site.world.index, now - timedelta(seconds=1), waiting_too=True) == DONE
    assert site.readers() == {DORA}


def test_a_place_that_fails_half_way_is_written_again_from_its_beginning(site: Site) -> None:
    """FT-03."""
    world = site.world
    other = world.document(site.outer, "a boiler too")
    edit(world, lambda c: set_label(c, site.outer, labelled(Level.CONFIDENTIAL)))
    assert drained(world, failing(world.index, 2)) == Drained(0, {"IndexDown": 1})
    levels = {id_: tags_in(world.index)[id_][0]["level"] for id_ in (site.paper, other)}
    assert sorted(levels.values()) == [0, 2]
    for document in (site.paper, other):
        assert document not in {snippet.document for snippet in world.find(QUESTION, ANNA).snippets}
    assert drain(world.store.engine, world.index, NOW, waiting_too=True) == DONE
    assert are_as_sql_says(world.index, world.store.engine)


def test_a_process_that_dies_between_database_and_index_leaves_the_line(site: Site) -> None:
    """FT-01, FT-03: the next one repairs."""
    world = site.world
    edit(world, lambda c: move_node(c, site.outer, CLOSED))
    world.index.close()
    again = EdgeIndex(world.store.layout.index, DIMENSION)
    assert not are_as_sql_says(again, world.store.engine)
    assert drained(world, again) == DONE
    again.close()
    once_more = EdgeIndex(world.store.layout.index, DIMENSION)
    assert are_as_sql_says(once_more, world.store.engine)
    once_more.close()


# --- what happens meanwhile ---------------------------------------------------------------------


def test_what_changes_while_tags_are_written_has_a_line_of_its_own(site: Site) -> None:
    world = site.world

    def change_again(_: int) -> None:
        edit(world, lambda c: set_label(c, site.inner, PUBLIC))

    edit(world, lambda c: set_label(c, site.inner, Label()))
    assert drained(world, Spied(world.index, change_again)) == DONE
    assert not are_as_sql_says(world.index, world.store.engine)
    assert drained(world) != Drained(0, {})
    assert are_as_sql_says(world.index, world.store.engine)
    assert drained(world) == Drained(0, {})


@pytest.mark.parametrize("target", ["folder", "document"])
def test_of_two_who_drain_at_once_the_slower_has_not_the_last_word(site: Site, target: str) -> None:
    """He writes what he read before the other had even begun, and the line of the newer change is gone by then."""
    world = site.world

    def overtake(number: int) -> None:
        if number == 1:
            edit(
                world,
                lambda c: move_document(c, site.paper, CLOSED),
                lambda c: set_owner(c, site.paper, CLEO),
            )
            drained(world)
            assert are_as_sql_says(world.index, world.store.engine)

    place = site.inner if target == "folder" else site.paper
    edit(world, lambda c: set_label(c, place, labelled(Level.INTERNAL)))
    assert drained(world, Spied(world.index, overtake)) == DONE
    assert not are_as_sql_says(world.index, world.store.engine)
    assert [target for target, _, _ in lines(world.store.engine)] == [site.paper]
    assert drained(world) == DONE
    assert are_as_sql_says(world.index, world.store.engine)
    assert site.readers() == {BERT, CLEO, DORA}


def test_a_change_of_rules_meanwhile_makes_no_tag_stale(site: Site) -> None:
    edit(site.world, lambda c: set_label(c, site.inner, Label()))
    spied = Spied(site.world.index, lambda _: site.world.allow(BERT, OPEN))
    assert drained(site.world, spied) == DONE
    assert lines(site.world.store.engine) == []


def test_what_is_drained_twice_is_as_if_it_was_drained_once(site: Site) -> None:
    edit(site.world, lambda c: move_node(c, site.outer, CLOSED))
    with snapshot(site.world.store.engine) as connection:
        rows = [row._asdict() for row in connection.execute(select(schema.outbox))]
    drained(site.world)
    once = tags_in(site.world.index)
    with write(site.world.store.engine) as connection:
        connection.execute(insert(schema.outbox), rows)
    assert drained(site.world) == DONE
    assert tags_in(site.world.index) == once


# --- documents that come, change and go ---------------------------------------------------------


def test_points_of_a_version_that_does_not_answer_yet_are_retagged_too(site: Site) -> None:
    world = site.world
    with snapshot(world.store.engine) as connection:
        what = whats_of(connection, [site.paper])[site.paper]
    (vector,) = world.embed(["a new boiler"])
    draft = point(7, "a new boiler", document=site.paper, version=2, vector=vector)
    world.index.put([replace(draft, tags=tags_of(what), own=own_of(what))])
    edit(world, lambda c: move_node(c, site.inner, CLOSED))
    assert drained(world) == DONE
    assert are_as_sql_says(world.index, world.store.engine)
    world.index.keep_only(site.paper, 2)
    assert [tags["ver"] for tags in tags_in(world.index)[site.paper]] == [2]
    assert are_as_sql_says(world.index, world.store.engine)


def test_a_document_that_is_gone_from_the_index_does_not_come_back(site: Site) -> None:
    world = site.world
    world.set_state(site.paper, "deleted")
    world.index.keep_only(site.paper, -1)
    edit(world, lambda c: move_node(c, site.outer, CLOSED))
    assert drained(world) == DONE
    assert tags_in(world.index).keys() == {site.neighbour}


def test_a_line_of_a_place_that_is_not_there_is_done(site: Site) -> None:
    edit(site.world, lambda c: set_owner(c, site.paper, CLEO))
    with write(site.world.store.engine) as connection:
        for target in ("doc:none", "folder:none", "coll:none"):
            connection.execute(update(schema.outbox).values(target=target))
            row = {"target": site.side, "epoch": 1, "attempts": 0, "next_at": NOW}
            connection.execute(insert(schema.outbox).values(row))
    before = tags_in(site.world.index)
    assert drained(site.world).failed == {}
    assert lines(site.world.store.engine) == []
    assert tags_in(site.world.index) == before


def test_folders_in_a_circle_are_put_off_like_any_failure(site: Site) -> None:
    with write(site.world.store.engine) as connection:
        connection.execute(update(schema.node).where(schema.node.c.id == site.outer).values(parent_id=site.inner))
    edit(site.world, lambda c: set_label(c, site.outer, Label()), lambda c: set_label(c, site.side, Label()))
    assert drained(site.world) == Drained(1, {"PolicyTooLarge": 1})


def test_a_point_without_a_line_is_left_alone(site: Site) -> None:
    """The tags are stale, and stay so: a drain does what the lines say."""
    edit(site.world, lambda c: move_node(c, site.outer, CLOSED))
    with write(site.world.store.engine) as connection:
        connection.execute(delete(schema.outbox))
    written = written_to(site.world.index)
    assert drained(site.world) == Drained(0, {})
    assert written == []
    assert {user for user in EVERYBODY if site.found(user)} == {DORA, EMIL}
