"""Guess who and what is named from how a sentence is built: a conditional random field, trained on marked texts.

It finds what no directory knows and no rule introduces. What it finds is a guess: it masks more, never less.
How it was trained, on what, and how often it errs: docs/explanation/tagger.md.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pycrfsuite

from redaction.features import TOKEN, features
from redaction.lexicon import lexicon, read_data
from redaction.settle import found_identity
from redaction.types import Identity, Kind, Span

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from redaction.normalise import Folded

MODEL: Final = "tagger.crfsuite"
_SHA256: Final = "a98e21371517deb9dc4f05959404ee2b273b8a255247f09504da0f2bb42ef9c5"
_KINDS: Final = {"USER": Kind.USER, "ORG": Kind.ORG, "PLACE": Kind.PLACE, "TRAIT": Kind.TRAIT, "AMOUNT": Kind.AMOUNT}
_LOCK: Final = threading.Lock()  # the library's tagger holds one sentence at a time
_LONGEST: Final = 400  # words that are tagged at once: the time for a line must not grow with more than its length


def guessed(text: Folded) -> Iterator[Span]:
    """Give what is probably a person, an organisation, a place, a trait or an amount.

    Raises:
        RecogniserFailed: The model or the lexicon is missing, or not the one that was shipped.
    """
    for line in _lines(text.text):
        for at in range(0, len(line), _LONGEST):
            tokens = line[at : at + _LONGEST]
            if any(
                token.end() - token.start() > 1 and token[0].isalpha() for token in tokens
            ):  # else, no name is there
                yield from _spans(tokens, text.text)


def _lines(text: str) -> Iterator[list[re.Match[str]]]:
    line: list[re.Match[str]] = []
    ends = 0
    for token in TOKEN.finditer(text):
        if "\n" in text[ends : token.start()] and line:
            yield line
            line = []
        line.append(token)
        ends = token.end()
    if line:
        yield line


def _spans(tokens: Sequence[re.Match[str]], text: str) -> Iterator[Span]:
    seen = features([token[0] for token in tokens], lexicon())
    with _LOCK:
        tags: list[str] = _tagger().tag(seen)
    start: int | None = None
    for n, tag in enumerate([*tags, "O"]):
        goes_on = start is not None and tag == f"I-{tags[start][2:]}"
        if start is not None and not goes_on:
            yield from _span(tags[start][2:], text, tokens[start].start(), tokens[n - 1].end())
            start = None
        if tag != "O" and not goes_on:
            start = n


def _span(name: str, text: str, start: int, end: int) -> Iterator[Span]:
    kind = _KINDS.get(name)
    if kind is Kind.USER:
        yield Span(start, end, found_identity(text[start:end]), name=text[start:end], guess=True)
    elif kind is not None:
        yield Span(start, end, Identity(kind, " ".join(text[start:end].lower().split())), guess=True)


@cache
def _tagger() -> Any:
    tagger = pycrfsuite.Tagger()
    tagger.open_inmemory(_model())
    return tagger


@cache
def _model() -> bytes:
    # Kept for as long as the process lives: the library reads these bytes where they are, and crashes without them.
    return read_data(MODEL, _SHA256)
