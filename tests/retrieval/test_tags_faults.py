"""Tags that wait to be written: what goes wrong on the way, and what happens meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, update

from acl.admin.nodes import move_document, move_node, set_label, set_owner
from acl.labels import PUBLIC, Label, Level
from acl.read import whats_of
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION
from retrieval.errors import IndexDown
from retrieval.tags import Drained, drain, own_of, tags_of
from store import schema
from store.engine import snapshot, write
from tests.retrieval.points import point
from tests.retrieval.tagged import (
    ANNA,
    BERT,
    CLEO,
    CLOSED,
    DONE,
    DORA,
    LATER,
    NOW,
    OPEN,
    QUESTION,
    Site,
    are_as_sql_says,
    drained,
    edit,
    labelled,
    lines,
    tags_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from acl.names import DocumentId, Obj
    from retrieval.homes import KeptIndex
    from retrieval.types import Tags


# --- what goes wrong ----------------------------------------------------------------------------


@dataclass
class Spied:
    """An index that does something before a write: fail, or let somebody else act."""

    index: KeptIndex
    before: Callable[[int], None]
    writes: int = 0

    def retag(self, documents: Sequence[DocumentId], tags: Tags, own: Collection[Obj] | None = None) -> None:
        self.writes += 1
        self.before(self.writes)
        self.index.retag(documents, tags, own)


def failing(index: KeptIndex, *writes: int, error: Exception | None = None) -> Spied:
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
