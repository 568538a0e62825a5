"""A filter of the REST vocabulary, which `retrieval.filter` speaks, for the engine in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import qdrant_edge as edge
from qdrant_client import models

from retrieval.filter import OWN, SCOPE, SHELF

if TYPE_CHECKING:
    from collections.abc import Sequence

_Value = TypeVar("_Value", int, str)


def to_edge(filter_: models.Filter) -> edge.Filter:
    """Translate a filter.

    Raises:
        TypeError: A part of it has no translation. Nothing is left out in silence.
    """
    if filter_.should is not None or filter_.min_should is not None or not filter_.must:
        raise TypeError("a filter has conditions that must hold, and no others but must_not")
    return edge.Filter(
        must=[_either(part) if isinstance(part, models.Filter) else _condition(part) for part in _listed(filter_.must)],
        must_not=[_condition(part) for part in _listed(filter_.must_not)],
    )


def passed_through(inside: edge.Filter) -> edge.Filter:
    """Select the same points, but in such words that the engine asks each point of the index.

    From conditions that must hold it knows where to look, and gathers what it finds there in a set: a tenth of a
    microsecond for each point. What must not hold tells it nothing, and to ask a point takes a quarter of that.
    """
    return edge.Filter(must_not=[edge.Filter(must_not=[inside])])


def _listed(conditions: object) -> list[object]:
    if not isinstance(conditions, list):
        raise TypeError("conditions are a list")
    return conditions


def _either(filter_: models.Filter) -> edge.Filter:
    """Translate a filter within a filter: a granted object, by tags or by shelves, or one of a document's own."""
    match filter_:
        case models.Filter(
            should=[models.FieldCondition(match=models.MatchAny()) as shared, other],
            must=None,
            must_not=None,
            min_should=None,
        ):
            match shared.key, other:
                case str(key), models.FieldCondition(key=own, match=models.MatchAny()) if (key, own) == (SCOPE, OWN):
                    return edge.Filter(should=[_condition(shared), _condition(other)])
                case str(key), models.Filter(
                    must=[
                        models.FieldCondition(key=own, match=models.MatchAny()) as granted,
                        models.FieldCondition(key=on, match=models.MatchAny()) as standing,
                    ],
                    must_not=None,
                    should=None,
                    min_should=None,
                ) if (key, own, on) == (SHELF, OWN, SHELF):
                    both = edge.Filter(must=[_condition(granted), _condition(standing)])
                    return edge.Filter(should=[_condition(shared), both])
    raise TypeError("a filter within a filter asks for a granted object, and for nothing else")


def _condition(condition: object) -> edge.FieldCondition:
    if (
        isinstance(condition, models.FieldCondition) and len(condition.model_dump(exclude_none=True)) == 2
    ):  # the key and one test
        match condition:
            case models.FieldCondition(key=key, match=models.MatchAny(any=values)):
                return edge.FieldCondition(
                    key, match=edge.MatchAny(_numbers(values) if key == SHELF else _words(values))
                )
            case models.FieldCondition(key=key, match=models.MatchExcept(except_=values)):
                return edge.FieldCondition(key, match=edge.MatchExcept(_words(values)))
            case models.FieldCondition(key=key, range=models.Range(gte=float(low), lte=float(high), gt=None, lt=None)):
                return edge.FieldCondition(key, range=edge.RangeFloat(gte=low, lte=high))
    raise TypeError(f"a condition has no translation for the engine in process: {type(condition).__name__}")


def _words(values: Sequence[object]) -> list[str]:
    return _all([value for value in values if isinstance(value, str)], values)


def _numbers(values: Sequence[object]) -> list[int]:
    return _all([value for value in values if isinstance(value, int)], values)


def _all(found: list[_Value], values: Sequence[object]) -> list[_Value]:
    if len(found) != len(values):
        raise TypeError("tags are words and shelves are numbers: a number is another value than its text")
    return found
