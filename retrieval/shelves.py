"""Shelves: what lies in one place and has one label stands on one shelf, and a scope reaches whole shelves.

All points with the same tags pass a scope or fail it together. To ask each of them for its policy objects, its
level and its compartments costs an engine twenty times what it costs to compare a vector. So a point has the
number of its shelf as well; which shelves a scope reaches is found here, on one bit for each of them; and the
engine looks at the points on these and no others.

The numbers hang on places and labels alone, on no rule and no person: who is granted or denied something
changes no point.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NewType, TypeVar, cast

import numpy as np

from acl.labels import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from acl.labels import Compartment
    from acl.names import NodeId, Obj
    from acl.scope import Scope
    from retrieval.types import Tags

_Key = TypeVar("_Key")
ShelfId = NewType("ShelfId", int)  # 63 bits, so that it is an integer to every engine


@dataclass(frozen=True, slots=True)
class Reach:
    """The shelves that a scope reaches: what is cleared, not denied, and lies where the reader stays."""

    granted: Sequence[ShelfId]  # all that stands on them is granted
    others: Sequence[ShelfId]  # what stands on these is not, but for documents that are granted themselves


def shelf_of(tags: Tags) -> ShelfId:
    """Give the shelf of points with these tags, the same in every process and release."""
    said = [sorted(tags.scopes), list(tags.path), int(tags.label.level), sorted(tags.label.compartments)]
    digest = blake2b(json.dumps(said).encode(), digest_size=8).digest()
    return ShelfId(int.from_bytes(digest) >> 1)


class Shelves:
    """The shelves of one index. Several threads may use it at once.

    A shelf of which nothing is known here is reached by nobody.
    """

    def __init__(self, known: Iterable[Tags] = ()) -> None:
        """Begin with the shelves of an index that is there."""
        self._turn = threading.Lock()
        self._places: dict[ShelfId, int] = {}  # which bit is whose
        self._ids = np.empty(0, np.int64)  # by bit
        self._covered: defaultdict[Obj, int] = defaultdict(int)
        self._below: defaultdict[NodeId, int] = defaultdict(int)
        self._closed: defaultdict[Compartment, int] = defaultdict(int)
        self._level: dict[Level, int] = dict.fromkeys(Level, 0)
        for tags in known:
            self.add(tags)

    def __len__(self) -> int:
        """Count them."""
        return len(self._places)

    def __contains__(self, shelf: object) -> bool:
        """Say whether a shelf is known."""
        return shelf in self._places

    def add(self, tags: Tags) -> ShelfId:
        """Make the shelf of some tags known, before there is a point on it."""
        shelf = shelf_of(tags)
        with self._turn:
            if shelf not in self._places:
                bit = 1 << len(self._places)
                self._ids = np.append(self._ids, shelf)
                self._places[shelf] = len(self._places)
                for obj in tags.scopes:
                    self._covered[obj] |= bit
                for node in tags.path:
                    self._below[node] |= bit
                for compartment in tags.label.compartments:
                    self._closed[compartment] |= bit
                self._level[tags.label.level] |= bit
        return shelf

    def reach(self, scope: Scope) -> Reach:
        """Find the shelves that a scope reaches, by the rules that `retrieval.filter.filter_of` asks of each point."""
        with self._turn:
            cleared = _union(self._level, (level for level in Level if level <= scope.clearance))
            if scope.within is not None:
                cleared &= self._below.get(scope.within, 0)
            closed = _union(self._closed, self._closed.keys() - scope.compartments)
            open_ = cleared & ~closed & ~_union(self._covered, scope.deny)
            granted = open_ & _union(self._covered, scope.allow)
            return Reach(self._on(granted), self._on(open_ & ~granted))

    def _on(self, bits: int) -> list[ShelfId]:
        raw = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), np.uint8)
        there = np.flatnonzero(np.unpackbits(raw, bitorder="little"))
        return cast("list[ShelfId]", self._ids[there].tolist())


def _union(bits: Mapping[_Key, int], keys: Iterable[_Key]) -> int:
    together = 0
    for key in keys:
        together |= bits.get(key, 0)
    return together
