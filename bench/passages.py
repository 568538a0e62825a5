"""Passages of real texts, out of the data sets: abstracts, articles, a handbook, a company's records, court cases.

What is measured on random vectors says little: real ones lie in clusters, and permissions follow the clusters.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from retrieval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONG: Final = 240  # characters after which a passage ends with its sentence
_SHORT: Final = 60  # characters that a passage has at least


class Passage(NamedTuple):
    """A few sentences, and the number of the text that they are from."""

    document: int
    text: str


def passages(data: Path, count: int) -> list[Passage]:
    """Give at most so many passages, no two of them alike, out of all data sets; of an absent one, none."""
    texts = list(_texts(data))
    random.Random(0).shuffle(texts)
    found: dict[str, int] = {}
    for document, text in enumerate(texts):
        for passage in _cut(text):
            found.setdefault(passage, document)
    return [Passage(document, text) for text, document in list(found.items())[:count]]


def questions(data: Path) -> list[str]:
    """Give questions and claims that people wrote about some of the passages."""
    asked = [str(question["question"]) for paragraph in _paragraphs(data) for question in paragraph["qas"]]
    for file in sorted((data / "scifact").glob("queries.test.tsv")):
        asked += [line.partition("\t")[2] for line in file.read_text("utf-8").splitlines()]
    return asked


def _texts(data: Path) -> Iterator[str]:
    for file in sorted((data / "scifact").glob("corpus.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            article = json.loads(line)
            yield f"{article['title']}\n\n{article['text']}"
    for paragraph in _paragraphs(data):
        yield str(paragraph["context"])
    for file in sorted((data / "handbook").rglob("*.md")):
        yield file.read_text("utf-8")
    for file in sorted((data / "company").rglob("*.json")):
        for record in json.loads(file.read_text("utf-8")):
            yield "\n\n".join(_strings(record))
    for file in sorted((data / "pii").glob("tab_*.jsonl")):
        yield from (json.loads(line)["text"] for line in file.read_text("utf-8").splitlines())


def _paragraphs(data: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((data / "xquad").glob("*.json")):
        for article in json.loads(file.read_text("utf-8"))["data"]:
            yield from article["paragraphs"]


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _strings(inner)
        case list():
            for inner in value:
                yield from _strings(inner)


def _cut(text: str) -> Iterator[str]:
    """Cut a text into stretches of whole sentences."""
    start = None
    for begin, end in sentences(text):
        start = begin if start is None else start
        if end - start >= _LONG:
            yield text[start:end]
            start = None
    if start is not None and len(text) - start >= _SHORT:
        yield text[start:].rstrip()
