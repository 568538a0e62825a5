"""Several legs of a search into one order, which hangs on nothing but their hits.

The engine fuses too. But it adds up in an order that hangs on points that are hidden from the asker, and so
do the last bits of its sums. They must not break a tie in one way or the other: what is nearer together than
`NOISE` counts as equal, and equals stand in the order of their ids.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Fusion = Literal["dbsf", "rrf"]

_RANK_CONSTANT: Final = 60
NOISE: Final = 1e-5  # a sum of a dozen float32 is right to a tenth of it


def fuse(legs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add up what each leg says of a hit: distribution-based score fusion (DBSF).

    On the scale of each leg its mean is one half, and three deviations above that are one. A leg that does not
    hold a hit says 0; one whose scores are all the same, or that holds a single hit, says one half.

    Source: Mazzeschi 2023, "Distribution-Based Score Fusion", with the sample's deviation, as Qdrant has it.
    """
    said: defaultdict[str, list[float]] = defaultdict(list)
    for leg in legs:
        for id_, score in _on_one_scale(leg).items():
            said[id_].append(score)
    return {id_: math.fsum(scores) for id_, scores in said.items()}


def fuse_by_rank(legs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add up the places of a hit in each leg: reciprocal rank fusion (RRF).

    The first place says 1/61, the next 1/62; equals share the best of their places. How far apart two hits are says
    nothing, so a leg whose scores mean little does less harm, and one whose scores mean much is heard less.

    Source: Cormack, Clarke and Buettcher 2009, with their constant of 60.
    """
    said: defaultdict[str, list[float]] = defaultdict(list)
    for leg in legs:
        place, above = 1, math.inf
        for number, id_ in enumerate(sorted(leg, key=lambda id_: -leg[id_]), 1):
            if not are_equal(leg[id_], above):
                place = number
            above = leg[id_]
            said[id_].append(1 / (_RANK_CONSTANT + place))
    return {id_: math.fsum(places) for id_, places in said.items()}


FUSIONS: Final[Mapping[Fusion, Callable[[Iterable[Mapping[str, float]]], dict[str, float]]]] = {
    "dbsf": fuse,
    "rrf": fuse_by_rank,
}


def _on_one_scale(leg: Mapping[str, float]) -> dict[str, float]:
    mean = math.fsum(leg.values()) / max(1, len(leg))
    squares = math.fsum((score - mean) ** 2 for score in leg.values())
    deviation = math.sqrt(squares / max(1, len(leg) - 1))
    return {id_: 0.5 + (score - mean) / (6 * deviation) if deviation > NOISE else 0.5 for id_, score in leg.items()}


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Give the ids, best score first, equals in the order of the ids."""
    descending = sorted(scores, key=lambda id_: -scores[id_])
    groups = [descending[:1]]
    for above, id_ in pairwise(descending):
        if are_equal(scores[above], scores[id_]):
            groups[-1].append(id_)
        else:
            groups.append([id_])
    return [id_ for group in groups for id_ in sorted(group)]


def are_equal(one: float, other: float) -> bool:
    """Say whether two scores are nearer together than the engine can tell them apart."""
    return math.isclose(one, other, rel_tol=NOISE, abs_tol=NOISE)
