"""The one place where a Scope becomes a filter, in the vocabulary of Qdrant's REST interface.

Whatever selects points is made here: what may be searched, from a scope, and what is to be written.

In Qdrant an empty filter, an empty `should` and a missing key select everything. The filter made here
always has conditions that a point must meet on each of `scope`, `own`, `level` and `comp`, and a point that
lacks one of these keys does not meet them.

A point has its policy objects under two keys. `scope` is the same for all documents of one place and label,
so that one write moves them all; `own` is the document's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NewType

from qdrant_client.models import FieldCondition, Filter, HasIdCondition, MatchAny, MatchExcept, Range

from acl.names import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qdrant_client.models import Condition

    from acl.names import DocumentId, Obj
    from acl.scope import Scope
    from retrieval.shelves import ShelfId

SCOPE: Final = "scope"
OWN: Final = "own"
LEVEL: Final = "level"
COMPARTMENTS: Final = "comp"
PATH: Final = "path"
DOCUMENT: Final = "doc"
VERSION: Final = "ver"
SHELF: Final = "shelf"
BASE: Final = "base"  # stands in every point's `comp` and `own`, so that a point without the key is found by nobody

_OWN_KINDS: Final = frozenset({"doc", "owner"})

Inside = NewType("Inside", Filter)  # selects what lies inside a scope: nothing is searched by another filter


def filter_of(scope: Scope) -> Inside:
    """Give the filter that selects exactly the points inside a scope.

    `MatchAny` of no values matches nothing, so a scope without grants selects nothing, on the same path
    as any other. `MatchExcept(held)` matches a point with a compartment outside of `held`.
    """
    must: list[Condition] = [
        *_granted(scope.allow),
        FieldCondition(key=LEVEL, range=Range(gte=0, lte=int(scope.clearance))),
        _any_of(COMPARTMENTS, [BASE]),
        _any_of(OWN, [BASE]),
    ]
    if scope.within is not None:
        must.append(_any_of(PATH, [scope.within]))
    held = [BASE, *sorted(scope.compartments)]
    must_not: list[Condition] = [
        _any_of(SCOPE, of_key(SCOPE, scope.deny)),
        _any_of(OWN, of_key(OWN, scope.deny)),
        FieldCondition(key=COMPARTMENTS, match=MatchExcept(**{"except": held})),
    ]
    return Inside(Filter(must=must, must_not=must_not))


def among(inside: Inside, chunks: Iterable[str]) -> Inside:
    """Narrow what lies inside a scope to some of its points."""
    return Inside(Filter(must=[HasIdCondition(has_id=[*chunks]), inside]))


def filter_on_shelves(scope: Scope, granted: Sequence[ShelfId], others: Sequence[ShelfId]) -> Inside:
    """Give a filter that selects the same points as `filter_of`, by the shelves that they stand on.

    Args:
        scope: Says which documents and owners are granted or denied by themselves.
        granted: The shelves of which it reaches all that is not denied by itself.
        others: The shelves of which it reaches what is granted by itself.
    """
    own, denied = of_key(OWN, scope.allow), of_key(OWN, scope.deny)
    on_granted = _on(granted)
    must: list[Condition] = [on_granted]
    if own:
        must = [Filter(should=[on_granted, Filter(must=[_any_of(OWN, own), _on(others)])])]
    if not denied:
        return Inside(Filter(must=must, must_not=[]))  # one condition, so that no point is asked for another
    # A point without `own` would escape the deny.
    return Inside(Filter(must=[*must, _any_of(OWN, [BASE])], must_not=[_any_of(OWN, denied)]))


def _on(shelves: Sequence[ShelfId]) -> FieldCondition:
    return FieldCondition(key=SHELF, match=MatchAny(any=[*shelves]))


def of_documents(documents: Iterable[DocumentId]) -> Filter:
    """Select all points of some documents, to be written; of no documents, none."""
    return Filter(must=[_any_of(DOCUMENT, documents)], must_not=[])


def with_own(objects: Iterable[Obj]) -> Filter:
    """Select the points of which some documents or owners are the own objects, to be counted."""
    return Filter(must=[_any_of(OWN, objects)], must_not=[])


def of_other_versions(document: DocumentId, version: int) -> Filter:
    """Select the points of a document but for those of one version, to be removed."""
    this = FieldCondition(key=VERSION, range=Range(gte=version, lte=version))
    return Filter(must=[_any_of(DOCUMENT, [document])], must_not=[this])


def of_key(key: str, objects: Iterable[Obj]) -> frozenset[Obj]:
    """Give those of some policy objects that a point has under a key, `scope` or `own`."""
    return frozenset(obj for obj in objects if key == (OWN if obj.partition(":")[0] in _OWN_KINDS else SCOPE))


def _granted(allow: Iterable[Obj]) -> list[Condition]:
    """Ask for one of the granted objects, under whichever key a point has it."""
    allow = frozenset(allow)
    shared, own = _any_of(SCOPE, of_key(SCOPE, allow)), of_key(OWN, allow)
    if not own:
        return [shared]
    # An own object lets a point through that has no `scope`, and so escapes every deny of a place: all have the root.
    return [Filter(should=[shared, _any_of(OWN, own)]), _any_of(SCOPE, [ROOT])]


def _any_of(key: str, values: Iterable[str]) -> FieldCondition:
    return FieldCondition(key=key, match=MatchAny(any=sorted(values)))
