"""The one place where a Scope becomes a filter, in the vocabulary of Qdrant's REST interface.

In Qdrant an empty filter, an empty `should` and a missing key select everything. The filter made here
always has three conditions that a point must meet, and a point that lacks a key meets none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qdrant_client.models import FieldCondition, Filter, MatchAny, MatchExcept, Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acl.scope import Scope

SCOPE: Final = "scope"
LEVEL: Final = "level"
COMPARTMENTS: Final = "comp"
PATH: Final = "path"
BASE: Final = "base"  # stands in every point's compartments, so that a point without the key is found by nobody


def filter_of(scope: Scope) -> Filter:
    """Give the filter that selects exactly the points inside a scope.

    `MatchAny` of no values matches nothing, so a scope without grants selects nothing, on the same path
    as any other. `MatchExcept(held)` matches a point with a compartment outside of `held`.
    """
    must = [
        _any_of(SCOPE, scope.allow),
        FieldCondition(key=LEVEL, range=Range(gte=0, lte=int(scope.clearance))),
        _any_of(COMPARTMENTS, [BASE]),
    ]
    if scope.within is not None:
        must.append(_any_of(PATH, [scope.within]))
    held = [BASE, *sorted(scope.compartments)]
    must_not = [
        _any_of(SCOPE, scope.deny),
        FieldCondition(key=COMPARTMENTS, match=MatchExcept(**{"except": held})),
    ]
    return Filter(must=[*must], must_not=[*must_not])


def _any_of(key: str, values: Iterable[str]) -> FieldCondition:
    return FieldCondition(key=key, match=MatchAny(any=sorted(values)))
