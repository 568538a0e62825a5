"""A right that was withdrawn is honoured by nobody, in whatever process; and changes at once are made in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from acl.names import NodeId
from audit.ledger import records, verify
from store.engine import snapshot, write
from store.schema import casbin_rule, node
from tests.acl.revocation import (
    ADMINISTRATORS,
    ANNA,
    CHANGES,
    FOLDER,
    ROUNDS,
    SECOND,
    blind,
    change_at_once,
    early,
    gone,
    is_within,
    late,
    run,
)
from tests.postgres import REFERENCE
from tests.processes import Place

if TYPE_CHECKING:
    from tests.worlds import World


@pytest.fixture
def place(world: World, database: str) -> Place:
    """A folder with one document, which Anna may not read."""
    world.user(ANNA.removeprefix("user:"))
    assert world.collection(FOLDER.removeprefix("coll:")) == FOLDER
    world.document(NodeId(FOLDER), "the first")
    return Place(str(world.store.layout.root), None if database == "sqlite" else REFERENCE)


def test_a_cache_of_one_second_is_found_out(place: Place) -> None:
    """AZ-08: the harness is worth something only if it finds what it looks for."""
    made = run(place, keep=SECOND)
    assert late(made)
    assert early(made)


def test_no_check_that_began_after_a_revocation_honours_the_right(place: Place) -> None:
    """AZ-08: from four processes; nor does one that began before, if its last gate came after."""
    made = run(place)
    assert late(made) == []
    assert early(made) == []
    assert blind(made) == []  # and a right that was granted holds as soon
    assert len(made.rounds) == ROUNDS
    seen = sum(1 for check in made.checks if check.seen)
    whole = sum(1 for check in made.checks if is_within(check.begun, check.ended, gone(made)))
    assert seen > 2 * ROUNDS
    assert whole > 2 * ROUNDS  # that ran between a revocation and the next grant, and so could have been late


def test_two_administrators_at_once_take_turns_from_two_processes(place: Place, world: World) -> None:
    """AL-06: no change is lost, none counted twice, and the trail has one record of each, in one chain."""
    before = verify(world.store.engine).records
    with write(world.store.engine) as connection:
        rules = connection.execute(select(casbin_rule)).all()
        connection.execute(update(node).values(name="0"))
    epochs = change_at_once(place)
    total = ADMINISTRATORS * CHANGES
    assert sorted(epochs) == list(range(min(epochs), min(epochs) + total))
    with snapshot(world.store.engine) as connection:
        recorded = [record.body["epoch"] for record in records(connection)][before:]
        assert connection.scalars(select(node.c.name).where(node.c.id == FOLDER)).one() == str(total)
        assert connection.execute(select(casbin_rule)).all() == rules  # turned on and off as often
    assert recorded == sorted(epochs)
    assert verify(world.store.engine).records == before + total
