"""Embedding: throughput on the handbook's chunks and time of one question, beside bare sentence-transformers on torch.

Both load the same files, run on the same cores, and take turns.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

# Before anything of the house, which would have torch's threads wait otherwise than they do by themselves.
import torch  # noqa: F401

from api.settings import cache_folder
from bench.figures import Figure, at_least, at_most
from ingest.errors import Unreadable
from ingest.reading import read
from retrieval.convert import LEAST_COSINE
from retrieval.embed import Embedder
from retrieval.model_files import packaged_model
from retrieval.reference import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

GOAL: Final = 3.0
BATCHES: Final = (8, 16, 32)  # of the baseline; its best counts
ROUNDS: Final = 3
EVERY: Final = 16  # chunk is in the sample on which the baseline's best batch is found, and all of them if it is quick
QUESTIONS: Final = (
    "How often is the boiler serviced?",
    "May I work from abroad for two weeks?",
    "Who approves a purchase of more than 5,000 euros?",
    "expense report deadline",
    "What happens to my unused days of leave at the end of the year, and can they be paid out?",
)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to embed, and the seconds that each of its turns took."""

    embed: Callable[[Sequence[str]], NDArray[np.float32]]
    took: list[float] = field(default_factory=list)

    def visit(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed the texts."""
        begin = time.perf_counter()
        vectors = self.embed(texts)
        self.took.append(time.perf_counter() - begin)
        return vectors

    @property
    def median(self) -> float:
        return float(np.median(self.took))


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure both on the same texts."""
    texts = handbook_chunks(data / "handbook")
    if not texts:
        yield Figure("P4", "embedding / bare encode: chunks/s", None, f">= {GOAL:g}", note=f"no handbook in {data}")
        return
    sample = texts[::EVERY]
    yield from measure(sample if quick else texts, sample)


def measure(texts: Sequence[str], sample: Sequence[str], rounds: int = ROUNDS) -> Iterator[Figure]:
    """Measure both on some texts; the baseline with the batches that are its best on the sample."""
    bare = load(packaged_model())
    house = Embedder(cache=cache_folder())
    ours, theirs = Arm(house), {size: Arm(_encode(bare, size)) for size in BATCHES}
    for arm in (ours, *theirs.values()):
        arm.embed(sample)  # the first texts are slower, and not counted
    _take_turns(list(theirs.values()), sample, rounds)
    for size, arm in theirs.items():
        yield Figure(f"P4.bare.{size}", f"bare encode, batches of {size}: chunks/s", len(sample) / arm.median)
    best = min(BATCHES, key=lambda size: theirs[size].median)
    baseline = Arm(theirs[best].embed)
    ours_then, theirs_then = _take_turns([ours, baseline], texts, rounds)
    difference = 1 - float(np.einsum("ij,ij->i", ours_then, theirs_then).min())
    note = f"{len(texts)} chunks, batches of {best} for bare encode"
    yield at_least("P4", "embedding / bare encode: chunks/s", baseline.median / ours.median, GOAL, note)
    yield at_most("P4.cosine", "1 - cosine of both vectors of a chunk: largest", difference, 1 - LEAST_COSINE)
    yield Figure("P4.ours", f"embedding, {house.backend}: chunks/s", len(texts) / ours.median)
    yield Figure("P4.bare", f"bare encode, batches of {best}: chunks/s", len(texts) / baseline.median)
    yield from _one_question(house, bare, rounds)


def _take_turns(arms: Sequence[Arm], texts: Sequence[str], rounds: int) -> list[NDArray[np.float32]]:
    """Let each embed the texts once in a round; gives what they gave in the last."""
    vectors: list[NDArray[np.float32]] = []
    for _ in range(rounds):
        vectors = [arm.visit(texts) for arm in arms]
    return vectors


def _one_question(house: Embedder, bare: SentenceTransformer, rounds: int) -> Iterator[Figure]:
    arms = {"ours": Arm(house), "bare": Arm(_encode(bare, 1))}
    for _ in range(rounds * 4):
        for arm in arms.values():
            for question in QUESTIONS:
                arm.visit([question])
    yield Figure("P4.question.ours", "one question: median, ms", 1_000 * arms["ours"].median)
    yield Figure("P4.question.bare", "one question, bare encode: median, ms", 1_000 * arms["bare"].median)


def _encode(model: SentenceTransformer, size: int) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = model.encode(list(texts), batch_size=size, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    return encode


def handbook_chunks(folder: Path) -> list[str]:
    """Give the chunks of a folder of Markdown, as ingestion cuts them."""
    chunks: list[str] = []
    for file in sorted(folder.rglob("*.md")):
        try:
            chunks += [chunk.indexed_text for chunk in read(file.read_bytes(), file.name).chunks]
        except Unreadable:  # a few hold no text
            continue
    return chunks
