"""Places move, labels and owners change: what holds before the index hears of it, and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from acl.admin.nodes import move_document, move_node, set_inheritance, set_label, set_owner
from acl.labels import PUBLIC, Label, Level
from acl.names import DocumentId, NodeId, UserId
from retrieval.tags import Drained
from store import schema
from store.engine import write
from tests.retrieval.kinds import written_to
from tests.retrieval.points import point
from tests.retrieval.tagged import (
    ANNA,
    BERT,
    CLEO,
    CLOSED,
    DONE,
    DORA,
    EMIL,
    EVERYBODY,
    GDPR,
    OPEN,
    Site,
    are_as_sql_says,
    drained,
    edit,
    labelled,
    lines,
    tags_in,
)
from tests.worlds import World, put_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from acl.admin.change import Change
    from retrieval.edge import EdgeIndex
    from store.folder import Store


# --- every kind of change, there and back -----------------------------------------------------------


@dataclass(frozen=True)
class Case:
    there: Callable[[Site, Change], None]
    back: Callable[[Site, Change], None]
    lose: set[UserId] = field(default_factory=set)
    gain: set[UserId] = field(default_factory=set)


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


def test_a_point_without_a_line_is_left_alone(site: Site) -> None:
    """The tags are stale, and stay so: a drain does what the lines say."""
    edit(site.world, lambda c: move_node(c, site.outer, CLOSED))
    with write(site.world.store.engine) as connection:
        connection.execute(delete(schema.outbox))
    written = written_to(site.world.index)
    assert drained(site.world) == Drained(0, {})
    assert written == []
    assert {user for user in EVERYBODY if site.found(user)} == {DORA, EMIL}
