"""What a point is made of, whatever the engine: its vectors by meaning and by words, and its payload.

A point holds vectors and tags, no text and no principal. Text and permission come from SQL alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qdrant_edge import Bm25, SparseVector

from acl.errors import BadName
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, parse_name
from retrieval.errors import IndexDown
from retrieval.filter import BASE, COMPARTMENTS, DOCUMENT, LEVEL, OWN, PATH, SCOPE, SHELF, VERSION
from retrieval.shelves import shelf_of
from retrieval.types import Tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from retrieval.types import Point

DENSE: Final = "dense"
BM25: Final = "bm25"

# What an engine indexes of the payload.
KEYWORDS: Final = (SCOPE, OWN, COMPARTMENTS, PATH, DOCUMENT)
INTEGERS: Final = (LEVEL, VERSION)

_A_DOCUMENT: Final = frozenset({"doc"})
_BM25: Final = Bm25()  # its weights are the same for every engine; an engine adds how rare a word is


def words_of(point: Point) -> SparseVector:
    """Weigh the words of a point's text."""
    return _BM25.embed_document(point.text)


def words_asked(question: str) -> SparseVector:
    """Weigh the words of a question; it may have none."""
    return _BM25.embed_query(question)


def payload_of(point: Point) -> dict[str, Any]:
    """Give all that a point carries beside its vectors."""
    return tagged(point.tags, point.own) | {DOCUMENT: point.document, VERSION: point.version}


def tagged(tags: Tags, own: Collection[Obj] | None = None) -> dict[str, Any]:
    """Give the part of a payload that says what covers a point; without its own objects, the part that it shares."""
    shared: dict[str, Any] = {
        SCOPE: sorted(tags.scopes),
        LEVEL: int(tags.label.level),
        COMPARTMENTS: [BASE, *sorted(tags.label.compartments)],
        PATH: list(tags.path),
        SHELF: shelf_of(tags),
    }
    return shared if own is None else shared | {OWN: [BASE, *sorted(own)]}


def tags_in(payload: Mapping[str, Any]) -> Tags:
    """Read the tags that `tagged` has written.

    Raises:
        KeyError, TypeError, ValueError: It has written none of these.
    """
    compartments = frozenset(map(Compartment, payload[COMPARTMENTS])) - {BASE}
    label = Label(Level(payload[LEVEL]), compartments)
    return Tags(frozenset(map(Obj, payload[SCOPE])), tuple(map(NodeId, payload[PATH])), label)


def said_in(payload: Mapping[str, Any] | None) -> tuple[DocumentId, int]:
    """Read of which document and version a point says that it is.

    One that does not say so, since somebody else has written to the index, is of no document: the second decision
    refuses it by its id, and what else was found is found all the same.
    """
    document, version = (payload or {}).get(DOCUMENT), (payload or {}).get(VERSION)
    with suppress(BadName):
        if isinstance(document, str) and isinstance(version, int):
            return DocumentId(parse_name(document, _A_DOCUMENT)), version
    return DocumentId(""), 0


def is_usable(vector: NDArray[np.float32], dimension: int) -> bool:
    """Say whether a vector has this dimension and is finite: an engine keeps others, and never finds them."""
    return vector.shape == (dimension,) and bool(np.isfinite(vector).all())


def require_usable(points: Iterable[Point], dimension: int) -> None:
    """Refuse points together when the vector of one is not usable.

    Raises:
        IndexDown: It says of which document.
    """
    for point in points:
        if not is_usable(point.vector, dimension):
            raise IndexDown(f"a vector of {point.document} is not usable; nothing of this batch was written")
