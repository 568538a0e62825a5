"""How an index is laid out and searched: one value, which every engine is configured by.

A graph that is searched through a filter loses what it should find, and says nothing. So what a reader sees is
scanned: four bits for each dimension stand in memory, and the nearest by these are compared once more by the
original vectors, which stand on the disk. What is wider than `scan_up_to` is searched by the graph, far and wide. The
figures behind each value are in docs/benchmarks.md and in docs/decisions/0031-what-a-million-showed.md.
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
        scan_up_to: So many visible points of a segment are scanned; what is wider goes by the graph.
        oversampling: So many times what is asked for is compared by the original vectors.
        m: Edges of a point in the graph.
        ef_construct: Points that are looked at to place one in the graph.
        ef: Points that the graph keeps in view while it is searched.
        segments: So many parts are left when it is tidied. What came in at once is one of them.
        index_from: A segment of so many points gets a graph, and its payload indexes go to the disk.
        fusion: How the legs by meaning and by words become one order: by their scores, or by their places.
    """

    scan_up_to: int = 600_000
    oversampling: float = 16
    m: int = 16
    ef_construct: int = 100
    ef: int = 16_384
    segments: int = 2
    index_from: int = 20_000
    fusion: Fusion = "dbsf"


PLAN: Final = Plan()


@dataclass(frozen=True, slots=True)
class Way:
    """How a search goes through the index, with what its reader cannot see counted: for those who look after it.

    Args:
        points: All of the index.
        visible: So many of them are visible. The engine estimates that, and looks at a sample where it cannot.
        scan_up_to: What is visible is scanned up to so many points; of an index in several parts, of each part.
        by_shelves: Whole shelves are looked up; else each point is asked for its tags.
    """

    points: int
    visible: int
    scan_up_to: int
    by_shelves: bool

    @property
    def scanned(self) -> bool:
        """Whether what is visible is scanned, all of it being in one part as after `tidy`; of several, more is."""
        return self.visible < self.scan_up_to

    def __str__(self) -> str:
        """Say it in a line."""
        found = "whole shelves looked up" if self.by_shelves else "each point asked for its tags"
        how = "scanned over codes, the best compared exactly" if self.scanned else "by the graph, where it is built"
        return f"{self.visible} of {self.points} chunks are visible, {found}: {how} (scanned up to {self.scan_up_to})"


def kilobytes(points: int, dimension: int) -> int:
    """Give a number of points as the engine has its thresholds: in kilobytes of original vectors."""
    return max(1, points * dimension * _FLOAT // _KILOBYTE)
