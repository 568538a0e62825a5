"""Excerpts and honest nothing: how little is shown with the answer still in it, and how often nothing is said rightly.

The paragraphs of xquad are taken in, each as a document in the folder of its article, and its questions are put to
them twice: by somebody who may read everything, and by somebody whom the folder of the question's own article is
closed to. So nothing answers the second, and the way to it is the real one, through the permissions.

What the two constants of `retrieval/relevance.py` were found by stands here too: they are looked for again on the
even articles, and tried on the odd ones.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import select

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Principal, Rule
from acl.labels import Label, Level
from acl.names import Obj, Subject, UserId
from acl.scope import scope_of
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.settings import cache_folder
from api.wiring import open_house
from bench.figures import PAGE, Figure, at_least, at_most
from bench.handbook_questions import QUESTIONS
from bench.plot import Axis, Line, plot
from retrieval import relevance
from retrieval.embed import Embedder
from retrieval.excerpt import MAX_EXCERPTS, excerpts
from retrieval.find import SNIPPETS, find
from retrieval.permit import permit
from store.engine import snapshot
from store.schema import node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from api.wiring import House
    from ingest.outcome import Outcome
    from retrieval.permit import Permitted

PLOT: Final = PAGE.with_name("honest-nothing.svg")
FALSE_NOTHINGS: Final = 0.05
HONEST_NOTHINGS: Final = 0.80
_QUICK: Final = 300  # questions
_ALL: Final = UserId("user:all")


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure both, on the same questions."""
    file = data / "xquad" / "xquad.en.json"
    if not file.is_file():
        yield Figure("P10", "excerpt characters / whole chunks", None, note=f"{file} is not there")
        return
    questions = [*_questions(file)]
    asked = random.Random(1).sample(questions, _QUICK) if quick else questions
    with tempfile.TemporaryDirectory() as place:
        with _filled(Path(place), _xquad(file, Path(place) / "source")) as house:
            _close_one_each(house, {question.article for question in questions})
            found_in = [
                (question, _ask(house, question.text, _ALL), _ask(house, question.text, _without(question.article)))
                for question in asked
            ]
        yield from _kept(found_in)
        yield from _nothings(found_in, write=not quick)
        if (data / "handbook").is_dir() and not quick:
            yield from _handbook(Path(place), data / "handbook" / "pages", [question.text for question in asked[::4]])


@dataclass(frozen=True, slots=True)
class Question:
    """A question of xquad."""

    text: str
    article: int
    answers: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is worth showing: the weight of words beside the cosine, and the bar."""

    words: float = relevance.WORDS
    enough: float = relevance.ENOUGH


# What may be read by who may read everything, and by somebody whom the question's own article is closed to.
_Found = tuple[Question, "Permitted", "Permitted"]
_Parts = np.ndarray[tuple[int, int, int], np.dtype[np.float64]]  # see `_parts`
_Asked = tuple[_Parts, _Parts]  # answerable and unanswerable


def _kept(found_in: Sequence[_Found]) -> Iterator[Figure]:
    """Compare the excerpts with the five best chunks, which they are cut from."""
    shown = whole = stood = kept = 0
    for question, permitted, _ in found_in:
        chunks = [snippet.text for snippet in permitted.snippets[:MAX_EXCERPTS]]
        chosen = [excerpt.text for excerpt in excerpts(question.text, permitted)]
        shown, whole = shown + sum(map(len, chosen)), whole + sum(map(len, chunks))
        if _holds(chunks, question):
            stood, kept = stood + 1, kept + _holds(chosen, question)
    note = f"{len(found_in)} questions of xquad; a question that gets nothing keeps no answer"
    yield at_most("P10", "excerpt characters / those of the five best chunks", shown / whole, 0.35, note)
    yield at_least("P10", "answers kept, of those that stand in the five best chunks", kept / stood, 0.97, note)


def _holds(texts: Sequence[str], question: Question) -> bool:
    return any(answer in text for text in texts for answer in question.answers)


def _nothings(found_in: Sequence[_Found], *, write: bool) -> Iterator[Figure]:
    answerable = _parts([(question.text, permitted) for question, permitted, _ in found_in])
    unanswerable = _parts([(question.text, permitted) for question, _, permitted in found_in])
    yield from _both(("N1", "N2"), "", (answerable, unanswerable), _Rule())
    odd = np.array([question.article % 2 == 1 for question, _, _ in found_in])
    rule = _fitted(answerable[~odd], unanswerable[~odd])
    of = f" of odd articles, with {rule.words:g} and {rule.enough:.2f} found on even ones"
    yield from _both(("N3", "N4"), of, (answerable[odd], unanswerable[odd]), rule)
    if write:
        PLOT.write_text(_curve(answerable, unanswerable), "utf-8")


def _both(ids: tuple[str, str], of: str, asked: _Asked, rule: _Rule) -> Iterator[Figure]:
    falsely, honestly = (_nothing(parts, rule) for parts in asked)
    note = f"{len(asked[0])} and {len(asked[1])} questions"
    yield at_most(ids[0], f"answerable questions that get nothing, share{of}", falsely, FALSE_NOTHINGS, note)
    yield at_least(ids[1], f"unanswerable questions that get nothing, share{of}", honestly, HONEST_NOTHINGS, note)


def _parts(asked: Sequence[tuple[str, Permitted]]) -> _Parts:
    """Give cosine and share of words of each snippet, shape (questions, 8, 2): what `support` adds up."""
    parts = np.zeros((len(asked), SNIPPETS, 2))
    for row, (question, permitted) in zip(parts, asked, strict=True):
        snippets = permitted.snippets[:SNIPPETS]
        similar = np.array([snippet.similarity for snippet in snippets])
        row[: len(snippets), 0] = similar
        row[: len(snippets), 1] = (np.array(relevance.support(question, snippets)) - similar) / relevance.WORDS
    return parts


def _nothing(parts: _Parts, rule: _Rule) -> float:
    """Give the share of questions none of whose snippets is worth showing."""
    return float(np.mean(_best(parts, rule.words) < rule.enough))


def _best(parts: _Parts, words: float) -> NDArray[np.float64]:
    best: NDArray[np.float64] = (parts[:, :, 0] + words * parts[:, :, 1]).max(axis=1)
    return best


def _fitted(answerable: _Parts, unanswerable: _Parts) -> _Rule:
    """Find the rule with the most honest nothings among those that lose 1.5 % of the answerable questions."""
    weights = [number / 10 for number in range(1, 15)]
    rules = [_Rule(words, float(np.quantile(_best(answerable, words), 0.015))) for words in weights]
    return max(rules, key=lambda rule: _nothing(unanswerable, rule))


def _curve(answerable: _Parts, unanswerable: _Parts) -> str:
    lines = []
    for name, words in (("cosine and words", relevance.WORDS), ("cosine alone", 0.0)):
        rules = [_Rule(words, number / 100) for number in range(20, 120)]
        points = [(_nothing(answerable, rule), _nothing(unanswerable, rule)) for rule in rules]
        here = [(_nothing(answerable, _Rule()), _nothing(unanswerable, _Rule()), f"{relevance.ENOUGH:g}")]
        lines.append(Line(name, [point for point in points if point[0] <= 0.1], here if words else ()))
    return plot(
        "Honest nothing: questions of xquad that get no answer",
        "The more answerable questions get nothing, the more unanswerable ones do: with cosine and words, more than "
        "eight in ten at little more than one in a hundred; with the cosine alone, far fewer.",
        Axis("answerable questions that get nothing, share", [0, 0.02, 0.04, 0.06, 0.08, 0.1]),
        Axis("unanswerable questions that get nothing, share", [0.2, 0.4, 0.6, 0.8, 1]),
        lines,
    )


def _handbook(place: Path, source: Path, foreign: Sequence[str]) -> Iterator[Figure]:
    """Ask what nothing was fitted to: short questions of staff, and those of xquad, of a handbook."""
    folder = place / "handbook"
    for file in source.rglob("*.md"):
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    with _filled(place / "second", folder) as house:
        asked = _handbook_parts(house, QUESTIONS), _handbook_parts(house, foreign)
    yield from _both(("N5", "N6"), ", of a handbook", asked, _Rule())


def _handbook_parts(house: House, questions: Sequence[str]) -> _Parts:
    return _parts([(question, _ask(house, question, _ALL)) for question in questions])


# --- an installation to ask ---------------------------------------------------------------------


class _Quiet:
    def started(self, _files: int) -> None:
        """Say nothing."""

    def finished(self, _outcome: Outcome) -> None:
        """Say nothing."""


@contextmanager
def _filled(place: Path, source: Path) -> Iterator[House]:
    found(place / "data")
    with open_house(place / "data", Embedder(cache=cache_folder())) as house:
        target = Target("bench", ["role:everyone"], Label(Level.INTERNAL))
        ingest_folder(house, source, target, actor=CONSOLE, progress=_Quiet())
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            add_user(change, Person(_ALL, "All", "", "", Level.INTERNAL))
        yield house


def _close_one_each(house: House, articles: set[int]) -> None:
    """Make for each article somebody who may read all the others."""
    with snapshot(house.store.engine) as connection:
        folders = {row.name: row.id for row in connection.execute(select(node))}
    with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
        for article in sorted(articles):
            user = _without(article)
            add_user(change, Person(user, "Reader", "", "", Level.INTERNAL))
            grant(change, Rule(Subject(user), Obj(folders[str(article)]), "read", "deny"))


def _without(article: int) -> UserId:
    return UserId(f"user:without-{article}")


def _ask(house: House, question: str, user: UserId) -> Permitted:
    gate = partial(permit, engine=house.store.engine, keys=house.store.keys)
    with snapshot(house.store.engine) as connection:
        scope = scope_of(connection, Principal(user, Obj("app:bench")), "read")
    return find(question, scope, index=house.index, embed=house.embed, permit=gate)


def _questions(file: Path) -> Iterator[Question]:
    for article, content in enumerate(json.loads(file.read_text("utf-8"))["data"]):
        for paragraph in content["paragraphs"]:
            for asked in paragraph["qas"]:
                yield Question(asked["question"], article, [answer["text"] for answer in asked["answers"]])


def _xquad(file: Path, folder: Path) -> Path:
    """Write each paragraph into a file, in the folder of its article."""
    for article, content in enumerate(json.loads(file.read_text("utf-8"))["data"]):
        (folder / str(article)).mkdir(parents=True)
        for number, paragraph in enumerate(content["paragraphs"]):
            (folder / str(article) / f"{number}.md").write_text(paragraph["context"] + "\n", "utf-8")
    return folder
