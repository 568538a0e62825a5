"""Decisions: what a scope and a second decision cost, by caller, number of rules, and kind of database.

Beside them plain Casbin: `Enforcer.enforce` with its own role managers on a whole policy. And a permission
change: what it rewrites in the index, and from which request on it holds; and a folder moved.
"""

from __future__ import annotations

import gc
import os
import random
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema, DropSchema

from acl.scope import scope_of
from bench.change import change_figures
from bench.crowd import Caller, Corner, fill
from bench.figures import Figure, at_most
from bench.fresh_keys import fresh_keys
from bench.move import FOLDER, Folder, move_figures
from bench.plain import plain_enforcer
from retrieval.permit import permit
from store.engine import open_engine, snapshot
from store.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from acl.scope import Scope
    from retrieval.types import Hit
    from store.keys import Keys

SERVER: Final = "NTK_TEST_POSTGRES_URL"
_HERE: Final = "postgresql+psycopg://postgres@127.0.0.1/postgres"
TYPICAL_MS: Final = 2.0
RECHECK_MS: Final = 5.0
FLAT: Final = 1.25
HITS: Final = 20
KINDS: Final = ("sqlite", "postgresql")
MEASURES: Final = {
    "scope": "scope",
    "decision": "decision on 1 hit, text included",
    "recheck": f"decision on {HITS} hits, texts included",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Args:
        sizes: Rules of others in the databases, ascending; one database of each kind for each.
        plain: Rules in the policies of plain Casbin.
        callers: Who asks; the goals are those of a caller named `typical`.
        rounds: How often each cell is visited; the cells take turns.
        calls: Calls in a visit.
        folder: What is moved.
        singles: Single payload writes between two moves.
    """

    sizes: tuple[int, ...]
    plain: tuple[int, ...]
    callers: tuple[Caller, ...] = (Caller("typical", 12, 100), Caller("extreme", 900, 8_600))
    rounds: int = 7
    calls: int = 100
    folder: Folder = FOLDER
    singles: int = 100


FULL: Final = Plan(sizes=(1_000, 100_000, 1_000_000), plain=(100, 1_000, 10_000, 100_000))
QUICK: Final = Plan(sizes=(1_000, 100_000), plain=(100, 1_000, 10_000), calls=40, singles=20)


@dataclass(frozen=True, slots=True)
class Base:
    """A database to measure on."""

    kind: str
    rules: int
    engine: Engine
    keys: Keys
    corner: Corner


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to time, and the milliseconds that it took."""

    call: Callable[[], object]
    calls: int
    took: list[float] = field(default_factory=list)

    def visit(self) -> None:
        """Call it as often as a visit has calls; the first call is not counted."""
        self.call()
        for _ in range(self.calls):
            begin = time.perf_counter()
            self.call()
            self.took.append(1_000 * (time.perf_counter() - begin))

    def quantile(self, part: float) -> float:
        """Give the time that this part of the calls stayed below."""
        return float(np.quantile(self.took, part))


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:  # noqa: ARG001 - every bench has these two
    """Measure the permission system."""
    yield from measure(QUICK if quick else FULL)


def measure(plan: Plan) -> Iterator[Figure]:
    """Measure what a plan says."""
    with ExitStack() as stack:
        bases, reasons = _bases(plan, stack)
        cells = {
            f"{name}.{caller.name}.{short(base.rules)}.{base.kind}": Cell(call, plan.calls)
            for base, caller in product(bases, plan.callers)
            for name, call in _calls(base, caller).items()
        }
        largest = next(base for base in reversed(bases) if base.kind == "sqlite")
        for rules in plan.plain:
            call = plain_enforcer(largest.engine, plan.callers[0], largest.corner, rules)
            cells[f"plain.{short(rules)}"] = Cell(call, max(1, plan.calls * 100 // rules))
        gc.collect()
        gc.freeze()  # the baseline's policies are in nobody's memory but this bench's: collections leave them alone
        for _ in range(plan.rounds):
            for cell in cells.values():
                cell.visit()
        gc.unfreeze()
    yield from _times(plan, cells, reasons)
    yield from _flatness(plan, cells, reasons)
    yield from _beside_plain(plan, cells)
    yield from change_figures(plan.rounds)
    yield from move_figures(plan.rounds, plan.folder, plan.singles)


def short(number: int) -> str:
    """Write 1000 as 1k and 1000000 as 1M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number % unit == 0 and number:
            return f"{number // unit}{name}"
    return str(number)


# --- the figures --------------------------------------------------------------------------------


def _times(plan: Plan, cells: dict[str, Cell], reasons: dict[str, str]) -> Iterator[Figure]:
    for kind, caller, name, rules in product(KINDS, plan.callers, MEASURES, plan.sizes):
        what = f"{MEASURES[name]}, {caller.name} caller, {short(rules)} rules of others, {kind}"
        cell = cells.get(f"{name}.{caller.name}.{short(rules)}.{kind}")
        for point, part in (("p50", 0.5), ("p99", 0.99)):
            id_, measured = f"{name}.{caller.name}.{short(rules)}.{kind}.{point}", f"{what}: {point}, ms"
            goal = _goal(name, caller, point)
            if cell is None:
                yield Figure(id_, measured, None, f"<= {goal:g}" if goal else "", note=reasons[kind])
            elif goal:
                yield at_most(id_, measured, cell.quantile(part), goal)
            else:
                yield Figure(id_, measured, cell.quantile(part))


def _goal(name: str, caller: Caller, point: str) -> float | None:
    if name == "recheck":
        return RECHECK_MS if point == "p99" else None
    return TYPICAL_MS if caller.name == "typical" else None


def _flatness(plan: Plan, cells: dict[str, Cell], reasons: dict[str, str]) -> Iterator[Figure]:
    small, large = short(plan.sizes[0]), short(plan.sizes[-1])
    for kind, caller, name in product(KINDS, plan.callers, ("scope", "recheck")):
        id_ = f"flat.{name}.{caller.name}.{kind}"
        measured = f"{MEASURES[name]}, {caller.name} caller, {kind}: p50 at {large} / at {small}"
        if kind in reasons:
            yield Figure(id_, measured, None, f"<= {FLAT:g}", note=reasons[kind])
            continue
        at = {rules: cells[f"{name}.{caller.name}.{rules}.{kind}"].quantile(0.5) for rules in (small, large)}
        yield at_most(id_, measured, at[large] / at[small], FLAT)


def _beside_plain(plan: Plan, cells: dict[str, Cell]) -> Iterator[Figure]:
    for rules in plan.plain:
        plain = cells[f"plain.{short(rules)}"]
        for point, part in (("p50", 0.5), ("p99", 0.99)):
            measured = f"plain Enforcer.enforce, {short(rules)} rules: {point}, ms"
            yield Figure(f"plain.{short(rules)}.{point}", measured, plain.quantile(part))
    caller, large, plain_rules = plan.callers[0].name, short(plan.sizes[-1]), short(min(plan.plain[-1], 10_000))
    ours = cells[f"decision.{caller}.{large}.sqlite"].quantile(0.5)
    measured = f"decision on 1 hit at {large} rules, {caller} caller, sqlite / plain at {plain_rules} rules: p50"
    yield Figure("ratio.plain", measured, ours / cells[f"plain.{plain_rules}"].quantile(0.5))


# --- what is timed ------------------------------------------------------------------------------


def _calls(base: Base, caller: Caller) -> dict[str, Callable[[], object]]:
    def scope() -> Scope:
        with snapshot(base.engine) as connection:
            return scope_of(connection, caller.principal, "read")

    asked = scope()
    chance = random.Random(1)

    def decide(number: int) -> None:
        hits = chance.sample(base.corner.hits, number)
        _expect(hits, permit(hits, asked, engine=base.engine, keys=base.keys).hits)

    return {"scope": scope, "decision": lambda: decide(1), "recheck": lambda: decide(HITS)}


def _expect(hits: Sequence[Hit], kept: Sequence[Hit]) -> None:
    if len(kept) != len(hits):
        raise RuntimeError("a caller of the bench was refused: what was timed is not the decision that was meant")


# --- the databases ------------------------------------------------------------------------------


def _bases(plan: Plan, stack: ExitStack) -> tuple[list[Base], dict[str, str]]:
    """Make the databases, and give with them why there is none of a kind."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    bases: list[Base] = []
    reasons: dict[str, str] = {}
    server = make_url(os.environ.get(SERVER) or _HERE).set(drivername="postgresql+psycopg")
    try:
        with _connected(server):
            pass
    except (SQLAlchemyError, ImportError) as error:
        reasons["postgresql"] = f"no server answers; name one in {SERVER} ({type(error).__name__})"
    for rules in plan.sizes:
        bases.append(_filled("sqlite", URL.create("sqlite", database=str(folder / f"{rules}.db")), rules, plan, stack))
        if not reasons:
            url = stack.enter_context(_schema(server, f"ntk_bench_{os.getpid()}_{rules}"))
            bases.append(_filled("postgresql", url, rules, plan, stack))
    return bases, reasons


def _filled(kind: str, url: URL, rules: int, plan: Plan, stack: ExitStack) -> Base:
    engine = open_engine(url)
    stack.callback(engine.dispose)
    upgrade(engine)
    keys = fresh_keys(engine)
    return Base(kind, rules, engine, keys, fill(engine, keys, rules, plan.callers))


@contextmanager
def _schema(server: URL, name: str) -> Iterator[URL]:
    """Make a schema of one's own, give the URL of a database that seems to have no other, and drop it at the end."""
    with _connected(server) as connection:
        connection.execute(CreateSchema(name))
        try:
            yield server.update_query_dict({"options": f"-c search_path={name}"})
        finally:
            connection.execute(DropSchema(name, cascade=True))


@contextmanager
def _connected(server: URL) -> Iterator[Connection]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
