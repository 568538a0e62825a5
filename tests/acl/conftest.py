"""Policies need no index: the worlds of these tests have a database alone. And a change of one, opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acl.admin.change import policy_change
from tests.worlds import ADMIN, World, hurry

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from retrieval.embed import Embed
    from store.folder import Store
    from tests.acl.changes import Open


class NoIndex:
    """Takes points, and keeps none."""

    def put(self, points: object) -> None:
        """Do nothing."""


@pytest.fixture
def world(store: Store, ledger: Ledger, hash_embed: Embed) -> World:
    """A world to fill, without an index."""
    nothing: Any = NoIndex()
    hurry(store)
    return World(store, ledger, nothing, hash_embed)


@pytest.fixture
def change(store: Store, ledger: Ledger) -> Open:
    """Give what opens a change of the policy, as an administrator."""
    return lambda: policy_change(store.engine, ledger, ADMIN)
