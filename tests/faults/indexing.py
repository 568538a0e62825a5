"""A process that writes to an index whose plan lets it be rebuilt often, and says what it has acknowledged.

python -m tests.faults.indexing PLACE SEED
"""

from __future__ import annotations

import random
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from acl.labels import PUBLIC
from acl.names import ROOT, DocumentId, NodeId, Obj
from retrieval.edge import EdgeIndex
from retrieval.plan import Plan
from retrieval.types import ChunkId, Point, Tags
from tests.faults.power import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSION: Final = 8
PLAN: Final = Plan(part=100, index_from=40, parts=1)
MODEL: Final = "tests/8"


def vector_of(number: int) -> NDArray[np.float32]:
    vector = np.random.default_rng(number).normal(size=DIMENSION).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def point_of(number: int) -> Point:
    tags = Tags(frozenset({Obj(ROOT)}), (NodeId("coll:a"),), PUBLIC)
    document = DocumentId(f"doc:{number}")
    return Point(chunk_of(number), document, 1, vector_of(number), "a boiler", tags, frozenset({Obj(document)}))


def chunk_of(number: int) -> ChunkId:
    return ChunkId(str(uuid.UUID(int=number)))


def main(place: Path, seed: int) -> None:
    chance = random.Random(seed)
    index = EdgeIndex(place / "index", DIMENSION, MODEL, plan=PLAN)
    there, last = list[int](), 0
    for _ in range(2):
        fresh = list(range(last + 1, last + 1 + chance.randint(20, 60)))
        last = fresh[-1]
        tell("may", fresh, "there")
        index.put([point_of(number) for number in fresh])
        tell("is", fresh, "there")
        there += fresh
        gone = [there.pop(chance.randrange(len(there))) for _ in range(chance.randint(1, 20))]
        tell("may", gone, "")
        index.remove([chunk_of(number) for number in gone])
        tell("is", gone, "")
        index.tidy()
    index.close()


def tell(verb: str, numbers: list[int], value: str) -> None:
    for number in numbers:
        say(verb, f"point {number}", value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
