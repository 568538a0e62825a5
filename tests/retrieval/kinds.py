"""The kinds of index that one suite holds for, and how a test looks behind each.

A module that is about every index says `pytestmark = on_every_index`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import qdrant_edge as edge
from qdrant_client import models

from retrieval.edge import EdgeIndex
from retrieval.edge_filter import to_edge
from retrieval.qdrant import QdrantIndex
from tests.retrieval.points import LONGITUDE, chunk_id

if TYPE_CHECKING:
    from retrieval.homes import KeptIndex

on_every_index = pytest.mark.parametrize("kind", ["edge", "http", "server"], indirect=True)
_WORDS = edge.Bm25().embed_document("a boiler")


def shard_of(index: KeptIndex) -> edge.EdgeShard:
    """Give the engine behind an index that is in process."""
    assert isinstance(index, EdgeIndex)
    return index._shard


def put_raw(index: KeptIndex, number: int, payload: dict[str, Any]) -> None:
    """Write a point with any payload at all, past the adapter."""
    vectors: Any = {"dense": LONGITUDE.tolist(), "bm25": _WORDS}
    match index:
        case EdgeIndex():
            index._shard.update(edge.UpdateOperation.upsert_points([edge.Point(chunk_id(number), vectors, payload)]))
            index._shard.flush()
            index._shelves = None  # as when it is opened, and a point is on none: each is asked for its tags
        case QdrantIndex():
            vectors["bm25"] = models.SparseVector(indices=_WORDS.indices, values=_WORDS.values)
            point = models.PointStruct(id=chunk_id(number), vector=vectors, payload=payload)
            index._calls._client.upsert(index._collection, [point], wait=True)
        case _:
            raise TypeError(index)


def payload_of(index: KeptIndex, number: int) -> Any:
    """Read the payload of a point, past the adapter."""
    match index:
        case EdgeIndex():
            found: Any = index._shard.retrieve([chunk_id(number)], with_payload=True, with_vector=False)
        case QdrantIndex():
            found = index._calls._client.retrieve(index._collection, [chunk_id(number)], with_payload=True)
        case _:
            raise TypeError(index)
    (record,) = found
    return record.payload


@dataclass
class _Noting:
    """Passes everything on, and notes what is told to be written."""

    inner: Any
    name: str  # of the method that writes
    written: list[Any] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if name != self.name:
            return method

        def noted(what: Any) -> Any:
            self.written.append(what)
            return method(what)

        return noted


def written_to(index: KeptIndex) -> list[Any]:
    """Note every write that the engine is told from now on."""
    opened: Any = index
    match index:
        case EdgeIndex():
            opened._shard = noting = _Noting(opened._shard, "update")
        case QdrantIndex():
            opened._calls = noting = _Noting(opened._calls, "tell")
        case _:
            raise TypeError(index)
    return noting.written


def selected(index: KeptIndex, chosen: models.Filter) -> set[str]:
    """Give the ids of the points that a filter selects, past the adapter."""
    found: Any
    match index:
        case EdgeIndex():
            found, _ = index._shard.scroll(edge.ScrollRequest(limit=1_000, filter=to_edge(chosen)))
        case QdrantIndex():
            found, _ = index._calls._client.scroll(index._collection, scroll_filter=chosen, limit=1_000)
        case _:
            raise TypeError(index)
    return {str(record.id) for record in found}
