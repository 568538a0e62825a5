"""The third and the fourth decider: the service's own parts, on a database and an index in process."""

from __future__ import annotations

import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from sqlalchemy import event

from acl.decision import Principal, decider
from acl.names import DocumentId, Obj, UserId
from acl.read import rules_of, whats_of, who_of
from acl.scope import scope_of
from bench.deciders.worlds import DOCUMENTS, settle
from retrieval.edge import EdgeIndex
from retrieval.tags import own_of, tags_of
from retrieval.types import ChunkId, Point
from store.engine import open_engine, snapshot, write
from store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from acl.decision import Rule, What, Who
    from acl.scope import Scope
    from bench.deciders.oracle import SmallWorld

    Decider = Callable[[str, str], set[str]]  # names the documents with which a user may do something
    Maker = Callable[[SmallWorld, "Parts"], Decider]  # of a world, which the service's parts hold already

_WORD: Final = "boiler"  # in every document, so that a search finds all that the filter leaves
_VECTOR: Final = np.array([1, 0, 0, 0], dtype=np.float32)
_APP: Final = Obj("app:deciders")
_ALL: Final = [DocumentId(name) for name in DOCUMENTS]

_Value = TypeVar("_Value")


def same(value: _Value) -> _Value:
    """Leave a value as it is. What a mutant changes is given in place of this."""
    return value


@dataclass(frozen=True)
class Parts:
    """A database and an index, which hold one world at a time."""

    engine: Engine
    index: EdgeIndex

    def settle(self, world: SmallWorld) -> None:
        """Make database and index hold this world and no other."""
        with write(self.engine) as connection:
            settle(connection, world)
        self.index_anew()

    def index_anew(self) -> None:
        """Write a point for each document that is live, tagged as SQL says, and take away the others."""
        with snapshot(self.engine) as connection:
            whats = whats_of(connection, _ALL)
        self.index.put([_point(id_, what) for id_, what in whats.items() if what.live])
        for id_ in _ALL:
            if not whats[id_].live:
                self.index.keep_only(id_, 0)


def enforcer_by(
    *,
    who: Callable[[Who], Who] = same,
    rules: Callable[[list[Rule]], list[Rule]] = same,
    what: Callable[[What], What] = same,
) -> Maker:
    """Give the decision of one request: rows of one snapshot, and an enforcer for them. A mutant changes the rows."""

    def make(_world: SmallWorld, parts: Parts) -> Decider:
        with snapshot(parts.engine) as connection:
            whats = {id_: what(seen) for id_, seen in whats_of(connection, _ALL).items()}

        def decide(user: str, action: str) -> set[str]:
            asked: Any = action  # an unknown one too
            with snapshot(parts.engine) as connection:
                caller = who(who_of(connection, UserId(user)))
                verdict = decider(caller, asked, rules(rules_of(connection, caller, asked)))
            return {id_ for id_, seen in whats.items() if verdict(seen)}

        return decide

    return make


def filter_by(*, scope: Callable[[Scope], Scope] = same) -> Maker:
    """Give what a search inside of a user's scope finds. A mutant changes the scope."""

    def make(_world: SmallWorld, parts: Parts) -> Decider:
        def decide(user: str, action: str) -> set[str]:
            asked: Any = action  # an unknown one too
            with snapshot(parts.engine) as connection:
                inside = scope(scope_of(connection, Principal(UserId(user), _APP), asked))
            return {hit.document for hit in parts.index.search(_WORD, _VECTOR, inside, len(_ALL))}

        return decide

    return make


def _point(id_: DocumentId, what: What) -> Point:
    chunk = ChunkId(str(uuid.uuid5(uuid.NAMESPACE_URL, id_)))  # the same in each world: it takes the place of the last
    return Point(chunk, id_, 1, _VECTOR, _WORD, tags_of(what), own_of(what))


@contextmanager
def open_parts() -> Iterator[Parts]:
    """Make an empty database and an empty index in a folder that goes away with them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = open_engine(f"sqlite:///{folder / 'ntk.db'}")
        event.listen(engine, "connect", _relax)
        metadata.create_all(engine)
        index = EdgeIndex(folder / "index", len(_VECTOR))
        try:
            yield Parts(engine, index)
        finally:
            index.close()
            engine.dispose()


def _relax(connection: Any, _record: object) -> None:
    # A power cut is no matter here. And some worlds hold an effect that the table refuses, as if forced in.
    for pragma in ("PRAGMA synchronous = OFF", "PRAGMA ignore_check_constraints = ON"):
        connection.execute(pragma)
