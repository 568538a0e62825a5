"""Open the database, and the two ways of using it: a read snapshot and a write transaction."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from store.errors import DoesNotFit, DriverMissing, SecretMissing, StoreDown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.engine import ExceptionContext

BUSY_TIMEOUT_MS: Final = 10_000  # how long a writer waits for others
STATEMENT_TIMEOUT_MS: Final = 60_000

_SQLITE_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an acknowledged audit record survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
)

_SOON: Final = 0.01  # seconds

_SYNCHRONOUS: Final = (
    "PRAGMA synchronous = OFF",
    "PRAGMA synchronous = NORMAL",  # the log is not written through at each commit
    "PRAGMA synchronous = FULL",
    "PRAGMA synchronous = EXTRA",
)

# How a transaction of each kind begins. A snapshot sees one state of the database throughout. Writers take
# turns, and read what those before them have written:
#
# - SQLite has one writer at a time, from his first line on.
# - On PostgreSQL a writer waits where he locks a row first: the policy's (acl.admin.change), the head of the audit
#   trail (audit.ledger), a conversation's (redaction.vault). Each of his statements sees all that was committed
#   before it, so he goes on from what the one before him has left. With repeatable reads he would still see the
#   state from before he waited, and fail: the waiting would have been for nothing, and an audit record lost.
#   The price is that two reads of one write may differ where neither row is locked. So whatever a change of
#   the policy rests on is changed under the policy's lock alone.
_SNAPSHOT: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
_WRITE: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {"ntk_write": True},
    "postgresql": {"isolation_level": "READ COMMITTED"},
}

_POSTGRES_SESSION: Final = (
    f"-c lock_timeout={BUSY_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    f" -c idle_in_transaction_session_timeout={STATEMENT_TIMEOUT_MS}"  # a writer that hangs lets the others go on
)
_POSTGRES_CONNECTION: Final[Mapping[str, str | int]] = {
    "application_name": "need-to-know",
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 10,  # seconds; a server that is gone is noticed within half a minute
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
    # Never a replica: it is behind, and what was withdrawn would still be there.
    "target_session_attrs": "read-write",
}


def open_engine(url: str | URL) -> Engine:
    """Open the database at an SQLAlchemy URL: SQLite in WAL mode, or PostgreSQL. Nothing is connected yet.

    Raises:
        DriverMissing: It is PostgreSQL, and its driver is not installed.
    """
    url = make_url(url)
    if url.get_backend_name() == "sqlite":
        # Parameters hold names and addresses, and an error that carries them ends in a log.
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    given = url.query.get("options", "")
    options = {"options": f"{given if isinstance(given, str) else ' '.join(given)} {_POSTGRES_SESSION}"}
    arguments = {**_POSTGRES_CONNECTION, **options}
    try:
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
    except ModuleNotFoundError as error:
        raise DriverMissing("PostgreSQL needs its driver: python -m pip install 'psycopg[binary]'") from error
    event.listen(engine, "handle_error", _without_values)
    return engine


def postgres_url(text: str, reference: str) -> URL:
    """Read the URL of a PostgreSQL database, which is a secret: it holds a password.

    Args:
        text: Such as `postgresql://USER:PASSWORD@HOST/NAME`.
        reference: Where it was found, for the message.

    Raises:
        SecretMissing: It is no such URL; the message shows nothing of it.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = URL.create("none")
    # Of a password with a bare "@" in it, the rest would be taken for the host, and stand in messages.
    rest = f"{url.host}{url.database}"
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg") or not url.database or "@" in rest:
        raise SecretMissing(
            f"the secret {reference} is no URL of a PostgreSQL database: write postgresql://USER:PASSWORD@HOST/NAME, "
            "with %40 for an @ in the password"
        )
    return url.set(drivername="postgresql+psycopg")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: it begins none for a SELECT, so two
    # SELECTs of one decision would see two states of the policy.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)
    _write_ahead(connection)


def _write_ahead(connection: Any) -> None:
    # Of those who open a new database at once, SQLite lets one make its log, and tells the others at once that it is
    # locked, whatever the time-out: two who wait for each other there would wait for ever.
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        else:
            return
        time.sleep(_SOON)


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read cannot wait for its turn and fails with "locked": begin as a write.
    write = connection.get_execution_options().get("ntk_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _without_values(context: ExceptionContext) -> None:
    # PostgreSQL quotes the row that breaks a constraint, and the text that is no number: an address book in a log.
    # The condition and the constraint are enough to find the mistake.
    cause: Any = context.original_exception
    if getattr(cause, "sqlstate", None) is not None:
        told = " ".join(filter(None, (type(cause).__name__, cause.diag.table_name, cause.diag.constraint_name)))
        cause.args = (told,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (told,)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Read one unchanging state of the database.

    Raises:
        StoreDown: The database does not answer.
    """
    options = _SNAPSHOT[engine.dialect.name]
    with _translated(), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def write(engine: Engine, *, lasting: bool = True) -> Iterator[Connection]:
    """Change the database: all of the block, or nothing of it.

    A block that reads before it writes locks first what it reads (`with_for_update`), or another may change it
    in between on PostgreSQL.

    Args:
        engine: The database.
        lasting: Whether it is on the disk once the block has ended. What is not, everybody sees all the same, and it
            survives the end of the process; it is on the disk with the next lasting write of anybody, since both
            databases write their log in order. Only for what a lasting write follows before it is acknowledged.

    Raises:
        StoreDown: The database does not answer, is locked, full or read-only.
        DoesNotFit: PostgreSQL cannot keep a value.
    """
    options = _WRITE[engine.dialect.name]
    with _translated(), engine.connect().execution_options(**options) as connection:
        if lasting:
            with connection.begin():
                yield connection
        else:
            with _not_at_once(connection), connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield connection


@contextmanager
def _not_at_once(connection: Connection) -> Iterator[None]:
    """Let SQLite commit without waiting for the disk; afterwards the connection is as it was, or is thrown away."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection
    (before,) = raw.execute("PRAGMA synchronous").fetchone()
    raw.execute(_SYNCHRONOUS[min(before, 1)])
    try:
        yield
    finally:
        try:
            raw.execute(_SYNCHRONOUS[before])
        except sqlite3.Error:
            connection.invalidate()


def emptied_log(engine: Engine) -> bool:
    """Write what stands in SQLite's log into the database file and empty the log: deleted rows may stand in it.

    Pages that are free in the file hold zeros (secure_delete). PostgreSQL keeps dead rows until it vacuums.

    Returns:
        Whether it is empty now. Somebody who reads all the while may keep it from that; the next time does it.
    """
    if engine.dialect.name != "sqlite":
        return False
    with _translated():
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()  # whether somebody was in the way, how much was in the log, how much was moved
            cursor.close()
        except sqlite3.Error:
            return False
        finally:
            connection.close()
    return row is not None and not row[0]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a broken constraint is for the caller, who knows which
    except DataError as error:
        raise DoesNotFit("a value is too long, or has a sign in it that the database cannot keep") from error
    except DBAPIError as error:
        # The statement and its parameters stay out of the message: they may hold what is protected.
        raise StoreDown(f"the database does not answer: {_words(error)}") from error
    except NoFreeConnection as error:
        raise StoreDown("the database does not answer: too many use it at once") from error


def _words(error: DBAPIError) -> str:
    """Give the words of an error that hold no data; of any other error the class alone.

    These are SQLite's own words for a code of its list, such as "database or disk is full", and PostgreSQL's for a
    connection that it did not make, which name host and database. The words of SQLite's general error quote the
    statement, and those of a driver may quote a value.
    """
    cause = error.orig
    if error.statement is None and getattr(cause, "sqlstate", "") is None:  # no statement was sent yet
        return " ".join(str(cause).split())
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # the driver's own errors have none
    return type(cause).__name__ if code & 0xFF == sqlite3.SQLITE_ERROR else str(cause)
