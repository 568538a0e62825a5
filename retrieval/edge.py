"""The index in process: Qdrant Edge, the real engine, on files of the data folder."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import qdrant_edge as edge

from retrieval.door import Door
from retrieval.edge_filter import passed_through, to_edge
from retrieval.edge_shard import Files, Since, params_of
from retrieval.edge_shelves import counted, shelves_in
from retrieval.errors import EmbedderMismatch, IndexDown
from retrieval.filter import (
    DOCUMENT,
    OWN,
    VERSION,
    filter_of,
    filter_on_shelves,
    of_documents,
    of_key,
    of_other_versions,
    with_own,
)
from retrieval.plan import PLAN, Plan, Way
from retrieval.points import BM25, DENSE, payload_of, require_usable, said_in, tagged, words_of
from retrieval.search import ByMeaning, ByWords, Found, HowNear, Query, search
from retrieval.types import ChunkId, Hit, Point, Tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from acl.names import DocumentId, Obj
    from acl.scope import Scope
    from retrieval.beside import Build
    from retrieval.filter import Inside


class EdgeIndex:
    """The points of all collections in one shard, opened by one process."""

    def __init__(self, path: Path, dimension: int, model: str = "", *, plan: Plan = PLAN) -> None:
        """Open the shard at a path, or make it.

        Args:
            path: Its folder, which holds nothing else.
            dimension: Of its vectors.
            model: What makes them. It is noted beside a new index and compared with the note of an old one;
                without it, neither.
            plan: How it is laid out and searched. One of another plan is brought in line by `tidy`.

        Raises:
            EmbedderMismatch: Its vectors were made by another model.
            IndexDown: Another process has it open, its files are damaged, or its vectors have another dimension.
        """
        self._dimension = dimension
        self._by_meaning = params_of(plan)
        self._plan = plan
        self._files = Files(path, dimension, model, plan)
        self._door = Door()  # open but while the files are exchanged
        self._writing = threading.RLock()
        self._since: Since | None = None  # the files were copied
        with _down(f"the index at {path} cannot be opened", in_its_words=True):
            self._shard = self._files.open()
            self._shelves = shelves_in(self._shard)

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
        with _down("the index does not answer"), self._door.through():
            ask = partial(self._ask_engine, inside=self._selecting(scope))
            return search(question, vector, limit, ask, dimension=self._dimension, fusion=self._plan.fusion)

    def _selecting(self, scope: Scope) -> edge.Filter:
        inside = to_edge(self._inside(scope))
        return passed_through(inside) if self._is_wide(inside) else inside

    def _is_wide(self, inside: edge.Filter) -> bool:
        about: int = self._shard.count(edge.CountRequest(filter=inside, exact=False))
        return about > self._plan.wide * self._shard.info().points_count

    def _inside(self, scope: Scope) -> Inside:
        """Give the filter of a scope: by the shelves that it reaches, or by its tags where shelves are not known."""
        if self._shelves is None:
            return filter_of(scope)
        reach = self._shelves.reach(scope)
        own = of_key(OWN, scope.allow)
        # Of the shelves that are not granted, those on which something stands that is: a handful of thousands.
        some = counted(self._shard, to_edge(with_own(own))).keys() if own else ()
        return filter_on_shelves(scope, reach.granted, [shelf for shelf in reach.others if shelf in some])

    def _ask_engine(self, queries: Sequence[Query], limit: int, *, inside: edge.Filter) -> list[list[Found]]:
        return [
            [_found(point) for point in self._shard.query(self._request(query, limit, inside))] for query in queries
        ]

    def _request(self, query: Query, limit: int, inside: edge.Filter) -> edge.QueryRequest:
        params = self._by_meaning
        match query:
            case ByMeaning(vector):
                near = edge.Query.Nearest(vector.tolist(), using=DENSE)
            case ByWords(words):
                near = edge.Query.Nearest(words, using=BM25)
                params = edge.SearchParams(idf=edge.IdfParams(corpus=inside))
            case HowNear(vector, chunks):
                near = edge.Query.Nearest(vector.tolist(), using=DENSE)
                params = edge.SearchParams(exact=True)
                inside = edge.Filter(must=[edge.HasIdCondition({*chunks}), inside])
        return edge.QueryRequest(
            limit=limit, query=near, filter=inside, params=params, with_payload=[DOCUMENT, VERSION]
        )

    def way(self, scope: Scope) -> Way:
        """Say how a search inside a scope goes. It counts what is hidden, so it is for no reader.

        Raises:
            IndexDown: The engine failed.
        """
        with _down("the index does not answer"), self._door.through():
            inside = to_edge(self._inside(scope))
            return Way(
                points=self._shard.info().points_count,
                visible=self._shard.count(edge.CountRequest(filter=inside, exact=True)),
                by_shelves=self._shelves is not None,
                wide=self._is_wide(inside),
            )

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably: they are on disk when this returns.

        Raises:
            IndexDown: A vector has the wrong shape or is not finite, or the engine failed.
        """
        require_usable(points, self._dimension)
        self._make_known({point.tags for point in points})
        self._update(edge.UpdateOperation.upsert_points([to_edge_point(point) for point in points]), len(points))

    def retag(self, documents: Sequence[DocumentId], tags: Tags, own: Collection[Obj] | None = None) -> None:
        """Write the tags of all points of some documents, of every version, durably and in one operation.

        Args:
            documents: They lie in one place and have one label of their own. What has no points gets none.
            tags: What their points share from now on.
            own: The objects of the one document; without them, those of each stay as they are.

        Raises:
            IndexDown: The engine failed. It may have written some: say it again.
        """
        self._make_known([tags])
        these = to_edge(of_documents(documents))
        self._update(edge.UpdateOperation.set_payload_by_filter(these, tagged(tags, own)))

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove all points of a document but those of one version; of a version that never was, all."""
        others = to_edge(of_other_versions(document, version))
        self._update(edge.UpdateOperation.delete_points_by_filter(others))

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        """Remove the points of some chunks, durably; of those that are not there, nothing.

        Raises:
            IndexDown: The engine failed.
        """
        if chunks:
            self._update(edge.UpdateOperation.delete_points([*chunks]))

    def tidy(self) -> bool:
        """Put in order what was written since the last time, and bring the index in line with its plan.

        Whatever was written is found before, too. It takes seconds for ten thousands of points, minutes for a
        million, and **the whole process waits**: the engine holds the interpreter meanwhile. So it is for a process
        that nobody waits for; a service has it done beside itself, by `tidy_beside`.

        Returns:
            Whether there was anything to do.

        Raises:
            IndexDown: The engine failed.
        """
        with _down("the index cannot be tidied"), self._writing, self._door.through():
            return bool(self._shard.optimize())

    def untidied(self) -> int:
        """Count the points that were not put in order yet, about: of many, the engine counts some twice.

        Raises:
            IndexDown: The engine failed.
        """
        info = self._info()
        # Vectors by words are indexed as they are written, those by meaning as they are tidied.
        return min(info.points_count, max(0, 2 * info.points_count - info.indexed_vectors_count))

    def tidy_beside(self, build: Build) -> bool:
        """Have a copy of the files tidied by another process, and go on with the copy.

        Questions are answered and points written meanwhile; what is written goes into the copy as well, before it is
        taken. Writers wait while the files are copied and exchanged, searches while the copy is opened: a moment, that
        grows with the index.

        Args:
            build: Is given the folder of the copy, tidies what is there, and says whether there was anything to do.

        Raises:
            IndexDown: The engine failed, or `build` did; or too much was written meanwhile. The index is as it was.
        """
        copy = self._files.copy
        try:
            with self._writing:
                self._shard.flush()
                self._files.copied()
                self._since = Since()
            if not build(copy):
                return False
            with self._writing:
                self._catch_up(copy)
                with self._door.closed():
                    self._exchange()
        except BaseException as error:
            if not _is_of_engine(error):
                raise
            raise IndexDown(f"the index was not tidied, and is as it was: {_said(error)}") from error
        finally:
            with self._writing:
                self._since = None
            self._files.clear()
        return True

    def _catch_up(self, copy: Path) -> None:
        """Write into a copy what was written since it was made."""
        if self._since is None or self._since.is_too_much:
            raise IndexDown("too much was written meanwhile")
        shard = self._files.open(copy)
        try:
            for operation in self._since.operations:
                shard.update(operation)
            shard.flush()
            if shard.info().points_count != self._shard.info().points_count:
                raise IndexDown("the copy does not hold what the index holds")
        finally:
            shard.close()

    def _exchange(self) -> None:
        self._shard.close()
        try:
            self._files.take(self._files.copy)
            self._shard = self._files.open()
        except BaseException:
            self._files.undo()
            self._shard = self._files.open()
            raise

    def count(self) -> int:
        """Count the points.

        Raises:
            IndexDown: The engine failed.
        """
        return int(self._info().points_count)

    def _info(self) -> edge.ShardInfo:
        with _down("the index does not answer"), self._door.through():
            return self._shard.info()

    def _make_known(self, tags: Iterable[Tags]) -> None:
        # Before there is a point on it: what stands on a shelf that is not known is found by nobody.
        for shared in tags:
            if self._shelves is not None:
                self._shelves.add(shared)

    def _update(self, operation: edge.UpdateOperation, points: int = 1) -> None:
        with _down("the index cannot be written"), self._writing, self._door.through():
            if self._since is not None:  # before: what fails halfway must not be missing in the copy alone
                self._since.note(operation, points)
            self._shard.update(operation)
            self._shard.flush()  # without it, nothing is on disk yet


@contextmanager
def _down(what: str, *, in_its_words: bool = False) -> Iterator[None]:
    """Translate whatever the engine raises; its words are told only where they cannot hold a text or a vector."""
    try:
        yield
    except (IndexDown, EmbedderMismatch):
        raise
    except BaseException as error:
        if not _is_of_engine(error):
            raise
        raise IndexDown(f"{what}: {error if in_its_words else type(error).__name__}") from error


def _is_of_engine(error: BaseException) -> bool:
    # On files that it does not understand the engine panics, and that is no Exception: so nobody would catch it.
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, IndexDown) else type(error).__name__


def to_edge_point(point: Point) -> edge.Point:
    """Give a point as the engine in process takes it."""
    vectors: Any = {DENSE: point.vector.tolist(), BM25: words_of(point)}
    return edge.Point(point.chunk, vectors, payload_of(point))


def _found(point: edge.ScoredPoint) -> Found:
    return Found(ChunkId(str(point.id)), *said_in(point.payload), point.score)
