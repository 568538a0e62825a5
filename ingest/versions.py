"""Versions of documents: into the database and the index, and out of both, so that a crash leaves no half one.

    rows of the new version -> its points, flushed -> version flipped, old rows gone -> old points gone

A document is listed in `under_way` from before the index is touched until the index is as the rows say. Whoever
begins next puts right what is still listed there (`settle`). A document in quarantine has rows, and no points.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy import delete, select, update

from acl.names import DocumentId
from acl.read import whats_of
from audit.ledger import Event
from ingest.outcome import Outcome
from ingest.points import kept_of, points_of
from ingest.rows import Draft, drop_rows, flip, list_under_way, record, said_of_content, write_draft
from retrieval.tags import group_of, own_of, queue_overtaken, tags_of
from retrieval.types import ChunkId, Point
from store.engine import snapshot, write
from store.schema import chunk, document, document_compartment, held_reason, under_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection, Engine

    from acl.names import NodeId
    from audit.chain import Json
    from audit.ledger import Ledger
    from ingest.arrival import Arrival
    from ingest.outcome import What
    from ingest.types import Reading
    from retrieval.embed import Embed
    from store.keys import Keys

_AT_ONCE: Final = 500  # ids in one statement
_LONGEST_REASON: Final = 500


class IndexWriter(Protocol):
    """Whatever keeps points."""

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably."""
        ...

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        """Remove the points of some chunks, durably; those that are not there are none."""
        ...

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove a document's points of all other versions, durably."""
        ...


@dataclass(frozen=True, slots=True)
class Edges:
    """What ingestion touches of the world."""

    engine: Engine
    keys: Keys
    index: IndexWriter
    embed: Embed
    read: Callable[[bytes, str], Reading]  # a file's content and name; raises Unreadable
    ledger: Ledger
    require_room: Callable[[int], None]  # so many bytes; raises NoRoom


def publish(
    arrivals: Sequence[Arrival],
    vectors: Sequence[NDArray[np.float32]],
    *,
    intake: NodeId,
    actor: str,
    edges: Edges,
    detached: Sequence[DocumentId] = (),
) -> list[Outcome]:
    """Let documents answer in the version that was read, or put them into quarantine; all of a call together.

    Args:
        arrivals: A mail stands before what was attached to it.
        vectors: Of each arrival, a row for each of its chunks.
        detached: What was attached to an earlier version of one of the mails, and goes with it.
        intake: The collection that they come into.
        actor: Whom the audit trail names.
        edges: The world.

    Raises:
        StoreDown, IndexDown, AuditDown, NoRoom: The old versions answer, or none, until `settle` was called.
    """
    edges.require_room(sum(row.nbytes for row in vectors) * 4 + sum(arrival.size for arrival in arrivals) * 4)
    with write(edges.engine) as connection:
        drafts = [write_draft(connection, arrival, intake, actor, edges.keys, edges.ledger) for arrival in arrivals]
        stale = _drop_held_rows(connection, drafts)
        list_under_way(connection, [*(draft.id for draft in drafts), *detached])
    answering = [(draft, rows) for draft, rows in zip(drafts, vectors, strict=True) if not draft.held]
    with snapshot(edges.engine) as connection:
        whats = whats_of(connection, [draft.id for draft, _ in answering])
    edges.index.put(
        [
            Point(
                id_,
                draft.id,
                draft.version,
                vector,
                text.indexed_text,
                tags_of(whats[draft.id]),
                own_of(whats[draft.id]),
            )
            for draft, rows in answering
            for id_, text, vector in zip(draft.chunks, draft.arrival.reading.chunks, rows, strict=True)
        ]
    )
    with write(edges.engine) as connection:
        versions = {draft.id: draft.version for draft, _ in answering}
        stale += flip(connection, versions, [_written(draft) for draft, _ in answering])
        record(connection, versions, actor, edges.ledger)
        stale += _take_out(connection, detached, actor, edges.ledger)
        # A change that was made since the points got their tags may have been written to the index before them.
        queue_overtaken(connection, [group_of(id_, what) for id_, what in whats.items()], datetime.now(UTC))
    _tidy([*(draft.id for draft in drafts), *detached], stale, edges)
    return [_outcome(draft) for draft in drafts]


def withdraw(documents: Sequence[DocumentId], *, actor: str, edges: Edges) -> None:
    """Delete documents: their texts and keys at once, then their points. What was theirs on the disk is noise then.

    Raises:
        StoreDown, IndexDown, AuditDown: Some are hidden already, and their points go with the next `settle`.
    """
    for some in _some_of(documents):
        with write(edges.engine) as connection:
            list_under_way(connection, some)
            stale = _take_out(connection, some, actor, edges.ledger)
        _tidy(some, stale, edges)


def _take_out(connection: Connection, documents: Sequence[DocumentId], actor: str, ledger: Ledger) -> list[ChunkId]:
    """Delete texts and keys of documents, and give the ids of the points that are left of them."""
    stale = drop_rows(connection, documents)
    # Its source is free again: a file of that name is another document.
    gone = {
        "state": "deleted",
        "content_mac": "",
        "wrapped_key": b"",
        "key_id": None,
        "sealed_title": b"",
        "sealed_source": b"",
    }
    for id_ in documents:
        connection.execute(update(document).where(document.c.id == id_).values(gone | {"source_mac": id_}))
        details: dict[str, Json] = {"document": id_}
        ledger.append(connection, Event("document.removed", actor, str(uuid.uuid4()), details))
    connection.execute(delete(held_reason).where(held_reason.c.document_id.in_(documents)))
    return stale


def settle(edges: Edges) -> int:
    """Put right what a run that was cut off has left, and give how many documents that were.

    Nobody else may be writing versions meanwhile. What was let out of quarantine stays for `finish_released`.

    Raises:
        StoreDown, IndexDown: What is not done yet stays listed.
    """
    with snapshot(edges.engine) as connection:
        states = select(document.c.id, document.c.state, document.c.version).join(under_way)
        states = states.where(document.c.state != "released")
        rows = connection.execute(states).all()
    for row in rows:
        edges.index.keep_only(DocumentId(row.id), row.version if row.state == "live" else 0)
    ids, drafts = [row.id for row in rows], [row.id for row in rows if row.state == "draft"]
    with write(edges.engine) as connection:
        connection.execute(delete(under_way).where(under_way.c.document_id.in_(ids)))
        for row in rows:
            if row.state in ("draft", "live"):
                others = (chunk.c.document_id == row.id) & (chunk.c.version != (row.version or -1))
                connection.execute(delete(chunk).where(others))
        connection.execute(delete(document_compartment).where(document_compartment.c.document_id.in_(drafts)))
        connection.execute(delete(document).where(document.c.id.in_(drafts)))  # mails and what is attached, at once
    return len(rows)


def finish_released(edges: Edges) -> int:
    """Let answer what two people have let out of quarantine, and give how many documents that were.

    Raises:
        StoreDown, IndexDown, EmbedderDown, AuditDown, CannotDecrypt: The rest stays for the next call.
    """
    with snapshot(edges.engine) as connection:
        wanted = select(document.c.id, document.c.version).join(under_way).where(document.c.state == "released")
        released = {DocumentId(row.id): row.version for row in connection.execute(wanted)}
    for id_, answered in released.items():
        with snapshot(edges.engine) as connection:
            kept = kept_of(connection, [id_], edges.keys)
            groups = [group_of(id_, what) for id_, what in whats_of(connection, [id_]).items()]
        edges.index.put(points_of(kept, edges.embed))
        with write(edges.engine) as connection:
            # Somebody may have held it again meanwhile, with another content.
            still = select(document.c.id).where(document.c.id == id_, document.c.state == "released")
            if connection.scalar(still.with_for_update()):
                flip(connection, {id_: answered + 1})
                record(connection, {id_: answered + 1}, "svc:quarantine", edges.ledger)
                queue_overtaken(connection, groups, datetime.now(UTC))
        _tidy([id_], [], edges)
    return len(released)


def _written(draft: Draft) -> dict[str, object]:
    return {"id": draft.id, **said_of_content(draft.arrival, draft.key)}


def _drop_held_rows(connection: Connection, drafts: Iterable[Draft]) -> list[ChunkId]:
    """Drop the rows of versions that answered until now, of what goes into quarantine; give their ids."""
    stale: list[ChunkId] = []
    for draft in drafts:
        if draft.held:
            stale += drop_rows(connection, [draft.id], but=draft.version)
    return stale


def _tidy(documents: Sequence[DocumentId], stale: Sequence[ChunkId], edges: Edges) -> None:
    """Remove the points whose rows are gone, and the documents from the list."""
    if stale:
        edges.index.remove(stale)
    with write(edges.engine) as connection:
        connection.execute(delete(under_way).where(under_way.c.document_id.in_(documents)))


def _outcome(draft: Draft) -> Outcome:
    reading = draft.arrival.reading
    what: What = "held" if draft.held else "added" if draft.is_new else "changed"
    return Outcome(
        draft.arrival.relative, what, len(draft.chunks), draft.held, reading.notes, draft.arrival.part_of is not None
    )


def _some_of(documents: Sequence[DocumentId]) -> Iterator[Sequence[DocumentId]]:
    return (documents[start : start + _AT_ONCE] for start in range(0, len(documents), _AT_ONCE))
