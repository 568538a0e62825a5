"""How much of what identifies is found, and how much is masked without need: counted on texts marked by people.

Recall of a type: the share of its marked stretches of which no letter and no digit stays. Precision: the share
of masked letters and digits that are marked; of a kind, the share of its stretches of which at least half is. A
stretch that is marked as harmless counts for neither recall nor precision as marked.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from redaction.errors import BadExamples
from redaction.normalise import fold
from redaction.recognise import recognise
from redaction.redact import replaced_stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from redaction.types import Recogniser, Span

_Z = 1.959964  # of the normal distribution: 95 % lie between -z and z


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch of a text that somebody marked: offsets in characters."""

    start: int
    end: int
    types: tuple[str, ...]  # such as PERSON and DIRECT: it counts for each of them


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what is to be masked in it."""

    text: str
    marked: tuple[Marked, ...]
    split: str = ""  # "train", where the text was used to train on


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a number of things."""

    of: int
    count: int

    @property
    def value(self) -> float:
        """Give the share; of nothing, it is nought."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Give the bounds between which the true share lies, 19 times of 20.

        Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
        """
        if not self.of:
            return 0.0, 1.0
        middle = self.value + _Z**2 / (2 * self.of)
        reach = _Z * math.sqrt(self.value * (1 - self.value) / self.of + _Z**2 / (4 * self.of**2))
        low, high = ((middle + sign * reach) / (1 + _Z**2 / self.of) for sign in (-1, 1))
        return max(0.0, low), min(1.0, high)


@dataclass(frozen=True, slots=True)
class Score:
    """What was counted."""

    recall: Mapping[str, Share]  # by the types of what is marked
    precision: Mapping[str, Share]  # by the kinds of what is masked
    characters: Share  # of masked letters and digits, those that are marked
    missed: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # type, and the words: never shown by default


def score(examples: Iterable[Example], mask: Callable[[str], Sequence[Span]]) -> Score:
    """Count what a masking finds.

    Args:
        examples: Marked texts.
        mask: Gives what it masks of a text: ascending, apart from each other, with offsets in the text.
    """
    marked, found, masked, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    characters = told = 0
    missed: list[tuple[str, str]] = []
    for example in examples:
        stretches = mask(example.text)
        covered = _cover(example.text, ((span.start, span.end) for span in stretches))
        wanted = _cover(example.text, ((mark.start, mark.end) for mark in example.marked))
        for mark in example.marked:
            is_found = covered(mark.start, mark.end) == _signs(example.text[mark.start : mark.end])
            marked.update(mark.types)
            found.update(mark.types if is_found else ())
            missed += () if is_found else ((mark.types[0], example.text[mark.start : mark.end]),)
        for span in stretches:
            length, good = _signs(example.text[span.start : span.end]), wanted(span.start, span.end)
            characters, told = characters + length, told + good
            masked[span.identity.kind] += 1
            right[span.identity.kind] += 2 * good >= length
    return Score(
        {name: Share(count, found[name]) for name, count in sorted(marked.items())},
        {name: Share(count, right[name]) for name, count in sorted(masked.items())},
        Share(characters, told),
        tuple(missed),
    )


def masked_by(recognisers: Sequence[Recogniser]) -> Callable[[str], Sequence[Span]]:
    """Give what tells what these recognisers mask of a text that stands alone."""

    def mask(text: str) -> Sequence[Span]:
        folded = fold(text)
        (spans,) = recognise([folded], recognisers)
        return replaced_stretches(folded, spans)

    return mask


def read_examples(path: Path) -> list[Example]:
    """Read marked texts: lines of JSON, or a list of it.

    Each has `text` and `entities` (with `start_offset`, `end_offset`, `entity_type`, and `identifier_type` if
    some are harmless: NO_MASK), or `full_text` and `spans` (with `start_position`, `end_position`, `entity_type`).

    Raises:
        BadExamples: The file cannot be read, or holds something else.
    """
    try:
        text = path.read_text("utf-8")
        records = (
            json.loads(text) if text.lstrip()[:1] == "[" else [json.loads(line) for line in text.splitlines() if line]
        )
        return [_example(record) for record in records]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadExamples(
            f"{path} holds no marked texts ({type(error).__name__}): see `ntk redaction eval --help`"
        ) from error


def files_of(folder: Path) -> list[Path]:
    """Give the files of marked texts of a folder: those in it, or else those in its folder `pii`."""
    for where in (folder, folder / "pii"):
        if found := sorted(path for path in where.glob("*.json*") if path.suffix in {".json", ".jsonl"}):
            return found
    return []


def _example(record: Mapping[str, Any]) -> Example:
    if "full_text" in record:
        return Example(
            record["full_text"], tuple(_mark(span, "start_position", "end_position") for span in record["spans"])
        )
    marked = (
        _mark(e, "start_offset", "end_offset") for e in record["entities"] if e.get("identifier_type") != "NO_MASK"
    )
    return Example(record["text"], tuple(marked), record.get("split", ""))


def _mark(record: Mapping[str, Any], start: str, end: str) -> Marked:
    types = (record["entity_type"], record.get("identifier_type"))
    return Marked(int(record[start]), int(record[end]), tuple(str(name) for name in types if name))


def _cover(text: str, stretches: Iterable[tuple[int, int]]) -> Callable[[int, int], int]:
    """Give what counts the letters and digits of a stretch that lie in one of these stretches."""
    inside = bytearray(len(text))
    for start, end in stretches:
        inside[start:end] = b"\1" * (end - start)
    sums = [0, *accumulate(bool(flag) and sign.isalnum() for flag, sign in zip(inside, text, strict=True))]
    return lambda start, end: sums[end] - sums[start]


def _signs(text: str) -> int:
    return sum(map(str.isalnum, text))
