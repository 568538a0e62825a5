"""What a Qdrant server does with its collections, done by the engine in process.

It stands in for a server in tests, behind HTTP (`rest_server`) and gRPC (`grpc_server`). It knows what the adapter
asks for and nothing else: whatever it does not know is an error, so that nothing is passed over in silence. Its
strict limits are low where a collection does not raise them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import qdrant_edge as edge
from qdrant_client import models

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import BaseModel

_STRICT: Final = {
    "filter_max_conditions": 20,
    "condition_max_size": 50,
    "max_query_limit": 30,
    "upsert_max_batchsize": 300,
}
_MEMORY: Final = {
    None: None,
    models.Memory.COLD: edge.Memory.Cold,
    models.Memory.CACHED: edge.Memory.Cached,
    models.Memory.PINNED: edge.Memory.Pinned,
}
_SCHEMA: Final = {
    models.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.INTEGER: edge.PayloadSchemaType.Integer,
}


class Unknown(Exception):
    """The adapter says what nobody taught this server."""


class Refused(Exception):
    """A server would say no."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Collection:
    """One collection, on a shard of the engine."""

    shard: edge.EdgeShard
    made: models.CreateCollection
    schema: dict[str, models.PayloadSchemaType] = field(default_factory=dict)

    @property
    def strict(self) -> dict[str, Any]:
        """The limits that hold, the server's own where the collection says nothing."""
        own = self.made.strict_mode_config
        return _STRICT | ({} if own is None else own.model_dump(exclude_none=True))


@dataclass
class Collections:
    """All collections of a server, and the names that point to them."""

    root: Path
    kept: dict[str, Collection] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        for collection in self.kept.values():
            collection.shard.close()

    def empty(self) -> None:
        """Remove all points, and leave the collections as they are."""
        for collection in self.kept.values():
            found, _ = collection.shard.scroll(edge.ScrollRequest(limit=1_000_000))
            if found:
                collection.shard.update(edge.UpdateOperation.delete_points([point.id for point in found]))

    # --- collections ----------------------------------------------------------------------------

    def create(self, name: str, made: models.CreateCollection) -> None:
        if name in self.kept or name in self.aliases:
            raise Refused(409, f"{name} exists")
        _only(made, "vectors", "sparse_vectors", "payload", "optimizers_config", "strict_mode_config", "metadata",
              "shard_number", "replication_factor", "write_consistency_factor")  # fmt: skip
        if not isinstance(made.vectors, dict):
            raise Unknown("vectors without a name")
        dense = {key: _dense(params) for key, params in made.vectors.items()}
        sparse = {key: _sparse(params) for key, params in (made.sparse_vectors or {}).items()}
        (self.root / name).mkdir(parents=True)
        config = edge.EdgeConfig(vectors=dense, sparse_vectors=sparse, optimizers=_optimizers(made.optimizers_config))
        self.kept[name] = Collection(edge.EdgeShard.create(str(self.root / name), config), made)

    def update(self, name: str, change: models.UpdateCollection) -> None:
        """Note what is to be; nothing that is here already is rebuilt."""
        _only(change, "vectors", "optimizers_config", "strict_mode_config")
        made = self.of(name).made
        for key, diff in (change.vectors or {}).items():
            _only(diff, "hnsw_config", "quantization_config", "memory")
            if not isinstance(made.vectors, dict):
                raise Unknown("vectors without a name")
            made.vectors[key] = made.vectors[key].model_copy(update=dict(diff))
        made.optimizers_config = change.optimizers_config or made.optimizers_config
        made.strict_mode_config = change.strict_mode_config or made.strict_mode_config

    def delete(self, name: str) -> bool:
        collection = self.kept.pop(name, None)
        if collection is None:
            return False
        collection.shard.close()
        shutil.rmtree(self.root / name)
        self.aliases = {alias: target for alias, target in self.aliases.items() if target != name}
        return True

    def change_aliases(self, actions: Iterable[models.AliasOperations]) -> None:
        aliases = dict(self.aliases)
        for action in actions:
            match action:
                case models.CreateAliasOperation(create_alias=create):
                    if create.collection_name not in self.kept or create.alias_name in self.kept:
                        raise Refused(404, "no such collection, or a name that is taken")
                    aliases[create.alias_name] = create.collection_name
                case models.DeleteAliasOperation(delete_alias=delete):
                    if aliases.pop(delete.alias_name, None) is None:
                        raise Refused(404, "no such alias")
                case _:
                    raise Unknown(str(action))
        self.aliases = aliases

    def of(self, name: str) -> Collection:
        try:
            return self.kept[self.aliases.get(name, name)]
        except KeyError as error:
            raise Refused(404, f"Collection `{name}` doesn't exist!") from error

    def info(self, name: str) -> models.CollectionInfo:
        collection = self.of(name)
        made, points = collection.made, int(collection.shard.info().points_count)
        return models.CollectionInfo(
            status=models.CollectionStatus.GREEN,
            optimizer_status=models.OptimizersStatusOneOf.OK,
            points_count=points,
            segments_count=1,
            config=models.CollectionConfig(
                params=models.CollectionParams(vectors=made.vectors, sparse_vectors=made.sparse_vectors),
                hnsw_config=models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=10_000),
                optimizer_config=models.OptimizersConfig(
                    deleted_threshold=0.2,
                    vacuum_min_vector_number=1_000,
                    default_segment_number=0,
                    flush_interval_sec=5,
                    max_segment_size=made.optimizers_config and made.optimizers_config.max_segment_size,
                    indexing_threshold=made.optimizers_config and made.optimizers_config.indexing_threshold,
                ),
                strict_mode_config=models.StrictModeConfigOutput(**collection.strict),
                metadata=made.metadata,
            ),
            payload_schema={
                key: models.PayloadIndexInfo(data_type=type_, points=points) for key, type_ in collection.schema.items()
            },
        )

    def create_index(self, name: str, key: str, schema: object) -> None:
        collection = self.of(name)
        type_ = models.PayloadSchemaType(schema)
        collection.shard.update(edge.UpdateOperation.create_field_index(key, _SCHEMA[type_]))
        collection.schema[key] = type_

    # --- points ---------------------------------------------------------------------------------

    def upsert(self, name: str, points: Sequence[models.PointStruct]) -> None:
        collection = self.of(name)
        if len(points) > collection.strict["upsert_max_batchsize"]:
            raise Refused(400, "the batch is too large")
        made: Any = collection.made.vectors
        for point in points:
            for key, vector in point.vector.items() if isinstance(point.vector, dict) else ():
                if isinstance(vector, list) and len(vector) != made[key].size:
                    raise Refused(400, "Wrong input: Vector dimension error")
        collection.shard.update(edge.UpdateOperation.upsert_points([_point(point) for point in points]))

    def set_payload(self, name: str, payload: dict[str, Any], chosen: models.Filter) -> None:
        collection = self.of(name)
        where = self._filter(collection, chosen)
        collection.shard.update(edge.UpdateOperation.set_payload_by_filter(where, payload))

    def delete_points(self, name: str, chosen: models.Filter | Sequence[Any]) -> None:
        collection = self.of(name)
        if isinstance(chosen, models.Filter):
            operation = edge.UpdateOperation.delete_points_by_filter(self._filter(collection, chosen))
        else:
            operation = edge.UpdateOperation.delete_points([*chosen])
        collection.shard.update(operation)

    def retrieve(self, name: str, ids: Sequence[Any]) -> list[models.Record]:
        """Give points whole. No adapter asks for that; tests do."""
        found = self.of(name).shard.retrieve([*ids], with_payload=True, with_vector=False)
        return [models.Record(id=str(point.id), payload=point.payload) for point in found]

    def scroll(self, name: str, chosen: models.Filter | None, limit: int) -> list[models.Record]:
        """Give the points that a filter selects. No adapter asks for that; tests do."""
        collection = self.of(name)
        where = None if chosen is None else self._filter(collection, chosen)
        found, _ = collection.shard.scroll(edge.ScrollRequest(limit=limit, filter=where))
        return [models.Record(id=str(point.id), payload=point.payload) for point in found]

    def count(self, name: str, *, exact: bool | None) -> int:
        if not exact:
            raise Unknown("a count that may be wrong")
        return int(self.of(name).shard.info().points_count)

    def query(self, name: str, request: models.QueryRequest) -> list[models.ScoredPoint]:
        _only(request, "query", "using", "filter", "params", "limit", "with_payload")
        collection = self.of(name)
        if request.filter is None or request.limit is None or not isinstance(request.query, models.NearestQuery):
            raise Unknown("a query without a filter, a limit, or a vector")
        if request.limit > collection.strict["max_query_limit"]:
            raise Refused(400, "Limit exceeded")
        nearest: Any = request.query.nearest
        if isinstance(nearest, models.SparseVector):
            nearest = edge.SparseVector(nearest.indices, nearest.values)
        found = collection.shard.query(
            edge.QueryRequest(
                limit=request.limit,
                query=edge.Query.Nearest(nearest, using=request.using),
                filter=self._filter(collection, request.filter),
                params=self._params(collection, request.params),
                with_payload=request.with_payload,  # type: ignore[arg-type]  # a list of keys
            )
        )
        return [
            models.ScoredPoint(id=str(point.id), version=0, score=point.score, payload=point.payload) for point in found
        ]

    def _params(self, collection: Collection, params: models.SearchParams | None) -> edge.SearchParams | None:
        if params is None:
            return None
        idf = None
        if params.idf is not None:
            if not isinstance(params.idf, models.IdfCorpusParams):
                raise Unknown(str(params.idf))
            idf = edge.IdfParams(corpus=self._filter(collection, params.idf.corpus))
        _only(params, "idf", "exact", "indexed_only", "quantization")
        codes = None
        if params.quantization is not None:
            _only(params.quantization, "ignore", "rescore", "oversampling")
            codes = edge.QuantizationSearchParams(
                rescore=params.quantization.rescore, oversampling=params.quantization.oversampling
            )
        return edge.SearchParams(exact=bool(params.exact), idf=idf, quantization=codes)

    def _filter(self, collection: Collection, chosen: models.Filter) -> edge.Filter:
        return _Filters(collection).translated(chosen)


@dataclass
class _Filters:
    """Translates a filter, and counts its conditions as strict mode does."""

    collection: Collection
    conditions: int = 0

    def translated(self, chosen: models.Filter) -> edge.Filter:
        _only(chosen, "must", "should", "must_not")
        return edge.Filter(
            must=self._all(chosen.must), should=self._all(chosen.should), must_not=self._all(chosen.must_not)
        )

    def _all(self, conditions: Any) -> list[Any] | None:
        if conditions is None:
            return None
        return [self._one(part) for part in (conditions if isinstance(conditions, list) else [conditions])]

    def _one(self, part: Any) -> Any:
        if isinstance(part, models.Filter):
            return self.translated(part)
        self.conditions += 1
        if self.conditions > self.collection.strict["filter_max_conditions"]:
            raise Refused(400, "Filter condition limit reached")
        match part:
            case models.HasIdCondition(has_id=ids):
                return edge.HasIdCondition({*self._sized(ids)})
            case models.FieldCondition(key=key):
                if key not in self.collection.schema:
                    raise Refused(400, f"Index required but not found for {key}")
                return self._field(part)
        raise Unknown(str(part))

    def _field(self, part: models.FieldCondition) -> edge.FieldCondition:
        _only(part, "key", "match", "range")
        match part:
            case models.FieldCondition(match=models.MatchAny(any=values), range=None):
                return edge.FieldCondition(part.key, match=edge.MatchAny(self._sized(values)))
            case models.FieldCondition(match=models.MatchExcept(except_=values), range=None):
                return edge.FieldCondition(part.key, match=edge.MatchExcept(self._sized(values)))
            case models.FieldCondition(match=None, range=models.Range() as within):
                _only(within, "gte", "lte")
                return edge.FieldCondition(part.key, range=edge.RangeFloat(gte=within.gte, lte=within.lte))
        raise Unknown(str(part))

    def _sized(self, values: Any) -> list[Any]:
        if len(values) > self.collection.strict["condition_max_size"]:
            raise Refused(400, "Match condition limit reached")
        return [*values]


def _only(model: BaseModel, *known: str) -> None:
    if strange := model.model_dump(exclude_none=True).keys() - set(known):
        raise Unknown(f"{type(model).__name__}: {sorted(strange)}")


def _dense(params: models.VectorParams) -> edge.EdgeVectorParams:
    _only(params, "size", "distance", "memory", "quantization_config", "hnsw_config")
    if params.distance != models.Distance.COSINE:
        raise Unknown(str(params.distance))
    return edge.EdgeVectorParams(
        size=params.size,
        distance=edge.Distance.Cosine,
        memory=_MEMORY[params.memory],
        quantization_config=_codes(params.quantization_config),
        hnsw_config=_graph(params.hnsw_config),
    )


def _codes(config: models.QuantizationConfig | None) -> edge.TurboQuantQuantizationConfig | None:
    match config:
        case None:
            return None
        case models.TurboQuantization(turbo=turbo) if turbo.bits == models.TurboQuantBitSize.BITS4:
            _only(turbo, "bits", "memory")
            return edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=_MEMORY[turbo.memory])
    raise Unknown(str(config))


def _graph(config: models.HnswConfigDiff | None) -> edge.HnswIndexConfig | None:
    if config is None:
        return None
    _only(config, "m")
    if config.m != 0:
        raise Unknown(str(config))
    return edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=0)


def _optimizers(config: models.OptimizersConfigDiff | None) -> edge.EdgeOptimizersConfig | None:
    if config is None:
        return None
    _only(config, "indexing_threshold", "max_segment_size")
    return edge.EdgeOptimizersConfig(
        indexing_threshold=config.indexing_threshold, max_segment_size=config.max_segment_size
    )


def _sparse(params: models.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    _only(params, "modifier", "index")
    if params.modifier != models.Modifier.IDF:
        return edge.EdgeSparseVectorParams()
    return edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)


def _point(point: models.PointStruct) -> edge.Point:
    if not isinstance(point.vector, dict):
        raise Unknown("a vector without a name")
    vectors: Any = {
        key: edge.SparseVector(vector.indices, vector.values) if isinstance(vector, models.SparseVector) else vector
        for key, vector in point.vector.items()
    }
    return edge.Point(str(point.id), vectors, point.payload or {})
