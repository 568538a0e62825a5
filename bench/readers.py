"""Readers of a corpus: what is granted to them stands in a database, and their scopes are read from there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import insert

from acl.decision import Principal
from acl.labels import Level
from acl.names import ROOT, Obj, UserId
from acl.scope import scope_of
from bench.corpus import DEPTH, TREES, folder, inside
from store import schema
from store.engine import open_engine, snapshot, write
from store.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from acl.names import Effect
    from acl.scope import Scope
    from bench.corpus import Corpus

SHARES: Final = (0.001, 0.01, 0.1, 0.5)  # of the corpus that is visible
COUNTS: Final = (1, 20, 200)  # objects by which it is granted
_TWENTY: Final = 20


@dataclass(frozen=True, slots=True)
class Grants:
    """What somebody may read, and what of it he may not."""

    allow: Sequence[Obj]
    deny: Sequence[Obj] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of reader: about how much of the corpus he sees, and by what; one reader for each question."""

    name: str
    share: float
    scopes: Sequence[Scope]


def cells(corpus: Corpus, asked: Sequence[int], shares: Sequence[float] = SHARES) -> list[Cell]:
    """Make the readers of all cells, for the questions of these numbers."""
    randomness = np.random.default_rng(11)
    kinds = [*_kinds(corpus, shares, randomness)]
    made = [grants(number) for _, _, grants in kinds for number in asked]
    scopes = iter(scopes_of(made))
    return [Cell(name, share, [next(scopes) for _ in asked]) for name, share, _ in kinds]


def _kinds(
    corpus: Corpus, shares: Sequence[float], randomness: np.random.Generator
) -> Iterator[tuple[str, float, Callable[[int], Grants]]]:
    """Give a name, a share, and what the reader of a question is granted."""
    some = _Some(corpus, randomness)
    for share in shares:
        for count in COUNTS:
            for tree in TREES:
                named = f"{'one folder' if count == 1 else f'any of {count}'}, {tree}"
                yield named, share, partial(some.granted, share, count, tree)
        yield "any of 20, half denied", share, partial(some.half_denied, share)
        yield "the nearest hidden", share, partial(some.nearest_hidden, share)
    yield "all but a sixth", 0.83, some.all_but_a_sixth
    yield "all", 1.0, lambda _: Grants([ROOT])


@dataclass(frozen=True, slots=True)
class _Some:
    """Chooses what the reader of a question is granted."""

    corpus: Corpus
    randomness: np.random.Generator

    def granted(self, share: float, count: int, tree: str, _: int) -> Grants:
        return Grants(self.corpus.granted(share, count, tree, self.randomness))

    def half_denied(self, share: float, _: int) -> Grants:
        everywhere = [folder(tree, 4, node) for tree in TREES for node in range(1 << 4)]
        chosen = everywhere if share >= 0.5 else self.corpus.granted(2 * share, _TWENTY, TREES[0], self.randomness)
        folders = [obj for obj in chosen if obj.startswith("folder:")]
        halves = [inside(obj)[number % 2 :: 2] for number, obj in enumerate(folders)]  # of every second that is a leaf
        return Grants([ROOT] if share >= 0.5 else chosen, [obj for half in halves for obj in half])

    def nearest_hidden(self, share: float, number: int) -> Grants:
        """Grant what is nearest to the question and deny the nearer half of it: at most a quarter of all is left."""
        level = 8 if share >= 0.01 else DEPTH
        nearest = self.corpus.nearest(self.corpus.questions[number], level)
        granted = nearest[: round(2 * share * len(TREES) * len(nearest))]
        return Grants(granted, granted[: len(granted) // 2])

    def all_but_a_sixth(self, _: int) -> Grants:
        everywhere = [folder(tree, 6, node) for tree in TREES for node in range(1 << 6)]
        return Grants([ROOT], list(self.randomness.choice(everywhere, len(everywhere) // 6, replace=False)))


def scopes_of(grants: Sequence[Grants]) -> list[Scope]:
    """Give the scope of a reader with each of these grants."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'ntk.db'}")
        upgrade(engine)
        with write(engine) as connection:
            readers = fill_readers(connection, grants)
        with snapshot(engine) as connection:
            made = [scope_of(connection, Principal(reader, Obj("app:bench")), "read") for reader in readers]
        engine.dispose()
    return made


def fill_readers(connection: Connection, grants: Sequence[Grants]) -> list[UserId]:
    """Write a reader for each of these grants."""
    readers = [UserId(f"user:reader-{number}") for number in range(len(grants))]
    people = [{"id": id_, "name": id_, "active": True, "clearance": int(Level.RESTRICTED)} for id_ in readers]
    connection.execute(insert(schema.users), people)
    lines = [line for id_, granted in zip(readers, grants, strict=True) for line in _lines(id_, granted)]
    connection.execute(insert(schema.casbin_rule), lines)
    return readers


def _lines(reader: UserId, granted: Grants) -> Iterator[dict[str, str]]:
    effects: tuple[tuple[Effect, Sequence[Obj]], ...] = (("allow", granted.allow), ("deny", granted.deny))
    for effect, objects in effects:
        yield from ({"ptype": "p", "v0": reader, "v1": obj, "v2": "read", "v3": effect} for obj in objects)
