"""The key of the token map is changed while conversations go on; those that have ended are gone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, insert, select, update

from redaction.errors import UnknownConversation
from redaction.types import Identity, Kind, Mention
from redaction.vault import Rewrapped, Vault
from store import schema
from store.engine import snapshot, write
from store.errors import CannotDecrypt

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from store.folder import Store

ANNA, BEN = "user:anna", "user:ben"
JANE = Mention(Identity(Kind.USER, "user:jane"), "Jane Doe")
JOHN = Mention(Identity(Kind.USER, "user:john"), "John Roe")
NOW = datetime(2024, 5, 3, 12, tzinfo=UTC)
OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture
def engine(store: Store) -> Engine:
    return store.engine


def count(engine: Engine, table: Any) -> int:
    with snapshot(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_rotated_key_leaves_every_token_as_it_was(engine: Engine) -> None:
    """PT-10."""
    old = Vault(engine, OLD)
    conversation = old.enter(None, ANNA)
    token = old.issue(conversation, ANNA)([JANE])[JANE]
    both = Vault(engine, NEW, former=[OLD])
    assert both.recall(conversation, ANNA).surfaces == {token: "Jane Doe"}
    assert both.rewrap() == Rewrapped(1, 0)
    assert both.rewrap() == Rewrapped(0, 0)
    alone = Vault(engine, NEW)
    assert alone.issue(conversation, ANNA)([JANE, JOHN])[JANE] == token
    assert set(alone.recall(conversation, ANNA).surfaces.values()) == {"Jane Doe", "John Roe"}
    with pytest.raises(CannotDecrypt):
        old.recall(conversation, ANNA)


def test_a_rotation_that_was_cut_off_goes_on_and_loses_nothing(engine: Engine) -> None:
    """PT-10: cut off amid a batch, whose transaction is undone; all the time each conversation opens."""
    old, both = Vault(engine, OLD), Vault(engine, NEW, former=[OLD])
    conversations = [old.enter(None, ANNA) for _ in range(230)]
    tokens = [old.issue(conversation, ANNA)([JANE])[JANE] for conversation in conversations[::10]]
    updates = 0

    def killed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal updates
        updates += statement.startswith("UPDATE conversation")
        if updates == 150:
            raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", killed)
    with pytest.raises(KeyboardInterrupt):
        both.rewrap()
    event.remove(engine, "before_cursor_execute", killed)
    opened = [both.recall(conversation, ANNA).surfaces for conversation in conversations[::10]]
    assert [list(surfaces) for surfaces in opened] == [[token] for token in tokens]
    assert both.rewrap() == Rewrapped(130, 0)
    assert Vault(engine, NEW).recall(conversations[0], ANNA).surfaces == {tokens[0]: "Jane Doe"}


def test_twenty_requests_go_on_while_the_key_is_rotated(engine: Engine) -> None:
    """PT-10."""
    old, both = Vault(engine, OLD), Vault(engine, NEW, former=[OLD])
    conversations = [old.enter(None, ANNA) for _ in range(20)]
    tokens = {conversation: old.issue(conversation, ANNA)([JANE])[JANE] for conversation in conversations}

    def ask(conversation: str) -> bool:
        known = both.recall(conversation, ANNA).surfaces
        return both.issue(conversation, ANNA)([JOHN, JANE])[JANE] == tokens[conversation] and len(known) == 1

    with ThreadPoolExecutor(21) as pool:
        rotation = pool.submit(both.rewrap)
        assert all(pool.map(ask, conversations))
        assert rotation.result() == Rewrapped(20, 0)


def test_what_no_key_opens_is_counted_and_left(engine: Engine) -> None:
    Vault(engine, os.urandom(32)).enter(None, ANNA)
    kept = Vault(engine, OLD).enter(None, ANNA)
    both = Vault(engine, NEW, former=[OLD])
    assert both.rewrap() == Rewrapped(1, 1)
    assert both.enter(kept, ANNA) == kept


def test_a_conversation_that_was_given_to_somebody_else_in_the_database_does_not_open(engine: Engine) -> None:
    """PT-11: the owner is part of what the key is bound to."""
    vault = Vault(engine, OLD)
    conversation = vault.enter(None, ANNA)
    assert vault.enter(conversation, ANNA) == conversation
    with write(engine) as connection:
        connection.execute(update(schema.conversation).values(owner=BEN))
    with pytest.raises(CannotDecrypt):
        vault.enter(conversation, BEN)
    with pytest.raises(UnknownConversation):
        vault.enter(conversation, ANNA)


def test_the_key_of_one_conversation_opens_no_other(engine: Engine) -> None:
    """PT-11: not even where all of its rows were copied over."""
    vault = Vault(engine, OLD)
    hers, his = vault.enter(None, ANNA), vault.enter(None, BEN)
    vault.issue(hers, ANNA)([JANE])
    with write(engine) as connection:
        row = connection.execute(select(schema.token)).one()._asdict() | {"id": 99, "conversation": his}
        connection.execute(insert(schema.token).values(row))
    with pytest.raises(CannotDecrypt):
        vault.recall(his, BEN)
