from __future__ import annotations

import sqlite3
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from store.engine import open_engine, snapshot, write
from store.errors import DoesNotFit, StoreDown
from store.schema import policy_state, users

if TYPE_CHECKING:
    from pathlib import Path

    from store.folder import Store


def epoch(connection: Connection) -> int:
    found: int = connection.scalars(select(policy_state.c.epoch)).one()
    return found


def locked_epoch(connection: Connection) -> int:
    found: int = connection.scalars(select(policy_state.c.epoch).with_for_update()).one()
    return found


def bump(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(update(policy_state).values(epoch=policy_state.c.epoch + 1))


def with_pragma(engine: Engine, pragma: str) -> Engine:
    """Set a limit on all further connections of an engine."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {pragma}"))
    return engine


def pragma(store: Store, name: str) -> object:
    with snapshot(store.engine) as connection:
        return connection.scalar(text(f"PRAGMA {name}"))


@pytest.mark.sqlite
def test_the_database_is_opened_for_safety_before_speed(store: Store) -> None:
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "synchronous") == 2  # FULL
    assert pragma(store, "foreign_keys") == 1
    assert pragma(store, "secure_delete") == 1
    assert pragma(store, "busy_timeout") == 10_000


def test_a_write_between_two_reads_of_one_snapshot_is_not_seen(store: Store) -> None:
    """FT-17: half of a decision from before a revocation and half from after it would be a third policy."""
    with snapshot(store.engine) as connection:
        before = epoch(connection)
        bump(store.engine)
        assert epoch(connection) == before
    with snapshot(store.engine) as connection:
        assert epoch(connection) == before + 1


@pytest.mark.sqlite
def test_a_write_has_its_turn_from_its_first_line(store: Store) -> None:
    """FT-12: a write that begins as a read cannot wait for its turn, and fails with "locked"."""
    with closing(sqlite3.connect(store.layout.database, timeout=0, isolation_level=None)) as other:
        with write(store.engine), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with snapshot(store.engine) as connection:
            epoch(connection)
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")


def test_writers_wait_for_each_other_and_lose_nothing(store: Store) -> None:
    """FT-12: reads that become writes, side by side."""

    def work() -> None:
        for _ in range(10):
            with write(store.engine) as connection:
                connection.execute(update(policy_state).values(epoch=locked_epoch(connection) + 1))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with snapshot(store.engine) as connection:
        assert epoch(connection) == 40


def test_a_block_that_raises_changes_nothing(store: Store) -> None:
    def interrupted() -> None:
        with write(store.engine) as connection:
            connection.execute(update(policy_state).values(epoch=99))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with snapshot(store.engine) as connection:
        assert epoch(connection) == 0


@pytest.mark.sqlite
def test_a_locked_database_is_down_after_the_time_to_wait(store: Store) -> None:
    """FT-12."""
    engine = with_pragma(store.engine, "busy_timeout = 20")
    with closing(sqlite3.connect(store.layout.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreDown, match="database is locked"):
            bump(engine)
        other.execute("ROLLBACK")
    bump(engine)


@pytest.mark.sqlite
def test_a_full_database_is_down_for_writing_and_up_for_reading(store: Store) -> None:
    """FT-07."""
    bump(store.engine)
    engine = with_pragma(store.engine, "max_page_count = 1")
    row = {"id": "user:long", "name": "x" * 50_000, "active": True, "clearance": 0}
    with pytest.raises(StoreDown, match="database or disk is full"), write(engine) as connection:
        connection.execute(insert(users).values(row))
    with snapshot(engine) as connection:
        assert epoch(connection) == 1


@pytest.mark.sqlite
def test_a_read_only_database_is_down_for_writing_and_up_for_reading(store: Store) -> None:
    bump(store.engine)
    engine = open_engine(f"sqlite:///file:{store.layout.database}?mode=ro&uri=true")
    with pytest.raises(StoreDown, match="attempt to write a readonly database"):
        bump(engine)
    with snapshot(engine) as connection:
        assert epoch(connection) == 1
    engine.dispose()


def test_a_file_that_is_no_database_is_down(tmp_path: Path) -> None:
    place = tmp_path / "ntk.db"
    place.write_bytes(b"something else entirely" * 100)
    engine = open_engine(f"sqlite:///{place}")
    with pytest.raises(StoreDown, match="file is not a database"), snapshot(engine) as connection:
        epoch(connection)
    engine.dispose()


def test_more_users_than_connections_is_down_and_no_foreign_error(store: Store) -> None:
    """FT-08: the pool's own time-out is no database error; untranslated, it would pass every handler."""
    engine = open_engine(store.engine.url)
    engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # 30 s is too long for a test
    held = [engine.connect() for _ in range(15)]
    with pytest.raises(StoreDown, match="too many"), snapshot(engine):
        pass
    held.pop().close()
    with snapshot(engine) as connection:
        assert epoch(connection) == 0
    for connection in held:
        connection.close()
    engine.dispose()


@pytest.mark.sqlite
def test_an_error_that_quotes_a_stored_value_or_a_statement_is_told_by_its_class_alone(store: Store) -> None:
    """AL-08: the driver puts a text that it cannot read into its message, and SQLite what it cannot parse."""
    statements = ("SELECT CAST(X'6b346e347279ff' AS TEXT)", "SELECT k4n4ry", "k4n4ry")
    for statement in statements:
        with pytest.raises(StoreDown) as down, snapshot(store.engine) as connection:
            connection.scalar(text(statement))
        assert "k4n4ry" in str(down.value.__cause__)  # it was there to be told
        assert str(down.value) == "the database does not answer: OperationalError"


def test_a_broken_constraint_is_told_to_the_caller(store: Store) -> None:
    with pytest.raises(IntegrityError), write(store.engine) as connection:
        connection.execute(insert(policy_state).values(id=1, epoch=0))


def test_what_was_to_be_stored_stands_in_no_error(store: Store, database: str) -> None:
    """AL-08: SQLAlchemy prints a statement with its parameters, and a traceback prints every cause."""
    canary = "k4n4ry-" * 9_000
    row = {"id": "user:c", "name": canary, "active": True, "clearance": 9}
    with pytest.raises(IntegrityError) as refused, write(store.engine) as connection:
        connection.execute(insert(users).values(row | {"name": canary[:200]}))
    # SQLite is full, and on PostgreSQL the name is too long.
    engine = with_pragma(store.engine, "max_page_count = 1") if database == "sqlite" else store.engine
    with pytest.raises((StoreDown, DoesNotFit)) as down, write(engine) as connection:
        connection.execute(insert(users).values(row | {"clearance": 1}))
    for error in (refused.value, down.value):
        text_of_log = "".join(traceback.format_exception(error))
        assert "k4n4ry" not in text_of_log
        assert "INSERT INTO users" in text_of_log  # the statement is there, so that it would have been seen


def test_a_write_that_need_not_last_waits_for_no_disk_and_the_next_one_does(store: Store) -> None:
    """The record of a question is written after what belongs to it, and is lasting: so is what came before it."""
    ask = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}[store.engine.dialect.name]
    with write(store.engine) as connection:
        usual = connection.scalar(text(ask))
    seen = []
    for _ in range(3):
        with write(store.engine, lasting=False) as connection:
            seen.append(connection.scalar(text(ask)))
            bumped = update(policy_state).values(epoch=policy_state.c.epoch + 1)
            connection.execute(bumped)
        with write(store.engine) as connection:
            assert connection.scalar(text(ask)) == usual
    assert set(seen) <= {1, 0, "off"}
    with snapshot(store.engine) as connection:
        assert epoch(connection) == 3


def test_a_write_that_need_not_last_and_fails_leaves_the_connection_as_it_was(store: Store) -> None:
    ask = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}[store.engine.dialect.name]
    with write(store.engine) as connection:
        usual = connection.scalar(text(ask))
    with pytest.raises(RuntimeError), write(store.engine, lasting=False):
        raise RuntimeError
    with write(store.engine) as connection:
        assert connection.scalar(text(ask)) == usual


def test_many_open_a_new_database_at_once(tmp_path: Path) -> None:
    """SQLite does not let them wait while one makes its log: it told one of a hundred that it was locked."""
    for turn in range(20):
        url = f"sqlite:///{tmp_path / f'{turn}.db'}"
        together = threading.Barrier(8)

        def ask(url: str, together: threading.Barrier) -> int:
            engine = open_engine(url)
            together.wait()
            with snapshot(engine) as connection:
                answer = int(connection.execute(text("SELECT 1")).scalar_one())
            engine.dispose()
            return answer

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, [url] * 8, [together] * 8)) == [1] * 8
