"""The rows of a version: written beside those that answer, and put in their place when its points are there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from acl.admin.change import unnamed
from acl.admin.nodes import placings_of
from acl.names import DocumentId
from acl.read import what_at, whats_of
from audit.ledger import Event
from ingest.arrival import why_held
from ingest.chunk import normal_form
from retrieval.types import ChunkId
from store.envelope import mac
from store.rotation import current_key
from store.schema import chunk, document, held_reason, under_way
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from acl.labels import Label
    from acl.names import NodeId
    from audit.chain import Json
    from audit.ledger import Ledger
    from ingest.arrival import Arrival
    from ingest.types import ChunkText
    from store.keys import Keys

_LONGEST_REASON: Final = 500
_AT_ONCE: Final = 500  # ids in one statement


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
    key, current = _key(known, id_, keys), current_key(connection)
    is_new = known is None or known.version == 0
    held = arrival.faults
    if arrival.findings:
        held = why_held(arrival, _label(connection, known, arrival), agreed=_is_agreed(known, arrival))
    values: dict[str, object] = {
        "state": "held" if held else "draft" if is_new else "live",
        "wrapped_key": key.wrapped(keys.documents(current)),
        "key_id": current,
        "sealed_source": key.seal_source(arrival.relative),
        "part_of": _document_of(connection, arrival.part_of),
        "agreed": _is_agreed(known, arrival),
        "raw_mac": arrival.raw,
    }
    if known is None or held:
        values |= said_of_content(arrival, key)
    if known is None:
        # The label is that of its folders.
        fresh = {"id": id_, "node_id": arrival.node, "owner": arrival.owner, "level": 0, "version": 0}
        connection.execute(insert(document).values(**fresh, source_mac=arrival.source, intake=intake, **values))
    else:
        connection.execute(update(document).where(document.c.id == id_).values(values))
    version = (known.version if known is not None else 0) + 1
    if known is not None:
        connection.execute(delete(chunk).where(chunk.c.document_id == id_, chunk.c.version == version))
        connection.execute(delete(held_reason).where(held_reason.c.document_id == id_))
    chunks = _write_chunks(connection, id_, version, key, arrival.reading.chunks, intake, keys)
    _write_reasons(connection, id_, held)
    if held:
        details: dict[str, Json] = {"document": id_, "version": version, "reasons": len(held)}
        ledger.append(connection, Event("document.held", actor, str(uuid.uuid4()), details))
    return Draft(arrival, id_, version, key, chunks, is_new, held)


def said_of_content(arrival: Arrival, key: DocumentKey) -> dict[str, object]:
    """Give the columns that speak of what a document holds, and change with the version that they speak of."""
    return {
        "content_mac": arrival.content,
        "sealed_title": key.seal_title(arrival.reading.title),
        "calls_for": str(arrival.calls_for) if arrival.findings else None,
        "dated": arrival.dated,
    }


def _key(known: Row[tuple[object, ...]] | None, id_: DocumentId, keys: Keys) -> DocumentKey:
    if known is None or not known.wrapped_key:  # the key of what was rejected is gone
        return DocumentKey.fresh(id_)
    return DocumentKey.unwrap(id_, known.wrapped_key, keys.documents(known.key_id))


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
    for number, reason in enumerate(reasons):
        row = {"document_id": id_, "ord": number, "reason": reason[:_LONGEST_REASON]}
        connection.execute(insert(held_reason).values(row))


def flip(
    connection: Connection, versions: Mapping[DocumentId, int], written: Sequence[dict[str, object]] = ()
) -> list[ChunkId]:
    """Let versions answer; drop the rows of all others of these documents, and give their ids.

    Args:
        connection: A transaction that writes.
        versions: Of each document, the one that is to answer.
        written: What else is written into the row of a document, `id` by its name; for each the same columns.
    """
    if versions:
        rows = [{"of": id_, "version": version, "state": "live"} for id_, version in versions.items()]
        connection.execute(update(document).where(document.c.id == bindparam("of")), rows)
    if written:
        connection.execute(
            update(document).where(document.c.id == bindparam("of")),
            [{"of": row["id"]} | {name: value for name, value in row.items() if name != "id"} for row in written],
        )
    others = select(chunk.c.id).join(document).where(document.c.id.in_(versions), chunk.c.version != document.c.version)
    ids = [ChunkId(id_) for id_ in connection.scalars(others)]
    for start in range(0, len(ids), _AT_ONCE):
        connection.execute(delete(chunk).where(chunk.c.id.in_(ids[start : start + _AT_ONCE])))
    return ids


def drop_rows(connection: Connection, documents: Sequence[DocumentId], but: int = 0) -> list[ChunkId]:
    """Drop the rows of all versions of some documents but one, and give their ids."""
    these = chunk.c.document_id.in_(documents) & (chunk.c.version != but)
    ids = [ChunkId(id_) for id_ in connection.scalars(select(chunk.c.id).where(these))]
    if ids:
        connection.execute(delete(chunk).where(these))
    return ids


def record(connection: Connection, versions: Mapping[DocumentId, int], actor: str, ledger: Ledger) -> None:
    """Leave a record of each document that answers in a version from now on."""
    counts = select(chunk.c.document_id, func.count().label("many")).where(chunk.c.document_id.in_(versions))
    chunks = {row.document_id: row.many for row in connection.execute(counts.group_by(chunk.c.document_id))}
    events = []
    # Where it lies now: it may have been moved or labelled since it was first taken in, or while it was read.
    for id_, (node, owner, label) in placings_of(connection, [*versions]).items():
        details: dict[str, Json] = {
            "document": id_,
            "version": versions[id_],
            "chunks": chunks.get(id_, 0),
            "node": node,
            "owner": unnamed(owner or "", ledger.pseudonym),
            "label": str(label),
        }
        events.append(Event("document.ingested", actor, str(uuid.uuid4()), details))
    ledger.append(connection, *events)


def list_under_way(connection: Connection, documents: Sequence[DocumentId]) -> None:
    connection.execute(delete(under_way).where(under_way.c.document_id.in_(documents)))
    if documents:
        connection.execute(insert(under_way), [{"document_id": id_} for id_ in documents])
