"""An index whose requests are changed on their way to the engine: a search that somebody broke."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import qdrant_edge as edge

from retrieval.edge import EdgeIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.homes import KeptIndex


@dataclass(frozen=True)
class TamperedShard:
    """Passes on what a change makes of each request."""

    shard: edge.EdgeShard
    change: Callable[[edge.QueryRequest], edge.QueryRequest]

    def query(self, request: edge.QueryRequest) -> list[edge.ScoredPoint]:
        """Ask the engine something else."""
        return self.shard.query(self.change(request))

    def count(self, request: edge.CountRequest) -> int:
        """Count as ever."""
        return int(self.shard.count(request))

    def info(self) -> edge.ShardInfo:
        """Tell as ever."""
        return self.shard.info()

    def facet(self, request: edge.FacetRequest) -> edge.FacetResponse:
        """Count as ever."""
        return self.shard.facet(request)


def tampered(index: KeptIndex, change: Callable[[edge.QueryRequest], edge.QueryRequest]) -> EdgeIndex:
    """Give the same index, open as it is, with its requests changed."""
    assert isinstance(index, EdgeIndex)
    other = copy.copy(index)
    other._shard = TamperedShard(index._shard, change)  # type: ignore[assignment]  # it stands for the engine
    return other


def without_filter_on(leg: str) -> Callable[[edge.QueryRequest], edge.QueryRequest]:
    """Forget the filter of one leg, `DENSE` or `BM25`, and of what asks how near its points are.

    The other leg keeps its own. What asks how near points are is filtered once more, and would drop what a leg by
    words should not have found.
    """

    def change(request: edge.QueryRequest) -> edge.QueryRequest:
        inside = request.filter
        if request.params is not None and request.params.exact and inside is not None and inside.must:
            return _changed(request, filter=edge.Filter(must=inside.must[:1]))
        return _changed(request, filter=None) if f'using="{leg}"' in str(request.query) else request

    return change


def without_corpus(request: edge.QueryRequest) -> edge.QueryRequest:
    """Count words over all points, as the engine does when it is told nothing."""
    return _changed(request, params=None)


def _changed(request: edge.QueryRequest, **changed: Any) -> edge.QueryRequest:
    kept: dict[str, Any] = {
        name: getattr(request, name) for name in ("limit", "query", "filter", "params", "with_payload", "with_vector")
    }
    return edge.QueryRequest(**(kept | changed))
