"""An index is tidied by the commands that fill it, where there is room, and nothing fails because it was not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from api.tidying import tidy
from retrieval.errors import IndexDown
from store.room import require_room

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Index:
    """Has so many points, and notes whether it was tidied."""

    points: int = 0
    broken: bool = False
    tidied: int = 0

    def count(self) -> int:
        return self.points

    def tidy(self) -> bool:
        if self.broken:
            raise IndexDown("the engine failed")
        self.tidied += 1
        return True


def test_an_index_is_tidied_where_there_is_room(tmp_path: Path) -> None:
    index: Any = Index(points=1_000)
    assert tidy(index, partial(require_room, tmp_path))
    assert index.tidied == 1


@pytest.mark.parametrize("index", [Index(points=10**15), Index(broken=True)], ids=["no room", "broken"])
def test_what_goes_wrong_is_logged_and_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, index: Any
) -> None:
    with caplog.at_level(logging.WARNING, logger="ntk"):
        assert not tidy(index, partial(require_room, tmp_path))
    assert index.tidied == 0
    assert "was not tidied" in caplog.text
