"""A folder in: every file read, cut, sealed, embedded and indexed; what did not change is left alone.

A document answers in its new version only when everything of it is in place:

    rows of the new version -> points of it, flushed -> version flipped -> rows and points of the old one gone

A run that is cut off at any point leaves the old version answering, or none; the next run begins again.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy import delete, func, insert, select, update

from acl.admin.change import policy_change, unnamed
from acl.admin.nodes import ensure_folder, placing_of
from acl.names import DocumentId, NodeId
from acl.read import whats_of
from audit.ledger import Event
from ingest.beneath import Root, read_file
from ingest.chunk import chunk as cut
from ingest.errors import OtherFolder, Unreadable
from ingest.parse import parse_bytes
from ingest.walk import walk
from retrieval.tags import group_of, own_of, queue_overtaken, tags_of
from retrieval.types import ChunkId, Point
from store.engine import snapshot, write
from store.envelope import mac
from store.schema import chunk, document, node
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine, Row

    from acl.decision import What
    from audit.chain import Json
    from audit.ledger import Ledger
    from ingest.types import ChunkText, Found, Parsed
    from retrieval.embed import Embed
    from store.envelope import Keys

READER_VERSION: Final = "1"  # raise it when the same file is read or cut in another way


class IndexWriter(Protocol):
    """Whatever keeps points."""

    def put(self, points: Sequence[Point]) -> None:
        """Write points, durably."""
        ...

    def keep_only(self, document: DocumentId, version: int) -> None:
        """Remove a document's points of all other versions."""
        ...

    def count_of(self, document: DocumentId) -> int:
        """Count a document's points, of all its versions."""
        ...


class Progress(Protocol):
    """Who wants to see how far it is."""

    def started(self, files: int) -> None:
        """So many files will be looked at."""
        ...

    def finished(self, relative: str, chunks: int) -> None:
        """One file is done; it gave so many chunks, none if it is unchanged or unreadable."""
        ...


@dataclass(frozen=True, slots=True)
class Edges:
    """What ingestion touches of the world."""

    engine: Engine
    keys: Keys
    index: IndexWriter
    embed: Embed
    measure: Callable[[str], int]  # word pieces of a text, as the embedder counts them
    ledger: Ledger
    progress: Progress


@dataclass(slots=True)
class Summary:
    """What became of the files of a folder."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    chunks: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # file -> reason
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # file -> what was left out of it


def ingest(folder: Path, collection: NodeId, actor: str, edges: Edges, *, moved: bool = False) -> Summary:
    """Bring a folder into a collection. A file that cannot be read is reported, and the rest goes on.

    Args:
        folder: Its sub-folders become folders of the collection.
        collection: It exists; its label and rules hold for what comes in.
        actor: Whom the audit trail names.
        edges: The world.
        moved: The folder is the one that fills the collection, at a new place.

    Raises:
        NoSuchFolder, EmptyFolder, TooMuch: There is nothing to ingest, or more than may be.
        OtherFolder: Another folder fills the collection. Files of the same name would replace each other.
        StoreDown, IndexDown, EmbedderDown, AuditDown: The run stopped; what it had finished, holds.
    """
    with Root(folder) as root:
        walked = walk(root)
        summary = Summary(failed={skipped.relative: skipped.reason for skipped in walked.skipped})
        _claim(folder, collection, edges, moved=moved)
        _take_all_in(root, walked.found, collection, actor, edges, summary)
    return summary


def _take_all_in(
    root: Root, files: Sequence[Found], collection: NodeId, actor: str, edges: Edges, summary: Summary
) -> None:
    edges.progress.started(len(files))
    nodes = _folders({file.folder for file in files}, collection, actor, edges)
    for file in files:
        try:
            chunks = _take_in(root, file, nodes[file.folder], collection, actor, edges, summary)
        except Unreadable as error:
            summary.failed[file.relative] = str(error)
            chunks = 0
        summary.chunks += chunks
        edges.progress.finished(file.relative, chunks)


def _claim(folder: Path, collection: NodeId, edges: Edges, *, moved: bool) -> None:
    """Let a collection be filled from this folder and no other."""
    source = mac(edges.keys.sources, "folder", os.fspath(folder.resolve()))
    with write(edges.engine) as connection:
        filled_from = connection.scalar(select(node.c.source_mac).where(node.c.id == collection))
        if filled_from not in (None, source) and not moved:
            raise OtherFolder(
                f"{collection} is filled from another folder: name another collection for this one; "
                "if it is the same folder at a new place, add --moved"
            )
        connection.execute(update(node).where(node.c.id == collection).values(source_mac=source))


def _folders(
    paths: set[tuple[str, ...]], collection: NodeId, actor: str, edges: Edges
) -> dict[tuple[str, ...], NodeId]:
    """Give the node of each sub-folder, and make those that are not there; they inherit label and rules."""
    nodes: dict[tuple[str, ...], NodeId] = {(): collection}
    with policy_change(edges.engine, edges.ledger, actor) as change:
        for path in sorted(paths):
            for depth in range(1, len(path) + 1):
                if path[:depth] not in nodes:
                    nodes[path[:depth]] = ensure_folder(change, nodes[path[: depth - 1]], path[depth - 1])
    return nodes


def _take_in(  # noqa: PLR0917 - each is a part of the run
    root: Root, file: Found, node: NodeId, collection: NodeId, actor: str, edges: Edges, summary: Summary
) -> int:
    """Bring one file to its current version, and give the number of its chunks; 0 if it is unchanged."""
    source = mac(edges.keys.sources, "source", collection, file.relative)
    data = read_file(root, file)
    content = mac(edges.keys.sources, "content", READER_VERSION, hashlib.sha256(data).hexdigest())
    with snapshot(edges.engine) as connection:
        known = connection.execute(select(document).where(document.c.source_mac == source)).one_or_none()
    if known is not None and _is_in_place(known, content, edges):
        summary.unchanged += 1
        return 0
    parsed = parse_bytes(data, file.name)
    texts = cut(parsed, edges.measure)
    vectors = edges.embed([text.indexed_text for text in texts])
    draft = _Draft.of(known, node, source, edges.keys)
    chunks = _write_draft(draft, parsed, texts, edges)
    if known is not None:
        edges.index.keep_only(draft.id, known.version)  # away with what an attempt that was cut off has left
    covered = _what(draft, edges)
    edges.index.put(_points(draft, chunks, texts, vectors, covered))
    _flip(draft, parsed, content, len(chunks), actor, edges, covered=covered)
    if known is not None:
        edges.index.keep_only(draft.id, draft.version)
    if parsed.notes:
        summary.notes[file.relative] = parsed.notes
    if draft.is_new:
        summary.added += 1
    else:
        summary.changed += 1
    return len(chunks)


def _is_in_place(known: Row[tuple[object, ...]], content: str, edges: Edges) -> bool:
    """Say whether this content answers already: its rows, and as many points, which a lost index has not."""
    if known.state != "live" or known.content_mac != content:
        return False
    with snapshot(edges.engine) as connection:
        rows = connection.scalar(select(func.count()).select_from(chunk).where(chunk.c.document_id == known.id))
    return edges.index.count_of(DocumentId(known.id)) == rows


@dataclass(frozen=True, slots=True)
class _Draft:
    """The version of a document that is being made."""

    id: DocumentId
    node: NodeId
    source: str
    version: int
    key: DocumentKey
    wrapped_key: bytes
    is_new: bool

    @classmethod
    def of(cls, known: Row[tuple[object, ...]] | None, node: NodeId, source: str, keys: Keys) -> _Draft:
        if known is None:
            id_ = DocumentId(f"doc:{uuid.uuid4().hex}")
            key = DocumentKey.fresh(id_)
            return cls(id_, node, source, 1, key, key.wrapped(keys.documents), is_new=True)
        id_ = DocumentId(known.id)
        key = DocumentKey.unwrap(id_, known.wrapped_key, keys.documents)
        return cls(id_, node, source, known.version + 1, key, known.wrapped_key, is_new=known.version == 0)


def _write_draft(draft: _Draft, parsed: Parsed, texts: Sequence[ChunkText], edges: Edges) -> list[ChunkId]:
    """Write the rows of a version that does not answer yet, in place of what an earlier attempt left of it."""
    ids = [ChunkId(str(uuid.uuid4())) for _ in texts]
    with write(edges.engine) as connection:
        if not connection.scalar(select(document.c.id).where(document.c.id == draft.id)):
            connection.execute(
                insert(document).values(
                    id=draft.id,
                    node_id=draft.node,
                    level=0,  # the label is that of its folders
                    state="draft",
                    version=0,
                    source_mac=draft.source,
                    content_mac="",
                    wrapped_key=draft.wrapped_key,
                    sealed_title=draft.key.seal_title(parsed.title),
                )
            )
        connection.execute(delete(chunk).where(chunk.c.document_id == draft.id, chunk.c.version == draft.version))
        for number, (id_, text) in enumerate(zip(ids, texts, strict=True)):
            sealed = draft.key.seal_chunk(id_, draft.version, text.text)
            connection.execute(
                insert(chunk).values(
                    id=id_, document_id=draft.id, version=draft.version, ord=number, sealed_text=sealed
                )
            )
    return ids


def _what(draft: _Draft, edges: Edges) -> What:
    with snapshot(edges.engine) as connection:
        return whats_of(connection, [draft.id])[draft.id]


def _points(
    draft: _Draft, chunks: Sequence[ChunkId], texts: Sequence[ChunkText], vectors: NDArray[np.float32], what: What
) -> list[Point]:
    return [
        Point(id_, draft.id, draft.version, vector, text.indexed_text, tags_of(what), own_of(what))
        for id_, text, vector in zip(chunks, texts, vectors, strict=True)
    ]


def _flip(draft: _Draft, parsed: Parsed, content: str, chunks: int, actor: str, edges: Edges, *, covered: What) -> None:
    """Let the new version answer, and drop the rows of the old one: the change and its record, or neither."""
    with write(edges.engine) as connection:
        connection.execute(
            update(document)
            .where(document.c.id == draft.id)
            .values(
                state="live",
                version=draft.version,
                content_mac=content,
                sealed_title=draft.key.seal_title(parsed.title),
            )
        )
        connection.execute(delete(chunk).where(chunk.c.document_id == draft.id, chunk.c.version != draft.version))
        # A change that was made since the points got their tags may have been written to the index before them.
        queue_overtaken(connection, [group_of(draft.id, covered)], datetime.now(UTC))
        # Where it lies now: it may have been moved or labelled since it was first taken in, or while it was read.
        node, owner, label = placing_of(connection, draft.id)
        details: dict[str, Json] = {
            "document": draft.id,
            "version": draft.version,
            "chunks": chunks,
            "node": node,
            "owner": unnamed(owner or "", edges.ledger.pseudonym),
            "label": str(label),
        }
        edges.ledger.append(connection, Event("document.ingested", actor, str(uuid.uuid4()), details))
