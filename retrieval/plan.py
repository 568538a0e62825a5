"""How an index is laid out and searched: one value, which every engine is configured by.

A graph that is searched through a filter loses what it should find, and says nothing. So there is none: what a reader
sees is scanned. Four bits for each dimension stand in memory, and the nearest by these are compared once more by the
original vectors, which stand on the disk. An index is in parts, which are scanned side by side, each by a core of its
own. The figures behind each value are in docs/benchmarks.md and in docs/decisions/0032-parts-and-no-graph.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from retrieval.fuse import Fusion

_FLOAT: Final = 4  # bytes
_KILOBYTE: Final = 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """The values of a configuration.

    Args:
        oversampling: So many times what is asked for is compared by the original vectors.
        part: At most so many points are in one part after tidying, if it was tidied as often as they came in.
        parts: Parts that are not worth making into fewer. What came in at once is one of them.
        index_from: A part of so many points is put in order, and its payload indexes go to the disk.
        wide: Where more than this share of the points is visible, each point is asked whether it is. Where less is,
            the visible ones are gathered first, which costs more for each of them.
        fusion: How the legs by meaning and by words become one order: by their scores, or by their places.
    """

    oversampling: float = 16
    part: int = 250_000
    parts: int = 2
    index_from: int = 20_000
    wide: float = 0.3
    fusion: Fusion = "dbsf"


PLAN: Final = Plan()


@dataclass(frozen=True, slots=True)
class Way:
    """How a search goes through the index, with what its reader cannot see counted: for those who look after it.

    Args:
        points: All of the index.
        visible: So many of them are visible.
        by_shelves: Whole shelves are looked up; else each point is asked for its tags.
        wide: So much is visible that each point is asked whether it is.
    """

    points: int
    visible: int
    by_shelves: bool
    wide: bool

    def __str__(self) -> str:
        """Say it in a line."""
        found = "whole shelves looked up" if self.by_shelves else "each point asked for its tags"
        how = "all chunks passed through" if self.wide else "the visible ones gathered"
        return (
            f"{self.visible} of {self.points} chunks are visible, {found}, {how}: "
            "scanned over codes, the best compared exactly"
        )


def kilobytes(points: int, dimension: int) -> int:
    """Give a number of points as the engine has its thresholds: in kilobytes of original vectors."""
    return max(1, points * dimension * _FLOAT // _KILOBYTE)
