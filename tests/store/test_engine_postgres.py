"""What PostgreSQL does beside SQLite: sessions with limits, replicas, connections that break, a driver."""

from __future__ import annotations

import socket
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, insert, select, text, update

from store.engine import open_engine, postgres_url, snapshot, write
from store.errors import DoesNotFit, DriverMissing, SecretMissing, StoreDown
from store.migrate import upgrade
from store.schema import policy_state, users
from tests.postgres import schema_of_ones_own

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "k4n4ry"
BUMP = update(policy_state).values(epoch=policy_state.c.epoch + 1)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with schema_of_ones_own() as found:
        engine = open_engine(postgres_url(found, "env:HERE"))
        upgrade(engine)
        with write(engine) as connection:
            connection.execute(insert(policy_state).values(id=1, epoch=0))
        engine.dispose()
        yield found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_engine(postgres_url(url, "env:HERE"))
    yield opened
    opened.dispose()


def setting(engine: Engine, name: str) -> object:
    with snapshot(engine) as connection:
        return connection.scalar(text("SELECT current_setting(:name)"), {"name": name})


def test_no_wait_is_without_end(engine: Engine) -> None:
    assert setting(engine, "lock_timeout") == "10s"
    assert setting(engine, "statement_timeout") == "1min"
    assert setting(engine, "idle_in_transaction_session_timeout") == "1min"


def test_the_options_of_the_url_hold_beside_those(url: str) -> None:
    own = postgres_url(url, "env:HERE")
    engine = open_engine(own.update_query_dict({"options": "-c work_mem=5MB -c lock_timeout=0"}))
    assert (setting(engine, "work_mem"), setting(engine, "lock_timeout")) == ("5MB", "10s")
    engine.dispose()


def test_a_snapshot_reads_one_state_and_writes_nothing(engine: Engine) -> None:
    assert setting(engine, "transaction_isolation") == "repeatable read"
    with pytest.raises(StoreDown, match="ReadOnlySqlTransaction"), snapshot(engine) as connection:
        connection.execute(text("CREATE TABLE something (id INTEGER)"))
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE something (id INTEGER)"))
        connection.execute(text("DROP TABLE something"))


def test_a_connection_is_what_it_is_used_for_whatever_it_was_before(engine: Engine) -> None:
    """A pool gives the same connection to a snapshot and to a write."""
    for _ in range(2):
        with write(engine) as connection:
            assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
            assert connection.scalar(text("SHOW transaction_read_only")) == "off"
        with snapshot(engine) as connection:
            assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
            assert connection.scalar(text("SHOW transaction_read_only")) == "on"


def test_a_writer_who_waited_goes_on_from_what_the_one_before_him_left(engine: Engine) -> None:
    """With repeatable reads he would fail when it is his turn, since he would still see the state of before."""
    epoch = select(policy_state.c.epoch)
    with write(engine) as one, write(engine) as other:
        before = other.scalars(epoch).one()  # he has begun, and has seen this
        one.execute(BUMP)
        one.commit()
        assert other.scalars(epoch.with_for_update()).one() == before + 1
        other.execute(BUMP)
    with snapshot(engine) as connection:
        assert connection.scalars(epoch).one() == before + 2


def test_who_waits_too_long_for_another_is_told(engine: Engine) -> None:
    """FT-12."""

    def hurry() -> None:
        with write(engine) as connection:
            connection.execute(text("SET LOCAL lock_timeout = 20"))
            connection.execute(BUMP)

    with write(engine) as holding:
        holding.execute(BUMP)
        with pytest.raises(StoreDown, match="LockNotAvailable"):
            hurry()
    hurry()


def test_a_statement_without_end_is_stopped(engine: Engine) -> None:
    def count(rows: int) -> object:
        with snapshot(engine) as connection:
            connection.execute(text("SET LOCAL statement_timeout = 20"))
            return connection.scalar(text("SELECT count(*) FROM generate_series(1, :rows)"), {"rows": rows})

    with pytest.raises(StoreDown, match="QueryCanceled"):
        count(1_000_000_000)
    assert count(10) == 10


def test_a_replica_is_not_taken(url: str) -> None:
    """AZ-08: it is behind, so that a right could be honoured that was withdrawn."""
    behind = postgres_url(url, "env:HERE").update_query_dict({"options": "-c default_transaction_read_only=on"})
    engine = open_engine(behind)
    with pytest.raises(StoreDown, match="session is read-only"), snapshot(engine):
        pass
    engine.dispose()


def test_a_connection_that_was_cut_while_nobody_used_it_is_made_anew(engine: Engine) -> None:
    with snapshot(engine) as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    end(engine, backend)
    with snapshot(engine) as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != backend


def test_a_connection_that_is_cut_in_use_is_told(engine: Engine) -> None:
    def cut() -> None:
        with snapshot(engine) as connection:
            end(engine, connection.scalar(text("SELECT pg_backend_pid()")))
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreDown, match="AdminShutdown"):
        cut()
    assert setting(engine, "lock_timeout") == "10s"


def end(engine: Engine, backend: object) -> None:
    other = open_engine(engine.url)
    with snapshot(other) as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    other.dispose()


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    """AL-08: the words name the place, since that is what has to be put right."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = open_engine(f"postgresql+psycopg://someone:{CANARY}@127.0.0.1:{port}/name")
    with pytest.raises(StoreDown, match=rf"port {port} failed: Connection refused") as down, snapshot(engine):
        pass
    assert CANARY not in "".join(traceback.format_exception(down.value))
    engine.dispose()


def test_a_database_that_is_not_there_is_told(url: str) -> None:
    engine = open_engine(postgres_url(url, "env:HERE").set(database="ntk_no_such"))
    with pytest.raises(StoreDown, match='database "ntk_no_such" does not exist'), snapshot(engine):
        pass
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "condition"),
    [("SELECT k4n4ry", "UndefinedColumn"), ("k4n4ry", "SyntaxError"), ("SELECT 1 / 0", "DivisionByZero")],
)
def test_an_error_is_told_by_its_condition_alone(engine: Engine, statement: str, condition: str) -> None:
    """AL-08."""
    with pytest.raises((StoreDown, DoesNotFit)) as down, snapshot(engine) as connection:
        connection.scalar(text(statement))
    assert CANARY not in str(down.value)
    assert condition in str(down.value.__cause__)


@pytest.mark.parametrize("name", ["x" * 201, "nul \x00"])
def test_a_value_that_does_not_fit_is_told_from_a_database_that_is_down(engine: Engine, name: str) -> None:
    row = {"id": f"user:{len(name)}", "name": name, "active": True, "clearance": 0}
    with pytest.raises(DoesNotFit), write(engine) as connection:
        connection.execute(insert(users).values(row))
    with write(engine) as connection:
        connection.execute(insert(users).values(row | {"name": "x" * 200}))


# --- the URL ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://anna:pw@db.example/ntk",
        "postgres://anna:pw@db.example/ntk",
        "postgresql+psycopg://anna:pw@db.example:5433/ntk?sslmode=verify-full",
        "postgresql:///ntk",
        "postgresql:///ntk?host=/var/run/postgresql",
        "postgresql://anna:p%40w%2F@db.example/ntk",
    ],
)
def test_a_url_of_postgresql_is_read(given: str) -> None:
    url = postgres_url(given, "env:HERE")
    assert (url.drivername, url.database) == ("postgresql+psycopg", "ntk")
    assert "anna" not in given or url.username == "anna"


@pytest.mark.parametrize(
    "given",
    [
        "",
        CANARY,
        f"postgresql://{CANARY}",
        f"postgresql://anna:{CANARY}@db.example",
        f"postgresql://anna:{CANARY}@db.example:port/ntk",
        f"postgresql://anna:p@{CANARY}@db.example/ntk",
        f"postgresql://anna:p@ss/{CANARY}@db.example/ntk",
        f"mysql://anna:{CANARY}@db.example/ntk",
        f"sqlite:///{CANARY}.db",
        f"postgresql+psycopg2://anna:{CANARY}@db.example/ntk",
        f"host=db.example password={CANARY}",
    ],
)
def test_what_is_no_such_url_is_refused_and_not_shown(given: str) -> None:
    """AL-08: it holds a password, and part of one with a bare @ in it would pass for a host name."""
    with pytest.raises(SecretMissing, match="env:HERE") as refused:
        postgres_url(given, "env:HERE")
    assert CANARY not in str(refused.value)


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    here = "postgresql+psycopg://127.0.0.1/ntk"
    open_engine(here).dispose()
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DriverMissing, match=r"psycopg\[binary\]"):
        open_engine(here)
