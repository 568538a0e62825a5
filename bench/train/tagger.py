"""Train the tagger: `python -m bench.train.tagger --data DIR`, the folder of data sets; it takes two minutes.

Read: `ner/` (wikigold, WNUT 2017), and of `pii/` the court cases whose split is "train", never another one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pycrfsuite

from redaction.features import TOKEN, features
from redaction.lexicon import DATA, lexicon
from redaction.normalise import fold, fold_text
from redaction.tagger import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Sentence = tuple[list[str], list[str]]  # words, and their tags

_CONLL: Final = ("ner/wikigold.conll.txt", "ner/wnut17train.conll", "ner/emerging.dev.conll")
_CASES: Final = "pii/tab_train_dev.jsonl"
_NAMES: Final = {
    "PER": "USER",
    "person": "USER",
    "ORG": "ORG",
    "corporation": "ORG",
    "group": "ORG",
    "LOC": "PLACE",
    "location": "PLACE",
    "PERSON": "USER",
    "DEM": "TRAIT",
    "QUANTITY": "AMOUNT",
}
_PUBLIC: Final = "PUBLIC"  # begins the tag of what a case names without need to hide it: "the Constitutional Court"
_SETTINGS: Final = {
    "c1": 0.1,
    "c2": 0.02,
    "max_iterations": 100,
    "feature.minfreq": 2,
    "feature.possible_transitions": True,
}
_SEED: Final = 7
_SMALL, _CAPITALS = 0.06, 0.04  # of the sentences, once more in small letters, or in capitals


def main() -> None:
    """Train, write the model, and print its hash."""
    parser = argparse.ArgumentParser(prog="python -m bench.train.tagger", description="Train the tagger.")
    parser.add_argument("--data", type=Path, required=True)
    data: Path = parser.parse_args().data
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(_SETTINGS)
    for words, tags in varied([*(s for file in _CONLL for s in conll(data / file)), *cases(data / _CASES)]):
        trainer.append(features(words, lexicon()), tags)
    trainer.train(str(DATA / MODEL))
    print(hashlib.sha256((DATA / MODEL).read_bytes()).hexdigest())


def varied(sentences: list[Sentence]) -> Iterator[Sentence]:
    """Give all sentences, and some of them in small letters or capitals: people write so."""
    chance = random.Random(_SEED)
    yield from sentences
    for words, tags in sentences:
        drawn = chance.random()
        if drawn < _SMALL:
            yield [word.lower() for word in words], tags
        elif drawn < _SMALL + _CAPITALS:
            yield [word.upper() for word in words], tags


def conll(path: Path) -> Iterator[Sentence]:
    """Give the sentences of a file with a word and its tag on each line."""
    words: list[str] = []
    tags: list[str] = []
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        if not line.strip():
            if words:
                yield words, tags
            words, tags = [], []
            continue
        written, tag = line.rsplit(None, 1)
        name = _NAMES.get(tag[2:])
        for n, word in enumerate(TOKEN.findall(fold_text(written))):
            goes_on = tags and tags[-1][2:] == name and not (tag[0] == "B" and n == 0)
            tags.append("O" if name is None else f"{'I' if goes_on else 'B'}-{name}")
            words.append(word)


def cases(path: Path) -> Iterator[Sentence]:
    """Give the lines of the court cases to train on."""
    for record in map(json.loads, path.read_text("utf-8").splitlines()):
        if record["split"] == "train":
            yield from _case(record)


def _case(record: Mapping[str, object]) -> Iterator[Sentence]:
    folded = fold(str(record["text"]))
    tokens = list(TOKEN.finditer(folded.text))
    starts = [folded.starts[token.start()] for token in tokens]
    tags = ["O"] * len(tokens)
    entities = record["entities"]
    assert isinstance(entities, list)
    for entity in entities:
        if name := _NAMES.get(entity["entity_type"]):
            public = _PUBLIC if entity["identifier_type"] == "NO_MASK" and name != "USER" else ""
            first, end = bisect_left(starts, entity["start_offset"]), bisect_left(starts, entity["end_offset"])
            tags[first:end] = [f"{'B' if n == first else 'I'}-{public}{name}" for n in range(first, end)]
    begin = 0
    for n in range(1, len(tokens) + 1):
        if n == len(tokens) or "\n" in folded.text[tokens[n - 1].end() : tokens[n].start()]:
            yield [token[0] for token in tokens[begin:n]], tags[begin:n]
            begin = n


if __name__ == "__main__":
    main()
