"""Where an index is kept: in the data folder, or on a server. It is opened there, and made anew beside itself.

Whatever stops the making of a new one leaves the old one where it was.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from retrieval.edge import EdgeIndex
from retrieval.edge_shard import Files
from retrieval.find import Index
from retrieval.plan import PLAN, Plan
from retrieval.qdrant import QdrantIndex
from retrieval.qdrant_calls import Calls
from retrieval.qdrant_collection import answering, drop, let_answer, make, other, require_fitting, require_ours
from retrieval.tags import TaggedIndex
from store.room import require_room

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from acl.names import DocumentId
    from retrieval.beside import Build
    from retrieval.qdrant_collection import Made
    from retrieval.qdrant_server import Server
    from retrieval.types import ChunkId, Point

_T = TypeVar("_T")


class KeptIndex(Index, TaggedIndex, Protocol):
    """All that an index does for its owner."""

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably."""
        ...

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove a document's points of all other versions, durably."""
        ...

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        """Remove the points of some chunks, durably; those that are not there are none."""
        ...

    def tidy(self) -> bool:
        """Build what makes searches fast over what was written since; say whether there was anything to do."""
        ...

    def untidied(self) -> int:
        """Count the points for which that was not built."""
        ...

    def tidy_beside(self, build: Build) -> bool:
        """Have it built by another process, while this one answers; say whether there was anything to do."""
        ...

    def count(self) -> int:
        """Count the points."""
        ...

    def close(self) -> None:
        """Give up what it holds open."""
        ...


class Home(Protocol):
    """A place that keeps one index."""

    def exists(self) -> bool:
        """Say whether there is an index."""
        ...

    def open(self) -> KeptIndex:
        """Open the index, or make an empty one."""
        ...

    def open_fresh(self) -> KeptIndex:
        """Make an empty index beside the one that answers, in place of one that was not finished."""
        ...

    def replace(self) -> None:
        """Let the fresh index, closed by now, answer in place of the old one, which is removed."""
        ...

    def remove(self) -> None:
        """Remove the index, and what is left of others."""
        ...

    def require_room(self, wanted: int) -> None:
        """Refuse to begin what needs more room than there is; so many bytes."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeHome:
    """A folder of the data folder, for the engine in process.

    Each method raises IndexDown where the engine fails; opening raises EmbedderMismatch too.
    """

    path: Path
    dimension: int
    model: str
    plan: Plan = PLAN

    def exists(self) -> bool:
        """Say whether there is an index."""
        return self.path.exists() or self._files.old.exists()

    def open(self) -> EdgeIndex:
        """Open the index, or make an empty one; first put right what a replacement that was cut off has left."""
        self._files.recover()
        return EdgeIndex(self.path, self.dimension, self.model, plan=self.plan)

    def open_fresh(self) -> EdgeIndex:
        """Make an empty index beside the one that answers, in place of one that was not finished."""
        shutil.rmtree(self._fresh, ignore_errors=True)
        return EdgeIndex(self._fresh, self.dimension, self.model, plan=self.plan)

    def replace(self) -> None:
        """Let the fresh index, closed by now, answer in place of the old one, which is removed."""
        self._files.recover()
        self._files.take(self._fresh)
        self._files.clear()

    def remove(self) -> None:
        """Remove the index, and what is left of others."""
        for left in (self._fresh, self._files.copy, self._files.old, self.path):
            shutil.rmtree(left, ignore_errors=True)

    def require_room(self, wanted: int) -> None:
        """Refuse to begin what needs more room than the disk has; so many bytes.

        Raises:
            NoRoom: There is less.
        """
        require_room(self.path.parent, wanted)

    @property
    def _files(self) -> Files:
        return Files(self.path, self.dimension, self.model, self.plan)

    @property
    def _fresh(self) -> Path:
        return self.path.with_name(f"{self.path.name}.new")


@dataclass(frozen=True, slots=True)
class QdrantHome:
    """A name on a Qdrant server or cluster, which points to one of two collections.

    Each method raises IndexDown where the server is too old, refuses, or gives no whole answer in time.
    """

    server: Server
    made: Made

    def exists(self) -> bool:
        """Say whether there is an index."""
        return self._with(lambda calls: answering(calls, self.server.collection) is not None)

    def open(self) -> QdrantIndex:
        """Open the index, or make an empty one.

        Raises:
            EmbedderMismatch: Its vectors were made by another model.
            IndexDown: It is another installation's, or is not what it should be; or the server failed.
        """
        return self._opened(self._found)

    def open_fresh(self) -> QdrantIndex:
        """Make an empty index beside the one that answers, in place of one that was not finished."""
        return self._opened(self._made)

    def replace(self) -> None:
        """Let the fresh index, closed by now, answer in place of the old one, which is removed."""

        def replace(calls: Calls) -> None:
            name, old = self.server.collection, self._ours(calls)
            fresh = other(name, old)
            require_ours(calls, fresh, self.made)
            let_answer(calls, name, fresh)
            if old is not None:
                drop(calls, old, self.made)

        self._with(replace)

    def remove(self) -> None:
        """Remove the index, and what is left of others."""

        def remove(calls: Calls) -> None:
            old = answering(calls, self.server.collection)
            for collection in (old, other(self.server.collection, old)):
                if collection is not None:
                    drop(calls, collection, self.made)

        self._with(remove)

    def require_room(self, wanted: int) -> None:
        """Refuse nothing: what lies on the server's disk is its own to look after."""

    def _found(self, calls: Calls) -> str:
        """Find the collection that answers; where none does, make one."""
        name = self.server.collection
        if (found := answering(calls, name)) is None:
            found = self._made(calls)
            let_answer(calls, name, found)
        require_fitting(calls, found, self.made)
        return found

    def _made(self, calls: Calls) -> str:
        fresh = other(self.server.collection, self._ours(calls))
        make(calls, self.server, fresh, self.made)
        return fresh

    def _ours(self, calls: Calls) -> str | None:
        """Find the collection that answers, unless it is another installation's."""
        found = answering(calls, self.server.collection)
        if found is not None:
            require_ours(calls, found, self.made)
        return found

    def _opened(self, which: Callable[[Calls], str]) -> QdrantIndex:
        calls = Calls(self.server)
        try:
            calls.require_version()
            return QdrantIndex(calls, which(calls), self.made.dimension, self.made.plan)
        except BaseException:
            calls.close()
            raise

    def _with(self, do: Callable[[Calls], _T]) -> _T:
        calls = Calls(self.server)
        try:
            calls.require_version()
            return do(calls)
        finally:
            calls.close()
