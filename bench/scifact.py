"""What search finds: nDCG@10 on SciFact, of the leg by meaning, of the leg by words, and of both as they are fused.

Claims are put to abstracts, all of which the reader may see; as many hits are asked for as the service asks for, and
the first ten judged. Which abstracts count is said by the data set.
"""

from __future__ import annotations

import json
import math
import tempfile
import uuid
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from acl.labels import PUBLIC
from acl.names import ROOT, DocumentId
from bench.figures import Figure, at_least
from bench.readers import Grants, scopes_of
from bench.vectors import vectors_of
from retrieval.edge import EdgeIndex
from retrieval.edge_filter import to_edge
from retrieval.embed import DIMENSION
from retrieval.filter import filter_of
from retrieval.find import FIRST
from retrieval.points import words_asked
from retrieval.search import ByMeaning, ByWords, Query
from retrieval.types import ChunkId, Point, Tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from acl.scope import Scope

GOALS: Final = {"by meaning": 0.645, "by words": 0.68, "fused": 0.73}
_TOP: Final = 10  # of a ranking, that are judged

Judgements = dict[str, dict[str, int]]  # of each question, the abstracts that count, and for how much


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:  # noqa: ARG001 - fewer abstracts would be another measure
    """Rank the abstracts for each claim, on the real adapter."""
    folder = data / "scifact"
    if not (folder / "corpus.jsonl").is_file():
        yield Figure("Q1", "nDCG@10 on SciFact", None, note=f"no scifact in {data}")
        return
    abstracts = [json.loads(line) for line in _lines(folder / "corpus.jsonl")]
    questions = dict(line.split("\t", 1) for line in _lines(folder / "queries.test.tsv"))
    judged = _judgements(_lines(folder / "qrels.test.txt"))
    found = _found({str(one["_id"]): f"{one['title']}\n{one['text']}" for one in abstracts}, questions)
    for way, goal in GOALS.items():
        gains = [ndcg(found[way][question], judged[question]) for question in questions]
        yield at_least(f"Q1.{way}", f"nDCG@10 on SciFact, {way}", float(np.mean(gains)), goal, f"{len(gains)} claims")


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Give the normalised discounted cumulative gain of a ranking's first ten.

    Source: Järvelin & Kekäläinen 2002, with the gain itself and not a power of it, as trec_eval has it.
    """
    best = sorted(relevant.values(), reverse=True)
    gained = [relevant.get(one, 0) for one in ranking]
    return _discounted(gained) / _discounted(best)


def _discounted(gains: Iterable[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate([*gains][:_TOP]))


def _found(texts: Mapping[str, str], questions: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """Give, of each way to search, the ranking for each question."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    (scope,) = scopes_of([Grants([ROOT])])
    vectors, asked = vectors_of([*texts.values()]), vectors_of([*questions.values()])
    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(Path(folder) / "index", DIMENSION)
        index.put([_point(*named, vector) for named, vector in zip(texts.items(), vectors, strict=True)])
        for (id_, question), vector in zip(questions.items(), asked, strict=True):
            hits = index.search(question, vector, scope, FIRST)
            found["fused"][id_] = [hit.document.removeprefix("doc:") for hit in hits]
            found["by meaning"][id_], found["by words"][id_] = _legs(index, question, vector, scope)
        index.close()
    return found


def _legs(index: EdgeIndex, question: str, vector: NDArray[np.float32], scope: Scope) -> list[list[str]]:
    queries: list[Query] = [ByMeaning(vector), ByWords(words_asked(question))]
    legs = index._ask_engine(queries, FIRST, inside=to_edge(filter_of(scope)))  # noqa: SLF001 - a search fuses them
    return [[point.document.removeprefix("doc:") for point in leg] for leg in legs]


def _point(id_: str, text: str, vector: NDArray[np.float32]) -> Point:
    chunk = ChunkId(str(uuid.uuid5(uuid.NAMESPACE_OID, id_)))
    tags = Tags(frozenset([ROOT]), (), PUBLIC)
    return Point(chunk, DocumentId(f"doc:{id_}"), 1, vector, text, tags, own=frozenset())


def _judgements(lines: Iterable[str]) -> Judgements:
    judged: Judgements = defaultdict(dict)
    for line in lines:
        question, _, abstract, worth = line.split()
        judged[question][abstract] = int(worth)
    return judged


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()
