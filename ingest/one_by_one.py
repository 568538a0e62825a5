"""Files that come one by one, from somebody who walks the folder himself: each is read and published by itself.

Nothing is remembered between two of them, and nothing of a file is written but what is sealed. Reading and embedding
go on beside each other; only to publish, one waits for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.names import DocumentId
from ingest.errors import Overtaken, Unreadable
from ingest.families import Reader, content_of, source_of, stock_of
from ingest.foresee import foreseen_of
from ingest.pipeline import Job, vectors_of
from ingest.together import Ready
from ingest.types import is_shown
from ingest.versions import withdraw
from ingest.walk import DEEPEST
from store.engine import snapshot
from store.schema import document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from acl.labels import Label
    from acl.names import NodeId, UserId
    from ingest.families import File, Place
    from ingest.outcome import Outcome
    from ingest.versions import Edges
    from store.keys import Keys

LONGEST_PATH: Final = 4096  # characters
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file and of all that is attached to it, and the documents that they are."""

    outcomes: tuple[Outcome, ...]
    documents: tuple[DocumentId, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Whether a file has to be read, and the documents that it and all that is attached to it are until now."""

    unchanged: bool
    documents: tuple[DocumentId, ...]


def parents_in(relative: str) -> tuple[str, ...]:
    """Give the folders that a file lies in, by a path that somebody else wrote: as `walk` would have.

    Raises:
        Unreadable: No walk gives such a path.
    """
    *folders, name = relative.split("/")
    if len(relative) > LONGEST_PATH or len(folders) > DEEPEST:
        raise Unreadable(f"its path is longer than {LONGEST_PATH} characters, or deeper than {DEEPEST} folders")
    is_odd = "\\x00" in relative.replace("\\\\", "") or not is_shown(relative)  # no name has a NUL in it
    if is_odd or any(part in {"", ".", ".."} for part in (*folders, name)):
        raise Unreadable("its path is none below a folder: write names with / between them, as the command line does")
    return tuple(folders)


def compare(
    connection: Connection, keys: Keys, intake: NodeId, files: Sequence[tuple[str, str | None]]
) -> list[Compared]:
    """Say of each file whether it would be left alone.

    Args:
        connection: One state of the database.
        keys: The installation's.
        intake: The collection that the files come into.
        files: The path of each in its folder, and the SHA-256 of its content; none where that could not be read.
    """
    sources = [source_of(keys, intake, relative) for relative, _ in files]
    stock = stock_of(connection, intake, sources)
    compared = []
    for source, (_, digest) in zip(sources, files, strict=True):
        known = stock.by_source.get(source)
        if known is None:
            compared.append(Compared(unchanged=False, documents=()))
            continue
        ids = (known.id, *(stock.by_source[below].id for below in sorted(stock.below(known))))
        unchanged = digest is not None and stock.is_settled(known, content_of(keys, digest))
        compared.append(Compared(unchanged=unchanged, documents=ids))
    return compared


def take_one(
    file: File,
    place: Place,
    intake: NodeId,
    actor: UserId,
    edges: Edges,
    *,
    publish: Callable[[Ready], list[Outcome] | None],
    require: Callable[[Connection], None],
) -> Taken:
    """Bring one file to its current version.

    Args:
        file: In the folder that the place is of.
        place: Where it comes to lie.
        intake: The collection.
        actor: Whom the audit trail names.
        edges: The world.
        publish: As `Together`, whose turn it is to write versions.
        require: Raises if the actor may not, any more; asked last before anything is written.

    Raises:
        Overtaken: Somebody else takes in the same file, again and again.
        StoreDown, IndexDown, EmbedderDown, AuditDown, NoRoom, ParserMoved, SandboxDown: It was not taken in.
    """
    source = source_of(edges.keys, intake, file.relative)
    for _ in range(_ATTEMPTS):
        with snapshot(edges.engine) as connection:
            stock = stock_of(connection, intake, [source])
        family = Reader(intake, edges.keys, stock, edges.read).family(file, place)
        if not family.arrivals:
            return Taken(tuple(family.outcomes), _documents(edges, family.sources))
        vectors = vectors_of(family.arrivals, edges.embed)
        outcomes = publish(Ready(source, family, vectors, Job(intake, actor, {}, stock), require))
        if outcomes is not None:
            return Taken(tuple(outcomes), _documents(edges, family.sources))
    raise Overtaken("this file is being taken in by somebody else as well: run it again")


def foresee_one(file: File, place: Place, label: Label, intake: NodeId, edges: Edges) -> Taken:
    """Say what would become of one file. It is read, and nothing is written.

    Raises:
        StoreDown, ParserMoved, SandboxDown, EmbedderDown: It cannot be said.
    """
    with snapshot(edges.engine) as connection:
        stock = stock_of(connection, intake, [source_of(edges.keys, intake, file.relative)])
    family = Reader(intake, edges.keys, stock, edges.read).family(file, place)
    return Taken(tuple(foreseen_of(family, label, stock)), _documents(edges, family.sources))


def stocked(connection: Connection, intake: NodeId, after: str, limit: int) -> list[tuple[DocumentId, bool]]:
    """Give the next documents, by id, that came from the folder of a collection, and whether each may be deleted.

    What was kept out for good stays on the list: else its file would come in again.
    """
    c = document.c
    these = select(c.id, c.state).where(c.intake == intake, c.state != "deleted", c.id > after)
    rows = connection.execute(these.order_by(c.id).limit(limit))
    return [(DocumentId(row.id), row.state != "rejected") for row in rows]


def remove(documents: Sequence[DocumentId], intake: NodeId, actor: UserId, edges: Edges) -> int:
    """Delete documents that came from the folder of a collection, and give how many there were.

    Nobody else may be writing versions meanwhile.

    Args:
        documents: Those that came from elsewhere, are gone or were kept out for good are passed over.
        intake: The collection.
        actor: Whom the audit trail names.
        edges: The world.

    Raises:
        StoreDown, IndexDown, AuditDown: Some are deleted already.
    """
    c = document.c
    these = select(c.id).where(c.id.in_(documents), c.intake == intake, c.state.not_in(("deleted", "rejected")))
    with snapshot(edges.engine) as connection:
        # What is attached to a mail goes before the mail.
        gone = [*map(DocumentId, connection.scalars(these.order_by(c.part_of.is_(None), c.id)))]
    withdraw(gone, actor=actor, edges=edges)
    return len(gone)


def _documents(edges: Edges, sources: Iterable[str]) -> tuple[DocumentId, ...]:
    these = select(document.c.id).where(document.c.source_mac.in_(sources)).order_by(document.c.id)
    with snapshot(edges.engine) as connection:
        return tuple(map(DocumentId, connection.scalars(these)))
