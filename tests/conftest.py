"""What all tests share: no network, a fresh data folder, two databases, two embedders, an index, a small world.

The parts are real. The one fake is `hash_embed`, which stands in for the embedding model where a test
is not about meaning.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from hypothesis import settings

from api.settings import cache_folder
from audit.ledger import Ledger
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION, Embedder
from store.folder import Layout, Store, create, open_store
from tests.postgres import REFERENCE, emptied, schema_of_ones_own
from tests.worlds import World, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from retrieval.embed import Embed

# A slow machine is no failure, and a failing example is printed, not kept in a folder.
settings.register_profile("ntk", deadline=None, database=None, print_blob=True)
settings.load_profile("ntk")

ON_BOTH: Final = ("acl", "audit", "redaction", "retrieval", "store")  # folders of tests; see `store`
MASTER_KEY: Final = "file:master.key"  # the reference that a new data folder's settings hold


class NetworkBlocked(OSError):
    """A test tried to reach something other than this machine."""


@pytest.fixture(scope="session", autouse=True)
def _blocked() -> Iterator[list[str]]:
    """Block connections and name look-ups that leave the machine, for the whole run (SC-07).

    Gives the list of what was tried. Sockets of this machine (loopback, Unix) work as ever.
    """
    tried: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, method, _guarded_method(getattr(socket.socket, method), tried))
        for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            patch.setattr(socket, function, _guarded_lookup(getattr(socket, function), tried))
        yield tried


@pytest.fixture(autouse=True)
def blocked(_blocked: list[str]) -> Iterator[list[str]]:
    """Fail a test that tried to leave the machine, even if the code under test swallowed the error.

    A test that tries on purpose clears the list.
    """
    _blocked.clear()
    yield _blocked
    assert not _blocked, f"this test tried to reach {_blocked}"


def pytest_configure(config: pytest.Config) -> None:
    # One for all runs and their workers: the embedding model is converted once, and no home is written to.
    cache = Path(tempfile.gettempdir()) / f"need-to-know-tests-{os.geteuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(cache)
    config.addinivalue_line("markers", "sqlite: it is about SQLite itself, or about a file that holds a database")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses `store` in the folders of ON_BOTH on both databases."""
    folder = metafunc.definition.path.relative_to(Path(__file__).parent).parts[0]
    if "store" in metafunc.fixturenames and folder in ON_BOTH:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, on PostgreSQL, what is about SQLite itself; the mark may stand on one line of a table."""
    items[:] = [item for item in items if not (item.get_closest_marker("sqlite") and "postgresql" in _values(item))]


def _values(item: pytest.Item) -> list[object]:
    return list(item.callspec.params.values()) if hasattr(item, "callspec") else []


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Which database `data_folder` and `store` have: sqlite, or postgresql where a test runs on both."""
    name: str = getattr(request, "param", "sqlite")
    return name


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A data folder whose database is a PostgreSQL schema of this run; skips where no server answers."""
    with schema_of_ones_own() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(REFERENCE.removeprefix("env:"), url)
        yield create(tmp_path_factory.mktemp("postgres") / "data", embedder="hash_embed@1", database=REFERENCE)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A data folder that nobody opens: to run all migrations for each test takes longer than most tests."""
    return create(tmp_path_factory.mktemp("sqlite") / "data", embedder="hash_embed@1")


@pytest.fixture
def data_folder(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> Layout:
    """A fresh data folder at `tmp_path / "data"`, a copy of one that was made for the run; nothing has it open."""
    made: Layout = request.getfixturevalue("postgres" if database == "postgresql" else "sqlite")
    shutil.copytree(made.root, tmp_path / "data")
    return Layout(tmp_path / "data")


@pytest.fixture
def store(data_folder: Layout, database: str) -> Iterator[Store]:
    """The fresh data folder, opened: `store.engine`, `store.keys`, `store.layout`.

    Its database is SQLite, and for tests of what reads or changes rows (the folders in ON_BOTH) PostgreSQL as well:
    rights, decisions, changes, trail, tokens, the last gate, the schema. The doors, the answers and the ingestion
    stand on these alone and run on SQLite. Of the long searches for disagreement (`tests/retrieval/test_agreement.py`)
    those of decision, scope and gate run on PostgreSQL too, with fewer examples; those of the index do not, since
    they read the same rows.

    On PostgreSQL all tests of a run share one schema, migrated once, and each finds it empty: that takes hundredths
    of a second, a database of its own for each would take seconds.
    """
    opened = open_store(data_folder, MASTER_KEY, owner=True, database=None if database == "sqlite" else REFERENCE)
    if database == "postgresql":
        emptied(opened.engine)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """The audit trail of the fresh data folder."""
    return Ledger(store.engine, store.keys.audit)


@pytest.fixture
def edge_index(data_folder: Layout) -> Iterator[EdgeIndex]:
    """An empty index in the fresh data folder."""
    index = EdgeIndex(data_folder.index, DIMENSION)
    yield index
    index.close()


@pytest.fixture
def world(store: Store, ledger: Ledger, edge_index: EdgeIndex, hash_embed: Embed) -> World:
    """A world to fill, empty but for its data folder: see `tests/worlds.py` for what it can make.

    Its database does not wait for the disk: a power cut is no matter here, and waiting most of the time.
    """
    hurry(store)
    return World(store, ledger, edge_index, hash_embed)


@pytest.fixture(scope="session")
def hash_embed() -> Embed:
    """A fast fake of the embedding model: texts that share words are near, others are not."""
    return _hash_embed


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The real embedding model, loaded at its first use and kept for the whole run."""
    return Embedder(cache=cache_folder())


def _hash_embed(texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()) or [""]:
            row[int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=4).digest()) % DIMENSION] += 1
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def _stays_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _guarded_method(original: Any, tried: list[str]) -> Any:
    def guarded(self: socket.socket, *args: Any) -> Any:
        address = args[-1]  # the last of connect(address), sendto(data, address) and sendto(data, flags, address)
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _stays_here(address[0]):
            tried.append(str(address[0]))
            raise NetworkBlocked(f"a test connects to {address[0]}")
        return original(self, *args)

    return guarded


def _guarded_lookup(original: Any, tried: list[str]) -> Any:
    def guarded(host: Any, *args: Any, **options: Any) -> Any:
        if not _stays_here(host):
            tried.append(str(host))
            raise NetworkBlocked(f"a test looks {host} up")
        return original(host, *args, **options)

    return guarded
