"""What is known of words: whether a word is an ordinary one, a given name, a surname, a part of a place's name.

It decides nothing by itself. The tagger learns from marked texts how much each says: "Reading" is all four.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redaction.errors import RecogniserFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATA: Final = Path(__file__).parent / "data"
UNKNOWN: Final = "-"
_LONGEST: Final = 4  # words of a place's name
_SHA256: Final = "bea9bce2e44ad2e42be2b6ae75dda587f273d4c20d8241357056eda43a01d8ac"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and names of places, each with letters: w a word, f a given name, s a surname, p a town, c a country."""

    entries: Mapping[str, str]
    beginnings: frozenset[str]  # the first words of all places of several words

    def of(self, word: str) -> str:
        """Give what a word in small letters is, or `UNKNOWN`."""
        return self.entries.get(word, UNKNOWN)

    def place(self, words: Sequence[str]) -> int:
        """Give how many of these words, from the first on, are the name of a place that has several; or 0."""
        if words[0] not in self.beginnings:
            return 0
        for count in range(min(_LONGEST, len(words)), 1, -1):
            if " ".join(words[:count]) in self.entries:
                return count
        return 0


def read_data(name: str, sha256: str) -> bytes:
    """Read a file that belongs to this package, if it is the one that was shipped.

    Raises:
        RecogniserFailed: It is missing, or another.
    """
    try:
        data = (DATA / name).read_bytes()
    except OSError:
        raise RecogniserFailed(f"{name}, which belongs to the program, is missing: install it again") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RecogniserFailed(f"{name} is not the file that belongs to the program: install it again")
    return data


def parse(text: str) -> Lexicon:
    """Read a lexicon: a line for each entry, with a tab before its letters."""
    entries = dict(line.split("\t") for line in text.splitlines())
    return Lexicon(entries, frozenset(entry.partition(" ")[0] for entry in entries if " " in entry))


@cache
def lexicon() -> Lexicon:
    """Give the lexicon of this package; it is read at its first use.

    Raises:
        RecogniserFailed: Its file is missing, or another.
    """
    return parse(gzip.decompress(read_data("lexicon.txt.gz", _SHA256)).decode("utf-8"))
