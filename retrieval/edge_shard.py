"""The files of an index in process: how a shard is laid out, opened, and found again after a crash."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import qdrant_edge as edge

from retrieval.errors import IndexDown
from retrieval.filter import COMPARTMENTS, DOCUMENT, LEVEL, OWN, PATH, SCOPE, SHELF, VERSION
from retrieval.noted import require_made_by
from retrieval.plan import Plan, kilobytes
from retrieval.points import BM25, DENSE
from store.whole import sync

if TYPE_CHECKING:
    from pathlib import Path

_COLD: Final = edge.KeywordIndexParams(memory=edge.Memory.Cold)  # asked where a shelf is not known, and not else
_INDEXED: Final[dict[str, Any]] = {
    SHELF: edge.IntegerIndexParams(lookup=True, range=False, is_principal=True),  # what is on one lies together
    OWN: edge.PayloadSchemaType.Keyword,
    DOCUMENT: edge.PayloadSchemaType.Keyword,
    SCOPE: _COLD,
    COMPARTMENTS: _COLD,
    PATH: _COLD,
    LEVEL: edge.IntegerIndexParams(lookup=False, range=True, memory=edge.Memory.Cold),
    VERSION: edge.IntegerIndexParams(lookup=False, range=True, memory=edge.Memory.Cold),
}
_MOST_SINCE: Final = 20_000  # points, of some 3 kB each


@dataclass(slots=True)
class Since:
    """What was written since the files were copied, to be written into the copy as well."""

    operations: list[edge.UpdateOperation] = field(default_factory=list)
    points: int = 0  # in all of them, about

    @property
    def is_too_much(self) -> bool:
        """Whether it is better to make another copy later: all of it is in memory, and is written while others wait."""
        return self.points > _MOST_SINCE

    def note(self, operation: edge.UpdateOperation, points: int) -> None:
        """Keep an operation, as long as it is not too much."""
        self.points += points
        if self.is_too_much:
            self.operations.clear()
        else:
            self.operations.append(operation)


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a shard, and beside them those that are to take their place, or had it before.

    Args:
        path: The folder of the shard.
        dimension: Of its vectors.
        model: What makes them; without it, it is neither noted nor compared.
        plan: How it is laid out.
    """

    path: Path
    dimension: int
    model: str
    plan: Plan

    @property
    def copy(self) -> Path:
        """Where a copy is, while there is one."""
        return self.path.with_name(f"{self.path.name}.copy")

    @property
    def old(self) -> Path:
        """Where the files are that were in this place before, until they are removed."""
        return self.path.with_name(f"{self.path.name}.old")

    def open(self, at: Path | None = None) -> edge.EdgeShard:
        """Open the shard, or the one in another folder that is laid out alike; make it where there is none.

        Raises:
            EmbedderMismatch: Another model made its vectors.
            IndexDown: It takes no field indexes.
        """
        folder = at or self.path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what a vector means can be guessed from it
        if self.model:
            require_made_by(self.model, folder)
        # The engine compares the configuration with what is there, and makes what is not: also the rest of
        # an index whose making was cut off.
        shard = edge.EdgeShard.load(str(folder), _config(self.dimension, self.plan))
        # After a power cut it may pass over some operations: it numbers them by its log, and the field index that was
        # being made can be on the disk before the log is. Each attempt brings the numbers on.
        for _ in range(len(_INDEXED) + 1):
            missing = _INDEXED.keys() - shard.info().payload_schema.keys()
            if not missing:
                return shard
            for key in sorted(missing):
                shard.update(edge.UpdateOperation.create_field_index(key, _INDEXED[key]))
            shard.flush()
        raise IndexDown(f"the index at {folder} cannot be opened: it takes no field indexes")

    def copied(self) -> None:
        """Copy the files, which nobody writes to meanwhile.

        Raises:
            OSError: There is no room, or something older is left that cannot be removed: `undo` would take it.
        """
        for left in (self.old, self.copy):
            if left.exists():
                shutil.rmtree(left)
        shutil.copytree(self.path, self.copy)

    def take(self, other: Path) -> None:
        """Put the files of another folder in this place, both closed; those that were there stay, as `old`."""
        for file in other.rglob("*"):
            sync(file)  # a copy may be in memory alone yet, and the old ones will be gone
        sync(other)
        if self.path.exists():
            self.path.rename(self.old)
        other.rename(self.path)
        sync(self.path.parent)

    def undo(self) -> None:
        """Take the old files again, if there are any."""
        if self.old.exists():
            shutil.rmtree(self.path, ignore_errors=True)
            self.old.rename(self.path)

    def recover(self) -> None:
        """Bring the files in order after a process that died: at each moment there was one whole shard."""
        if not self.path.exists():
            self.undo()
        self.clear()

    def clear(self) -> None:
        """Remove what is left beside the shard; without a shard, the old one stays, which is all there is."""
        shutil.rmtree(self.copy, ignore_errors=True)
        if self.path.exists():
            shutil.rmtree(self.old, ignore_errors=True)


def _config(dimension: int, plan: Plan) -> edge.EdgeConfig:
    codes = edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=edge.Memory.Pinned)
    no_graph = edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=0)
    originals = edge.EdgeVectorParams(
        size=dimension,
        distance=edge.Distance.Cosine,
        memory=edge.Memory.Cold,
        quantization_config=codes,
        hnsw_config=no_graph,
    )
    words = edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf, memory=edge.Memory.Cold)
    optimizers = edge.EdgeOptimizersConfig(
        default_segment_number=plan.parts,
        max_segment_size=kilobytes(plan.part, dimension),
        indexing_threshold=kilobytes(plan.index_from, dimension),
    )
    return edge.EdgeConfig(
        vectors={DENSE: originals},
        sparse_vectors={BM25: words},
        payload_memory=edge.Memory.Cold,
        optimizers=optimizers,
    )


def params_of(plan: Plan) -> edge.SearchParams:
    codes = edge.QuantizationSearchParams(rescore=True, oversampling=plan.oversampling)
    return edge.SearchParams(quantization=codes)
