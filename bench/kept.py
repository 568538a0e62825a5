"""Indexes of a corpus, made once and kept: to write and tidy a million chunks takes minutes.

Ours, and one as it is made by default, without codes, words and shelves.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import qdrant_edge as edge

from api.settings import cache_folder
from retrieval.edge import EdgeIndex
from retrieval.filter import COMPARTMENTS, DOCUMENT, LEVEL, OWN, PATH, SCOPE
from retrieval.plan import PLAN
from retrieval.points import DENSE, payload_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.corpus import Corpus

_BATCH: Final = 2_000
_TOOK: Final = "took.json"


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that an index took."""

    written: float
    indexed: float


@contextmanager
def our_index(made: Corpus) -> Iterator[tuple[Path, Took]]:
    """Give where our index of a corpus is, and what it took."""
    with _kept("ours", made, lambda folder: _ours(folder, made)) as found:
        yield found


@contextmanager
def usual_index(made: Corpus) -> Iterator[tuple[edge.EdgeShard, Took]]:
    """Open the index of a corpus as it is made by default."""
    with _kept("usual", made, lambda folder: _usual(folder, made)) as (folder, took):
        shard = edge.EdgeShard.load(str(folder))
        yield shard, took
        shard.close()


@contextmanager
def _kept(name: str, made: Corpus, make: Callable[[Path], Took]) -> Iterator[tuple[Path, Took]]:
    cache = cache_folder()
    if cache is None:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing), make(Path(passing))
        return
    folder = cache / "bench" / f"{name}-{_digest(made)}"
    if not (folder / _TOOK).is_file():  # it is written last: a run that is cut off leaves none
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        took = make(folder / "index")
        (folder / _TOOK).write_text(json.dumps(asdict(took)), "utf-8")
    yield folder / "index", Took(**json.loads((folder / _TOOK).read_text("utf-8")))


def _digest(made: Corpus) -> str:
    # What is said at each search makes no other index.
    layout = (PLAN.part, PLAN.parts, PLAN.index_from)
    said = (
        version("qdrant-edge-py"),
        layout,
        made.vectors.shape,
        made.vectors[-1].tolist(),
        made.leaves[-50:].tolist(),
    )
    return sha256(repr(said).encode()).hexdigest()[:16]


def _ours(folder: Path, made: Corpus) -> Took:
    index = EdgeIndex(folder, made.vectors.shape[1])
    took = fill(index, made)
    index.close()
    return took


def fill(index: EdgeIndex, made: Corpus) -> Took:
    """Write a corpus, and tidy whenever a part is full, as the commands do that fill an index."""
    begin, indexed = time.perf_counter(), 0.0
    for first in range(0, len(made.vectors), _BATCH):
        index.put([made.point(number) for number in range(first, min(first + _BATCH, len(made.vectors)))])
        if index.untidied() >= PLAN.part or first + _BATCH >= len(made.vectors):
            tidied = time.perf_counter()
            index.tidy()
            indexed += time.perf_counter() - tidied
    return Took(time.perf_counter() - begin - indexed, indexed)


def _usual(folder: Path, made: Corpus) -> Took:
    folder.mkdir(exist_ok=True)
    begin = time.perf_counter()
    dense = edge.EdgeVectorParams(size=made.vectors.shape[1], distance=edge.Distance.Cosine)
    shard = edge.EdgeShard.load(str(folder), edge.EdgeConfig(vectors={DENSE: dense}))
    for key in (SCOPE, OWN, COMPARTMENTS, PATH, DOCUMENT):
        shard.update(edge.UpdateOperation.create_field_index(key, edge.PayloadSchemaType.Keyword))
    shard.update(edge.UpdateOperation.create_field_index(LEVEL, edge.PayloadSchemaType.Integer))
    for first in range(0, len(made.vectors), _BATCH):
        some = [made.point(number) for number in range(first, min(first + _BATCH, len(made.vectors)))]
        points = [edge.Point(point.chunk, {DENSE: point.vector.tolist()}, payload_of(point)) for point in some]
        shard.update(edge.UpdateOperation.upsert_points(points))
    shard.flush()
    written = time.perf_counter()
    shard.optimize()
    shard.close()
    return Took(written - begin, time.perf_counter() - written)
