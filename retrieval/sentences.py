"""Where the sentences of a text begin and end.

Rules, no model: office text is full of headings, bullets, table rows, abbreviations and amounts,
and a quote that stops after "e.g." or joins two table rows is worse than one that is a little long.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE: Final = re.compile(r"[^\n]+")
# Bullets (dashes and dots of several widths), list numbers, headings, quotes, table rows.
_ITEM: Final = re.compile(
    r"(?:[-*+\u2022\u2023\u25e6\u2013\u2014\u00b7]|\(?\d{1,3}[.)]|\(?[A-Za-z][)]|#{1,6}|>)[ \t]|\|"
)
# A row of a table: with bars, with tabs, or as ingestion writes it: "Header: cell; Header: cell".
_ROW: Final = re.compile(r"[^|\t]*[|\t].*[|\t]|[^\t]*\t|[^:;\n]{1,60}: [^;\n]*; [^:;\n]{1,60}: ")
# A stop with the quotes and brackets that close behind it, and a blank; full-width stops need none.
# The counts are bounded, so that a page of dots takes no quadratic time.
_END: Final = re.compile(
    r"(?P<mark>[.!?\u2026]{1,9})[\"'\u201d\u2019\u00bb)\]*_]{0,9}(?=[ \t\n\u00a0\u3000])"
    r"|(?P<full>[\u3002\uff01\uff1f]{1,9})[\u201d\u300d\u300f\uff09]{0,9}"
)
_WORD_BEFORE: Final = re.compile(r"(?:\w+\.)*\w+$")
_NEXT_WORD: Final = re.compile(r"[\s\"'\u201c\u2018\u00ab(\[*_]*(\w+)")
_LONGEST_SHORT_FORM: Final = 24
_WRAPPED_AT: Final = 60  # a line this long was broken by its width, not by its author

# Never the end of a sentence: something always follows them.
_ALWAYS_SHORT: Final = re.compile(
    r"mr|mrs|ms|mx|dr|prof|sen|capt|lt|sgt|rev|hon|st|fr|hr|dipl|ing|herr|frau|sr|sra|mme|mlle"
    r"|vs|cf|ggf|evtl|bzw|inkl|exkl|zzgl|vgl|resp|sog|gem|approx|ca|\w|(?:[^\W\d_]\.)+[^\W\d_]",
    re.IGNORECASE,
)
# Short before a number ("No. 4"), a word of its own before anything else ("He said no. Then …").
_SHORT_BEFORE_NUMBER: Final = re.compile(
    r"no|nos|nr|fig|figs|tab|art|abs|eq|sec|secs|ch|vol|pp|para|paras|ref|ext|tel|max|min|al|ziff|rn|lit", re.IGNORECASE
)
# May end one; they do when the next word is not written small.
_MAY_END: Final = re.compile(r"etc|usw|usf|inc|ltd|co|corp|gmbh|plc|jr|bros|a\.m|p\.m", re.IGNORECASE)
_AFTER_ORDINAL: Final = re.compile(
    r"jan(?:uar)?|jänner|feb(?:ruar|er)?|mär(?:z)?|apr(?:il)?|mai|jun[i]?|jul[i]?|aug(?:ust)?|sept?(?:ember)?"
    r"|okt(?:ober)?|nov(?:ember)?|dez(?:ember)?|quartal|jahrhundert",
    re.IGNORECASE,
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Give the offsets of each sentence, in order.

    A heading, a bullet and a table row count as one sentence each; a sentence that is broken over
    lines stays whole.

    Returns:
        Pairs `(start, end)` in characters. They do not overlap, begin and end with a non-blank
        character, and together hold every non-blank character of the text.
    """
    return [cut for start, end in _blocks(text) for cut in _split(text, start, end)]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Join the lines of a wrapped paragraph; leave headings, bullets and rows alone."""
    lines = [span for line in _LINE.finditer(text) if (span := _trimmed(text, *line.span()))]
    if not lines:
        return
    start = lines[0][0]
    for this, following in pairwise(lines):
        if not _runs_on(text, this, following):
            yield start, this[1]
            start = following[0]
    yield start, lines[-1][1]


def _runs_on(text: str, this: tuple[int, int], following: tuple[int, int]) -> bool:
    line, next_line = text[slice(*this)], text[slice(*following)]
    if text.count("\n", this[1], following[0]) > 1 or _ITEM.match(next_line) or _ROW.match(next_line):
        return False
    if line.startswith(("#", "|")) or _ROW.match(line):
        return False
    return next_line[0].islower() or len(line) >= _WRAPPED_AT


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if _ROW.match(text[start:end].partition("\n")[0]):  # "| Dr. | 4. |": the stops in a cell end nothing
        yield start, end
        return
    for mark in _END.finditer(text, start, end):
        if mark.group("full") or _ends_here(text, start, mark):
            if cut := _trimmed(text, start, mark.end()):
                yield cut
            start = mark.end()
    if cut := _trimmed(text, start, end):
        yield cut


def _ends_here(text: str, start: int, mark: re.Match[str]) -> bool:
    """Say whether a stop is the end of a sentence rather than part of a short form."""
    following = _NEXT_WORD.match(text, mark.end())
    word = following.group(1) if following else ""
    if word[:1].islower():
        return False
    if mark.group("mark") != ".":
        return True
    found = _WORD_BEFORE.search(text, max(start, mark.start() - _LONGEST_SHORT_FORM), mark.start())
    if found is None:
        return True
    before = found.group()
    if before.isdecimal():  # "1. Scope" and "am 3. Mai", but "in 2020. The"
        return found.start() > start and not _AFTER_ORDINAL.fullmatch(word)
    if _SHORT_BEFORE_NUMBER.fullmatch(before):
        return not word[:1].isdecimal()
    return bool(_MAY_END.fullmatch(before)) or not _ALWAYS_SHORT.fullmatch(before)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Drop blanks at both ends; None when nothing is left."""
    piece = text[start:end]
    if not piece.strip():
        return None
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
