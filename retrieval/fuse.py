"""Several legs of a search into one order, which hangs on nothing but their hits.

The engine fuses too. But it adds up in an order that hangs on points that are hidden from the asker, and so
do the last bits of its sums. They must not break a tie in one way or the other: what is nearer together than
`NOISE` counts as equal, and equals stand in the order of their ids.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
