"""The office, filled, and what makes edits in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acl.admin.gate import (
    administer,
)
from acl.labels import Level

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store
    from tests.worlds import World

from tests.acl.admin.office import ADMIN, ANNA, LEAD, MANAGER, OPEN, PAY, RESTRICTED, SECOND, Make


@pytest.fixture
def office(world: World) -> dict[str, Any]:
    """Two administrators of the whole, a lead who holds everything on one collection, a manager who reads nothing."""
    for name in ("admin", "second", "lead", "manager", "anna", "bert", "carl"):
        world.user(name, groups=["staff"], clearance=Level.CONFIDENTIAL)
    for name in (ADMIN, SECOND):
        world.allow(name, "root:all", "manage")
    office: dict[str, Any] = {"open": world.collection("open"), "pay": world.collection("pay", RESTRICTED)}
    office["store"] = world.collection("store")
    office["cellar"] = world.folder(office["open"], "cellar")
    office["attic"] = world.folder(office["store"], "attic")
    office["paper"] = world.document(office["cellar"], "A paper.")
    world.allow(LEAD, OPEN, "*")
    world.allow(MANAGER, OPEN, "manage")
    world.allow(MANAGER, "coll:store", "manage")
    world.allow(ANNA, OPEN, "share")
    world.allow(ANNA, OPEN, "read")
    world.allow("group:payroll", PAY, "read")
    world.nest("payroll", "people")
    return office


@pytest.fixture
def make(store: Store, ledger: Ledger) -> Make:
    return lambda actor, *edits, **options: administer(store.engine, ledger, actor, edits, **options)
