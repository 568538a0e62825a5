"""Making a collection on a Qdrant server, and refusing one that is not what it should be.

A collection is made under a name of its own, NAME-a or NAME-b, and answers once NAME points to it (Qdrant calls that
an alias). So a collection is whole before it answers, and another takes its place in one step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from qdrant_client import models

from retrieval.errors import IndexDown
from retrieval.noted import mismatch
from retrieval.plan import PLAN, Plan, kilobytes
from retrieval.points import BM25, DENSE, INTEGERS, KEYWORDS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from retrieval.qdrant_calls import Calls
    from retrieval.qdrant_server import Server

_MODEL: Final = "model"
_INSTALLATION: Final = "installation"
_SHOWN: Final = re.compile(r"[\w./@+-]{1,200}", re.ASCII)

_INDEXED: Final = dict.fromkeys(KEYWORDS, models.PayloadSchemaType.KEYWORD) | dict.fromkeys(
    INTEGERS, models.PayloadSchemaType.INTEGER
)

# A scope may name thousands of objects, a folder may hold a hundred thousand documents, and a tie may be long. What a
# filter asks for always has an index: one that is missing is an error, not a slow search.
_STRICT: Final = models.StrictModeConfig(
    enabled=True,
    unindexed_filtering_retrieve=False,
    unindexed_filtering_update=False,
    search_allow_exact=True,
    search_max_oversampling=1_000,
    max_query_limit=10_000_000,
    filter_max_conditions=1_000,
    condition_max_size=10_000_000,
    search_max_batchsize=100,
    upsert_max_batchsize=10_000,
)


@dataclass(frozen=True, slots=True)
class Made:
    """What a collection is made for, and noted with it."""

    dimension: int
    model: str  # what makes its vectors
    installation: str  # whose points they are; it tells nothing else
    plan: Plan = PLAN


def answering(calls: Calls, name: str) -> str | None:
    """Give the collection that a name points to, if it does."""
    aliases = calls.ask(lambda client, _: client.get_aliases()).aliases
    return next((alias.collection_name for alias in aliases if alias.alias_name == name), None)


def other(name: str, answering: str | None) -> str:
    """Give the name of the collection that can be made while another one answers."""
    first, second = f"{name}-a", f"{name}-b"
    return second if answering == first else first


def make(calls: Calls, server: Server, collection: str, made: Made) -> None:
    """Make an empty collection; one that was left under this name, unfinished, is removed.

    Raises:
        IndexDown: It is another installation's, or the server failed.
    """
    drop(calls, collection, made)
    spread = server.spread
    calls.tell(
        lambda client, seconds: client.create_collection(
            collection,
            vectors_config={DENSE: _vectors(made)},
            sparse_vectors_config={BM25: _words()},
            payload=models.PayloadStorageParams(memory=models.Memory.COLD),
            optimizers_config=_optimizers(made),
            shard_number=spread.shards,
            replication_factor=spread.replicas,
            write_consistency_factor=spread.replicas_written,
            strict_mode_config=_STRICT,
            metadata={_MODEL: made.model, _INSTALLATION: made.installation},
            timeout=seconds,
        )
    )
    for key in sorted(_INDEXED):
        _index(calls, collection, key)


def require_fitting(calls: Calls, collection: str, made: Made) -> None:
    """Refuse a collection that is not what it should be; put right what can be.

    Raises:
        EmbedderMismatch: Its vectors were made by another model.
        IndexDown: It is another installation's, its vectors are of another kind, or the server failed.
    """
    info = require_ours(calls, collection, made)
    if (model := _noted(info).get(_MODEL)) != made.model:
        raise mismatch(_shown(model), made.model)
    params = info.config.params
    dense = params.vectors.get(DENSE) if isinstance(params.vectors, dict) else None
    words = (params.sparse_vectors or {}).get(BM25)
    if dense is None or (dense.size, dense.distance) != (made.dimension, models.Distance.COSINE):
        raise IndexDown(f"the collection {collection} holds vectors of another dimension or kind: run ntk reindex")
    if words is None or words.modifier != models.Modifier.IDF:
        raise IndexDown(f"the collection {collection} does not weigh words as it should: run ntk reindex")
    for key in sorted(_INDEXED.keys() - info.payload_schema.keys()):
        _index(calls, collection, key)
    as_it_is = (dense, info.config.optimizer_config, info.config.strict_mode_config)
    if not all(map(_says, as_it_is, (_vectors(made), _optimizers(made), _STRICT))):
        _lay_out(calls, collection, made)


def let_answer(calls: Calls, name: str, collection: str) -> None:
    """Point a name to a collection, in place of the one that it may have pointed to."""
    create = models.CreateAliasOperation(create_alias=models.CreateAlias(alias_name=name, collection_name=collection))
    delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=name))
    changes: list[models.AliasOperations] = [create] if answering(calls, name) is None else [delete, create]
    calls.tell(lambda client, seconds: client.update_collection_aliases(changes, timeout=seconds))


def drop(calls: Calls, collection: str, made: Made) -> None:
    """Remove a collection, with the names that point to it; one that is not there is none.

    Raises:
        IndexDown: It is another installation's, or the server failed.
    """
    if calls.ask(lambda client, _: client.collection_exists(collection)):
        require_ours(calls, collection, made)
        calls.tell(lambda client, seconds: client.delete_collection(collection, timeout=seconds))


def require_ours(calls: Calls, collection: str, made: Made) -> models.CollectionInfo:
    """Refuse a collection that somebody else made, and give what the server says of it otherwise.

    Raises:
        IndexDown: It is another installation's, or the server failed.
    """
    info = calls.ask(lambda client, _: client.get_collection(collection))
    if _noted(info).get(_INSTALLATION) != made.installation:
        raise IndexDown(f"the collection {collection} is another's: choose another name in index.collection")
    return info


def _index(calls: Calls, collection: str, key: str) -> None:
    calls.tell(
        lambda client, seconds: client.create_payload_index(
            collection, key, field_schema=_INDEXED[key], wait=True, timeout=seconds
        )
    )


def _vectors(made: Made) -> models.VectorParams:
    codes = models.TurboQuantQuantizationConfig(bits=models.TurboQuantBitSize.BITS4, memory=models.Memory.PINNED)
    return models.VectorParams(
        size=made.dimension,
        distance=models.Distance.COSINE,
        memory=models.Memory.COLD,
        quantization_config=models.TurboQuantization(turbo=codes),
        hnsw_config=models.HnswConfigDiff(m=0),  # no graph
    )


def _words() -> models.SparseVectorParams:
    return models.SparseVectorParams(
        modifier=models.Modifier.IDF, index=models.SparseIndexParams(memory=models.Memory.COLD)
    )


def _optimizers(made: Made) -> models.OptimizersConfigDiff:
    """Say how large a part is. In how many at least is left to the server, which knows its cores."""
    return models.OptimizersConfigDiff(
        max_segment_size=kilobytes(made.plan.part, made.dimension),
        indexing_threshold=kilobytes(made.plan.index_from, made.dimension),
    )


def _lay_out(calls: Calls, collection: str, made: Made) -> None:
    """Bring a collection in line with the plan; the server rebuilds by itself what has to be, and answers meanwhile."""
    vectors = _vectors(made)
    wanted = models.VectorParamsDiff(
        hnsw_config=vectors.hnsw_config, quantization_config=vectors.quantization_config, memory=vectors.memory
    )
    calls.tell(
        lambda client, seconds: client.update_collection(
            collection,
            vectors_config={DENSE: wanted},
            optimizers_config=_optimizers(made),
            strict_mode_config=_STRICT,
            timeout=seconds,
        )
    )


def _says(is_: BaseModel | None, wanted: BaseModel) -> bool:
    """Say whether a configuration has every value that is wanted; it may have others beside."""
    return is_ is not None and _has(is_.model_dump(), wanted.model_dump(exclude_none=True))


def _has(is_: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(is_, dict) and all(_has(is_.get(key), value) for key, value in wanted.items())
    return is_ == wanted


def _noted(info: models.CollectionInfo) -> dict[str, object]:
    return dict(info.config.metadata or {})


def _shown(model: object) -> str:
    return model if isinstance(model, str) and _SHOWN.fullmatch(model) else "an unknown model"
