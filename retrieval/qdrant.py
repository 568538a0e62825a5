"""The index on a Qdrant server or cluster, behind the same port as the one in process.

What is written is acknowledged when each replica that has to have it has it in its log and shows it: see
docs/decisions/0026-what-an-index-server-acknowledges.md.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from qdrant_client import models

from retrieval.errors import IndexDown
from retrieval.filter import DOCUMENT, VERSION, among, filter_of, of_documents, of_other_versions
from retrieval.plan import PLAN, Plan
from retrieval.points import BM25, DENSE, payload_of, require_usable, said_in, tagged, words_of
from retrieval.search import ByMeaning, ByWords, Found, HowNear, Query, search
from retrieval.types import ChunkId, Hit, Point, Tags

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from qdrant_client import QdrantClient
    from qdrant_edge import SparseVector

    from acl.names import DocumentId, Obj
    from acl.scope import Scope
    from retrieval.beside import Build
    from retrieval.filter import Inside
    from retrieval.qdrant_calls import Calls

_AT_ONCE: Final = 256  # points in one request: some 2 MB, where a server takes 32
_IN_ORDER: Final = models.WriteOrdering.STRONG  # through one replica: of two writes, the later one stays


class QdrantIndex:
    """The points of all collections in one collection of a server."""

    def __init__(self, calls: Calls, collection: str, dimension: int, plan: Plan = PLAN) -> None:
        """Take a collection that is there and fits."""
        self._by_meaning = _params(plan)
        self._fusion = plan.fusion
        self._calls = calls
        self._collection = collection
        self._dimension = dimension

    def close(self) -> None:
        """Give the connections up."""
        self._calls.close()

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
        """Find what is near a question by meaning and by words, inside a scope: see `EdgeIndex.search`.

        Raises:
            IndexDown: The vector has the wrong shape or is not finite, or there is no whole answer in time.
        """
        ask = partial(self._ask_server, inside=filter_of(scope))
        return search(question, vector, limit, ask, dimension=self._dimension, fusion=self._fusion)

    def _ask_server(self, queries: Sequence[Query], limit: int, *, inside: Inside) -> list[list[Found]]:
        requests = [self._request(query, limit, inside) for query in queries]

        def found(client: QdrantClient, seconds: int) -> list[list[Found]]:
            answers = client.query_batch_points(self._collection, requests, timeout=seconds)
            if len(answers) != len(requests):
                raise ValueError("some queries were not answered")
            return [[_found(point) for point in answer.points] for answer in answers]

        return self._calls.ask(found)

    def _request(self, query: Query, limit: int, inside: Inside) -> models.QueryRequest:
        params, using = self._by_meaning, DENSE
        match query:
            case ByMeaning(vector):
                nearest: Any = vector.tolist()
            case ByWords(words):
                nearest, using = _sparse(words), BM25
                params = models.SearchParams(idf=models.IdfCorpusParams(corpus=inside))
            case HowNear(vector, chunks):
                nearest, inside = vector.tolist(), among(inside, chunks)
                params = models.SearchParams(exact=True)
        return models.QueryRequest(
            query=models.NearestQuery(nearest=nearest),
            using=using,
            filter=inside,
            params=params,
            limit=limit,
            with_payload=[DOCUMENT, VERSION],
        )

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably.

        Raises:
            IndexDown: A vector has the wrong shape or is not finite, and nothing was written; or the server failed,
                and may have written some: say it again.
        """
        require_usable(points, self._dimension)
        for start in range(0, len(points), _AT_ONCE):
            structs = [_struct(point) for point in points[start : start + _AT_ONCE]]
            self._write(lambda client, structs=structs, **how: client.upsert(self._collection, structs, **how))

    def retag(self, documents: Sequence[DocumentId], tags: Tags, own: Collection[Obj] | None = None) -> None:
        """Write the tags of all points of some documents, of every version: see `EdgeIndex.retag`.

        Raises:
            IndexDown: The server failed. It may have written some: say it again.
        """
        these, payload = models.FilterSelector(filter=of_documents(documents)), tagged(tags, own)
        self._write(lambda client, **how: client.set_payload(self._collection, payload, these, **how))

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove all points of a document but those of one version; of a version that never was, all.

        Raises:
            IndexDown: The server failed. It may have removed some: say it again.
        """
        self._delete(models.FilterSelector(filter=of_other_versions(document, version)))

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        """Remove the points of some chunks, durably; of those that are not there, nothing.

        Raises:
            IndexDown: The server failed. It may have removed some: say it again.
        """
        if chunks:
            self._delete(models.PointIdsList(points=[*chunks]))

    def tidy(self) -> bool:
        """Do nothing, and say so: a server puts its parts in order by itself, beside its answers."""
        return False

    def untidied(self) -> int:
        """Count none: see `tidy`."""
        return 0

    def tidy_beside(self, build: Build) -> bool:  # noqa: ARG002 - an index in process asks for it
        """Do nothing, and say so: see `tidy`."""
        return False

    def count(self) -> int:
        """Count the points.

        Raises:
            IndexDown: The server failed.
        """
        counted = self._calls.ask(lambda client, seconds: client.count(self._collection, exact=True, timeout=seconds))
        return counted.count

    def _delete(self, points: models.FilterSelector | models.PointIdsList) -> None:
        self._write(lambda client, **how: client.delete(self._collection, points, **how))

    def _write(self, write: Callable[..., models.UpdateResult]) -> None:
        done = self._calls.tell(lambda client, seconds: write(client, wait=True, ordering=_IN_ORDER, timeout=seconds))
        if done.status != models.UpdateStatus.COMPLETED:  # it stands in a log, and nobody finds it yet
            raise IndexDown("the index server has not written yet what it was told")


def _struct(point: Point) -> models.PointStruct:
    vectors: Any = {DENSE: point.vector.tolist(), BM25: _sparse(words_of(point))}
    return models.PointStruct(id=point.chunk, vector=vectors, payload=payload_of(point))


def _sparse(words: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=words.indices, values=words.values)


def _params(plan: Plan) -> models.SearchParams:
    codes = models.QuantizationSearchParams(rescore=True, oversampling=plan.oversampling)
    return models.SearchParams(quantization=codes)


def _found(point: models.ScoredPoint) -> Found:
    return Found(ChunkId(str(point.id)), *said_in(point.payload), point.score)
