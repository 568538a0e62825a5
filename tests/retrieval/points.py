"""Points of a small index, the scopes to search them with, and what was found in a line."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import numpy as np

from acl.decision import Principal
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from acl.scope import Scope
from retrieval.types import ChunkId, Point, Tags

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from retrieval.find import Index
    from retrieval.types import Hit

DIMENSION = 4
LONGITUDE = np.array([1, 0, 0, 0], dtype=np.float32)
LATITUDE = np.array([0, 1, 0, 0], dtype=np.float32)


def chunk_id(number: int) -> ChunkId:
    return ChunkId(str(uuid.UUID(int=number)))


def point(
    number: int,
    text: str = "a boiler",
    *,
    vector: NDArray[np.float32] = LONGITUDE,
    document: str = "doc:1",
    version: int = 1,
    scopes: Collection[str] = ("root:all",),
    path: Collection[str] = ("coll:a",),
    label: Label = PUBLIC,
    owner: str | None = None,
) -> Point:
    return Point(
        chunk_id(number),
        DocumentId(document),
        version,
        vector,
        text,
        Tags(frozenset(map(Obj, scopes)), tuple(map(NodeId, path)), label),
        frozenset(map(Obj, [document] if owner is None else [document, owner])),
    )


def scope(
    allow: Collection[str] = ("root:all",),
    deny: Collection[str] = (),
    *,
    clearance: Level = Level.RESTRICTED,
    compartments: Collection[str] = (),
    within: str | None = None,
) -> Scope:
    return Scope(
        Principal(UserId("user:anna"), Obj("app:tests")),
        frozenset(map(Obj, allow)),
        frozenset(map(Obj, deny)),
        clearance,
        frozenset(map(Compartment, compartments)),
        None if within is None else NodeId(within),
    )


def search(
    index: Index, inside: Scope, question: str = "boiler", vector: NDArray[np.float32] = LONGITUDE, limit: int = 100
) -> list[Hit]:
    return [*index.search(question, vector, inside, limit)]


def numbers(hits: list[Hit]) -> list[int]:
    return [uuid.UUID(hit.chunk).int for hit in hits]
