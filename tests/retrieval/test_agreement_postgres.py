"""Decision, scope and last gate agree with the oracle on PostgreSQL too: fewer worlds, without an index.

The index reads the same rows, and is tried at length in test_agreement.py, as the mutants are.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from acl.names import DocumentId, UserId
from audit.ledger import Ledger
from bench.deciders import oracle
from store.folder import open_store
from tests.acl.small_worlds import DOCUMENTS, GHOST, USERS, settle, small_worlds
from tests.postgres import REFERENCE
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.deciders.oracle import SmallWorld
    from retrieval.embed import Embed
    from store.folder import Layout

EVERYBODY = [UserId(name) for name in (*USERS, GHOST)]


@pytest.fixture(scope="module")
def world(postgres: Layout, hash_embed: Embed) -> Iterator[World]:
    store = open_store(postgres, "file:master.key", owner=True, database=REFERENCE)
    no_index: Any = None
    yield World(store, Ledger(store.engine, store.keys.audit), no_index, hash_embed)
    store.engine.dispose()


def test_decision_scope_and_gate_are_the_oracles_on_postgresql(world: World) -> None:
    """AZ-01, AZ-06, AZ-20."""
    verdicts: Counter[bool] = Counter()

    @settings(max_examples=60, derandomize=True)  # the same few worlds each time; on SQLite they are new ones
    @given(small_worlds())
    def run(small: SmallWorld) -> None:
        settle(small, world.store)
        hits = world.hits(*map(DocumentId, DOCUMENTS))
        for user in EVERYBODY:
            readable = {name for name in small.documents if oracle.may_read(small, user, name)}
            assert {name for name in small.documents if world.verdict(user, DocumentId(name))} == readable
            permitted = world.permit(hits, world.scope(user))
            assert {snippet.text for snippet in permitted.snippets} == oracle.texts(small, user)
            verdicts.update(name in readable for name in small.documents)

    run()
    # Worlds in which nearly everything is refused, or nothing, would agree with nearly anything.
    assert verdicts[True] > 0.05 * verdicts.total()
    assert verdicts[False] > 0.05 * verdicts.total()
