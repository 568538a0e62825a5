"""What is in quarantine, for those who may decide on it: where, why, and what to do. Never its text."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from acl.admin.authority import may_make
from acl.admin.edits import ReleaseDocument
from acl.errors import UnknownName
from acl.names import DocumentId, NodeId
from acl.read import whats_of
from store.schema import document, held_reason
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from acl.admin.authority import Actor
    from acl.labels import Label
    from store.keys import Keys


@dataclass(frozen=True, slots=True)
class Held:
    """A document that waits."""

    document: DocumentId
    intake: NodeId | None  # the collection whose folder holds its file
    name: str  # of the file, for who may read or fill the place; else empty
    label: Label
    reasons: tuple[str, ...]


def held_documents(connection: Connection, actor: Actor, keys: Keys, *, intake: NodeId | None = None) -> list[Held]:
    """Give what is in quarantine and this person may let out or keep out, by the collection it came into.

    Raises:
        CannotDecrypt: The name of a file does not open.
    """
    rows = select(document).where(document.c.state == "held").order_by(document.c.intake, document.c.id)
    found = connection.execute(rows if intake is None else rows.where(document.c.intake == intake)).all()
    mine = [row for row in found if may_make(actor, ReleaseDocument(DocumentId(row.id)))]
    return _held(connection, actor, keys, mine)


def held_document(connection: Connection, actor: Actor, keys: Keys, id_: DocumentId) -> Held:
    """Give one of them.

    Raises:
        UnknownName: It is not in quarantine, or it is no business of his; the words are the same.
    """
    row = connection.execute(select(document).where(document.c.id == id_, document.c.state == "held")).one_or_none()
    if row is None or not may_make(actor, ReleaseDocument(id_)):
        raise UnknownName(f"{id_} is not in quarantine")
    return _held(connection, actor, keys, [row])[0]


def _held(connection: Connection, actor: Actor, keys: Keys, rows: list[Row[tuple[object, ...]]]) -> list[Held]:
    ids = [DocumentId(row.id) for row in rows]
    whats = whats_of(connection, ids)
    reasons: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    of_these = select(held_reason).where(held_reason.c.document_id.in_(ids)).order_by(held_reason.c.ord)
    for reason in connection.execute(of_these):
        reasons[reason.document_id] += (reason.reason,)
    return [
        Held(
            id_,
            NodeId(row.intake) if row.intake else None,
            _name(row, id_, actor, keys),
            whats[id_].label,
            reasons[id_],
        )
        for id_, row in zip(ids, rows, strict=True)
    ]


def _name(row: Row[tuple[object, ...]], id_: DocumentId, actor: Actor, keys: Keys) -> str:
    if not (actor.holds("read", id_) or actor.holds("write", id_)) or not row.sealed_source:
        return ""
    return DocumentKey.unwrap(id_, row.wrapped_key, keys.documents(row.key_id)).open_source(row.sealed_source)
