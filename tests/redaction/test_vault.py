from __future__ import annotations

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from redaction.errors import UnknownConversation, VaultDown
from redaction.redact import redact
from redaction.restore import restore
from redaction.tokens import is_token
from redaction.types import Identity, Kind, Mention, Span
from redaction.vault import LIFETIME, Vault
from store import schema
from store.engine import open_engine, snapshot, write
from store.errors import CannotDecrypt, StoreDown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from store.folder import Store
    from store.keys import KeyOf

ANNA, BEN = "user:anna", "user:ben"
JANE = Identity(Kind.USER, "user:jane")
JOHN = Identity(Kind.USER, "user:john")
JANE_DOE, SHORT, JOHN_ROE = Mention(JANE, "Jane Doe"), Mention(JANE, "J. Doe"), Mention(JOHN, "John Roe")
NOW = datetime(2024, 5, 3, 12, tzinfo=UTC)


@pytest.fixture
def engine(store: Store) -> Engine:
    return store.engine


@pytest.fixture
def key() -> KeyOf:
    made = os.urandom(32)
    return lambda _id: made


@pytest.fixture
def vault(engine: Engine, key: KeyOf) -> Vault:
    return Vault(engine, key, lambda: NOW)


def rows(engine: Engine) -> list[Any]:
    with snapshot(engine) as connection:
        return list(connection.execute(select(schema.token).order_by(schema.token.c.id)))


# --- Conversations ----------------------------------------------------------------------------------------------


def test_a_new_conversation_has_a_random_id(vault: Vault) -> None:
    ids = {vault.enter(None, ANNA) for _ in range(5)}
    assert len(ids) == 5
    assert all(uuid.UUID(each).version == 4 for each in ids)


def test_its_owner_goes_on_with_a_conversation(vault: Vault) -> None:
    conversation = vault.enter(None, ANNA)
    assert vault.enter(conversation, ANNA) == conversation
    assert vault.issue(conversation, ANNA)([JANE_DOE]).keys() == {JANE_DOE}
    assert set(vault.recall(conversation, ANNA).surfaces.values()) == {"Jane Doe"}


def refusal(attempt: Callable[[], object]) -> str:
    with pytest.raises(UnknownConversation) as refused:
        attempt()
    return str(refused.value)


def test_absent_foreign_expired_and_malformed_are_one_refusal(engine: Engine, key: KeyOf) -> None:
    """PT-05: a conversation of another must not be told from one that never was."""
    vault, later = Vault(engine, key, lambda: NOW), Vault(engine, key, lambda: NOW + LIFETIME)
    conversation = vault.enter(None, ANNA)
    refusals = [
        (vault, str(uuid.uuid4()), ANNA),
        (vault, conversation, BEN),
        (vault, conversation, ""),
        (vault, conversation, ANNA.upper()),
        (later, conversation, ANNA),
        *(
            (vault, text, ANNA)
            for text in ("", "x", conversation.upper(), f"{conversation} ", "\x00", "' OR 1=1 --", "%")
        ),
        (vault, str(uuid.uuid1()), ANNA),
    ]
    said = {
        refusal(attempt)
        for each, asked, owner in refusals
        for attempt in (
            partial(each.enter, asked, owner),
            partial(each.issue(asked, owner), [JANE_DOE]),
            partial(each.recall, asked, owner),
        )
    }
    assert len(said) == 1
    assert rows(engine) == []
    assert vault.enter(conversation, ANNA) == conversation


def test_a_conversation_lives_thirty_days_to_the_second(engine: Engine, key: KeyOf) -> None:
    assert timedelta(days=30) == LIFETIME
    conversation = Vault(engine, key, lambda: NOW).enter(None, ANNA)
    just = Vault(engine, key, lambda: NOW + LIFETIME - timedelta(seconds=1))
    assert just.enter(conversation, ANNA) == conversation
    with pytest.raises(UnknownConversation):
        Vault(engine, key, lambda: NOW + LIFETIME).enter(conversation, ANNA)


def test_the_clock_of_a_vault_is_the_time_of_day(engine: Engine, key: KeyOf) -> None:
    vault = Vault(engine, key)
    conversation = vault.enter(None, ANNA)
    assert vault.enter(conversation, ANNA) == conversation
    with snapshot(engine) as connection:
        end = connection.scalars(select(schema.conversation.c.expires_at)).one()
    assert abs(end - datetime.now(UTC) - LIFETIME) < timedelta(minutes=5)


# --- Tokens -----------------------------------------------------------------------------------------------------


def test_a_mention_has_one_token_for_the_whole_conversation(engine: Engine, key: KeyOf, vault: Vault) -> None:
    conversation = vault.enter(None, ANNA)
    first = vault.issue(conversation, ANNA)([JANE_DOE, SHORT, JANE_DOE])
    again = Vault(engine, key, lambda: NOW + timedelta(days=3)).issue(conversation, ANNA)([JOHN_ROE, SHORT, JANE_DOE])
    assert {mention: again[mention] for mention in first} == first
    assert all(map(is_token, again.values()))
    assert first[JANE_DOE][:-2] == first[SHORT][:-2] != again[JOHN_ROE][:-2]
    assert len(rows(engine)) == 3


def test_forms_that_come_later_get_the_code_of_their_person(vault: Vault) -> None:
    conversation = vault.enter(None, ANNA)
    first = vault.issue(conversation, ANNA)([JANE_DOE])[JANE_DOE]
    later = vault.issue(conversation, ANNA)([SHORT])[SHORT]
    assert first[:-2] == later[:-2]
    assert first != later


def test_another_conversation_has_other_tokens(vault: Vault, engine: Engine) -> None:
    """PT-05: a token tells nothing outside of its conversation, nor does what is stored of it."""
    one, two = vault.enter(None, ANNA), vault.enter(None, ANNA)
    tokens = [vault.issue(each, ANNA)([JANE_DOE])[JANE_DOE] for each in (one, two)]
    first, second = rows(engine)
    assert first.mention_mac != second.mention_mac
    assert first.identity_mac != second.identity_mac
    assert vault.recall(one, ANNA).surfaces == {tokens[0]: "Jane Doe"}
    assert restore(f"{tokens[1]}", vault.recall(one, ANNA)) == (tokens[1] if tokens[0] != tokens[1] else "Jane Doe")


@pytest.mark.sqlite
def test_nothing_that_identifies_is_stored_in_clear(vault: Vault, engine: Engine, tmp_path: Path) -> None:
    conversation = vault.enter(None, ANNA)
    vault.issue(conversation, ANNA)([JANE_DOE, JOHN_ROE])
    engine.dispose()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert conversation.encode() in stored
    for secret in (b"Jane", b"Doe", b"user:jane", b"user:john", b"Roe"):
        assert secret not in stored


@pytest.mark.parametrize("surface", ["\ud800", "\x00", "", "x" * 5_000, "J\u00e4ne \U0001f600"])
def test_every_text_is_kept_as_it_is(vault: Vault, surface: str) -> None:
    conversation = vault.enter(None, ANNA)
    mention = Mention(JANE, surface)
    token = vault.issue(conversation, ANNA)([mention])[mention]
    assert vault.recall(conversation, ANNA).surfaces == {token: surface}
    assert vault.issue(conversation, ANNA)([mention]) == {mention: token}


def test_a_question_goes_out_and_its_answer_comes_back(vault: Vault) -> None:
    conversation = vault.enter(None, ANNA)
    redacted, tokens = redact(
        ["Who is Jane Doe?"],
        [lambda text: [Span(7, 15, JANE)] if "Jane" in text.text else []],
        vault.issue(conversation, ANNA),
    )
    (token,) = tokens.surfaces
    assert redacted.texts == (f"Who is {token}?",)
    assert restore(f"{token} is the boss.", tokens) == "Jane Doe is the boss."
    assert vault.recall(conversation, ANNA).surfaces == tokens.surfaces


def test_fifty_threads_get_one_token_for_one_value(engine: Engine, key: KeyOf) -> None:
    """PT-09: two workers, each with its vault, and a barrier so that they all begin at once."""
    vaults = [Vault(engine, key), Vault(engine, key)]
    conversation = vaults[0].enter(None, ANNA)
    barrier = threading.Barrier(50)

    def work(n: int) -> set[str]:
        barrier.wait()
        own = Mention(Identity(Kind.PHONE, str(n)), str(n))
        issued = vaults[n % 2].issue(conversation, ANNA)([JANE_DOE, own])
        assert issued[own] != issued[JANE_DOE]
        return {issued[JANE_DOE]}

    with ThreadPoolExecutor(50) as pool:
        tokens = set[str]().union(*pool.map(work, range(50)))
    assert len(tokens) == 1
    stored = rows(engine)
    assert len(stored) == 51
    assert len({row.token for row in stored}) == 51


def test_forms_of_one_person_that_come_at_once_get_one_code(engine: Engine, key: KeyOf) -> None:
    """PT-09: no constraint would stop the second code; a reader would take one person for two."""
    vault = Vault(engine, key)
    conversation = vault.enter(None, ANNA)
    barrier = threading.Barrier(12)

    def work(n: int) -> str:
        form = Mention(JANE, f"Jane {n}")
        barrier.wait()
        return vault.issue(conversation, ANNA)([form])[form]

    with ThreadPoolExecutor(12) as pool:
        tokens = list(pool.map(work, range(12)))
    assert len(set(tokens)) == 12
    assert len({token[:-2] for token in tokens}) == 1


# --- Writers side by side who meet all the same; SQLite, which has one at a time, is made to behave so ---------


@pytest.mark.sqlite
def test_a_writer_who_comes_second_takes_the_token_of_the_first(engine: Engine, vault: Vault) -> None:
    """PT-09: the first commits between the second's reading and writing; the second reads again."""
    conversation = vault.enter(None, ANNA)
    winner = vault.issue(conversation, ANNA)([JANE_DOE])[JANE_DOE]
    (row,) = rows(engine)
    with write(engine) as connection:
        connection.execute(delete(schema.token))
    steps: list[str] = []

    def conflict(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO token") and not steps:
            steps.append("refused")
            raise IntegrityError(statement, {}, ValueError())

    def first_commits(*_: Any) -> None:
        if steps == ["refused"]:
            steps.append("committed")
            with write(engine) as connection:
                connection.execute(insert(schema.token).values(row._asdict()))

    event.listen(engine, "before_cursor_execute", conflict)
    event.listen(engine, "checkin", first_commits)
    assert vault.issue(conversation, ANNA)([JANE_DOE]) == {JANE_DOE: winner}
    assert steps == ["refused", "committed"]
    assert len(rows(engine)) == 1


@pytest.mark.sqlite
def test_a_conflict_without_end_is_given_up(engine: Engine, vault: Vault) -> None:
    """PT-09: it ends in a refusal that has a name, and leaves nothing half written."""
    conversation = vault.enter(None, ANNA)
    vault.issue(conversation, ANNA)([JANE_DOE])
    with write(engine) as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER taken BEFORE INSERT ON token BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed'); END"
        )
    with pytest.raises(VaultDown):
        vault.issue(conversation, ANNA)([JANE_DOE, SHORT, JOHN_ROE])
    assert len(rows(engine)) == 1
    with write(engine) as connection:
        connection.exec_driver_sql("DROP TRIGGER taken")
    assert vault.issue(conversation, ANNA)([SHORT, JOHN_ROE]).keys() == {SHORT, JOHN_ROE}


def test_a_database_that_is_gone_is_told(tmp_path: Path, key: KeyOf) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreDown):
        Vault(engine, key).enter(None, ANNA)
    engine.dispose()


# --- Tampering --------------------------------------------------------------------------------------------------


def change(engine: Engine, row: Any, **values: Any) -> None:
    with write(engine) as connection:
        connection.execute(update(schema.token).where(schema.token.c.id == row.id).values(**values))


def swap(engine: Engine, *columns: str) -> None:
    first, second = rows(engine)
    kept = {column: getattr(first, column) for column in columns}
    change(engine, first, **{column: getattr(first, column)[::-1] for column in columns})  # unique while both stand
    change(engine, second, **kept)
    change(engine, first, **{column: getattr(second, column) for column in columns})


@pytest.mark.parametrize("columns", [("sealed",), ("token",), ("mention_mac",), ("token", "sealed")])
def test_swapped_rows_do_not_open(engine: Engine, vault: Vault, columns: tuple[str, ...]) -> None:
    """PT-11: one person's answer would be shown under another's name."""
    conversation = vault.enter(None, ANNA)
    vault.issue(conversation, ANNA)([JANE_DOE, JOHN_ROE])
    assert len(vault.recall(conversation, ANNA).surfaces) == 2
    swap(engine, *columns)
    with pytest.raises(CannotDecrypt):
        vault.issue(conversation, ANNA)([JANE_DOE])
    if columns in {("sealed",), ("token",)}:
        with pytest.raises(CannotDecrypt):
            vault.recall(conversation, ANNA)


def test_a_row_moved_to_another_conversation_does_not_open(engine: Engine, vault: Vault) -> None:
    """PT-11: Ben would read Anna's values."""
    hers, his = vault.enter(None, ANNA), vault.enter(None, BEN)
    vault.issue(hers, ANNA)([JANE_DOE])
    (row,) = rows(engine)
    change(engine, row, conversation=his)
    with pytest.raises(CannotDecrypt):
        vault.recall(his, BEN)
    assert vault.recall(hers, ANNA).surfaces == {}


def test_another_key_opens_nothing(engine: Engine, vault: Vault, key: KeyOf) -> None:
    """PT-11."""
    conversation = vault.enter(None, ANNA)
    token = vault.issue(conversation, ANNA)([JANE_DOE])[JANE_DOE]
    with pytest.raises(CannotDecrypt):
        Vault(engine, lambda _id: os.urandom(32), lambda: NOW).recall(conversation, ANNA)
    assert Vault(engine, key, lambda: NOW).recall(conversation, ANNA).surfaces == {token: "Jane Doe"}


@pytest.mark.parametrize("damage", [slice(0, 0), slice(0, 5), slice(0, 12), slice(0, 20), slice(0, -1), slice(1, None)])
def test_truncated_ciphertext_does_not_open(engine: Engine, vault: Vault, damage: slice) -> None:
    """PT-11."""
    conversation = vault.enter(None, ANNA)
    vault.issue(conversation, ANNA)([JANE_DOE])
    (row,) = rows(engine)
    change(engine, row, sealed=row.sealed[damage])
    for attempt in (lambda: vault.recall(conversation, ANNA), lambda: vault.issue(conversation, ANNA)([JANE_DOE])):
        with pytest.raises(CannotDecrypt):
            attempt()


def test_a_flipped_bit_does_not_open(engine: Engine, vault: Vault) -> None:
    """PT-11."""
    conversation = vault.enter(None, ANNA)
    vault.issue(conversation, ANNA)([JANE_DOE])
    (row,) = rows(engine)
    for at in range(len(row.sealed)):
        change(engine, row, sealed=row.sealed[:at] + bytes([row.sealed[at] ^ 1]) + row.sealed[at + 1 :])
        with pytest.raises(CannotDecrypt):
            vault.recall(conversation, ANNA)
    change(engine, row, sealed=row.sealed)
    assert list(vault.recall(conversation, ANNA).surfaces.values()) == ["Jane Doe"]


def test_no_nonce_is_used_twice(engine: Engine, vault: Vault) -> None:
    """PT-11."""
    conversation = vault.enter(None, ANNA)
    vault.issue(conversation, ANNA)([Mention(Identity(Kind.IP, str(n)), "192.0.2.1") for n in range(500)])
    assert len({row.sealed[:12] for row in rows(engine)}) == 500
