"""The values that retrieval passes on: points in, hits out, permitted snippets, excerpts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from acl.labels import Label
    from acl.names import DocumentId, NodeId, Obj

ChunkId = NewType("ChunkId", str)  # a random UUID, the id of the point in the index as well


@dataclass(frozen=True, slots=True)
class Tags:
    """What the points of all documents share that lie in one place and have one label of their own."""

    scopes: frozenset[Obj]  # the policy objects that cover them: root, collections, folders, labels
    path: tuple[NodeId, ...]  # the nodes above them
    label: Label


@dataclass(frozen=True, slots=True)
class Point:
    """One chunk as the index keeps it: vectors and tags, no principal and no text.

    `text` is what the keyword leg is computed from; the index turns it into term weights and
    stores those alone.
    """

    chunk: ChunkId
    document: DocumentId
    version: int
    vector: NDArray[np.float32]
    text: str
    tags: Tags
    own: frozenset[Obj]  # the policy objects that cover its document alone: the document, its owner


@dataclass(frozen=True, slots=True)
class Hit:
    """What the index claims to be near the question. Nothing in it is trusted for permission."""

    chunk: ChunkId
    document: DocumentId
    version: int
    score: float  # fused; orders hits, never leaves the service
    similarity: float  # cosine of question and chunk, -1 to 1


@dataclass(frozen=True, slots=True)
class Snippet:
    """A chunk whose text this reader may see, as of the second snapshot."""

    chunk: ChunkId
    document: DocumentId
    title: str
    text: str
    label: Label
    similarity: float
    rule: str  # the grant that let it through
    headings: tuple[str, ...] = ()  # what it stands under, from the title down
    dated: datetime | None = None  # when its file was last changed, as far as is known


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a snippet that answers: `text == snippet.text[start:end]`, offsets in characters."""

    chunk: ChunkId
    document: DocumentId
    title: str
    text: str
    start: int
    end: int
    label: Label
    headings: tuple[str, ...] = ()
    dated: datetime | None = None
    newest: DocumentId | None = None  # the document that has a later version of this text, if one was found
