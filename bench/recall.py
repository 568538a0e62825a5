"""What a search finds through rights, beside what is nearest among all that its reader may see (G2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bench.corpus import corpus, numbers
from bench.figures import Figure, at_least
from bench.kept import our_index
from bench.readers import cells
from retrieval.edge import EdgeIndex
from retrieval.search import ByMeaning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from acl.scope import Scope
    from bench.corpus import Corpus
    from retrieval.search import Found

NEAREST: Final = 10
LEG: Final = 2 * NEAREST + 1  # what a leg asks for, to give so many hits
ALL_UP_TO: Final = 0.05  # visible: nothing may be lost
LEAST: Final = 0.99
_QUICK, _FULL = 100_000, 1_000_000
_REAL_IF_QUICK: Final = 10_000
_QUESTIONS: Final = 30
_CLOSE: Final = 1e-6  # what is nearer together than this is as near


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Ask each reader's question of the index."""
    made = corpus(data, _QUICK if quick else _FULL, **({"real": _REAL_IF_QUICK} if quick else {}))
    if made is None:
        yield Figure("G2", "recall@10 through rights", None, f">= {LEAST:g}", note=f"no data sets in {data}")
        return
    with our_index(made) as (folder, _):
        index = EdgeIndex(folder, made.vectors.shape[1])
        yield from recalls(index, made, range(_QUESTIONS))
        index.close()


def recalls(index: EdgeIndex, made: Corpus, asked: range) -> Iterator[Figure]:
    """Give the recall of each cell: the mean over the questions, each by a reader of its own."""
    similar = made.questions[asked] @ made.vectors.T
    chunks = f"{len(made.vectors):,} chunks, {min(len(made.texts), len(made.vectors)):,} of them real"
    for cell in cells(made, asked):
        found, visible = [], []
        for number, scope in zip(asked, cell.scopes, strict=True):
            mask = made.visible(scope)
            hits = by_meaning(index, made.questions[number], scope)
            found.append(recall(similar[number], mask, numbers(hit.chunk for hit in hits[:NEAREST])))
            visible.append(mask.mean())
        share = float(np.mean(visible))
        goal = 1.0 if share <= ALL_UP_TO else LEAST
        name = f"recall@10, {cell.name}, {share:.2%} visible"
        yield at_least(f"G2.{cell.share:g}.{cell.name}", name, float(np.mean(found)), goal, chunks)


def by_meaning(index: EdgeIndex, question: NDArray[np.float32], scope: Scope, limit: int = LEG) -> list[Found]:
    """Ask the adapter's leg by meaning alone."""
    inside = index._selecting(scope)  # noqa: SLF001 - a search has no way to leave out the other leg
    return index._ask_engine([ByMeaning(question)], limit, inside=inside)[0]  # noqa: SLF001


def recall(similar: NDArray[np.float32], mask: NDArray[np.bool_], found: list[int]) -> float:
    """Give the share of the nearest visible that was found; what is as near as the last of them counts for it."""
    visible = similar[mask]
    if not len(visible):
        return float(not found)
    wanted = min(NEAREST, len(visible))
    last = np.partition(visible, -wanted)[-wanted]
    return sum(bool(mask[number] and similar[number] >= last - _CLOSE) for number in found) / wanted
