"""Documents in quarantine: let out of it, or kept out for good.

A document that is let out answers once its points are written, by whoever holds the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from acl.errors import UnknownName
from store.schema import chunk, document, held_reason, under_way

if TYPE_CHECKING:
    from acl.admin.change import Change
    from acl.names import DocumentId


def release(change: Change, document_id: DocumentId) -> None:
    """Let a document out of quarantine, with the content that it has now.

    Raises:
        UnknownName: It is not in quarantine.
    """
    _require_held(change, document_id)
    these = document.c.id == document_id
    change.connection.execute(update(document).where(these).values(state="released", agreed=True))
    change.connection.execute(insert(under_way).values(document_id=document_id))
    change.connection.execute(delete(held_reason).where(held_reason.c.document_id == document_id))
    change.done.append(["released", document_id])


def reject(change: Change, document_id: DocumentId) -> None:
    """Keep a document out for good: its text and its key are deleted. Another content of its file is another matter.

    Raises:
        UnknownName: It is not in quarantine.
    """
    _require_held(change, document_id)
    these = document.c.id == document_id
    gone = {"state": "rejected", "wrapped_key": b"", "key_id": None, "sealed_title": b"", "sealed_source": b""}
    change.connection.execute(update(document).where(these).values(gone))
    change.connection.execute(delete(chunk).where(chunk.c.document_id == document_id))
    change.connection.execute(delete(held_reason).where(held_reason.c.document_id == document_id))
    change.done.append(["rejected", document_id])


def _require_held(change: Change, document_id: DocumentId) -> None:
    state = select(document.c.state).where(document.c.id == document_id)
    if change.connection.scalar(state.with_for_update()) != "held":
        raise UnknownName(f"{document_id} is not in quarantine")
