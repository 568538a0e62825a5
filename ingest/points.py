"""Points made again from what the database keeps: for what was let out of quarantine, and for a whole new index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.names import DocumentId
from acl.read import whats_of
from ingest.types import indexed_text
from retrieval.tags import own_of, tags_of
from retrieval.types import ChunkId, Point
from store.engine import snapshot
from store.schema import chunk, document
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from acl.decision import What
    from retrieval.embed import Embed
    from store.keys import Keys

_AT_ONCE: Final = 64  # documents


@dataclass(frozen=True, slots=True)
class Kept:
    """A chunk as the database keeps it, opened, and what covers its document."""

    chunk: ChunkId
    document: DocumentId
    version: int
    text: str  # what is embedded and indexed
    what: What


def kept_of(connection: Connection, documents: Sequence[DocumentId], keys: Keys) -> list[Kept]:
    """Read the chunks of some documents: those that answer, or wait to.

    Raises:
        CannotDecrypt: One of them does not open.
    """
    whats = whats_of(connection, documents)
    rows = (
        select(chunk, document.c.wrapped_key, document.c.key_id)
        .join(document)
        .where(chunk.c.document_id.in_(documents))
    )
    rows = rows.where((document.c.state != "live") | (chunk.c.version == document.c.version))
    opened: dict[str, DocumentKey] = {}
    kept = []
    for row in connection.execute(rows.order_by(chunk.c.document_id, chunk.c.version, chunk.c.ord)):
        id_ = DocumentId(row.document_id)
        if id_ not in opened:
            opened[id_] = DocumentKey.unwrap(id_, row.wrapped_key, keys.documents(row.key_id))
        text = opened[id_].open_chunk(row.id, row.version, row.sealed_text)
        headings = opened[id_].open_headings(row.id, row.version, row.sealed_headings)
        kept.append(Kept(ChunkId(row.id), id_, row.version, indexed_text(headings, text), whats[id_]))
    return kept


def points_of(kept: Sequence[Kept], embed: Embed) -> list[Point]:
    """Embed chunks, and give their points with the tags that they have to carry.

    Raises:
        EmbedderDown: The model does not work.
    """
    vectors = embed([one.text for one in kept])
    return [
        Point(one.chunk, one.document, one.version, vector, one.text, tags_of(one.what), own_of(one.what))
        for one, vector in zip(kept, vectors, strict=True)
    ]


def all_points(engine: Engine, keys: Keys, embed: Embed, done: Callable[[int], None]) -> Iterator[list[Point]]:
    """Give the points of all documents that answer, some at a time.

    Args:
        engine: Where the texts are. Nobody else may change them meanwhile.
        keys: Open them.
        embed: Makes the vectors.
        done: Is told of how many documents the points were taken, each time.

    Raises:
        StoreDown, CannotDecrypt, EmbedderDown: One of the parts failed.
    """
    last = ""
    while True:
        with snapshot(engine) as connection:
            next_ones = select(document.c.id).where(document.c.state == "live", document.c.id > last)
            ids = [DocumentId(id_) for id_ in connection.scalars(next_ones.order_by(document.c.id).limit(_AT_ONCE))]
            kept = kept_of(connection, ids, keys)
        if not ids:
            return
        yield points_of(kept, embed)
        done(len(ids))
        last = ids[-1]
