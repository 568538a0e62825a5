"""An index is tidied by the commands that fill it, where there is room, and nothing fails because it was not."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from acl.names import DocumentId
from api.tidying import Filling, tidy, tidying
from retrieval.errors import IndexDown
from retrieval.plan import PLAN
from retrieval.types import ChunkId
from store.room import require_room

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from retrieval.beside import Build


@dataclass
class Index:
    """Has so many points, and notes whether it was tidied."""

    points: int = 0
    broken: bool = False
    tidied: int = 0
    beside: int = 0
    looks: Iterator[int] = field(default_factory=lambda: iter(()))  # how many are not tidied, at each look
    looked: threading.Event = field(default_factory=threading.Event)  # at all of them

    told: list[tuple[object, ...]] = field(default_factory=list)

    def put(self, points: Sequence[object]) -> None:
        self.told.append((*points,))

    def remove(self, chunks: Sequence[object]) -> None:
        self.told.append((*chunks,))

    def keep_only(self, document: object, version: int) -> None:
        self.told.append((document, version))

    def count(self) -> int:
        return self.points

    def untidied(self) -> int:
        try:
            return next(self.looks)
        except StopIteration:
            self.looked.set()
            raise IndexDown("that is all") from None

    def tidy_beside(self, _: Build) -> bool:
        if self.broken:
            raise IndexDown("the process that tidies has failed")
        self.beside += 1
        return True

    def tidy(self) -> bool:
        if self.broken:
            raise IndexDown("the engine failed")
        self.tidied += 1
        return True


def test_an_index_that_a_command_fills_is_tidied_whenever_a_part_is_full(tmp_path: Path) -> None:
    index: Any = Index(looks=iter([PLAN.part - 1, PLAN.part, 0]))
    filling = Filling(index, partial(require_room, tmp_path))
    for tidied in (0, 1, 1):
        filling.put([])
        assert index.tidied == tidied
    filling.put([])  # an index that does not say how many there are is written all the same
    filling.remove([ChunkId("c")])
    filling.keep_only(DocumentId("doc:a"), 3)
    assert index.told == [(), (), (), (), ("c",), ("doc:a", 3)]


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


@pytest.mark.parametrize(
    ("looks", "times"),
    [
        ([], 0),
        ([0, 0, 0], 0),
        ([19_999, 19_999], 0),  # too few for a part
        ([20_000], 0),  # something may be under way
        ([20_000, 21_000, 25_000], 0),
        ([20_000, 21_000, 21_000], 1),
        ([20_000, 20_000, 0, 0], 1),
        ([100_000], 1),  # so many do not wait for a quiet minute
    ],
)
def test_a_service_tidies_when_enough_was_written_and_nothing_more_comes(
    tmp_path: Path, looks: list[int], times: int
) -> None:
    index: Any = Index(looks=iter(looks))
    with tidying(index, partial(require_room, tmp_path), every=0.001):
        assert index.looked.wait(60)
    assert (index.beside, index.tidied) == (times, 0)


@pytest.mark.parametrize("index", [Index(points=10**15), Index(broken=True)], ids=["no room", "broken"])
def test_what_comes_to_nothing_is_not_tried_again_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, index: Any
) -> None:
    """A copy that is made again each minute would wear the disk out."""
    index.looks = iter([20_000] * 50)
    with caplog.at_level(logging.WARNING, logger="ntk"), tidying(index, partial(require_room, tmp_path), every=0.001):
        assert not index.looked.wait(0.2)
    assert len(caplog.records) == 1
    assert [*index.looks] == [20_000] * 48
