"""Bring a database to the schema of this version, and refuse one that is ahead of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from store.engine import snapshot, write
from store.errors import DataFolderError, DataFolderNewer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MIGRATIONS = Path(__file__).parent / "migrations"
_TURN: Final = 0x6E746B  # the number of the lock that a migrating process holds: "ntk"


def upgrade(engine: Engine) -> None:
    """Run the migrations that the database lacks, all in one transaction.

    Raises:
        DataFolderNewer: The database has a revision that this version does not know.
    """
    with write(engine) as connection:
        take_turns(connection)
        migrate(connection)


def take_turns(connection: Connection) -> None:
    """Wait until no other process migrates this database, and let no other until the transaction ends."""
    if connection.dialect.name == "postgresql":  # on SQLite a write has its turn already
        connection.execute(select(func.pg_advisory_xact_lock(_TURN)))


def migrate(connection: Connection) -> None:
    """Run the migrations that the database lacks, in the transaction of a caller who has taken his turn.

    Raises:
        DataFolderNewer: The database has a revision that this version does not know.
    """
    if not _is_current(connection):
        config = _config()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # an index on a large table takes its time
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def refuse_newer(engine: Engine) -> None:
    """Refuse a database that is ahead of this version, before anything of it is read or changed.

    Raises:
        DataFolderNewer: It has a revision that this version does not know.
    """
    with snapshot(engine) as connection:
        _is_current(connection)


def require_current(engine: Engine) -> None:
    """Refuse a database of another version: only the owner of a data folder may migrate it.

    Raises:
        DataFolderNewer: A newer version made it.
        DataFolderError: An older version made it, and nobody has migrated it yet.
    """
    with snapshot(engine) as connection:
        if not _is_current(connection):
            raise DataFolderError("an older version made the data folder: start ntk serve once, which brings it up")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@cache  # they are part of the program, and are compiled each time that they are read
def _revisions() -> tuple[str, ...]:
    """Give the revisions that this version knows, the last one first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(script.revision for script in scripts.walk_revisions())


def _is_current(connection: Connection) -> bool:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in _revisions():
        raise DataFolderNewer(
            f"the data folder was made by a newer version of Need to Know (schema {current}); "
            "install that version or a later one; nothing was changed"
        )
    return current == _revisions()[0]
