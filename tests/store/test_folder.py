from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from store.engine import snapshot
from store.errors import (
    DataFolderBusy,
    DataFolderError,
    DataFolderNewer,
    NoDataFolder,
    SecretMissing,
    StoreDown,
    WrongMasterKey,
)
from store.folder import Layout, create, is_demo, open_store, owned
from store.migrate import require_current

KEY = "file:master.key"


def opens(layout: Layout, *, owner: bool = True) -> bool:
    store = open_store(layout, KEY, owner=owner)
    require_current(store.engine)
    store.engine.dispose()
    return True


def content(layout: Layout) -> dict[str, bytes]:
    """Give every file but SQLite's journals, which come and go as a database is looked at."""
    return {path.name: path.read_bytes() for path in layout.root.iterdir() if not path.name.endswith(("-wal", "-shm"))}


def test_a_new_folder_opens_with_its_key(data_folder: Layout) -> None:
    store = open_store(data_folder, KEY, owner=True)
    assert store.layout == data_folder
    assert (store.demo, store.embedder) == (False, "hash_embed@1")
    store.engine.dispose()
    assert opens(data_folder, owner=False)


def test_everything_in_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    """A folder that was there before, open to all, must not hand the database to all."""
    tmp_path.chmod(0o755)
    (tmp_path / "there").mkdir(mode=0o755)
    old_mask = os.umask(0)
    try:
        for layout in (create(tmp_path / "there", embedder="e"), create(tmp_path / "new", embedder="e")):
            store = open_store(layout, KEY, owner=True)
            with snapshot(store.engine), owned(layout):
                modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in layout.root.iterdir()}
            store.engine.dispose()
            assert modes.keys() >= {"master.key", "ntk.toml", "ntk.db", "ntk.db-wal", "owner.lock"}
            assert set(modes.values()) == {0o600}
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_two_folders_have_two_keys(tmp_path: Path) -> None:
    one, two = (create(tmp_path / name, embedder="e") for name in ("one", "two"))
    assert one.master_key.read_text() != two.master_key.read_text()
    assert len(one.master_key.read_text().strip()) == 64


@pytest.mark.parametrize("name", ["why? really", "a#b", "100%", "sp ace", "k\u00f6der", "a&mode=memory", "x?mode=ro"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str) -> None:
    """A question mark began the options of a URL once, and the database was made outside of the folder."""
    layout = create(tmp_path / name, embedder="e")
    assert opens(layout)
    assert layout.database.stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("stands_there", ["file", "folder with a file", "data folder"])
def test_what_stands_there_already_is_not_touched(tmp_path: Path, stands_there: str) -> None:
    root = tmp_path / "data"
    if stands_there == "file":
        root.write_text("mine")
    elif stands_there == "data folder":
        create(root, embedder="e")
    else:
        root.mkdir()
        (root / "mine.txt").write_text("mine")
    before = root.read_text() if root.is_file() else content(Layout(root))
    with pytest.raises(DataFolderError, match="not empty"):
        create(root, embedder="e")
    assert (root.read_text() if root.is_file() else content(Layout(root))) == before


@pytest.mark.parametrize("place", ["file/data", "a" * 300])
def test_where_nothing_can_be_written_no_folder_is_made(tmp_path: Path, place: str) -> None:
    """The system's words are told; its error would be taken for one that nobody foresaw."""
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError, match=r"(?i)no data folder can be made at .*(not a directory|name too long)"):
        create(tmp_path / place, embedder="e")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert opens(create(tmp_path / "deep" / "data", embedder="e"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_below_a_folder_of_others_no_folder_is_made(tmp_path: Path) -> None:
    for mode in (0o500, 0o000):
        tmp_path.chmod(mode)
        with pytest.raises(DataFolderError, match="Permission denied"):
            create(tmp_path / "data", embedder="e")
    with pytest.raises(DataFolderError, match="Permission denied"):
        Layout(tmp_path / "data").require()
    tmp_path.chmod(0o700)
    assert opens(create(tmp_path / "data", embedder="e"))


def test_a_folder_that_lost_its_database_is_told_from_none(data_folder: Layout, tmp_path: Path) -> None:
    """Who follows "make one with ntk init" has a new, empty folder, and stops to look for the backup."""
    backup = tmp_path / "backup.db"
    data_folder.database.rename(backup)
    with pytest.raises(NoDataFolder, match=r"ntk.db is missing beside master.key: restore your backup") as lost:
        open_store(data_folder, KEY, owner=True)
    assert "ntk init" not in str(lost.value)
    backup.rename(data_folder.database)
    assert opens(data_folder)


def test_an_owner_can_make_the_folder_that_he_holds(tmp_path: Path) -> None:
    tmp_path.joinpath("data").mkdir()
    with owned(Layout(tmp_path / "data")):
        assert opens(create(tmp_path / "data", embedder="e"))


def test_there_is_no_folder_where_none_was_made(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        with pytest.raises(NoDataFolder, match="ntk init"):
            open_store(Layout(root), KEY, owner=True)
        with pytest.raises(NoDataFolder):
            Layout(root).require()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_not_made_anew(data_folder: Layout) -> None:
    """A fresh key would open nothing of what is there, and hide that the right one is lost."""
    kept = data_folder.master_key.read_bytes()
    data_folder.master_key.unlink()
    before = content(data_folder)
    with pytest.raises(SecretMissing):
        open_store(data_folder, KEY, owner=True)
    assert content(data_folder) == before
    data_folder.master_key.write_bytes(kept)
    data_folder.master_key.chmod(0o600)
    assert opens(data_folder)


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "00" * 33, "zz" * 32, "{}"])
def test_what_is_no_key_is_refused(data_folder: Layout, text: str) -> None:
    data_folder.master_key.write_text(text)
    with pytest.raises(SecretMissing):
        open_store(data_folder, KEY, owner=True)


def test_the_key_may_come_from_the_environment(data_folder: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_TEST_KEY", data_folder.master_key.read_text())
    data_folder.master_key.unlink()
    open_store(data_folder, "env:NTK_TEST_KEY", owner=True).engine.dispose()


def test_the_key_of_another_folder_changes_nothing(data_folder: Layout, tmp_path: Path) -> None:
    other = create(tmp_path / "other", embedder="e")
    before = content(data_folder)
    with pytest.raises(WrongMasterKey, match="nothing was changed"):
        open_store(data_folder, f"file:{other.master_key}", owner=True)
    assert content(data_folder) == before
    assert opens(data_folder)


def test_a_wrong_key_is_found_out_before_the_database_is_migrated(data_folder: Layout, tmp_path: Path) -> None:
    other = create(tmp_path / "other", embedder="e")
    with closing(sqlite3.connect(data_folder.database)) as database, database:
        database.execute("DELETE FROM alembic_version")  # as a version without migrations would have left it
    with pytest.raises(WrongMasterKey):
        open_store(data_folder, f"file:{other.master_key}", owner=True)
    with closing(sqlite3.connect(data_folder.database)) as database:
        assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (0,)


def test_a_folder_of_a_newer_version_is_left_alone(data_folder: Layout) -> None:
    """FT-04."""
    with closing(sqlite3.connect(data_folder.database)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("DROP TABLE installation")  # who knows what a newer version keeps where
    before = content(data_folder)
    for owner in (True, False):
        with pytest.raises(DataFolderNewer):
            open_store(data_folder, KEY, owner=owner)
    assert content(data_folder) == before


@pytest.mark.parametrize("cut", ["DELETE FROM installation", "DROP TABLE installation"])
def test_a_folder_whose_making_was_cut_off_is_told_from_a_lost_one(data_folder: Layout, cut: str) -> None:
    """FT-01."""
    with closing(sqlite3.connect(data_folder.database)) as database, database:
        database.execute(cut)
    with pytest.raises(NoDataFolder, match="cut off"):
        open_store(data_folder, KEY, owner=True)


def test_a_damaged_database_is_down(data_folder: Layout) -> None:
    data_folder.database.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDown):
        open_store(data_folder, KEY, owner=True)


def test_a_demonstration_is_known_as_one_and_nothing_else_is(tmp_path: Path) -> None:
    demo = create(tmp_path / "demo", embedder="e", demo=True)
    real = create(tmp_path / "real", embedder="e")
    damaged = create(tmp_path / "damaged", embedder="e", demo=True)
    damaged.database.write_bytes(b"no database" * 1000)
    assert is_demo(demo)
    assert not is_demo(real)
    assert not is_demo(damaged)
    assert not is_demo(Layout(tmp_path / "none"))


def test_to_ask_whether_it_is_a_demonstration_makes_nothing(tmp_path: Path) -> None:
    assert not is_demo(Layout(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_store_shows_no_key(data_folder: Layout) -> None:
    """AL-08."""
    store = open_store(data_folder, KEY, owner=True)
    assert data_folder.master_key.read_text().strip() not in repr(store)
    for field in dataclasses.fields(store.keys):
        if isinstance(key := getattr(store.keys, field.name), bytes):
            assert repr(key) not in repr(store)
    store.engine.dispose()


# --- one owner ----------------------------------------------------------------------------------

OWNER = """
import sys
from pathlib import Path
from store.folder import Layout, owned
with owned(Layout(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(layout: Layout, stack: ExitStack) -> subprocess.Popen[str]:
    """Hold a folder in another process, until its standard input ends."""
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(layout.root)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_owner_is_told_who_the_first_is(data_folder: Layout) -> None:
    """FT-05."""
    with ExitStack() as stack:
        process = hold(data_folder, stack)
        with pytest.raises(DataFolderBusy, match=f"process {process.pid} is using"), owned(data_folder):
            pytest.fail("two processes own one folder")
        assert opens(data_folder, owner=False)  # to look at the database is free
    with owned(data_folder):
        pass


def test_a_killed_owner_leaves_nothing_to_be_removed(data_folder: Layout) -> None:
    """FT-06."""
    with ExitStack() as stack:
        process = hold(data_folder, stack)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert data_folder.lock.exists()
        with owned(data_folder):
            assert data_folder.lock.read_text() == str(os.getpid())


def test_one_process_does_not_own_a_folder_twice(data_folder: Layout) -> None:
    with owned(data_folder):
        with pytest.raises(DataFolderBusy, match=str(os.getpid())), owned(data_folder):
            pytest.fail("owned twice")
        with pytest.raises(DataFolderBusy), owned(data_folder):  # the refusal gave nothing up
            pytest.fail("owned twice")
    with owned(data_folder):
        pass


def test_an_error_in_the_block_is_not_taken_for_another_owner(data_folder: Layout) -> None:
    """A socket that would block raises the same error as a lock that is taken."""

    def work() -> None:
        with owned(data_folder):
            raise BlockingIOError("of the block")

    with pytest.raises(BlockingIOError, match="of the block"):
        work()


def test_no_folder_can_be_owned_where_none_is(tmp_path: Path) -> None:
    with pytest.raises(NoDataFolder), owned(Layout(tmp_path / "none")):
        pytest.fail("nothing was owned")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError), owned(Layout(tmp_path / "file")):
        pytest.fail("a file was owned")
