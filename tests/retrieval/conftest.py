"""An index of four dimensions: the vectors of these tests are written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrieval.edge import EdgeIndex
from tests.retrieval.points import DIMENSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    index = EdgeIndex(tmp_path / "index", DIMENSION)
    yield index
    index.close()
