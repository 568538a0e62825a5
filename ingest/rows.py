"""The rows of a version: written beside those that answer, and put in their place when its points are there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select, update

from acl.admin.change import unnamed
from acl.admin.nodes import placing_of
from acl.names import DocumentId
from acl.read import what_at, whats_of
from audit.ledger import Event
from ingest.arrival import why_held
from ingest.chunk import normal_form
from retrieval.types import ChunkId
from store.envelope import mac
from store.schema import chunk, document, held_reason, under_way
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from acl.labels import Label
    from acl.names import NodeId
    from audit.chain import Json
    from audit.ledger import Ledger
    from ingest.arrival import Arrival
    from ingest.types import ChunkText
    from store.envelope import Keys

_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """The version of a document that is being made."""

    arrival: Arrival
    id: DocumentId
    version: int
    key: DocumentKey
    chunks: tuple[ChunkId, ...]
    is_new: bool
    held: tuple[str, ...]  # why


def write_draft(
    connection: Connection, arrival: Arrival, intake: NodeId, actor: str, keys: Keys, ledger: Ledger
) -> Draft:
    """Write the rows of a version that does not answer yet, in place of what an earlier attempt left of it."""
    known = connection.execute(select(document).where(document.c.source_mac == arrival.source)).one_or_none()
    id_ = DocumentId(f"doc:{uuid.uuid4().hex}" if known is None else known.id)
    key = _key(known, id_, keys)
    is_new = known is None or known.version == 0
    held = why_held(arrival, _label(connection, known, arrival), agreed=_is_agreed(known, arrival))
    values = {
        "state": "held" if held else "draft" if is_new else "live",
        "wrapped_key": key.wrapped(keys.documents),
        "sealed_source": key.seal_source(arrival.relative),
        "part_of": _document_of(connection, arrival.part_of),
        "agreed": _is_agreed(known, arrival),
        "raw_mac": arrival.raw,
    }
    if known is None or held:
        values |= {"content_mac": arrival.content, "sealed_title": key.seal_title(arrival.reading.title)}
    if known is None:
        # The label is that of its folders.
        fresh = {"id": id_, "node_id": arrival.node, "owner": arrival.owner, "level": 0, "version": 0}
        connection.execute(insert(document).values(**fresh, source_mac=arrival.source, intake=intake, **values))
    else:
        connection.execute(update(document).where(document.c.id == id_).values(values))
    list_under_way(connection, [id_])
    version = (known.version if known is not None else 0) + 1
    chunks = _write_chunks(connection, id_, version, key, arrival.reading.chunks, intake, keys)
    _write_reasons(connection, id_, held)
    if held:
        details: dict[str, Json] = {"document": id_, "version": version, "reasons": len(held)}
        ledger.append(connection, Event("document.held", actor, str(uuid.uuid4()), details))
    return Draft(arrival, id_, version, key, chunks, is_new, held)


def _key(known: Row[tuple[object, ...]] | None, id_: DocumentId, keys: Keys) -> DocumentKey:
    if known is None or not known.wrapped_key:  # the key of what was rejected is gone
        return DocumentKey.fresh(id_)
    return DocumentKey.unwrap(id_, known.wrapped_key, keys.documents)


def _label(connection: Connection, known: Row[tuple[object, ...]] | None, arrival: Arrival) -> Label:
    if known is None:
        return what_at(connection, arrival.node).label
    return whats_of(connection, [DocumentId(known.id)])[DocumentId(known.id)].label


def _is_agreed(known: Row[tuple[object, ...]] | None, arrival: Arrival) -> bool:
    return known is not None and bool(known.agreed) and known.raw_mac == arrival.raw


def _document_of(connection: Connection, source: str | None) -> str | None:
    return connection.scalar(select(document.c.id).where(document.c.source_mac == source)) if source else None


def _write_chunks(  # noqa: PLR0917 - the columns of a row
    connection: Connection,
    id_: DocumentId,
    version: int,
    key: DocumentKey,
    texts: Sequence[ChunkText],
    intake: NodeId,
    keys: Keys,
) -> tuple[ChunkId, ...]:
    ids = tuple(ChunkId(str(uuid.uuid4())) for _ in texts)
    connection.execute(delete(chunk).where(chunk.c.document_id == id_, chunk.c.version == version))
    rows = [
        {
            "id": chunk_id,
            "document_id": id_,
            "version": version,
            "ord": number,
            "sealed_text": key.seal_chunk(chunk_id, version, text.text),
            "sealed_headings": key.seal_headings(chunk_id, version, text.headings),
            "begins": text.start,
            "ends": text.end,
            "likeness": mac(keys.sources, "likeness", intake, normal_form(text.text)),
        }
        for number, (chunk_id, text) in enumerate(zip(ids, texts, strict=True))
    ]
    if rows:
        connection.execute(insert(chunk), rows)
    return ids


def _write_reasons(connection: Connection, id_: DocumentId, reasons: Sequence[str]) -> None:
    connection.execute(delete(held_reason).where(held_reason.c.document_id == id_))
    for number, reason in enumerate(reasons):
        row = {"document_id": id_, "ord": number, "reason": reason[:_LONGEST_REASON]}
        connection.execute(insert(held_reason).values(row))


def flip(connection: Connection, id_: DocumentId, version: int) -> list[ChunkId]:
    """Let a version answer; drop the rows of all others, and give their ids."""
    connection.execute(update(document).where(document.c.id == id_).values(state="live", version=version))
    return drop_rows(connection, [id_], but=version)


def drop_rows(connection: Connection, documents: Sequence[DocumentId], but: int = 0) -> list[ChunkId]:
    these = chunk.c.document_id.in_(documents) & (chunk.c.version != but)
    ids = [ChunkId(id_) for id_ in connection.scalars(select(chunk.c.id).where(these))]
    if ids:
        connection.execute(delete(chunk).where(these))
    return ids


def record(connection: Connection, id_: DocumentId, kind: str, actor: str, ledger: Ledger) -> None:
    # Where it lies now: it may have been moved or labelled since it was first taken in, or while it was read.
    node, owner, label = placing_of(connection, id_)
    version = connection.scalar(select(document.c.version).where(document.c.id == id_)) or 0
    chunks = connection.scalar(select(func.count()).select_from(chunk).where(chunk.c.document_id == id_)) or 0
    details: dict[str, Json] = {
        "document": id_,
        "version": version,
        "chunks": chunks,
        "node": node,
        "owner": unnamed(owner or "", ledger.pseudonym),
        "label": str(label),
    }
    ledger.append(connection, Event(kind, actor, str(uuid.uuid4()), details))


def list_under_way(connection: Connection, documents: Sequence[DocumentId]) -> None:
    connection.execute(delete(under_way).where(under_way.c.document_id.in_(documents)))
    if documents:
        connection.execute(insert(under_way), [{"document_id": id_} for id_ in documents])
