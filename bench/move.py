"""A folder moved: the tags of all its chunks, beside as many payload writes one by one on the same shard."""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import qdrant_edge as edge
from sqlalchemy import insert

from acl.admin.change import policy_change
from acl.admin.nodes import move_node
from acl.names import DocumentId, NodeId
from acl.read import whats_of
from audit.ledger import Ledger
from bench.figures import Figure, at_most
from bench.fresh_keys import fresh_keys
from retrieval.edge import EdgeIndex
from retrieval.filter import PATH
from retrieval.tags import drain, own_of, tags_of
from retrieval.types import ChunkId, Point
from store import schema
from store.engine import open_engine, snapshot, write
from store.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from acl.decision import What
    from store.keys import Keys

DIMENSION: Final = 64
GOAL: Final = 0.01
_FOLDER: Final = NodeId("folder:moved")
_PARENTS: Final = (NodeId("coll:one"), NodeId("coll:two"))
_FOLDERS_IN: Final = (_FOLDER, *(NodeId(f"folder:in-{number}") for number in range(4)))
_ALONE: Final = tuple(DocumentId(f"doc:alone-{number}") for number in range(100))  # one chunk each, elsewhere


@dataclass(frozen=True, slots=True)
class Folder:
    """How large the folder is: its documents lie in it and in folders in it, and have labels of two levels."""

    documents: int
    chunks: int  # of each document


FOLDER: Final = Folder(documents=200, chunks=50)


def move_figures(rounds: int, folder: Folder, singles: int) -> Iterator[Figure]:
    """Move a folder to and fro, and between two moves write `singles` payloads one by one, and as many at ease.

    A move ends when its tags are on the disk, and so does each single write; of those at ease, the last alone.
    """
    with tempfile.TemporaryDirectory() as data:
        engine = open_engine(f"sqlite:///{Path(data) / 'ntk.db'}")
        index = EdgeIndex(Path(data) / "index", DIMENSION)
        ledger = Ledger(engine, _fill(engine, index, folder).audit)
        moves: list[float] = []
        writes: list[float] = []
        at_ease: list[float] = []
        for number in range(rounds):
            moves.append(_move(engine, index, ledger, _PARENTS[(number + 1) % 2]))
            writes.append(_write_singly(engine, index, singles))
            at_ease.append(_write_at_ease(engine, index, singles))
        index.close()
        engine.dispose()
    chunks = folder.documents * folder.chunks
    moved, written, eased = (
        statistics.median(moves),
        statistics.median(writes) * chunks / singles,
        statistics.median(at_ease) * chunks / singles,
    )
    name = f"a folder of {chunks} chunks moved"
    yield at_most("M1", f"{name} / {chunks} single payload writes, each on the disk", moved / written, GOAL)
    yield Figure("M2", f"{name} / {chunks} single payload writes, the last on the disk", moved / eased)
    yield Figure("M3", f"{name}, s", moved)
    yield Figure("M4", f"{chunks} single payload writes, each on the disk, s, from {singles}", written)
    yield Figure("M5", f"{chunks} single payload writes, the last on the disk, s, from {singles}", eased)


# --- the arms -----------------------------------------------------------------------------------


def _move(engine: Engine, index: EdgeIndex, ledger: Ledger, parent: NodeId) -> float:
    begin = time.perf_counter()
    with policy_change(engine, ledger, "user:admin") as change:
        move_node(change, _FOLDER, parent)
    drained = drain(engine, index, datetime.now(UTC))
    seconds = time.perf_counter() - begin
    if drained.places != 1 or drained.failed:
        raise RuntimeError("the tags of the folder were not written: what was timed is no move")
    return seconds


def _write_singly(engine: Engine, index: EdgeIndex, count: int) -> float:
    with snapshot(engine) as connection:
        tags = [(id_, tags_of(what)) for id_, what in whats_of(connection, _ALONE).items()]
    begin = time.perf_counter()
    for number in range(count):
        document, shared = tags[number % len(tags)]
        index.retag([document], shared)
    return time.perf_counter() - begin


def _write_at_ease(engine: Engine, index: EdgeIndex, count: int) -> float:
    with snapshot(engine) as connection:
        paths = [(_chunk(id_, 0), what.path) for id_, what in whats_of(connection, _ALONE).items()]
    shard = index._shard  # noqa: SLF001 - the index has no write that it does not flush
    begin = time.perf_counter()
    for number in range(count):
        chunk, path = paths[number % len(paths)]
        shard.update(edge.UpdateOperation.set_payload([chunk], {PATH: [*path]}))
    shard.flush()
    return time.perf_counter() - begin


# --- the folder, in both ------------------------------------------------------------------------


def _fill(engine: Engine, index: EdgeIndex, folder: Folder) -> Keys:
    upgrade(engine)
    inside = {DocumentId(f"doc:{number}"): _FOLDERS_IN[number % len(_FOLDERS_IN)] for number in range(folder.documents)}
    outside = dict.fromkeys(_ALONE, _PARENTS[0])
    with write(engine) as connection:
        connection.execute(insert(schema.policy_state).values(id=1, epoch=0))
        above = {**dict.fromkeys(_PARENTS, None), _FOLDER: _PARENTS[0], **dict.fromkeys(_FOLDERS_IN[1:], _FOLDER)}
        connection.execute(insert(schema.node), [_node(id_, parent) for id_, parent in above.items()])
        rows = [_document(id_, node, number) for number, (id_, node) in enumerate((inside | outside).items())]
        connection.execute(insert(schema.document), rows)
        whats = {id_: what for some in (inside, outside) for id_, what in whats_of(connection, some).items()}
    for id_, what in whats.items():
        index.put([_point(id_, what, number) for number in range(folder.chunks if id_ in inside else 1)])
    return fresh_keys(engine)


def _node(id_: NodeId, parent: NodeId | None) -> dict[str, object]:
    return {"id": id_, "parent_id": parent, "name": id_, "inherit": True, "level": 0}


def _document(id_: DocumentId, node: NodeId, number: int) -> dict[str, object]:
    sealed = {"wrapped_key": b"", "sealed_title": b""}  # nobody reads it here
    macs = {"source_mac": id_, "content_mac": ""}
    return {"id": id_, "node_id": node, "level": number % 2, "state": "live", "version": 1, **macs, **sealed}


def _point(id_: DocumentId, what: What, number: int) -> Point:
    vector = np.random.default_rng(number).normal(size=DIMENSION).astype(np.float32)
    return Point(_chunk(id_, number), id_, 1, vector / np.linalg.norm(vector), "a boiler", tags_of(what), own_of(what))


def _chunk(id_: DocumentId, number: int) -> ChunkId:
    return ChunkId(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{id_}/{number}")))
