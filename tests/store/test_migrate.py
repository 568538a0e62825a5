from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from store.engine import open_engine, snapshot, write
from store.errors import DataFolderError, DataFolderNewer
from store.migrate import refuse_newer, require_current, upgrade
from store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ntk.db'}")
    yield engine
    engine.dispose()


def dump(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        return list(driver.iterdump())


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
    with snapshot(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM sqlite_schema")) == 1
