"""Honest nothing: how often a question gets an answer when one is there, and nothing when none is.

Questions of xquad are put to its paragraphs: as they are (one paragraph answers), and with the question's
own article left out (none does).
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

import numpy as np

from acl.labels import PUBLIC
from acl.names import DocumentId
from api.settings import cache_folder
from bench.figures import Figure, at_least, at_most
from retrieval.embed import Embedder
from retrieval.excerpt import is_relevant, terms
from retrieval.find import SNIPPETS
from retrieval.types import ChunkId, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FALSE_NOTHINGS: Final = 0.05
HONEST_NOTHINGS: Final = 0.85
_QUICK: Final = 500  # questions


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure both, on the same questions."""
    file = data / "xquad" / "xquad.en.json"
    if not file.is_file():
        yield Figure("N1", "answerable questions that get nothing, share", None, note=f"{file} is not there")
        return
    paragraphs, questions = _read(file)
    asked = random.Random(1).sample(questions, _QUICK) if quick else questions
    bags = [terms(text) for text, _ in paragraphs]
    embed = Embedder(cache=cache_folder())
    passages = embed([text for text, _ in paragraphs])
    similarities = embed([question for question, _ in asked]) @ passages.T
    articles = np.array([article for _, article in paragraphs])
    everywhere = np.ones(len(paragraphs), bool)
    answered: list[bool] = []
    without: list[bool] = []
    for (question, article), row in zip(asked, similarities, strict=True):
        words = terms(question)
        shared = np.array([len(bag & words) for bag in bags])
        for outcomes, there in ((answered, everywhere), (without, articles != article)):
            found = _found(row, shared, there)
            outcomes.append(_gets_answer(question, [_snippet(paragraphs[n][0], float(row[n])) for n in found]))
    note = f"{len(asked)} questions of xquad"
    yield at_most(
        "N1", "answerable questions that get nothing, share", 1 - float(np.mean(answered)), FALSE_NOTHINGS, note
    )
    yield at_least(
        "N2", "unanswerable questions that get nothing, share", 1 - float(np.mean(without)), HONEST_NOTHINGS, note
    )


def _read(file: Path) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Give paragraphs and questions, each with the number of its article."""
    paragraphs: list[tuple[str, int]] = []
    questions: list[tuple[str, int]] = []
    for article, content in enumerate(json.loads(file.read_text("utf-8"))["data"]):
        for paragraph in content["paragraphs"]:
            paragraphs.append((paragraph["context"], article))
            questions += [(asked["question"], article) for asked in paragraph["qas"]]
    return paragraphs, questions


def _found(row: NDArray[np.float32], shared: NDArray[np.int_], there: NDArray[np.bool_]) -> set[int]:
    """Give the paragraphs that a search finds by meaning, and those that it finds by words."""
    legs = (np.where(there, row, -np.inf), np.where(there, shared, -np.inf))
    return {int(number) for leg in legs for number in np.argsort(-leg, kind="stable")[:SNIPPETS]}


def _gets_answer(question: str, found: Sequence[Snippet]) -> bool:
    asked = terms(question)
    return any(is_relevant(asked, snippet) for snippet in found)


def _snippet(text: str, similarity: float) -> Snippet:
    return Snippet(ChunkId(""), DocumentId(""), "", text, PUBLIC, similarity, rule="")
