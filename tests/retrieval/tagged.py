"""A few places, people and a paper, and what is asked of the tags that the index has of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import qdrant_edge as edge
from sqlalchemy import select

from acl.admin.change import Change, policy_change
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, UserId
from acl.read import whats_of
from retrieval.tags import Drained, drain, own_of, tags_of
from store import schema
from store.engine import snapshot
from tests.retrieval.kinds import shard_of
from tests.worlds import ADMIN, World

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from retrieval.homes import KeptIndex


Edit: TypeAlias = Callable[[Change], None]
NOW = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
LATER = datetime(2999, 1, 1, tzinfo=UTC)  # every line is due by then
DONE = Drained(1, {})
GDPR = Compartment("gdpr")


def edit(world: World, *edits: Edit) -> None:
    """Make changes in one transaction."""
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        for make in edits:
            make(change)


def drained(world: World, index: Any = None) -> Drained:
    """Write the tags of all lines, whenever they are due."""
    return drain(world.store.engine, index or world.index, LATER)


def lines(engine: Engine) -> list[tuple[str, int, datetime]]:
    """Give what waits: the place, the attempts, and when it is due."""
    with snapshot(engine) as connection:
        c = schema.outbox.c
        return [(t, n, at) for t, n, at in connection.execute(select(c.target, c.attempts, c.next_at).order_by(c.id))]


def tags_in(index: KeptIndex) -> dict[str, list[dict[str, Any]]]:
    """Give the payloads in an index, by document."""
    records, _ = shard_of(index).scroll(edge.ScrollRequest(limit=100_000))
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        payload: Any = record.payload
        found.setdefault(payload["doc"], []).append(payload)
    return found


def are_as_sql_says(index: KeptIndex, engine: Engine) -> bool:
    """Say whether every point has the tags that a fresh one would get."""
    found = tags_in(index)
    with snapshot(engine) as connection:
        whats = whats_of(connection, map(DocumentId, found))
    for id_, what in whats.items():
        tags = tags_of(what)
        wanted = {
            "scope": sorted(tags.scopes), "own": ["base", *sorted(own_of(what))], "level": int(tags.label.level),
            "comp": ["base", *sorted(tags.label.compartments)], "path": list(tags.path),
        }  # fmt: skip
        if any(payload | wanted != payload for payload in found[id_]):
            return False
    return whats.keys() == found.keys()


OPEN, CLOSED = NodeId("coll:open"), NodeId("coll:closed")
ANNA, BERT, CLEO, DORA, EMIL = (UserId(f"user:{name}") for name in ("anna", "bert", "cleo", "dora", "emil"))
EVERYBODY = (ANNA, BERT, CLEO, DORA, EMIL)
QUESTION = "boiler"


@dataclass(frozen=True)
class Site:
    """A paper in open/outer/inner. Anna reads open, Bert closed, Emil outer, Cleo what is hers, Dora everything."""

    world: World
    outer: NodeId
    inner: NodeId
    side: NodeId
    paper: DocumentId
    neighbour: DocumentId

    def found(self, user: UserId) -> bool:
        """Say whether somebody is given the paper."""
        return self.paper in {snippet.document for snippet in self.world.find(QUESTION, user).snippets}

    def hit(self, user: UserId) -> bool:
        """Say whether the index gives the paper, whatever becomes of it."""
        (vector,) = self.world.embed([QUESTION])
        hits = self.world.index.search(QUESTION, vector, self.world.scope(user), 100)
        return self.paper in {hit.document for hit in hits}

    def readers(self) -> set[UserId]:
        """Give who finds the paper: the same that the decision and the index say."""
        found = {user for user in EVERYBODY if self.found(user)}
        assert (
            found
            == {user for user in EVERYBODY if self.world.verdict(user, self.paper)}
            == set(filter(self.hit, EVERYBODY))
        )
        return found


def site_in(world: World) -> Site:
    """Make the places, the people, and a paper with a neighbour."""
    for user in EVERYBODY:
        cleared = user == DORA
        world.user(
            user.removeprefix("user:"),
            clearance=Level.RESTRICTED if cleared else Level.INTERNAL,
            compartments=["gdpr"] if cleared else [],
        )
    world.collection("open")
    world.collection("closed")
    outer = world.folder(OPEN, "outer")
    inner = world.folder(outer, "inner")
    side = world.folder(OPEN, "side")
    for user, obj in ((ANNA, OPEN), (BERT, CLOSED), (CLEO, "owner:cleo"), (DORA, "root:all"), (EMIL, outer)):
        world.allow(user, obj)
    paper = world.document(inner, "the boiler", "the boiler again")
    return Site(world, outer, inner, side, paper, world.document(side, "another boiler"))


def labelled(level: Level, *compartments: Compartment) -> Label:
    """Make a label."""
    return Label(level, frozenset(compartments))
