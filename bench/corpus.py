"""Chunks with permissions: real passages, half of them filed by topic, half of them anyhow.

Each half is a tree of folders that halve what is in them, so that a share of the corpus can be granted by one
object, by twenty, or by two hundred. Who may see what is told twice: by the objects of a scope, and by a mask
that no filter had a hand in.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from acl.labels import Label, Level
from acl.names import ROOT, DocumentId, NodeId, Obj
from bench.passages import passages, questions
from bench.vectors import expanded, vectors_of
from retrieval.types import ChunkId, Point, Tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from acl.scope import Scope

REAL: Final = 35_000  # vectors of passages; what is more are copies of them
TREES: Final = ("topic", "random")
DEPTH: Final = 10  # of a tree, so it has 1,024 leaves
LEVELS: Final = (0, 2, 4, 6, 8, 9, DEPTH)  # whose folders cover something: half of the corpus, an eighth of it, …


@dataclass(frozen=True, slots=True)
class Corpus:
    """Chunks by number, from 0: an entry of each array for each of them."""

    vectors: NDArray[np.float32]
    leaves: NDArray[np.int64]  # of both trees: those of the second one follow on those of the first
    documents: NDArray[np.int64]
    texts: Sequence[str]  # of the real ones, each a question may be about; a copy has that of its original
    questions: NDArray[np.float32]

    def point(self, number: int) -> Point:
        """Give the point of a chunk."""
        tree, leaf = divmod(int(self.leaves[number]), 1 << DEPTH)
        folders = [folder(TREES[tree], level, leaf >> (DEPTH - level)) for level in LEVELS]
        document = int(self.documents[number])
        return Point(
            chunk=chunk_id(number),
            document=DocumentId(f"doc:{document}"),
            version=1,
            vector=self.vectors[number],
            text=self.texts[number % len(self.texts)],
            tags=Tags(
                frozenset([ROOT, *folders]),
                tuple(NodeId(obj) for obj in reversed(folders)),
                Label(Level.INTERNAL if document % 2 else Level.CONFIDENTIAL),
            ),
            own=frozenset([Obj(f"doc:{document}"), Obj(f"owner:{document % 1_000}")]),
        )

    def visible(self, scope: Scope) -> NDArray[np.bool_]:
        """Say of each chunk whether its reader may see it."""
        return self._covered(scope.allow) & ~self._covered(scope.deny)

    def _covered(self, objects: Collection[Obj]) -> NDArray[np.bool_]:
        leaves = np.full(len(TREES) << DEPTH, ROOT in objects)
        for obj in objects:
            if obj.startswith("folder:"):
                leaves[below(obj)] = True
        documents = [int(obj.removeprefix("doc:")) for obj in objects if obj.startswith("doc:")]
        return leaves[self.leaves] | np.isin(self.documents, documents)

    def granted(self, share: float, count: int, tree: str, randomness: np.random.Generator) -> list[Obj]:
        """Choose about so many objects that cover a share of the corpus: folders, and documents where it is small.

        One object covers the power of two that is nearest.
        """
        of_tree = share * len(TREES)
        if count == 1:
            level = min(LEVELS, key=lambda level: abs(np.log2(of_tree) + level))
            return [folder(tree, level, int(randomness.integers(1 << level)))]
        for coarse, fine in pairwise(LEVELS):
            if count / 2**fine <= of_tree <= count / 2**coarse:
                large = round((of_tree - count / 2**fine) / (1 / 2**coarse - 1 / 2**fine))
                return _apart(tree, {coarse: large, fine: count - large}, randomness)
        folders = _apart(tree, {DEPTH: max(1, round(of_tree * 2**DEPTH))}, randomness)
        documents = randomness.choice(np.unique(self.documents), count - len(folders), replace=False)
        return [*folders, *(Obj(f"doc:{number}") for number in documents)]

    def nearest(self, question: NDArray[np.float32], level: int) -> list[Obj]:
        """Give the folders of a level by topic, that with the chunk nearest to a question first."""
        best = np.full(len(TREES) << DEPTH, -1, np.float32)
        np.maximum.at(best, self.leaves, self.vectors @ question)
        by_node = best[: 1 << DEPTH].reshape(1 << level, -1).max(axis=1)
        return [folder(TREES[0], level, int(node)) for node in np.argsort(-by_node)]


def corpus(data: Path, count: int, *, real: int = REAL) -> Corpus | None:
    """Make a corpus of so many chunks; None where the data sets are absent.

    Args:
        data: Where the data sets are.
        count: Chunks in all.
        real: At most so many of them are passages, the others copies of these with a little noise.
    """
    found, asked = passages(data, real), questions(data)
    if not found or not asked:
        return None
    vectors = vectors_of([passage.text for passage in found])[:count]  # one file of them serves every count
    texts = [passage.text for passage in found[:count]]
    documents = np.unique([passage.document for passage in found[:count]], return_inverse=True)[1]
    return filed(vectors, documents, count, texts=texts, questions=vectors_of(asked))


def filed(
    vectors: NDArray[np.float32],
    documents: NDArray[np.int64],
    count: int,
    *,
    texts: Sequence[str],
    questions: NDArray[np.float32],
) -> Corpus:
    """Make a corpus of vectors, of which it is said which belong together, and of copies of them."""
    copies, many = -(-count // len(vectors)), int(documents.max()) + 1
    randomness = np.random.default_rng(3)
    # A copy of a document lies in the same folder as the document by topic, and elsewhere at random.
    leaves = np.tile(_halved(_means(vectors, documents)), copies)
    anyhow = np.arange(len(leaves)) % 2 == 1
    leaves[anyhow] = randomness.integers(1 << DEPTH, 2 << DEPTH, size=anyhow.sum())
    numbered = (documents + many * np.arange(copies)[:, None]).ravel()[:count]
    return Corpus(expanded(vectors, count), leaves[numbered], numbered, texts, questions)


def _means(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float32]:
    sums = np.zeros((groups.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, groups, vectors)
    means: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return means


def _halved(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Halve a cloud along its longest direction, and its halves, down to the leaves; gives the leaf of each vector."""
    leaves = np.zeros(len(vectors), np.int64)
    for level in range(DEPTH):
        order = np.argsort(leaves, kind="stable")
        for node in np.split(order, np.searchsorted(leaves[order], np.arange(1, 1 << level))):
            leaves[node] *= 2
            if len(node) > 1:
                leaves[node[np.argsort(vectors[node] @ _longest(vectors[node]))[len(node) // 2 :]]] += 1
    return leaves


def _longest(cloud: NDArray[np.float32]) -> NDArray[np.float32]:
    """Find about the direction in which a cloud is longest, by a few steps of the power method."""
    centred = cloud - cloud.mean(axis=0)
    direction: NDArray[np.float32] = centred[np.argmax(np.einsum("ij,ij->i", centred, centred))]
    for _ in range(6):
        direction = centred.T @ (centred @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
    return direction


def _apart(tree: str, counts: dict[int, int], randomness: np.random.Generator) -> list[Obj]:
    """Choose folders of some levels, coarse to fine, none of them within another."""
    taken = np.zeros(1 << DEPTH, bool)
    chosen: list[Obj] = []
    for level, count in counts.items():
        by_node = taken.reshape(1 << level, -1)
        free = np.flatnonzero(~by_node.any(axis=1))
        nodes = randomness.choice(free, min(count, len(free)), replace=False)
        by_node[nodes] = True
        chosen += [folder(tree, level, int(node)) for node in nodes]
    return chosen


def folder(tree: str, level: int, node: int) -> Obj:
    """Name a folder of a tree."""
    return Obj(f"folder:{tree}-{level}-{node}")


def below(obj: Obj) -> slice:
    """Give the leaves of a folder."""
    tree, level, node = obj.removeprefix("folder:").split("-")
    size = 1 << (DEPTH - int(level))
    begin = (TREES.index(tree) << DEPTH) + int(node) * size
    return slice(begin, begin + size)


def inside(obj: Obj) -> list[Obj]:
    """Give the folders of the next level that lie in a folder; of one without any, itself."""
    tree, level, node = obj.removeprefix("folder:").split("-")
    finer = next((finer for finer in LEVELS if finer > int(level)), int(level))
    times = 1 << (finer - int(level))
    return [folder(tree, finer, int(node) * times + number) for number in range(times)]


def chunk_id(number: int) -> ChunkId:
    """Give the id of a chunk's point."""
    return ChunkId(str(uuid.UUID(int=number)))


def numbers(chunks: Iterable[str]) -> list[int]:
    """Give the numbers of chunks by their ids."""
    return [uuid.UUID(chunk).int for chunk in chunks]
