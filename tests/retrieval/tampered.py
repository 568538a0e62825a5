"""An index whose requests are changed on their way to the engine: a search that somebody broke."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import qdrant_edge as edge

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.edge import EdgeIndex


@dataclass(frozen=True)
class TamperedShard:
    """Passes on what a change makes of each request."""

    shard: edge.EdgeShard
    change: Callable[[edge.QueryRequest], edge.QueryRequest]

    def query(self, request: edge.QueryRequest) -> list[edge.ScoredPoint]:
        """Ask the engine something else."""
        return self.shard.query(self.change(request))


def tampered(index: EdgeIndex, change: Callable[[edge.QueryRequest], edge.QueryRequest]) -> EdgeIndex:
    """Give the same index, open as it is, with its requests changed."""
    other = copy.copy(index)
    other._shard = TamperedShard(index._shard, change)  # type: ignore[assignment]  # it stands for the engine
    return other


def without_filter_on(leg: int) -> Callable[[edge.QueryRequest], edge.QueryRequest]:
    """Forget the filter of one leg, and of what comes after both: the other leg keeps its own."""
    return lambda request: _with_legs(
        request, [_leg(each, filter=None) if n == leg else each for n, each in enumerate(request.prefetches)], None
    )


def without_corpus(request: edge.QueryRequest) -> edge.QueryRequest:
    """Count words over all points, as the engine does when it is told nothing."""
    return _with_legs(request, [_leg(each, params=None) for each in request.prefetches], request.filter)


def _leg(leg: edge.Prefetch, **changed: Any) -> edge.Prefetch:
    kept: dict[str, Any] = {"limit": leg.limit, "query": leg.query, "filter": leg.filter, "params": leg.params}
    return edge.Prefetch(**(kept | changed))


def _with_legs(request: edge.QueryRequest, legs: list[edge.Prefetch], filter_: edge.Filter | None) -> edge.QueryRequest:
    return edge.QueryRequest(
        limit=request.limit,
        prefetches=legs,
        query=request.query,
        filter=filter_,
        with_payload=request.with_payload,
        with_vector=request.with_vector,
    )
