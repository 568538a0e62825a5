"""Another matrix holds once a second administrator has agreed to it, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acl.admin.gate import CONSOLE
from acl.admin.second import approve, to_json
from acl.errors import NoSuchApproval, NotAllowed
from api.kinds import kinds_of
from egress.contract.change import ask_for_matrix, differences
from egress.contract.forms import to_json as as_json
from egress.contract.forms import validated
from egress.contract.matrix import Class, Matrix, default_matrix, matrix_now
from egress.contract.provider import Term
from egress.errors import RecordMoved
from store.engine import snapshot

if TYPE_CHECKING:
    from acl.admin.approvals import Kind
    from acl.names import UserId
    from tests.worlds import World


@pytest.fixture
def kinds(world: World) -> tuple[Kind, ...]:
    return kinds_of(world.store.engine, world.store.keys)


@pytest.fixture
def people(world: World) -> tuple[UserId, UserId]:
    """Two administrators."""
    world.allow("group:admins", "root:all", "manage")
    return world.user("ada", groups=["admins"]), world.user("bob", groups=["admins"])


def looser() -> Matrix:
    """Let what is internal go without a training opt-out."""
    record = as_json(default_matrix())
    classes = record["classes"]
    assert isinstance(classes, dict)
    return validated(Matrix, {**record, "classes": {**classes, "internal": {**classes["internal"], "needs": []}}}, "x")


def in_force(world: World) -> tuple[Matrix, int]:
    with snapshot(world.store.engine) as connection:
        return matrix_now(connection)


def test_it_holds_once_a_second_administrator_has_agreed(
    world: World, people: tuple[UserId, UserId], kinds: tuple[Kind, ...]
) -> None:
    ada, bob = people
    asked = ask_for_matrix(world.store.engine, world.ledger, ada, looser(), "The contract says it elsewhere.")
    assert in_force(world) == (default_matrix(), 0)
    with pytest.raises(NoSuchApproval):
        approve(world.store.engine, world.ledger, ada, asked.id, kinds)
    assert in_force(world) == (default_matrix(), 0)
    assert approve(world.store.engine, world.ledger, bob, asked.id, kinds).came == {"version": 1}
    matrix, version = in_force(world)
    assert version == 1
    assert Term.TRAINING_OPT_OUT not in matrix.classes[Class.INTERNAL].needs


def test_who_does_not_administer_the_whole_neither_asks_nor_agrees(
    world: World, people: tuple[UserId, UserId], kinds: tuple[Kind, ...]
) -> None:
    eve = world.user("eve")
    with pytest.raises(NotAllowed):
        ask_for_matrix(world.store.engine, world.ledger, eve, looser(), "why")
    asked = ask_for_matrix(world.store.engine, world.ledger, CONSOLE, looser(), "why")
    with pytest.raises(NoSuchApproval):
        approve(world.store.engine, world.ledger, eve, asked.id, kinds)
    approve(world.store.engine, world.ledger, people[0], asked.id, kinds)


def test_of_two_changes_of_one_matrix_the_second_has_to_be_asked_for_again(
    world: World, people: tuple[UserId, UserId], kinds: tuple[Kind, ...]
) -> None:
    ada, bob = people
    first = ask_for_matrix(world.store.engine, world.ledger, ada, looser(), "one")
    second = ask_for_matrix(world.store.engine, world.ledger, ada, default_matrix(), "two")
    approve(world.store.engine, world.ledger, bob, first.id, kinds)
    with pytest.raises(RecordMoved):
        approve(world.store.engine, world.ledger, bob, second.id, kinds)
    assert in_force(world)[1] == 1


def test_the_second_person_is_told_what_differs(
    world: World, people: tuple[UserId, UserId], kinds: tuple[Kind, ...]
) -> None:
    asked = ask_for_matrix(world.store.engine, world.ledger, people[0], looser(), "why")
    assert asked.reasons == ("internal: needs none, in place of training-opt-out",)
    assert differences(looser(), looser()) == ("nothing differs",)
    with snapshot(world.store.engine) as connection:
        assert validated(Matrix, to_json(connection, asked, kinds)["matrix"], "x") == looser()
