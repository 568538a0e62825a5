"""Places as sets: every collection, folder and document a bit of a number, so that all can be compared at once.

A set of places is an `int`. What covers a place, its label and what lies in it are read by `acl.read`, as for any
decision; a collection or folder stands for a plain document that lies right in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import select

from acl.names import DocumentId, NodeId, Obj
from acl.read import nodes_at, whats_of
from store.schema import node

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from acl.decision import What
    from acl.labels import Label

PlaceId: TypeAlias = NodeId | DocumentId

_AT_ONCE: Final = 5_000  # names in one statement; a database takes only so many


@dataclass(frozen=True, slots=True)
class Part:
    """A place; or, if it is whole, the place with all that lies in it but what is excepted. A document is whole."""

    place: PlaceId
    whole: bool = False
    but: tuple[Part, ...] = ()
    places: int = 1  # how many places that is


class Places:
    """All collections and folders, and some documents, as of one moment."""

    def __init__(self, connection: Connection, documents: Sequence[DocumentId], numbers: Mapping[str, int]) -> None:
        """Read them.

        Args:
            connection: One snapshot.
            documents: Those to look at.
            numbers: Those of an earlier moment, which are kept, so that the sets of both can be compared.
        """
        self.numbers = dict(numbers)
        self._covered: defaultdict[Obj, list[int]] = defaultdict(list)
        self._sets: dict[Obj, int] = {}  # of `_covered`, those that were asked for: most objects are one document
        self._children: defaultdict[PlaceId | None, list[PlaceId]] = defaultdict(list)
        labels: defaultdict[Label, list[int]] = defaultdict(list)
        inside: defaultdict[PlaceId, list[int]] = defaultdict(list)

        def add(place: PlaceId, what: What) -> None:
            number = self.numbers.setdefault(place, len(self.numbers))
            labels[what.label].append(number)
            for obj in what.scopes:
                self._covered[obj].append(number)
            for above in what.path:
                inside[above].append(number)
            parents = [above for above in what.path if above != place]
            self._children[parents[0] if parents else None].append(place)

        nodes = [NodeId(id_) for id_ in connection.scalars(select(node.c.id).order_by(node.c.id))]
        for start in range(0, len(nodes), _AT_ONCE):
            for name, what in nodes_at(connection, nodes[start : start + _AT_ONCE]).items():
                add(name, what)
        for start in range(0, len(documents), _AT_ONCE):
            for id_, what in whats_of(connection, documents[start : start + _AT_ONCE]).items():
                add(id_, what)
        self.all = _set(self.numbers.values())
        self._labels = {label: _set(numbers) for label, numbers in labels.items()}
        self._inside = {place: _set(numbers) for place, numbers in inside.items()}

    def covered_by(self, obj: Obj) -> int:
        """Give the places that a rule on this object speaks of."""
        if obj not in self._sets:
            self._sets[obj] = _set(self._covered.get(obj, ()))
        return self._sets[obj]

    def labelled_within(self, clearance: Label) -> int:
        """Give the places whose label somebody with this clearance may see."""
        within = 0
        for label, places in self._labels.items():
            within |= places if label.level <= clearance.level and label.compartments <= clearance.compartments else 0
        return within

    def parts(self, places: int) -> list[Part]:
        """Tell a set of places in few words: what is whole as one, with exceptions where that is shorter."""
        return [part for top in self._children[None] for part in self._told(places, top)]

    def _told(self, places: int, top: PlaceId) -> list[Part]:
        """Tell what of a place is in a set."""
        inside = self._all_in(top)
        here = places & inside
        if here in (0, inside):
            return self._listed(here, top)
        parts = [part for child in self._children[top] for part in self._told(here, child)]
        if not here >> self.numbers[top] & 1:
            return parts
        missing = self._listed(inside & ~here, top)
        if len(missing) < len(parts):
            return [Part(top, whole=True, but=tuple(missing), places=here.bit_count())]
        return [Part(top), *parts]

    def _listed(self, places: int, top: PlaceId) -> list[Part]:
        """Tell the same without exceptions."""
        inside = self._all_in(top)
        here = places & inside
        if here == inside:
            return [Part(top, whole=True, places=here.bit_count())]
        alone = [Part(top)] if here >> self.numbers[top] & 1 else []
        return alone + [part for child in self._children[top] if here for part in self._listed(here, child)]

    def _all_in(self, place: PlaceId) -> int:
        return self._inside.get(place) or 1 << self.numbers[place]


def _set(numbers: Collection[int]) -> int:
    if not numbers:
        return 0
    bits = bytearray(max(numbers) // 8 + 1)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return int.from_bytes(bits, "little")
