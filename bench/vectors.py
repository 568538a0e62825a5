"""Vectors of real passages and of real questions, computed once and kept; many more of them by a little noise."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from api.settings import cache_folder
from retrieval.embed import MODEL_NAME, Embedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NOISE: Final = 0.3  # length of what is added to a vector of length 1: the cosine of both is .96, of two copies .92


def vectors_of(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed texts, about a hundred in a second and core; at the second call with the same texts, read the vectors."""
    digest = hashlib.sha256("\0".join((MODEL_NAME, *texts)).encode()).hexdigest()[:16]
    cache = cache_folder()
    if cache is None:
        return Embedder()(texts)
    kept = cache / "bench" / f"vectors-{digest}.npy"
    if not kept.is_file():
        _keep(kept, Embedder(cache=cache)(texts))
    vectors: NDArray[np.float32] = np.load(kept)
    return vectors


def _keep(file: Path, vectors: NDArray[np.float32]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with part.open("wb") as writing:
        np.save(writing, vectors)
    part.replace(file)  # a run that is cut off leaves no half of it


def expanded(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Give so many unit vectors: the given ones, then copies of them in the same order with `NOISE` added."""
    made = np.empty((count, vectors.shape[1]), dtype=np.float32)
    randomness = np.random.default_rng(7)
    for begin in range(0, count, len(vectors)):
        some = vectors[: count - begin]
        noise = randomness.standard_normal(some.shape, dtype=np.float32)
        noise *= (NOISE if begin else 0) / np.linalg.norm(noise, axis=1, keepdims=True)
        made[begin : begin + len(some)] = some + noise
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made
