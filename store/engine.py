"""Open the database, and the two ways of using it: a read snapshot and a write transaction."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from store.errors import StoreDown

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_TIMEOUT_MS = 10_000

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an acknowledged audit record survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
)


def open_engine(url: str | URL) -> Engine:
    """Open the database at an SQLAlchemy URL: SQLite in WAL mode, or PostgreSQL with repeatable reads."""
    # Parameters hold names and addresses, and an error that carries them ends in a log.
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, isolation_level="REPEATABLE READ", hide_parameters=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: it begins none for a SELECT, so two
    # SELECTs of one decision would see two states of the policy.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read cannot wait for its turn and fails with "locked": begin as a write.
    write = connection.get_execution_options().get("ntk_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Read one unchanging state of the database.

    Raises:
        StoreDown: The database does not answer.
    """
    with _translated(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """Change the database: all of the block, or nothing of it.

    Raises:
        StoreDown: The database does not answer, is locked, full or read-only.
    """
    with _translated(), engine.connect().execution_options(ntk_write=True) as connection, connection.begin():
        yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a broken constraint is for the caller, who knows which
    except DBAPIError as error:
        # The statement and its parameters stay out of the message: they may hold what is protected.
        raise StoreDown(f"the database does not answer: {_words(error.orig)}") from error
    except NoFreeConnection as error:
        raise StoreDown("the database does not answer: too many use it at once") from error


def _words(error: BaseException | None) -> str:
    """Give SQLite's own words for a code of its list, such as "database or disk is full".

    They hold no data. Those of its general error quote the statement, and those of a driver may quote a value:
    of such errors the class alone is told.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # the driver's own errors have none
    return type(error).__name__ if code & 0xFF == sqlite3.SQLITE_ERROR else str(error)
