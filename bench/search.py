"""How long a search through rights takes, beside the usual cures on the same data: ACORN, and exact comparison.

Those ask each point for its tags, as a filter does that is written down as the rights are. Where more than half is
visible, a graph is the usual way; so that it loses nothing there, it has many points in view. All arms take turns. For
a million chunks there is exact comparison alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import qdrant_edge as edge

from bench.corpus import corpus, numbers
from bench.figures import PAGE, Figure, at_least, at_most
from bench.kept import our_index, usual_index
from bench.plot import Axis, Line, plot
from bench.readers import cells
from bench.recall import LEAST, LEG, NEAREST, by_meaning, recall
from retrieval.edge import EdgeIndex
from retrieval.edge_filter import to_edge
from retrieval.filter import DOCUMENT, VERSION, filter_of
from retrieval.points import DENSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from acl.scope import Scope
    from bench.corpus import Corpus

ROUNDS: Final = 7
_FEW: Final = 2  # rounds of a million chunks
RATIO: Final = 0.3
P95: Final = 30.0  # ms
WIDEST: Final = 0.55  # visible, of the cells that the ratio is for; what is wider is the graph's
IN_VIEW: Final = 16_384  # points that the graph keeps
MEMORY: Final = 0.6
_QUICK, _FULL = 100_000, 1_000_000
_REAL_IF_QUICK: Final = 10_000
_QUESTIONS: Final = 5
PLOT: Final = PAGE.with_name("search-by-size.svg")
_VECTOR: Final = 1_536  # bytes
_SIZES: Final = (1_000, 10_000, 100_000)  # beside the size of the corpus itself, those that are less

# What an opened index and a few searches add to a process, anonymous and mapped pages alike.
_PROBE: Final = """
import sys
from pathlib import Path
import numpy as np
from retrieval.edge import EdgeIndex
from retrieval.edge_filter import to_edge
def resident():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line)
vectors = np.load(sys.argv[2])
EdgeIndex(Path(sys.argv[3]), vectors.shape[1]).close()
before = resident()
index = EdgeIndex(Path(sys.argv[1]), vectors.shape[1])
from retrieval.search import ByMeaning
import qdrant_edge as edge
everything = edge.Filter(must=[edge.FieldCondition("shelf", match=edge.MatchAny([*map(int, index._shelves._ids)]))])
for vector in vectors:
    index._ask_engine([ByMeaning(vector)], 21, inside=everything)
print(resident() - before, index.count())
"""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to search: what it finds for a question by a reader, and how long each search took."""

    ask: Callable[[int, Scope], list[int]]
    took: list[float] = field(default_factory=list)

    def visit(self, number: int, scope: Scope) -> list[int]:
        """Search once."""
        begin = time.perf_counter()
        found = self.ask(number, scope)
        self.took.append(1_000 * (time.perf_counter() - begin))
        return found


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure all arms on one corpus."""
    made = corpus(data, _QUICK if quick else _FULL, **({"real": _REAL_IF_QUICK} if quick else {}))
    if made is None:
        yield Figure("P1", "search through rights / the better cure: p50", None, note=f"no data sets in {data}")
        return
    with our_index(made) as (place, took):
        index = EdgeIndex(place, made.vectors.shape[1])
        yield Figure("build.written", "points written, a second", len(made.vectors) / took.written)
        yield Figure("build.ours", "index tidied, s", took.indexed)
        if quick:
            with usual_index(made) as (usual, usually):
                yield Figure("build", "index tidied / default HNSW indexed", took.indexed / usually.indexed)
                yield Figure("build.usual", "default HNSW indexed, s", usually.indexed)
                yield from compared(index, usual, made, range(_QUESTIONS))
        else:
            yield from compared(index, None, made, range(_QUESTIONS))
        yield from _scaling(index, made, data)
        index.close()
        yield from _memory(place, made)


def compared(index: EdgeIndex, usual: edge.EdgeShard | None, made: Corpus, asked: range) -> Iterator[Figure]:
    """Compare each cell, and tell the slowest of ours.

    Args:
        index: Ours.
        usual: An index as it is made by default; without it, exact comparison in ours is the one cure.
        made: What both hold.
        asked: Numbers of questions.
    """
    better = "the better cure" if usual else "exact comparison"
    similar = made.questions[asked] @ made.vectors.T
    slowest = 0.0
    for cell in cells(made, asked):
        arms = _arms(index, usual, made)
        masks = [made.visible(scope) for scope in cell.scopes]
        share = float(np.mean([mask.mean() for mask in masks]))
        if share <= WIDEST:
            arms.pop("graph", None)
        right: dict[str, list[float]] = {name: [] for name in arms}
        for turn in range((ROUNDS if usual else _FEW) + 1):
            for name, arm in arms.items():
                for number, scope, mask in zip(asked, cell.scopes, masks, strict=True):
                    found = arm.visit(number, scope)
                    right[name].append(recall(similar[number], mask, found[:NEAREST]))
            if turn == 0:  # the first searches are slower, and not counted
                for arm in arms.values():
                    arm.took.clear()
        p50 = {name: float(np.median(arm.took)) for name, arm in arms.items()}
        cures = [p50[name] for name in ("acorn", "exact") if name in p50 and np.mean(right[name]) >= LEAST]
        cure = min(cures, default=p50["exact"])
        id_, name = f"{cell.share:g}.{cell.name}", f"{cell.name}, {share:.2%} visible"
        if "graph" in arms:
            yield Figure(f"P1.graph.{id_}", f"{name}: p50 of the graph, ms", p50["graph"])
            yield Figure(f"P1.graph.recall.{id_}", f"{name}: recall@10 of the graph", float(np.mean(right["graph"])))
        if share <= WIDEST:
            yield at_most(f"P1.{id_}", f"{name}: p50 / that of {better}", p50["ours"] / cure, RATIO)
        yield Figure(f"P1.ours.{id_}", f"{name}: p50, ms", p50["ours"])
        yield Figure(f"P1.cure.{id_}", f"{name}: p50 of {better}, ms", cure)
        yield Figure(f"P1.same.{id_}", f"{name}: p50 / that of exact, by shelves too", p50["ours"] / p50["shelves"])
        yield at_least(f"P1.recall.{id_}", f"{name}: recall@10", float(np.mean(right["ours"])), LEAST)
        slowest = max(slowest, float(np.quantile(arms["ours"].took, 0.95)))
    yield at_most("P1.p95", f"slowest cell of all, {len(made.vectors):,} chunks: p95, ms", slowest, P95)


def _arms(index: EdgeIndex, usual: edge.EdgeShard | None, made: Corpus) -> dict[str, Arm]:
    exact = edge.SearchParams(exact=True)
    acorn = edge.SearchParams(acorn=edge.AcornSearchParams(enable=True, max_selectivity=1.0))

    def ours(number: int, scope: Scope) -> list[int]:
        return numbers(hit.chunk for hit in by_meaning(index, made.questions[number], scope))

    def cure(params: edge.SearchParams) -> Callable[[int, Scope], list[int]]:
        shard = usual or index._shard  # noqa: SLF001 - as above
        return lambda number, scope: _found(shard, made.questions[number], to_edge(filter_of(scope)), params)

    def by_shelves(number: int, scope: Scope) -> list[int]:
        inside = to_edge(index._inside(scope))  # noqa: SLF001 - it is a baseline of the inside
        return _found(index._shard, made.questions[number], inside, exact)  # noqa: SLF001

    arms = {"ours": Arm(ours), "exact": Arm(cure(exact)), "shelves": Arm(by_shelves)}
    graph = edge.SearchParams(hnsw_ef=IN_VIEW)
    return arms | ({"acorn": Arm(cure(acorn)), "graph": Arm(cure(graph))} if usual else {})


def _found(
    shard: edge.EdgeShard, question: NDArray[np.float32], inside: edge.Filter, params: edge.SearchParams
) -> list[int]:
    near = edge.Query.Nearest(question.tolist(), using=DENSE)
    request = edge.QueryRequest(limit=LEG, query=near, filter=inside, params=params, with_payload=[DOCUMENT, VERSION])
    return numbers(str(point.id) for point in shard.query(request))


def _scaling(index: EdgeIndex, made: Corpus, data: Path) -> Iterator[Figure]:
    """Measure a tenth visible, by size; and draw it, where it goes up to the full size."""
    measured = []
    for size in _SIZES:
        small = corpus(data, size) if size < len(made.vectors) else None
        if small is None:
            continue
        with our_index(small) as (folder, _):
            other = EdgeIndex(folder, small.vectors.shape[1])
            measured.append((size, _median(other, small)))
            other.close()
    measured.append((len(made.vectors), _median(index, made)))
    for size, milliseconds in measured:
        yield Figure(f"scaling.{size}", f"{size:,} chunks, a tenth visible: p50, ms", milliseconds)
    if len(made.vectors) == _FULL:
        PLOT.write_text(drawn(measured), "utf-8")


def drawn(measured: Sequence[tuple[int, float]]) -> str:
    """Draw times by size, both in powers of ten."""
    told = "; ".join(f"{size:,} chunks: {ms:.2g} ms" for size, ms in measured)
    return plot(
        "A search of which a tenth is visible, by size",
        told,
        Axis("chunks", (1_000, 10_000, 100_000, 1_000_000), np.log10),
        Axis("half of the searches take less, ms", (0.1, 1, 10, 100), np.log10),
        [Line("any of 20 folders", measured, [(size, ms, f"{ms:.2g}") for size, ms in measured])],
    )


def _median(index: EdgeIndex, made: Corpus) -> float:
    (cell,) = (cell for cell in cells(made, range(_QUESTIONS), shares=(0.1,)) if cell.name == "any of 20, topic")
    arm = Arm(lambda number, scope: numbers(hit.chunk for hit in by_meaning(index, made.questions[number], scope)))
    for _ in range(ROUNDS):
        for number, scope in enumerate(cell.scopes):
            arm.visit(number, scope)
    return float(np.median(arm.took[_QUESTIONS:]))


def _memory(place: Path, made: Corpus) -> Iterator[Figure]:
    """Open the index in a fresh process, search some, and look at how much that has added."""
    with tempfile.TemporaryDirectory() as beside:
        questions = Path(beside) / "questions.npy"
        np.save(questions, made.questions[:50])
        run = [sys.executable, "-c", _PROBE, str(place), str(questions), str(Path(beside) / "empty")]
        answered = subprocess.run(run, check=True, capture_output=True, text=True)  # noqa: S603 - ours alone
    added, chunks = answered.stdout.split()
    share = int(added) * 1_024 / int(chunks) / _VECTOR
    yield at_most("P9", f"memory a chunk at {int(chunks):,} / {_VECTOR:,} bytes", share, MEMORY)
