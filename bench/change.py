"""A permission change: what it writes into the index, and from which request on it holds."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import func, select

from acl.admin.change import policy_change
from acl.admin.groups import join_group, leave_group
from acl.admin.people import Person, add_user, set_active, set_clearance
from acl.admin.rules import grant, withdraw
from acl.decision import Principal, Rule
from acl.labels import PUBLIC, Label, Level
from acl.names import ROOT, Obj, Subject, UserId
from acl.read import whats_of
from acl.scope import scope_of
from audit.ledger import Ledger
from bench.crowd import fill
from bench.figures import Figure, at_most
from bench.fresh_keys import fresh_keys
from retrieval.edge import EdgeIndex
from retrieval.find import find
from retrieval.permit import permit
from retrieval.tags import own_of, tags_of
from retrieval.types import Point
from store.engine import open_engine, snapshot
from store.migrate import upgrade
from store.schema import outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from acl.admin.change import Change
    from acl.decision import What
    from bench.crowd import Corner
    from retrieval.types import Hit
    from store.keys import Keys

DIMENSION: Final = 8
_CROWD: Final = 1_000  # rules of others
_READER: Final = UserId("user:reader")
_COLLECTION: Final = Obj("coll:corner-1")
_ADMIN: Final = "user:admin"
_ALLOW: Final = Rule(Subject(_READER), _COLLECTION, "read", "allow")
_DENY: Final = Rule(Subject(_READER), ROOT, "read", "deny")
_GROUP: Final = "group:shut-out"

# Each change with whether the reader finds something from the next request on.
_CHANGES: Final[list[tuple[Callable[[Change], None], bool]]] = [
    (lambda change: grant(change, _ALLOW), True),
    (lambda change: grant(change, _DENY), False),
    (lambda change: withdraw(change, _DENY), True),
    (lambda change: join_group(change, _READER, _GROUP), False),
    (lambda change: leave_group(change, _READER, _GROUP), True),
    (lambda change: set_clearance(change, _READER, PUBLIC), False),
    (lambda change: set_clearance(change, _READER, Label(Level.INTERNAL)), True),
    (lambda change: set_active(change, _READER, active=False), False),
    (lambda change: set_active(change, _READER, active=True), True),
    (lambda change: withdraw(change, _ALLOW), False),
]


@dataclass(frozen=True, slots=True)
class Place:
    """An index and a database with the same documents."""

    engine: Engine
    keys: Keys
    index: EdgeIndex
    folder: Path  # of the index
    points: Sequence[Point]

    def finds_something(self) -> bool:
        """Ask as the reader, all the way from his scope to the second decision."""
        with snapshot(self.engine) as connection:
            scope = scope_of(connection, Principal(_READER, Obj("app:bench")), "read")
        gate = partial(permit, engine=self.engine, keys=self.keys)
        return bool(find("travel", scope, index=self.index, embed=_embed, permit=gate).snippets)

    def written(self) -> list[tuple[Path, int, int]]:
        """Give when each file of the index was last written. The index flushes each of its writes."""
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return [(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files]

    def waiting(self) -> int:
        """Count the places whose points are to be rewritten later."""
        with snapshot(self.engine) as connection:
            return connection.scalars(select(func.count()).select_from(outbox)).one()


def change_figures(rounds: int) -> Iterator[Figure]:
    """Change rules, groups and clearances; look at the index, and ask after each change."""
    with tempfile.TemporaryDirectory() as folder:
        place = _place(Path(folder))
        ledger = Ledger(place.engine, place.keys.audit)
        with policy_change(place.engine, ledger, _ADMIN) as change:
            add_user(change, Person(_READER, "Rhea Reader", clearance=Level.INTERNAL))
            grant(change, Rule(Subject(_GROUP), ROOT, "read", "deny"))
        rewritten = late = 0
        for make, finds in _CHANGES * rounds:
            before, waiting = place.written(), place.waiting()
            with policy_change(place.engine, ledger, _ADMIN) as change:
                make(change)
            rewritten += (place.written() != before) + place.waiting() - waiting
            late += place.finds_something() != finds
        _check_that_a_write_is_seen(place)
        place.index.close()
        place.engine.dispose()
    count = len(_CHANGES) * rounds
    yield at_most("P7.rewritten", f"{count} permission changes: those that wrote to the index or will", rewritten, 0)
    yield at_most("P7.late", f"{count} permission changes: those that the next request did not follow", late, 0)


def _place(folder: Path) -> Place:
    engine = open_engine(f"sqlite:///{folder / 'ntk.db'}")
    upgrade(engine)
    keys = fresh_keys(engine)
    corner = fill(engine, keys, _CROWD, ())
    index = EdgeIndex(folder / "index", DIMENSION)
    points = _points(engine, corner)
    index.put(points)
    return Place(engine, keys, index, folder / "index", points)


def _points(engine: Engine, corner: Corner) -> list[Point]:
    with snapshot(engine) as connection:
        whats = whats_of(connection, (hit.document for hit in corner.hits))
    return [_point(hit, whats[hit.document]) for hit in corner.hits]


def _point(hit: Hit, what: What) -> Point:
    vector = _embed(["travel"])[0]
    return Point(hit.chunk, hit.document, hit.version, vector, "travel", tags_of(what), own_of(what))


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.tile(np.eye(1, DIMENSION, dtype=np.float32), (len(texts), 1))


def _check_that_a_write_is_seen(place: Place) -> None:
    before = place.written()
    place.index.put(place.points[:1])
    if place.written() == before:
        raise RuntimeError("a point was written, and the bench did not see it: its zero means nothing")
