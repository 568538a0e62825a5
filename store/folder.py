"""The data folder of an installation: its files, its one owner, its making.

The database is a file in it, or a PostgreSQL database elsewhere, which a secret reference names. Key, settings,
index and lock lie in the folder either way.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, insert, inspect, select

from store import schema
from store.engine import open_engine, postgres_url, snapshot, write
from store.envelope import new_key
from store.errors import DataFolderBusy, DataFolderError, NoDataFolder, RotationBusy, StoreError, WrongMasterKey
from store.keys import Keys, MasterKeys, masters_in, open_secret
from store.migrate import migrate, refuse_newer, require_current, take_turns, upgrade
from store.rotation import found
from store.secret import resolve
from store.whole import put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


_LONGEST_OWNER: Final = 1000  # bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Where what lies in a data folder."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "ntk.db"

    @property
    def index(self) -> Path:
        return self.root / "index"

    @property
    def settings(self) -> Path:
        return self.root / "ntk.toml"

    @property
    def master_key(self) -> Path:
        return self.root / "master.key"

    @property
    def lock(self) -> Path:
        return self.root / "owner.lock"

    @property
    def rotation(self) -> Path:
        return self.root / "rotation.lock"

    def require(self) -> None:
        """Refuse a place where there is no data folder.

        Raises:
            NoDataFolder: There is none.
            DataFolderError: The place cannot be looked at.
        """
        if not self._there(self.settings, self.database):
            self._refuse(self.settings)

    def require_database(self) -> None:
        """Refuse a data folder that has lost the database in it.

        Raises:
            NoDataFolder: It is gone.
            DataFolderError: The place cannot be looked at.
        """
        if not self._there(self.database):
            self._refuse(self.database)

    def _refuse(self, missing: Path) -> None:
        if rest := self._there(self.master_key, self.index):  # not "ntk init": he has lost what he had
            raise NoDataFolder(f"{missing} is missing beside {' and '.join(rest)}: restore your backup of it")
        raise NoDataFolder(f"there is no data folder at {self.root}: make one with ntk init, or name another")

    def _there(self, *paths: Path) -> list[str]:
        try:
            return [path.name for path in paths if path.exists()]
        except OSError as error:
            raise DataFolderError(f"{self.root} cannot be used: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Store:
    """An open data folder: its database, its keys, and what it was made as."""

    layout: Layout
    engine: Engine
    keys: Keys
    masters: MasterKeys
    demo: bool
    embedder: str


def create(root: Path, *, embedder: str, demo: bool = False, database: str | None = None) -> Layout:
    """Make a data folder: private, with a fresh master key, an empty database and a settings file.

    Args:
        root: A folder that does not exist yet, or is empty.
        embedder: Name and revision of the embedding model; the index holds its vectors alone.
        demo: Whether questions may be asked under any name in it, without a key.
        database: Secret reference of the URL of an empty PostgreSQL database; without it, SQLite in the folder.

    Raises:
        DataFolderError: Something else stands there or in the database, and nothing is touched; or nothing can be
            written there.
        SecretMissing: The reference leads nowhere, or to no URL of a PostgreSQL database.
        StoreDown: The database does not answer; there is an empty folder at most.
    """
    try:
        return _create(Layout(root), embedder, database, demo=demo)
    except OSError as error:
        raise DataFolderError(f"no data folder can be made at {root}: {error.strerror}") from error


def _create(layout: Layout, embedder: str, database: str | None, *, demo: bool) -> Layout:
    root = layout.root
    if root.exists() and (not root.is_dir() or any(entry != layout.lock for entry in root.iterdir())):
        raise DataFolderError(f"{root} is not empty: name a new folder")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if database is None:
        # SQLite would let others read it; its journals take the mode over. Of two who make it at once, one fails here.
        os.close(os.open(layout.database, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    engine = _engine(layout, database)
    try:
        with write(engine) as connection:
            take_turns(connection)
            if inspect(connection).get_table_names():
                raise DataFolderError(f"the database in {database} is not empty: name a new one")
            # The files before the commit: a database whose key was never written would belong to nobody.
            master = new_key()
            put(layout.master_key, master.hex() + "\n")
            put(layout.settings, _settings(layout, database))
            migrate(connection)
            connection.execute(insert(schema.policy_state).values(id=1, epoch=0))
            found(connection, MasterKeys(lambda: [master]), embedder=embedder, demo=demo)
    finally:
        engine.dispose()
    return layout


def _settings(layout: Layout, database: str | None) -> str:
    named = {"master_key": f"file:{layout.master_key.name}"} | ({"database": database} if database else {})
    # JSON and TOML quote a text in the same way.
    return "".join(f"{name} = {json.dumps(reference, ensure_ascii=False)}\n" for name, reference in named.items())


def open_store(layout: Layout, master_key: str, *, owner: bool, database: str | None = None) -> Store:
    """Open a data folder with the master key that a secret reference names.

    Args:
        layout: The folder.
        master_key: The reference.
        owner: Whether the caller holds it (`owned`); the owner brings the database up to this version.
        database: Reference of the URL of its PostgreSQL database; without it, the SQLite database in the folder.

    Raises:
        NoDataFolder: Nothing is there, or its making was cut off.
        SecretMissing: A reference leads nowhere. No new master key is made: it could not open anything.
        WrongMasterKey: The keys are not those that the folder is sealed under.
        CannotDecrypt: What its keyed hashes come from was damaged.
        DataFolderNewer: A newer version made the folder.
        DriverMissing: The database is PostgreSQL, and its driver is not installed.
        StoreDown: The database does not answer.
    """
    layout.require()
    if database is None:
        layout.require_database()
    masters = MasterKeys(partial(masters_in, master_key, layout.root))
    engine = _engine(layout, database)
    try:
        refuse_newer(engine)
        _require_keys(engine, layout, master_key, masters)
        (upgrade if owner else require_current)(engine)
        with snapshot(engine) as connection:
            made = connection.execute(select(schema.installation)).one()
        keys = Keys.of(masters, open_secret(masters, made.key_id, made.sealed_secret))
    except BaseException:
        engine.dispose()
        raise
    return Store(layout, engine, keys, masters, demo=made.demo, embedder=made.embedder)


def _engine(layout: Layout, database: str | None = None) -> Engine:
    if database is not None:
        return open_engine(postgres_url(resolve(database, layout.root), database))
    # Not as text: a question mark in the folder's name would begin the options of the URL.
    return open_engine(URL.create("sqlite", database=str(layout.database)))


def _require_keys(engine: Engine, layout: Layout, reference: str, masters: MasterKeys) -> None:
    # Before any migration, so that a wrong key changes nothing. The columns stay as they are in every schema.
    with snapshot(engine) as connection:
        made = inspect(connection).has_table(schema.installation.name)
        current = connection.scalar(select(schema.installation.c.key_id)) if made else None
        if current is None:
            raise NoDataFolder(f"the making of {layout.root} was cut off: remove it and run ntk init again")
        used = select(schema.master_key.c.id).where(schema.master_key.c.left_at.is_(None))
        lacking = [id_ for id_ in (current, *connection.scalars(used)) if not masters.holds(id_)]
    if current in lacking:
        raise WrongMasterKey(
            f"{reference} does not hold master key {current}, which {layout.root} is sealed under: it is another "
            "folder's, or of before or after a rotation; nothing was changed"
        )
    if lacking:
        raise WrongMasterKey(
            f"{reference} does not hold master key {lacking[0]}, and a rotation away from it has not ended: put it "
            "back behind the newest, with a blank between; nothing was changed"
        )


@contextmanager
def rotating(layout: Layout) -> Iterator[None]:
    """Let nobody else rotate the master key of a data folder until the block ends or the process does.

    Raises:
        RotationBusy: Another process does.
        DataFolderError: The folder cannot be written.
    """
    with _held(layout, layout.rotation) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RotationBusy(f"another process rotates the master key of {layout.root}: wait for its end") from error
        yield


@contextmanager
def owned(layout: Layout) -> Iterator[None]:
    """Hold the data folder for this process alone, until the block ends or the process does.

    The kernel gives the lock up with the process, so nothing is left to be removed after a crash.

    Raises:
        DataFolderBusy: Another process holds it; the message says which.
        NoDataFolder: There is no folder at this place.
        DataFolderError: The folder cannot be written.
    """
    with _held(layout, layout.lock) as descriptor:
        _lock(descriptor, layout)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)  # an address that is served no more must not be believed


@contextmanager
def _held(layout: Layout, path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise NoDataFolder(f"there is no folder at {layout.root}") from error
    except OSError as error:
        raise DataFolderError(f"{layout.root} cannot be used: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, layout: Layout) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner, url = _owner(descriptor)
        served = f", and serves {url}" if url else ""
        raise DataFolderBusy(
            f"process {owner or 'unknown'} is using {layout.root}{served}: stop it first, or put your question to it "
            "over HTTP"
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())


def announce(layout: Layout, url: str) -> None:
    """Write down where the owner of a data folder serves it; to be called by the owner.

    Raises:
        DataFolderError: It cannot be written.
    """
    try:
        with layout.lock.open("ab") as file:
            file.write(f"\n{url}".encode())
    except OSError as error:
        raise DataFolderError(f"{layout.lock} cannot be written: {error.strerror}") from error


def served_at(layout: Layout) -> str | None:
    """Give where the owner of a data folder serves it, if it is owned and served."""
    try:
        descriptor = os.open(layout.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _owner(descriptor)[1] or None
    finally:
        os.close(descriptor)


def _owner(descriptor: int) -> tuple[str, str]:
    """Read the process that holds the lock, and where it serves; empty for what is not there."""
    number, _, url = os.pread(descriptor, _LONGEST_OWNER, 0).decode("utf-8", "replace").partition("\n")
    return number, url


def is_demo(layout: Layout) -> bool:
    """Say whether a data folder was made as a demonstration, which has its database in it always.

    False also where that cannot be read.
    """
    if not layout.database.exists():
        return False  # SQLite would make one, and the folder would no longer be empty
    engine = _engine(layout)
    try:
        with snapshot(engine) as connection:
            return connection.scalar(select(schema.installation.c.demo)) is True
    except StoreError:
        return False
    finally:
        engine.dispose()
