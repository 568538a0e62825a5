"""What all tests share: no network, a fresh data folder, two embedders, an index, a small world.

The parts are real. The one fake is `hash_embed`, which stands in for the embedding model where a test
is not about meaning.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from hypothesis import settings

from audit.ledger import Ledger
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION, Embedder
from store.folder import Layout, Store, create, open_store
from tests.worlds import World, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.embed import Embed

# A slow machine is no failure, and a failing example is printed, not kept in a folder.
settings.register_profile("ntk", deadline=None, database=None, print_blob=True)
settings.load_profile("ntk")

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


@pytest.fixture
def data_folder(tmp_path: Path) -> Layout:
    """A fresh data folder at `tmp_path / "data"`, with its own master key; nothing has it open."""
    return create(tmp_path / "data", embedder="hash_embed@1")


@pytest.fixture
def store(data_folder: Layout) -> Iterator[Store]:
    """The fresh data folder, opened: `store.engine`, `store.keys`, `store.layout`."""
    opened = open_store(data_folder, MASTER_KEY, owner=True)
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
    """The real embedding model, loaded at its first use (five seconds) and kept for the whole run."""
    return Embedder()


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
