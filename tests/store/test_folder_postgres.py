"""A data folder whose database is PostgreSQL: what lies where, and what is not touched."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from store.engine import open_engine, postgres_url, snapshot, write
from store.errors import (
    DataFolderError,
    DataFolderNewer,
    DoesNotFit,
    NoDataFolder,
    SecretMissing,
    StoreDown,
    WrongMasterKey,
)
from store.folder import Layout, create, is_demo, open_store
from store.migrate import require_current
from tests.postgres import schema_of_ones_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

KEY, DATABASE = "file:master.key", "env:NTK_TEST_EMPTY"


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An empty database, which DATABASE refers to."""
    with schema_of_ones_own() as url:
        monkeypatch.setenv(DATABASE.removeprefix("env:"), url)
        engine = open_engine(postgres_url(url, DATABASE))
        yield engine
        engine.dispose()


def tables(engine: Engine) -> list[str]:
    with snapshot(engine) as connection:
        return inspect(connection).get_table_names()


def opens(layout: Layout, *, owner: bool = True) -> bool:
    store = open_store(layout, KEY, owner=owner, database=DATABASE)
    require_current(store.engine)
    store.engine.dispose()
    return True


def test_the_folder_holds_key_and_settings_and_the_database_the_rest(tmp_path: Path, empty: Engine) -> None:
    layout = create(tmp_path / "data", embedder="e", database=DATABASE)
    assert {path.name for path in layout.root.iterdir()} == {"master.key", "ntk.toml"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in layout.root.iterdir()} == {0o600}
    assert layout.settings.read_text() == f'master_key = "{KEY}"\ndatabase = "{DATABASE}"\n'
    store = open_store(layout, KEY, owner=True, database=DATABASE)
    assert (store.demo, store.embedder, store.engine.dialect.name) == (False, "e", "postgresql")
    store.engine.dispose()
    assert opens(layout, owner=False)
    assert "installation" in tables(empty)
    assert not is_demo(layout)


def test_a_database_that_belongs_to_another_folder_is_not_touched(tmp_path: Path, empty: Engine) -> None:
    mine = create(tmp_path / "mine", embedder="e", database=DATABASE)
    with pytest.raises(DataFolderError, match=f"{DATABASE} is not empty"):
        create(tmp_path / "yours", embedder="e", database=DATABASE)
    assert list((tmp_path / "yours").iterdir()) == []
    assert opens(mine)


def test_a_database_with_tables_of_others_is_not_touched(tmp_path: Path, empty: Engine) -> None:
    with write(empty) as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    with pytest.raises(DataFolderError, match="is not empty"):
        create(tmp_path / "data", embedder="e", database=DATABASE)
    assert tables(empty) == ["theirs"]


def test_a_making_that_breaks_off_leaves_nothing_in_the_database(tmp_path: Path, empty: Engine) -> None:
    """FT-01: tables whose key was never kept would belong to nobody."""
    with pytest.raises(DoesNotFit):
        create(tmp_path / "data", embedder="e" * 201, database=DATABASE)
    assert tables(empty) == []
    with pytest.raises(NoDataFolder, match="cut off"):
        opens(Layout(tmp_path / "data"))
    assert opens(create(tmp_path / "new", embedder="e", database=DATABASE))


@pytest.mark.parametrize("reference", ["env:NTK_TEST_NOT_SET", "file:none", "postgresql://anna:k4n4ry@db.example/ntk"])
def test_a_reference_that_leads_nowhere_makes_nothing(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretMissing) as refused:
        create(tmp_path / "data", embedder="e", database=reference)
    assert "k4n4ry" not in str(refused.value)
    assert list((tmp_path / "data").iterdir()) == []
    create(tmp_path / "data", embedder="e")


def test_a_server_that_does_not_answer_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE.removeprefix("env:"), f"postgresql:///ntk?host={tmp_path}")
    with pytest.raises(StoreDown, match="No such file"):
        create(tmp_path / "data", embedder="e", database=DATABASE)
    assert list((tmp_path / "data").iterdir()) == []


def test_the_key_of_another_folder_does_not_open_it(tmp_path: Path, empty: Engine) -> None:
    layout = create(tmp_path / "data", embedder="e", database=DATABASE)
    other = create(tmp_path / "other", embedder="e")
    with pytest.raises(WrongMasterKey, match="nothing was changed"):
        open_store(layout, f"file:{other.master_key}", owner=True, database=DATABASE)
    assert opens(layout)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path, empty: Engine) -> None:
    """FT-04."""
    layout = create(tmp_path / "data", embedder="e", database=DATABASE)
    with write(empty) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DROP TABLE installation"))  # who knows what a newer version keeps where
    for owner in (True, False):
        with pytest.raises(DataFolderNewer):
            opens(layout, owner=owner)
    assert "installation" not in tables(empty)


def test_who_leaves_the_setting_out_is_not_given_an_empty_database(tmp_path: Path, empty: Engine) -> None:
    """SQLite would make one, and every right in it would be gone."""
    layout = create(tmp_path / "data", embedder="e", database=DATABASE)
    with pytest.raises(NoDataFolder, match=r"ntk.db is missing beside master.key"):
        open_store(layout, KEY, owner=True)
    assert not layout.database.exists()
    assert opens(layout)
