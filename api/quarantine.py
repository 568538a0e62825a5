"""The quarantine, for the command line and over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acl.admin.authority import Actor
from acl.names import DocumentId, parse_collection, parse_name
from ingest.quarantine import held_document, held_documents
from store.engine import snapshot

if TYPE_CHECKING:
    from acl.names import UserId
    from api.auth import Installation
    from ingest.quarantine import Held


def held(opened: Installation, actor: UserId, collection: str | None = None) -> list[Held]:
    """Give what is in quarantine and this person may decide on.

    Raises:
        BadName: It is no name of a collection.
    """
    intake = parse_collection(collection) if collection else None
    with snapshot(opened.store.engine) as connection:
        return held_documents(connection, Actor.of(connection, actor), opened.store.keys, intake=intake)


def held_one(opened: Installation, actor: UserId, document: str) -> Held:
    """Give one of them.

    Raises:
        BadName: It is no name of a document.
        UnknownName: It is not in quarantine, or not his to decide on.
    """
    id_ = DocumentId(parse_name(document, frozenset({"doc"})))
    with snapshot(opened.store.engine) as connection:
        return held_document(connection, Actor.of(connection, actor), opened.store.keys, id_)


def to_json(row: Held) -> dict[str, Any]:
    """Give it as JSON shows it."""
    return {
        "document": row.document,
        "collection": row.intake,
        "file": row.name,
        "label": str(row.label),
        "reasons": list(row.reasons),
    }


def told(row: Held) -> list[str]:
    """Say why it waits and what to do, in lines."""
    return [
        f"{row.document} of {row.intake}" + (f", file {row.name}" if row.name else ""),
        f"  labelled {row.label}",
        *(f"  {reason}" for reason in row.reasons),
        "  Raise the label of its folder and ingest again; or let it out as it is, with a second person:",
        f"  ntk quarantine release {row.document} --reason WHY",
        f"  Or keep it out for good: ntk quarantine reject {row.document}",
    ]
