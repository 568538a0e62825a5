"""Five deciders on random worlds: may this user do this with this document? They must never disagree.

| decider | what it is |
|---|---|
| oracle | the specification in plain Python, `oracle.py` |
| full casbin | one enforcer over all rules, with role managers 100 deep, `full_casbin.py` |
| enforcer | what the service decides by: rows read for one caller, a throw-away enforcer |
| filter | what the service searches by: the scope's filter, run by Qdrant Edge |
| cedar | another engine and another language, `cedar.py` |

The third and the fourth share `acl.read`, the second and the third the library Casbin. The others share nothing
with the service, and nothing with each other but the types of a world.

A decision is one (world, user, action, document) on which all five have spoken: 200,000 decisions are a
million verdicts. Nothing is counted twice and nothing is left out: every asker, a stranger among them, every
action, an unknown one among them, and every document of each world. Half of a world is not counted, so the
number asked for is rounded up to whole worlds.

This lies in `bench` because the figure G1 and the tests of it are the same run, and `bench` knows no test.
It needs `cedarpy`, of the extra `dev`.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Final

from bench.deciders import oracle
from bench.deciders.cedar import cedar_by
from bench.deciders.full_casbin import full_casbin_by
from bench.deciders.service import enforcer_by, filter_by, open_parts
from bench.deciders.worlds import ASKED, ASKERS, DOCUMENTS, random_world
from bench.figures import at_most

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bench.deciders.oracle import SmallWorld
    from bench.deciders.service import Decider, Maker, Parts
    from bench.figures import Figure

QUICK: Final = 200_000
FULL: Final = 1_000_000
PER_WORLD: Final = len(ASKERS) * len(ASKED) * len(DOCUMENTS)
_SEED: Final = 1_000_000  # other worlds than those of the tests
_SHOWN: Final = 10  # disagreements; one is enough to begin with


@dataclass(frozen=True, slots=True)
class Decision:
    """What all deciders said of one thing. `random_world(seed)` gives the world."""

    seed: int
    user: str
    action: str
    document: str
    allowed_by: frozenset[str]
    refusal: str  # the oracle's reason; empty: it allows

    def __str__(self) -> str:
        """Say on one line who says what."""
        by = ", ".join(sorted(self.allowed_by)) or "nobody"
        why = f"refuses: {self.refusal}" if self.refusal else "allows"
        return f"world {self.seed}: {self.user} {self.action} {self.document}: allowed by {by}; the oracle {why}"


@dataclass(slots=True)
class Outcome:
    """What came of a comparison."""

    decisions: int = 0
    disagreements: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # the oracle's, for each refusal; "" for what it allows
    shown: list[Decision] = field(default_factory=list)  # the first few disagreements

    @property
    def allowed(self) -> float:
        """Give the share of decisions that the oracle allows. Near 0 or 1, agreement would mean little."""
        return self.reasons[""] / max(1, self.decisions)

    def count(self, decision: Decision, deciders: int) -> None:
        """Count one decision, on which so many deciders have spoken."""
        self.decisions += 1
        self.reasons[decision.refusal] += 1
        if 0 < len(decision.allowed_by) < deciders:
            self.disagreements += 1
            self.shown = [*self.shown, decision][:_SHOWN]

    def add(self, other: Outcome) -> None:
        """Count in what came of other worlds."""
        self.decisions += other.decisions
        self.disagreements += other.disagreements
        self.reasons += other.reasons
        self.shown = [*self.shown, *other.shown][:_SHOWN]


def _oracle(world: SmallWorld, _parts: Parts) -> Decider:
    return lambda user, action: {name for name in world.documents if not oracle.refusal(world, user, action, name)}


DECIDERS: Final[Mapping[str, Maker]] = {
    "oracle": _oracle,
    "full casbin": full_casbin_by(),
    "enforcer": enforcer_by(),
    "filter": filter_by(),
    "cedar": cedar_by(),
}


def compare(seeds: Iterable[int], deciders: Mapping[str, Maker] = DECIDERS) -> Outcome:
    """Let the deciders decide everything in some worlds, and count where they are not of one mind."""
    outcome = Outcome()
    with open_parts() as parts:
        for seed in seeds:
            outcome.add(compare_in(parts, seed, deciders))
    return outcome


def compare_in(parts: Parts, seed: int, deciders: Mapping[str, Maker]) -> Outcome:
    """Do so for one world, which takes the place of the one that the parts hold."""
    outcome = Outcome()
    world = random_world(seed)
    parts.settle(world)
    voices = {name: make(world, parts) for name, make in deciders.items()}
    for user, action in product(ASKERS, ASKED):
        allowed = {name: decide(user, action) for name, decide in voices.items()}
        for document in world.documents:
            by = frozenset(name for name, documents in allowed.items() if document in documents)
            refusal = oracle.refusal(world, user, action, document)
            outcome.count(Decision(seed, user, action, document, by, refusal), len(deciders))
    return outcome


def differential(decisions: int, seed: int, *, processes: int = 2) -> Outcome:
    """Compare the five deciders in at least so many decisions, in fresh worlds from this seed on."""
    worlds = -(-decisions // PER_WORLD)
    shares = [range(seed + n, seed + worlds, processes) for n in range(processes)]
    outcome = Outcome()
    # Not by fork: the index has threads.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(compare, shares):
            outcome.add(part)
    return outcome


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:  # noqa: ARG001 - every bench has these two
    """Count the decisions on which the deciders disagree."""
    outcome = differential(QUICK if quick else FULL, seed=_SEED)
    note = f"{outcome.decisions} decisions by five deciders, {outcome.allowed:.0%} allowed"
    yield at_most(
        "G1",
        "decisions on which deciders disagree",
        outcome.disagreements,
        0,
        "; ".join([note, *map(str, outcome.shown[:1])]),
    )
