"""What holds for a caller, and what holds where a record is missing or cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from acl.admin.gate import CONSOLE
from acl.decision import Principal
from acl.labels import PUBLIC
from acl.names import Obj
from egress.contract.forms import to_json
from egress.contract.register import put
from egress.contract.standing import Contracts, contracts_of
from egress.route import route_of
from store.engine import snapshot, write
from store.schema import registered
from tests.contracts import application_of, open_gate, provider_of

if TYPE_CHECKING:
    from acl.names import UserId
    from tests.worlds import World

HTTP = Obj("app:http")


@pytest.fixture
def anna(world: World) -> UserId:
    return world.user("anna", groups=["staff"])


def held(world: World, user: UserId) -> Contracts:
    with snapshot(world.store.engine) as connection:
        return contracts_of(connection, Principal(user, HTTP))


def registered_with(world: World, **changes: Any) -> None:
    record = application_of(**{"users": ["group:staff"], "ceiling": "internal", **changes})
    open_gate(world.store, world.ledger, provider_of(), record)


def spoil(world: World, kind: str) -> None:
    with write(world.store.engine) as connection:
        connection.execute(update(registered).where(registered.c.kind == kind).values(record='{"record":{"x":1}}'))


def test_who_is_among_its_users_asks_and_his_questions_may_leave(world: World, anna: UserId) -> None:
    registered_with(world)
    found = held(world, anna)
    assert (found.asks, found.reveals, found.closed) == (True, True, ())
    assert route_of([PUBLIC], found).leaves


def test_who_is_not_or_whose_application_is_retired_does_not_ask(world: World, anna: UserId) -> None:
    registered_with(world)
    assert not held(world, world.user("eve")).asks
    registered_with(world, retired=True)
    assert not held(world, anna).asks


def test_names_are_for_whom_it_lists(world: World, anna: UserId) -> None:
    registered_with(world, reveal=["group:hr"])
    assert (held(world, anna).asks, held(world, anna).reveals) == (True, False)


def test_without_a_record_one_asks_and_nothing_leaves(world: World, anna: UserId) -> None:
    found = held(world, anna)
    assert found.asks
    assert route_of([PUBLIC], found).provider is None


def test_a_record_that_cannot_be_read_lets_nobody_ask(world: World, anna: UserId) -> None:
    """Whom it let ask, is not known any more."""
    registered_with(world)
    spoil(world, "app")
    assert (held(world, anna).asks, held(world, anna).reveals) == (False, False)


@pytest.mark.parametrize("kind", ["provider", "matrix"])
def test_a_contract_or_a_matrix_that_cannot_be_read_lets_nothing_leave(world: World, anna: UserId, kind: str) -> None:
    registered_with(world)
    with write(world.store.engine) as connection:
        put(connection, world.ledger, CONSOLE, "matrix", "matrix", to_json(held(world, anna).matrix))
    assert route_of([PUBLIC], held(world, anna)).leaves
    spoil(world, kind)
    found = held(world, anna)
    assert (found.asks, route_of([PUBLIC], found).provider) == (True, None)
    assert not held(world, world.user("eve")).asks
