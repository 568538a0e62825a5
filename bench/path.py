"""The way of a question without the model: scope, embedding, search, second decision, excerpts; and each part of it.

Beside it the search alone in qdrant-client's local mode, which scans its points in Python, under the same filters.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from qdrant_client import QdrantClient, models

from api.settings import cache_folder
from bench.corpus import corpus
from bench.figures import Figure, at_most
from bench.offices import Office, office
from bench.passages import questions
from retrieval.embed import DIMENSION, Embedder
from retrieval.excerpt import excerpts
from retrieval.filter import filter_of
from retrieval.find import find
from retrieval.permit import permit
from retrieval.points import DENSE, payload_of
from retrieval.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import ParamSpec, TypeVar

    from numpy.typing import NDArray

    from acl.scope import Scope
    from bench.corpus import Corpus
    from retrieval.embed import Embed
    from retrieval.types import Point

    _Given = ParamSpec("_Given")
    _Gives = TypeVar("_Gives")

CHUNKS: Final = 100_000
LOCAL: Final = 20_000  # chunks that local mode has, and ours beside it
GOALS: Final = {50: 15.0, 99: 40.0}  # ms, by percentile
ROUNDS: Final = 7
_ASKED: Final = 40  # questions of a round, each by another reader
_BATCH: Final = 1_000


@dataclass(slots=True)
class Clock:
    """What each part took, in ms."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.took[part].append(1_000 * (time.perf_counter() - begin))

    def timed(self, part: str, function: Callable[_Given, _Gives]) -> Callable[_Given, _Gives]:
        """Have a function's time taken."""

        def measured(*args: _Given.args, **kwargs: _Given.kwargs) -> _Gives:
            with self.of(part):
                return function(*args, **kwargs)

        return measured

    def at(self, part: str, percentile: int) -> float:
        return float(np.percentile(self.took[part], percentile))


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Ask on both sizes, with both arms in turns on the smaller one."""
    size = LOCAL if quick else CHUNKS
    asked = questions(data)[:: max(1, len(questions(data)) // (ROUNDS * _ASKED))][: ROUNDS * _ASKED]
    large, small = corpus(data, size), corpus(data, LOCAL)
    if large is None or small is None:
        yield Figure("P2", "search path without the model, ms", None, note=f"no data sets in {data}")
        return
    embed = Embedder(cache=cache_folder())
    embed(asked[:1])
    yield from _path(large, embed, asked)
    yield from _beside_local(small, embed, asked)


def _path(made: Corpus, embed: Embed, asked: Sequence[str]) -> Iterator[Figure]:
    clock, again = Clock(), Clock()
    with tempfile.TemporaryDirectory() as folder, office(Path(folder), made, readers=_ASKED) as there:
        remembered = Remembered(embed)
        for number, question in enumerate(asked):
            walk(there, number, question, remembered, clock)
            walk(there, number, question, remembered, again)
    name = f"search path, {len(made.vectors) // 1_000}k chunks"
    for percentile, goal in GOALS.items():
        yield at_most(f"P2.p{percentile}", f"{name}: p{percentile}, ms", clock.at("path", percentile), goal)
    for part in sorted(clock.took.keys() - {"path"}):
        yield Figure(f"P2.{part}", f"{name}, {part}: p50, ms", clock.at(part, 50))
    yield Figure("P2.again", f"{name}, a question asked before: p50, ms", again.at("path", 50))


def _beside_local(made: Corpus, embed: Embed, asked: Sequence[str]) -> Iterator[Figure]:
    ours, local = Clock(), Clock()
    with tempfile.TemporaryDirectory() as folder, office(Path(folder), made, readers=_ASKED) as there:
        scan = _local_mode(made)
        for number, question in enumerate(asked[: ROUNDS * 8]):
            walk(there, number, question, embed, ours)
            scope, vector = there.scope(number), embed([question])[0]
            with local.of("path"):
                scan(vector, scope)
    name = f"{len(made.vectors) // 1_000}k chunks"
    yield Figure("P2.ours", f"whole search path, {name}: p50, ms", ours.at("path", 50))
    yield Figure("P2.local", f"search alone in qdrant-client's local mode, {name}: p50, ms", local.at("path", 50))
    yield Figure(
        "P2.ratio",
        f"whole search path / search alone in local mode, {name}: p50",
        ours.at("path", 50) / local.at("path", 50),
    )


def walk(there: Office, number: int, question: str, embed: Embed, clock: Clock) -> None:
    """Take a question all the way to its excerpts, as `egress.answer` does."""
    timed = _Timed(there, clock)
    with clock.of("path"):
        scope = timed.scope(number)
        permitted = find(question, scope, index=timed, embed=clock.timed("embed", embed), permit=timed.permit)
        with clock.of("excerpt"):
            excerpts(question, permitted)


class _Timed:
    """The parts of an office, each with its time taken."""

    def __init__(self, there: Office, clock: Clock) -> None:
        decide = partial(permit, engine=there.engine, keys=there.keys)
        self.scope = clock.timed("scope", there.scope)
        self.search = clock.timed("search", there.index.search)
        self.permit = clock.timed("second decision", decide)


def _local_mode(made: Corpus) -> Callable[[NDArray[np.float32], Scope], object]:
    client, size = QdrantClient(":memory:"), models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    client.create_collection("bench", vectors_config={DENSE: size})
    for begin in range(0, len(made.vectors), _BATCH):
        numbers = range(begin, min(begin + _BATCH, len(made.vectors)))
        client.upsert("bench", [_struct(made.point(number)) for number in numbers])

    def scan(vector: NDArray[np.float32], scope: Scope) -> object:
        return client.query_points("bench", query=vector, using=DENSE, query_filter=filter_of(scope), limit=24)

    return scan


def _struct(point: Point) -> models.PointStruct:
    return models.PointStruct(id=point.chunk, vector={DENSE: point.vector.tolist()}, payload=payload_of(point))
