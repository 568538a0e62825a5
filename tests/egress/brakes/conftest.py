"""On both databases: two administrators of the whole, an owner of an application, and two who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.egress.brakes.people import ADMIN, OWNER, SECOND
from tests.postgres import REFERENCE
from tests.processes import Place

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store
    from tests.worlds import World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What uses a database runs on both."""
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def staff(world: World) -> World:
    """The people of this office."""
    for name in ("admin", "second", "third", "owner", "anna", "ben"):
        world.user(name)
    for who in (ADMIN, SECOND, "user:third"):
        world.allow(who, "root:all", "manage")
    world.allow(OWNER, "app:chat", "manage")
    return world


@pytest.fixture
def place(store: Store, ledger: Ledger, database: str) -> Place:
    """Where other processes find the database."""
    return Place(str(store.layout.root), None if database == "sqlite" else REFERENCE)
