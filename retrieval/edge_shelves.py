"""The shelves of an index in process, as its points say: what is there when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import qdrant_edge as edge

from retrieval.filter import COMPARTMENTS, LEVEL, PATH, SCOPE, SHELF
from retrieval.points import tags_in
from retrieval.shelves import ShelfId, Shelves, shelf_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.types import Tags

_MOST: Final = 1_000_000  # shelves that are asked for; of more, the tags are


def shelves_in(shard: edge.EdgeShard) -> Shelves | None:
    """Read the shelves of a shard; None where its points are not all on shelves that their tags agree with.

    Such are the points of an index that was made before there were shelves, or that somebody else has written to.
    """
    there = counted(shard)
    if sum(there.values()) != shard.info().points_count:
        return None
    shelves = Shelves()
    for shelf in there:
        tags = _tags_on(shard, shelf)
        if tags is None or shelf_of(tags) != shelf:
            return None
        shelves.add(tags)
    return shelves


def counted(shard: edge.EdgeShard, on: edge.Filter | None = None) -> dict[ShelfId, int]:
    """Count the points on each shelf, or about those of them that a filter selects.

    To count the latter exactly takes two hundred times as long, and which shelves they stand on is the same.
    """
    request = edge.FacetRequest(SHELF, limit=_MOST, exact=on is None, filter=on)
    return {ShelfId(int(hit.value)): hit.count for hit in shard.facet(request).hits}


def _tags_on(shard: edge.EdgeShard, shelf: ShelfId) -> Tags | None:
    on_it = edge.Filter(must=[edge.FieldCondition(SHELF, match=edge.MatchAny([int(shelf)]))])
    request = edge.ScrollRequest(limit=1, filter=on_it, with_payload=[SCOPE, LEVEL, COMPARTMENTS, PATH])
    records, _ = shard.scroll(request)
    try:
        payload: Mapping[str, Any] = records[0].payload or {}
        return tags_in(payload)
    except (IndexError, KeyError, TypeError, ValueError):
        return None
