"""An office: a corpus in a database and in an index, both as the service has them, and people who read some of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import insert

from acl.decision import Principal
from acl.names import Obj
from acl.scope import scope_of
from bench.corpus import DEPTH, LEVELS, TREES, chunk_id, folder
from bench.fresh_keys import fresh_keys
from bench.readers import SHARES, Grants, fill_readers
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION
from store import schema
from store.engine import open_engine, snapshot, write
from store.migrate import upgrade
from store.rotation import current_key
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from acl.names import UserId
    from acl.scope import Scope
    from bench.corpus import Corpus
    from store.keys import Keys

_BATCH: Final = 5_000  # chunks that are written together
_GRANTS: Final = 20  # folders that a reader is granted


@dataclass(frozen=True, slots=True)
class Office:
    """What a search needs."""

    engine: Engine
    keys: Keys
    index: EdgeIndex
    readers: Sequence[UserId]

    def scope(self, number: int) -> Scope:
        """Read the scope of one of the readers; they take turns."""
        reader = self.readers[number % len(self.readers)]
        with snapshot(self.engine) as connection:
            return scope_of(connection, Principal(reader, Obj("app:bench")), "read")


@contextmanager
def office(root: Path, made: Corpus, *, readers: int) -> Iterator[Office]:
    """Make an office in an empty folder. By twenty grants each, its readers see a thousandth to a half of all."""
    engine = open_engine(f"sqlite:///{root / 'ntk.db'}")
    upgrade(engine)
    keys = fresh_keys(engine)
    index = EdgeIndex(root / "index", DIMENSION)
    with write(engine) as connection:
        connection.execute(insert(schema.policy_state).values(id=1, epoch=0))
        names = fill_readers(connection, _grants(made, readers))
        connection.execute(insert(schema.node), [*_folders()])
        _write_documents(connection, keys, made)
    for begin in range(0, len(made.vectors), _BATCH):
        index.put([made.point(number) for number in range(begin, min(begin + _BATCH, len(made.vectors)))])
    index.tidy()
    try:
        yield Office(engine, keys, index, names)
    finally:
        index.close()
        engine.dispose()


def _grants(made: Corpus, readers: int) -> list[Grants]:
    randomness = np.random.default_rng(5)
    shares = [SHARES[number % len(SHARES)] for number in range(readers)]
    return [Grants(sorted({*made.granted(share, _GRANTS, TREES[0], randomness)})) for share in shares]


def _folders() -> Iterator[dict[str, object]]:
    for tree in TREES:
        above = Obj(f"coll:{tree}")
        yield from (_node(above, None), _node(folder(tree, 0, 0), above))
        for coarse, fine in pairwise(LEVELS):
            for node in range(1 << fine):
                yield _node(folder(tree, fine, node), folder(tree, coarse, node >> (fine - coarse)))


def _node(id_: Obj, parent: Obj | None) -> dict[str, object]:
    return {"id": id_, "parent_id": parent, "name": id_, "inherit": True, "level": 0}


def _write_documents(connection: Connection, keys: Keys, made: Corpus) -> None:
    """Write all documents with their chunks, sealed as ingestion seals them."""
    first = {int(document): number for number, document in reversed([*enumerate(made.documents)])}
    key_id = current_key(connection)
    of_document = {document: DocumentKey.fresh(f"doc:{document}") for document in first}
    connection.execute(
        insert(schema.document),
        [
            _document(of_document[id_], made, number)
            | {"wrapped_key": of_document[id_].wrapped(keys.documents(key_id)), "key_id": key_id}
            for id_, number in first.items()
        ],
    )
    for begin in range(0, len(made.vectors), _BATCH):
        some = range(begin, min(begin + _BATCH, len(made.vectors)))
        connection.execute(insert(schema.chunk), [_chunk(of_document[int(made.documents[n])], made, n) for n in some])


def _document(key: DocumentKey, made: Corpus, number: int) -> dict[str, object]:
    point = made.point(number)
    tree, leaf = divmod(int(made.leaves[number]), 1 << DEPTH)
    return {
        "id": point.document,
        "node_id": folder(TREES[tree], DEPTH, leaf),
        "owner": None,
        "level": int(point.tags.label.level),
        "state": "live",
        "version": 1,
        "source_mac": point.document,
        "content_mac": "",
        "sealed_title": key.seal_title("A title"),
    }


def _chunk(key: DocumentKey, made: Corpus, number: int) -> dict[str, object]:
    id_, text = chunk_id(number), made.texts[number % len(made.texts)]
    return {
        "id": id_,
        "document_id": key.document,
        "version": 1,
        "ord": number,
        "sealed_text": key.seal_chunk(id_, 1, text),
        "sealed_headings": key.seal_headings(id_, 1, ()),
        "begins": 0,
        "ends": len(text),
        "likeness": "",
    }
