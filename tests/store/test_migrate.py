from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, inspect, select, text
from sqlalchemy.schema import CreateTable

from store.engine import open_engine, snapshot, write
from store.errors import DataFolderError, DataFolderNewer
from store.migrate import refuse_newer, require_current, upgrade
from store.schema import metadata
from tests.postgres import schema_of_ones_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ntk.db'}"
        if request.param == "postgresql":
            url = str(stack.enter_context(schema_of_ones_own())).replace("postgresql:", "postgresql+psycopg:")
        engine = open_engine(url)
        yield engine
        engine.dispose()


def dump(engine: Engine) -> dict[str, Any]:
    """Give every table with its rows."""
    with snapshot(engine) as connection:
        known = MetaData()
        known.reflect(connection)
        return {
            name: (str(CreateTable(table)), [*map(tuple, connection.execute(select(table)))])
            for name, table in known.tables.items()
        }


def test_an_empty_database_gets_every_table(engine: Engine) -> None:
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    require_current(engine)


def test_a_second_migration_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    before = dump(engine)
    upgrade(engine)
    assert dump(engine) == before


def test_who_does_not_own_the_folder_migrates_nothing(engine: Engine) -> None:
    with pytest.raises(DataFolderError, match="older version"):
        require_current(engine)
    assert inspect(engine).get_table_names() == []


def test_a_database_of_a_newer_version_is_refused_unchanged(engine: Engine) -> None:
    """FT-04: an older version would write what the newer does not understand."""
    upgrade(engine)
    refuse_newer(engine)
    with write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = dump(engine)
    for look in (upgrade, refuse_newer, require_current):
        with pytest.raises(DataFolderNewer, match="schema 9999"):
            look(engine)
    assert dump(engine) == before


def test_a_migration_that_breaks_off_leaves_nothing_behind(engine: Engine) -> None:
    """FT-01: half of a schema could neither be used nor brought up again."""
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE node (id TEXT)"))  # the migration comes upon it halfway
    with pytest.raises(Exception, match="database does not answer"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == ["node"]
    with write(engine) as connection:
        connection.execute(text("DROP TABLE node"))
    upgrade(engine)
    require_current(engine)


def test_many_who_start_at_once_migrate_once(engine: Engine) -> None:
    """Without taking turns, PostgreSQL would let all of them make the same tables, and all but one would fail."""
    barrier = threading.Barrier(4)

    def start(_: int) -> None:
        own = open_engine(engine.url)
        barrier.wait()
        upgrade(own)
        own.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    require_current(engine)
