"""Bring a database to the schema of this version, and refuse one that is ahead of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from store.engine import snapshot, write
from store.errors import DataFolderError, DataFolderNewer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run the migrations that the database lacks, all in one transaction.

    Raises:
        DataFolderNewer: The database has a revision that this version does not know.
    """
    config = _config()
    with write(engine) as connection:
        if not _is_current(connection, ScriptDirectory.from_config(config)):
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def refuse_newer(engine: Engine) -> None:
    """Refuse a database that is ahead of this version, before anything of it is read or changed.

    Raises:
        DataFolderNewer: It has a revision that this version does not know.
    """
    with snapshot(engine) as connection:
        _is_current(connection, ScriptDirectory.from_config(_config()))


def require_current(engine: Engine) -> None:
    """Refuse a database of another version: only the owner of a data folder may migrate it.

    Raises:
        DataFolderNewer: A newer version made it.
        DataFolderError: An older version made it, and nobody has migrated it yet.
    """
    config = _config()
    with snapshot(engine) as connection:
        if not _is_current(connection, ScriptDirectory.from_config(config)):
            raise DataFolderError("an older version made the data folder: start ntk serve once, which brings it up")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _is_current(connection: Connection, scripts: ScriptDirectory) -> bool:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise DataFolderNewer(
            f"the data folder was made by a newer version of Need to Know (schema {current}); "
            "install that version or a later one; nothing was changed"
        )
    return current == scripts.get_current_head()
