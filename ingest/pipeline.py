"""A folder in: every file read, cut, sealed, embedded and indexed; what did not change is left alone.

Three things go on side by side, with little waiting between them: files are read in sandboxes, chunks become
vectors, and what is ready is written. The main thread writes, so that whatever goes wrong comes out here.

    files -> families (read) -> batches (embedded) -> published
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import select, update

from ingest.errors import OtherFolder
from ingest.families import Reader
from ingest.outcome import Outcome
from ingest.versions import publish, withdraw
from store.engine import write
from store.envelope import mac
from store.schema import node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from acl.names import DocumentId, NodeId
    from ingest.arrival import Arrival
    from ingest.families import Family, File, Known, Place, Stock
    from ingest.versions import Edges
    from retrieval.embed import Embed

Asked = TypeVar("Asked")
Came = TypeVar("Came")
READERS: Final = 2  # files that are read at once
_FULL: Final = 256  # chunks of a batch
_MOST_FAMILIES: Final = 64  # files of a batch


@dataclass(frozen=True, slots=True)
class Brake:
    """How many documents may be deleted in one run because their files are gone: the larger of the two numbers."""

    documents: int = 10
    percent: float = 10

    def why_not(self, gone: int, of: int) -> str | None:
        """Say what is not done, and what to do, if so many, of so many, are too many to be meant."""
        if gone <= max(self.documents, of * self.percent / 100):
            return None
        return (
            f"{gone} of {of} documents are no longer in the folder, and were not deleted: "
            f"if they are meant to go, run it again with --max-delete {gone}"
        )


@dataclass(frozen=True, slots=True)
class Job:
    """What is taken in, where to, for whom."""

    intake: NodeId  # the collection
    actor: str  # whom the audit trail names
    places: Mapping[tuple[str, ...], Place]  # by the folders that a file lies in
    stock: Stock


def claim(folder: str, collection: NodeId, edges: Edges, *, moved: bool) -> None:
    """Let a collection be filled from this folder and no other.

    Raises:
        OtherFolder: Another folder fills it. Files of the same name would replace each other.
    """
    source = mac(edges.keys.sources, "folder", folder)
    with write(edges.engine) as connection:
        filled_from = connection.scalar(select(node.c.source_mac).where(node.c.id == collection))
        if filled_from not in (None, source) and not moved:
            raise OtherFolder(
                f"{collection} is filled from another folder: name another collection for this one; "
                "if it is the same folder at a new place, add --moved"
            )
        connection.execute(update(node).where(node.c.id == collection).values(source_mac=source))


def take_in(files: Iterable[File], job: Job, edges: Edges, tell: Callable[[Outcome], None]) -> set[str]:
    """Bring files to their current version. A file that cannot be read is an outcome, and the rest goes on.

    Args:
        files: Each in a folder that the job has a place for.
        job: Where they come to lie.
        edges: The world.
        tell: Hears what became of each file and attachment.

    Returns:
        The sources that were met; what is known of others is gone.

    Raises:
        StoreDown, IndexDown, EmbedderDown, AuditDown, NoRoom, ParserMoved: It stopped; what was told, holds.
    """
    reader = Reader(job.intake, edges.keys, job.stock, edges.read)
    met: set[str] = set()
    writer = _Writer(job, edges, tell)
    with _ending(ThreadPoolExecutor(1, "embedder")) as embedder:
        for _, family in ahead(lambda file: reader.family(file, job.places[file.parents]), files):
            met |= family.sources
            writer.take(family, embedder)
        writer.finish(embedder)
    return met


class _Writer:
    """Gathers families to batches, and publishes each batch once it has its vectors."""

    def __init__(self, job: Job, edges: Edges, tell: Callable[[Outcome], None]) -> None:
        self._job, self._edges, self._tell = job, edges, tell
        self._gathered: list[Family] = []
        self._chunks = 0
        self._waiting: deque[tuple[list[Family], Future[list[NDArray[np.float32]]]]] = deque()

    def take(self, family: Family, embedder: ThreadPoolExecutor) -> None:
        if family.arrivals:
            self._gathered.append(family)
            self._chunks += sum(len(arrival.reading.chunks) for arrival in family.arrivals)
        else:
            self._told(family)
        is_full = self._chunks >= _FULL or len(self._gathered) >= _MOST_FAMILIES
        if self._gathered and (is_full or not self._waiting):
            self._send(embedder)
        while self._waiting and (len(self._waiting) > 2 or self._waiting[0][1].done()):
            self._publish()

    def finish(self, embedder: ThreadPoolExecutor) -> None:
        self._send(embedder)
        while self._waiting:
            self._publish()

    def _send(self, embedder: ThreadPoolExecutor) -> None:
        if self._gathered:
            arrivals = [arrival for family in self._gathered for arrival in family.arrivals]
            self._waiting.append((self._gathered, embedder.submit(vectors_of, arrivals, self._edges.embed)))
            self._gathered, self._chunks = [], 0

    def _publish(self) -> None:
        families, vectors = self._waiting.popleft()
        for outcome in publish_families(families, vectors.result(), self._job, self._edges):
            self._tell(outcome)
        for family in families:
            self._told(family)

    def _told(self, family: Family) -> None:
        for outcome in family.outcomes:
            self._tell(outcome)


def publish_families(
    families: Sequence[Family], vectors: Sequence[NDArray[np.float32]], job: Job, edges: Edges
) -> list[Outcome]:
    """Let the documents of some files answer, or put them into quarantine, and delete what they replace.

    Args:
        families: What came of the files.
        vectors: Of each document, a row for each of its chunks.
        job: Where they come to lie.
        edges: The world. Nobody else writes versions meanwhile.

    Raises:
        StoreDown, IndexDown, AuditDown, NoRoom: As `publish`.
    """
    arrivals = [arrival for family in families for arrival in family.arrivals]
    detached = _detached(families, job.stock)
    return publish(arrivals, vectors, intake=job.intake, actor=job.actor, edges=edges, detached=detached)


def _detached(families: Iterable[Family], stock: Stock) -> list[DocumentId]:
    """Give what was attached to an earlier version of a mail, and is not to this one."""
    detached = [
        stock.by_source[source].id
        for family in families
        for arrival in family.arrivals
        if arrival.source in stock.by_source
        for source in sorted(stock.below(stock.by_source[arrival.source]) - family.sources)
    ]
    return [*dict.fromkeys(detached)]


def drop(gone: Sequence[Known], job: Job, edges: Edges, tell: Callable[[Outcome], None]) -> None:
    """Delete the documents whose files are gone; what is attached to a mail goes before the mail.

    Raises:
        StoreDown, IndexDown, AuditDown: Some are deleted already.
    """
    attached = {known.id for many in job.stock.attached.values() for known in many}
    in_order = sorted((known.id for known in gone), key=lambda id_: id_ not in attached)
    withdraw(in_order, actor=job.actor, edges=edges)
    for id_ in in_order:
        tell(Outcome(id_, "removed"))


def vectors_of(arrivals: Sequence[Arrival], embed: Embed) -> list[NDArray[np.float32]]:
    """Embed all chunks of some arrivals; a text that is there more than once, once."""
    texts = [[text.indexed_text for text in arrival.reading.chunks] for arrival in arrivals]
    distinct = {text: number for number, text in enumerate(dict.fromkeys(text for many in texts for text in many))}
    rows = embed([*distinct])
    return [rows[[distinct[text] for text in many]] for many in texts]


def ahead(
    read: Callable[[Asked], Came], files: Iterable[Asked], *, at_once: int = READERS
) -> Iterator[tuple[Asked, Came]]:
    """Read some files ahead, so many at once, and give what came of them in the order of the files."""
    with _ending(ThreadPoolExecutor(at_once, "reader")) as pool:
        waiting: deque[tuple[Asked, Future[Came]]] = deque()
        for file in files:
            waiting.append((file, pool.submit(read, file)))
            if len(waiting) > 2 * at_once:
                yield waiting[0][0], waiting.popleft()[1].result()
        while waiting:
            yield waiting[0][0], waiting.popleft()[1].result()


@contextmanager
def _ending(pool: ThreadPoolExecutor) -> Iterator[ThreadPoolExecutor]:
    """Use a pool; however the block ends, what has not begun is not begun any more."""
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
