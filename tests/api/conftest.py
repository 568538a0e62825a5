"""A small installation with two people, as the doors see it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.wiring import House, open_house
from tests.sites import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.embed import Embed

__all__ = ["Site", "make_site"]  # tests/api asks for them here


@pytest.fixture
def site(tmp_path: Path, hash_embed: Embed) -> Site:
    """The installation, closed; its vectors are those of the fake embedding model."""
    return make_site(tmp_path, hash_embed)


@contextmanager
def _client(house: House) -> Iterator[TestClient]:
    with TestClient(create_app(house), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def house(site: Site, hash_embed: Embed) -> Iterator[House]:
    with open_house(site.data, hash_embed) as opened:
        yield opened


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with _client(house) as opened:
        yield opened
