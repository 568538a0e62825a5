"""Indexes of four dimensions, of every kind: the vectors of these tests are written by hand."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from retrieval.edge import EdgeIndex
from retrieval.homes import QdrantHome
from retrieval.qdrant_collection import Made
from retrieval.qdrant_server import Server
from tests.retrieval.collections_on_edge import Collections
from tests.retrieval.points import DIMENSION
from tests.retrieval.rest_server import RestServer
from tests.retrieval.tagged import Site, site_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.homes import KeptIndex
    from tests.worlds import World

MADE = Made(DIMENSION, "minilm/4", "tests")


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """Which index `index` is: see `tests/retrieval/kinds.py`."""
    name: str = getattr(request, "param", "edge")
    return name


@pytest.fixture(scope="module")
def over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RestServer, KeptIndex]]:
    """A server and the index on it, for all tests of a module: to make one takes as long as a dozen tests."""
    with served(tmp_path_factory.mktemp("server")) as server, opened_at(QdrantHome(Server(server.url), MADE)) as index:
        yield server, index


@pytest.fixture
def index(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[KeptIndex]:
    """An empty index: the one in process, or behind HTTP, or on the server at NTK_TEST_QDRANT_URL."""
    match kind:
        case "edge":
            opened = EdgeIndex(tmp_path / "index", DIMENSION)
            yield opened
            opened.close()
        case "http":
            server, index = request.getfixturevalue("over_http")
            server.collections.empty()
            yield index
        case "server":
            yield from _on_a_real_server()


@contextmanager
def served(folder: Path, **how: object) -> Iterator[RestServer]:
    """Serve empty collections; whatever the adapter asks must be known to the server."""
    with RestServer(Collections(folder / "collections"), **how) as server:  # type: ignore[arg-type]  # by name
        yield server
    assert not server.unknown


@contextmanager
def opened_at(home: QdrantHome) -> Iterator[KeptIndex]:
    """Open an index on a server, and close it."""
    index = home.open()
    yield index
    index.close()


def _on_a_real_server() -> Iterator[KeptIndex]:
    url = os.environ.get("NTK_TEST_QDRANT_URL")
    if not url:
        pytest.skip("NTK_TEST_QDRANT_URL names no Qdrant server")
    key = os.environ.get("NTK_TEST_QDRANT_KEY", "")
    home = QdrantHome(Server(url, collection=f"ntk-test-{uuid.uuid4().hex}", key=key), MADE)
    with opened_at(home) as index:
        yield index
    home.remove()


@pytest.fixture
def site(world: World) -> Site:
    """Places, people and documents whose tags change."""
    return site_in(world)
