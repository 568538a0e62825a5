"""The key of the token map is changed while conversations go on; those that have ended are gone."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from redaction.errors import UnknownConversation
from redaction.types import Identity, Kind, Mention
from redaction.vault import Vault, conversations_keys
from store import schema
from store.engine import snapshot, write
from store.errors import CannotDecrypt, KeyInUse, KeyNotHeld
from store.keys import MasterKeys, id_of, seal_secret
from store.rotation import Rewrapped, make_current, retire, rewrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from redaction.types import Token
    from store.folder import Store

ANNA, BEN = "user:anna", "user:ben"
JANE = Mention(Identity(Kind.USER, "user:jane"), "Jane Doe")
JOHN = Mention(Identity(Kind.USER, "user:john"), "John Roe")
NOW = datetime(2024, 5, 3, 12, tzinfo=UTC)
OLD, NEW = os.urandom(32), os.urandom(32)
OLDS = MasterKeys(lambda: [OLD])
BOTH = MasterKeys(lambda: [NEW, OLD])
NEWS = MasterKeys(lambda: [NEW])


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    """A database that is sealed under OLD; afterwards it is again as it was, since others find it so."""
    with write(store.engine) as connection:
        before = connection.execute(select(schema.installation)).one()
        connection.execute(insert(schema.master_key).values(id=id_of(OLD), made_at=NOW))
        sealed = seal_secret(OLDS, id_of(OLD), os.urandom(32))
        connection.execute(update(schema.installation).values(key_id=id_of(OLD), sealed_secret=sealed))
        connection.execute(delete(schema.master_key).where(schema.master_key.c.id == before.key_id))
    yield store.engine
    with write(store.engine) as connection:
        connection.execute(delete(schema.conversation))
        connection.execute(insert(schema.master_key).values(id=before.key_id, made_at=NOW))
        connection.execute(update(schema.installation).values(before._asdict()))
        retire(connection)


def vault_of(engine: Engine, masters: MasterKeys) -> Vault:
    return Vault(engine, partial(masters.key, "tokens"))


def begin(engine: Engine) -> None:
    """Let NEW be the master key from now on."""
    with write(engine) as connection:
        make_current(connection, BOTH, id_of(NEW), NOW)


def rewrapped(engine: Engine) -> tuple[int, int]:
    """Give how many were wrapped again, and how many do not open."""
    made = rewrap(engine, conversations_keys(partial(BOTH.key, "tokens")))
    return made.wrapped, len(made.unreadable)


def count(engine: Engine, table: Any) -> int:
    with snapshot(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_rotated_key_leaves_every_token_as_it_was(engine: Engine) -> None:
    """PT-10."""
    old = vault_of(engine, OLDS)
    conversation = old.enter(None, ANNA)
    token = old.issue(conversation, ANNA)([JANE])[JANE]
    begin(engine)
    both = vault_of(engine, BOTH)
    assert both.recall(conversation, ANNA).surfaces == {token: "Jane Doe"}
    assert rewrapped(engine) == (1, 0)
    assert rewrapped(engine) == (0, 0)
    alone = vault_of(engine, NEWS)
    assert alone.issue(conversation, ANNA)([JANE, JOHN])[JANE] == token
    assert set(alone.recall(conversation, ANNA).surfaces.values()) == {"Jane Doe", "John Roe"}
    with pytest.raises(CannotDecrypt):
        old.recall(conversation, ANNA)


def test_a_rotation_that_was_cut_off_goes_on_and_loses_nothing(engine: Engine) -> None:
    """PT-10: cut off amid a batch, whose transaction is undone; all the time each conversation opens."""
    old, both = vault_of(engine, OLDS), vault_of(engine, BOTH)
    conversations = [old.enter(None, ANNA) for _ in range(230)]
    tokens = [old.issue(conversation, ANNA)([JANE])[JANE] for conversation in conversations[::10]]
    begin(engine)
    updates = 0

    def killed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal updates
        updates += statement.startswith("UPDATE conversation")
        if updates == 150:
            raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", killed)
    with pytest.raises(KeyboardInterrupt):
        rewrapped(engine)
    event.remove(engine, "before_cursor_execute", killed)
    opened = [both.recall(conversation, ANNA).surfaces for conversation in conversations[::10]]
    assert [list(surfaces) for surfaces in opened] == [[token] for token in tokens]
    assert rewrapped(engine) == (130, 0)
    assert vault_of(engine, NEWS).recall(conversations[0], ANNA).surfaces == {tokens[0]: "Jane Doe"}


def test_twenty_requests_go_on_while_the_key_is_rotated(engine: Engine) -> None:
    """PT-10."""
    old, both = vault_of(engine, OLDS), vault_of(engine, BOTH)
    conversations = [old.enter(None, ANNA) for _ in range(20)]
    tokens = {conversation: old.issue(conversation, ANNA)([JANE])[JANE] for conversation in conversations}
    begin(engine)

    def ask(conversation: str) -> bool:
        known = both.recall(conversation, ANNA).surfaces
        return both.issue(conversation, ANNA)([JOHN, JANE])[JANE] == tokens[conversation] and len(known) == 1

    with ThreadPoolExecutor(21) as pool:
        rotation = pool.submit(rewrapped, engine)
        assert all(pool.map(ask, conversations))
        assert rotation.result() == (20, 0)


def test_what_no_key_opens_is_counted_and_left(engine: Engine) -> None:
    damaged = Vault(engine, lambda _id: os.urandom(32)).enter(None, ANNA)
    kept = vault_of(engine, OLDS).enter(None, ANNA)
    begin(engine)
    both = vault_of(engine, BOTH)
    assert rewrap(engine, conversations_keys(partial(BOTH.key, "tokens"))) == Rewrapped(1, (damaged,))
    assert both.enter(kept, ANNA) == kept


def test_a_conversation_that_was_given_to_somebody_else_in_the_database_does_not_open(engine: Engine) -> None:
    """PT-11: the owner is part of what the key is bound to."""
    vault = vault_of(engine, OLDS)
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
    vault = vault_of(engine, OLDS)
    hers, his = vault.enter(None, ANNA), vault.enter(None, BEN)
    vault.issue(hers, ANNA)([JANE])
    with write(engine) as connection:
        row = connection.execute(select(schema.token)).one()._asdict() | {"id": 99, "conversation": his}
        connection.execute(insert(schema.token).values(row))
    with pytest.raises(CannotDecrypt):
        vault.recall(his, BEN)


def test_fifty_writers_meanwhile_get_one_token_for_one_value(engine: Engine) -> None:
    """PT-10, PT-07: of whatever process, some begin under the one key and some under the other."""
    vaults = [vault_of(engine, BOTH), vault_of(engine, BOTH)]
    conversation = vaults[0].enter(None, ANNA)
    barrier = threading.Barrier(51)

    def issue(number: int) -> tuple[Token, Token]:
        barrier.wait(timeout=60)
        tokens = vaults[number % 2].issue(conversation, ANNA)([JANE, JOHN])
        return tokens[JANE], tokens[JOHN]

    def rotate() -> tuple[int, int]:
        barrier.wait(timeout=60)
        begin(engine)
        return rewrapped(engine)

    with ThreadPoolExecutor(51) as pool:
        rotation = pool.submit(rotate)
        given = set(pool.map(issue, range(50)))
        assert rotation.result() == (1, 0)
    assert len(given) == 1
    (tokens,) = given
    assert vault_of(engine, NEWS).recall(conversation, ANNA).surfaces == dict(
        zip(tokens, ("Jane Doe", "John Roe"), strict=True)
    )


def test_a_key_is_not_retired_as_long_as_something_is_sealed_under_it(engine: Engine) -> None:
    conversation = vault_of(engine, OLDS).enter(None, ANNA)
    begin(engine)
    with pytest.raises(KeyInUse), write(engine) as connection:
        retire(connection)
    assert rewrapped(engine) == (1, 0)
    with write(engine) as connection:
        assert id_of(OLD) in retire(connection)
    assert vault_of(engine, NEWS).enter(conversation, ANNA) == conversation


def test_under_a_key_that_was_retired_nothing_can_be_sealed(engine: Engine) -> None:
    """Somebody who was told of the rotation too late must not write what nobody can open."""
    late = vault_of(engine, OLDS).enter(None, ANNA)
    begin(engine)
    rewrapped(engine)
    with write(engine) as connection:
        retire(connection)
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(update(schema.conversation).values(key_id=id_of(OLD)))
    assert vault_of(engine, NEWS).enter(late, ANNA) == late


def test_without_the_key_nothing_is_begun_and_nothing_opens(engine: Engine) -> None:
    conversation = vault_of(engine, OLDS).enter(None, ANNA)
    begin(engine)
    with pytest.raises(KeyNotHeld):
        vault_of(engine, OLDS).enter(None, ANNA)
    with pytest.raises(KeyNotHeld):
        vault_of(engine, NEWS).enter(conversation, ANNA)
    with pytest.raises(KeyNotHeld):
        rewrap(engine, conversations_keys(partial(NEWS.key, "tokens")))
    assert rewrapped(engine) == (1, 0)
