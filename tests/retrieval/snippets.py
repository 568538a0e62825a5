"""Snippets without a database: texts that somebody may see."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from acl.labels import PUBLIC, Label
from acl.names import DocumentId
from retrieval.permit import Permitted
from retrieval.types import ChunkId, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


def snippet(
    text: str,
    *,
    document: str = "",
    title: str = "A title",
    similarity: float = 0.9,
    label: Label = PUBLIC,
    dated: datetime | None = None,
    headings: tuple[str, ...] = (),
) -> Snippet:
    """Make a snippet, by default near to the question and of a document of its own."""
    name = document or f"doc:{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"
    chunk = ChunkId(f"chunk of {name}: {text}")
    return Snippet(chunk, DocumentId(name), title, text, label, similarity, "a rule", headings, dated)


def permitted(snippets: Iterable[Snippet]) -> Permitted:
    """Let them all through."""
    return Permitted(tuple(snippets), (), 0)
