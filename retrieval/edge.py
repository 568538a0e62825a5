"""The index in process: Qdrant Edge, the real engine, on files of the data folder.

A point holds vectors and tags, no text and no principal. Text and permission come from SQL alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from acl.names import DocumentId
from retrieval.errors import EmbedderMismatch, IndexDown
from retrieval.filter import BASE, COMPARTMENTS, LEVEL, OWN, PATH, SCOPE, filter_of
from retrieval.fuse import are_equal, fuse, ranked
from retrieval.noted import require_made_by
from retrieval.types import ChunkId, Hit, Point, Tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from acl.names import Obj
    from acl.scope import Scope

DOCUMENT: Final = "doc"
VERSION: Final = "ver"
DENSE: Final = "dense"
BM25: Final = "bm25"

_WIDER: Final = (1, 4, 16, 64)  # how far a tie at the end of a leg is followed, in lengths of the leg

_INDEXED: Final = {
    SCOPE: edge.PayloadSchemaType.Keyword,
    OWN: edge.PayloadSchemaType.Keyword,
    COMPARTMENTS: edge.PayloadSchemaType.Keyword,
    PATH: edge.PayloadSchemaType.Keyword,
    LEVEL: edge.PayloadSchemaType.Integer,
    DOCUMENT: edge.PayloadSchemaType.Keyword,
    VERSION: edge.PayloadSchemaType.Integer,
}


class EdgeIndex:
    """The points of all collections in one shard, opened by one process."""

    def __init__(self, path: Path, dimension: int, model: str = "") -> None:
        """Open the shard at a path, or make it.

        Args:
            path: Its folder, which holds nothing else.
            dimension: Of its vectors.
            model: What makes them. It is noted beside a new index and compared with the note of an old one;
                without it, neither.

        Raises:
            EmbedderMismatch: Its vectors were made by another model.
            IndexDown: Another process has it open, its files are damaged, or its vectors have another dimension.
        """
        self._dimension = dimension
        self._bm25 = edge.Bm25()
        try:
            self._shard = _open(path, dimension, model)
        except EmbedderMismatch:
            raise
        except Exception as error:
            raise IndexDown(f"the index at {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Give the files back."""
        self._shard.close()

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
        """Find what is near a question by meaning and by words, inside a scope.

        Args:
            question: For the keyword leg.
            vector: Shape (dimension,), length 1.
            scope: Filters both legs, and is the corpus of the word statistics: what is
                hidden moves no score of what is visible.
            limit: At most so many hits.

        Returns:
            Best first, ties in the order of the ids.

        Raises:
            IndexDown: The vector has the wrong shape or is not finite, or the engine failed.
        """
        if not self._is_usable(vector):
            raise IndexDown("the vector of the question is not usable")
        inside = to_edge(filter_of(scope))
        counted = edge.SearchParams(idf=edge.IdfParams(corpus=inside))
        nearest, length = edge.Query.Nearest, 2 * limit
        try:
            by_meaning = self._leg(nearest(vector.tolist(), using=DENSE), inside, length)
            words = nearest(self._bm25.embed_query(question), using=BM25)
            by_words = self._leg(words, inside, length, params=counted, with_vector=[DENSE])
            similar = _scores(by_meaning)
            scores = fuse([similar, _scores(by_words)])
            points = {str(point.id): point for point in (*by_meaning, *by_words)}  # those with a vector win
            return [_to_hit(points[id_], scores[id_], similar.get(id_), vector) for id_ in ranked(scores)[:limit]]
        except Exception as error:
            raise IndexDown(f"the index does not answer: {type(error).__name__}") from error

    def _leg(
        self,
        query: edge.Query,
        inside: edge.Filter,
        length: int,
        *,
        params: edge.SearchParams | None = None,
        with_vector: Sequence[str] = (),
    ) -> list[edge.ScoredPoint]:
        """Give the best points of one leg, equals in the order of the ids.

        The engine cuts a tie at the end as it comes, which hangs on points that are hidden: so the tie is read
        to its end. Where it has none within reach, all of it is left out.
        """
        found: list[edge.ScoredPoint] = []
        for size in (length * times + 1 for times in _WIDER):
            request = edge.QueryRequest(
                limit=size,
                query=query,
                filter=inside,
                params=params,
                with_payload=[DOCUMENT, VERSION],
                with_vector=[*with_vector],
            )
            found = self._shard.query(request)
            if len(found) < size or not are_equal(found[length - 1].score, found[-1].score):
                break
        else:
            found = [point for point in found if not are_equal(point.score, found[-1].score)]
        points = {str(point.id): point for point in found}
        return [points[id_] for id_ in ranked(_scores(found))[:length]]

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably: they are on disk when this returns.

        Raises:
            IndexDown: A vector has the wrong shape or is not finite, or the engine failed.
        """
        for point in points:
            if not self._is_usable(point.vector):
                raise IndexDown(f"a vector of {point.document} is not usable; nothing of this batch was written")
        self._update(edge.UpdateOperation.upsert_points([self._to_edge_point(point) for point in points]))

    def retag(self, documents: Sequence[DocumentId], tags: Tags, own: Collection[Obj] | None = None) -> None:
        """Write the tags of all points of some documents, of every version, durably and in one operation.

        Args:
            documents: They lie in one place and have one label of their own. What has no points gets none.
            tags: What their points share from now on.
            own: The objects of the one document; without them, those of each stay as they are.

        Raises:
            IndexDown: The engine failed. It may have written some: say it again.
        """
        these = edge.Filter(must=[edge.FieldCondition(DOCUMENT, match=edge.MatchAny([*map(str, documents)]))])
        payload = _shared(tags) | ({} if own is None else _own(own))
        self._update(edge.UpdateOperation.set_payload_by_filter(these, payload))

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove all points of a document but those of one version; of a version that never was, all."""
        others = edge.Filter(
            must=[edge.FieldCondition(DOCUMENT, match=edge.MatchValue(document))],
            must_not=[edge.FieldCondition(VERSION, match=edge.MatchValue(version))],
        )
        self._update(edge.UpdateOperation.delete_points_by_filter(others))

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        """Remove the points of some chunks, durably; of those that are not there, nothing.

        Raises:
            IndexDown: The engine failed.
        """
        if chunks:
            self._update(edge.UpdateOperation.delete_points([*chunks]))

    def count(self) -> int:
        """Count the points.

        Raises:
            IndexDown: The engine failed.
        """
        try:
            return int(self._shard.info().points_count)
        except Exception as error:
            raise IndexDown(f"the index does not answer: {type(error).__name__}") from error

    def _is_usable(self, vector: NDArray[np.float32]) -> bool:
        return vector.shape == (self._dimension,) and bool(np.isfinite(vector).all())

    def _update(self, operation: edge.UpdateOperation) -> None:
        try:
            self._shard.update(operation)
            self._shard.flush()  # without it, nothing is on disk yet
        except Exception as error:
            raise IndexDown(f"the index cannot be written: {type(error).__name__}") from error

    def _to_edge_point(self, point: Point) -> edge.Point:
        payload = _shared(point.tags) | _own(point.own) | {DOCUMENT: point.document, VERSION: point.version}
        vectors: Any = {DENSE: point.vector.tolist(), BM25: self._bm25.embed_document(point.text)}
        return edge.Point(point.chunk, vectors, payload)


def _shared(tags: Tags) -> dict[str, Any]:
    return {
        SCOPE: sorted(tags.scopes),
        LEVEL: int(tags.label.level),
        COMPARTMENTS: [BASE, *sorted(tags.label.compartments)],
        PATH: list(tags.path),
    }


def _own(own: Collection[Obj]) -> dict[str, Any]:
    return {OWN: [BASE, *sorted(own)]}


def _open(path: Path, dimension: int, model: str) -> edge.EdgeShard:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)  # what a vector means can be guessed from it
    if model:
        require_made_by(model, path)
    # The engine compares the configuration with what is there, and makes what is not: also the rest of
    # an index whose making was cut off.
    config = edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)},
        sparse_vectors={BM25: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
    )
    shard = edge.EdgeShard.load(str(path), config)
    # Before the first point: the graph gets its edges for filtered search only from indexes that exist.
    missing = _INDEXED.keys() - shard.info().payload_schema.keys()
    for key in sorted(missing):
        shard.update(edge.UpdateOperation.create_field_index(key, _INDEXED[key]))
    if missing:
        shard.flush()
    return shard


def _scores(leg: Iterable[edge.ScoredPoint]) -> dict[str, float]:
    return {str(point.id): point.score for point in leg}


def _to_hit(point: edge.ScoredPoint, score: float, similarity: float | None, question: NDArray[np.float32]) -> Hit:
    payload = point.payload or {}
    return Hit(
        chunk=ChunkId(str(point.id)),
        document=DocumentId(str(payload[DOCUMENT])),
        version=int(payload[VERSION]),
        score=score,
        similarity=_similarity(point, question) if similarity is None else similarity,
    )


def _similarity(point: edge.ScoredPoint, question: NDArray[np.float32]) -> float:
    """Compute what the leg by meaning did not say of a point."""
    if not isinstance(point.vector, dict):
        raise TypeError("the engine gave a hit without its vector")
    return float(np.dot(np.asarray(point.vector[DENSE], dtype=np.float32), question))


def to_edge(filter_: models.Filter) -> edge.Filter:
    """Translate a filter of the REST vocabulary, which `filter_of` speaks, for the engine in process.

    Raises:
        TypeError: A part of it has no translation. Nothing is left out in silence.
    """
    if filter_.should is not None or filter_.min_should is not None or not filter_.must:
        raise TypeError("a filter of a scope has conditions that must hold, and no others but must_not")
    return edge.Filter(
        must=[_either(part) if isinstance(part, models.Filter) else _condition(part) for part in _listed(filter_.must)],
        must_not=[_condition(part) for part in _listed(filter_.must_not)],
    )


def _listed(conditions: object) -> list[object]:
    if not isinstance(conditions, list):
        raise TypeError("conditions are a list")
    return conditions


def _either(filter_: models.Filter) -> edge.Filter:
    """Translate the one filter within a filter: a granted object under `scope`, or one under `own`."""
    match filter_:
        case models.Filter(
            should=[
                models.FieldCondition(key=first, match=models.MatchAny()) as shared,
                models.FieldCondition(key=second, match=models.MatchAny()) as own,
            ],
            must=None,
            must_not=None,
            min_should=None,
        ) if (first, second) == (SCOPE, OWN):
            return edge.Filter(should=[_condition(shared), _condition(own)])
    raise TypeError("a filter within a filter asks for a granted object, and for nothing else")


def _condition(condition: object) -> edge.FieldCondition:
    if (
        isinstance(condition, models.FieldCondition) and len(condition.model_dump(exclude_none=True)) == 2
    ):  # the key and one test
        match condition:
            case models.FieldCondition(key=key, match=models.MatchAny(any=values)):
                return edge.FieldCondition(key, match=edge.MatchAny(_keywords(values)))
            case models.FieldCondition(key=key, match=models.MatchExcept(except_=values)):
                return edge.FieldCondition(key, match=edge.MatchExcept(_keywords(values)))
            case models.FieldCondition(key=key, range=models.Range(gte=float(low), lte=float(high), gt=None, lt=None)):
                return edge.FieldCondition(key, range=edge.RangeFloat(gte=low, lte=high))
    raise TypeError(f"a condition has no translation for the engine in process: {type(condition).__name__}")


def _keywords(values: Sequence[object]) -> list[str]:
    keywords = [value for value in values if isinstance(value, str)]
    if len(keywords) != len(values):
        raise TypeError("only keywords are matched: a number is another value than its text")
    return keywords
