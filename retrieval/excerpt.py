"""From permitted snippets, the short stretches that answer: little text, exact offsets, few sources."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from retrieval.alike import adds_nothing, newest_first, statement
from retrieval.find import SNIPPETS
from retrieval.relevance import ENOUGH, asked_for, covered, support, terms, weigh
from retrieval.sentences import sentences
from retrieval.types import Excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from retrieval.alike import Statement
    from retrieval.permit import Permitted
    from retrieval.types import ChunkId, Snippet

MAX_EXCERPTS: Final = 5
ALSO: Final = 0.6  # of the support of the best snippet: what has less is shown beside nothing

# Characters of all excerpts together: a share of the five best snippets, so that a chunk of any size is cut down,
# and never so few that nothing can be said. Found by `python -m bench excerpts`.
SHARE: Final = 0.45
LEAST: Final = 480
MOST_OF_ONE_DOCUMENT: Final = 0.67  # of that, as long as others have something to say

_NEIGHBOUR: Final = 0.3  # what a word counts that stands in the sentence before or after
_AROUND: Final = 0.15  # the same, anywhere in the chunk
_WITHOUT_WORDS: Final = 0.02  # so that near snippets without any of the words are told from far ones
_WORTH_SHOWING: Final = 0.1  # of the value of the best sentence

# Who is meant by such a first word stands in the sentence before.
_POINTS_BACK: Final = re.compile(
    r"[\"'(\u201c]*(?:it|its|they|them|their|theirs|he|she|his|her|this|that|these|those|such|both|however|also"
    r"|therefore|thus|otherwise|er|sie|es|ihr|dies\w{0,2}|diese[rsmn]?|dort|dabei|dazu|daf\u00fcr|sonst|il|elle|ils"
    r"|elles|cela|ceci|ello|esto|eso)\b",
    re.IGNORECASE,
)


def excerpts(question: str, permitted: Permitted, about: str = "") -> tuple[Excerpt, ...]:
    """Choose the stretches of permitted snippets that answer a question; none if none is worth showing.

    Args:
        question: As asked.
        permitted: What to choose from: the first eight of it, so that what had to be searched for the rest moves
            nothing.
        about: The earlier questions that this one goes on from.

    Returns:
        At most 5, one of a chunk, the best supported first; of versions of one text, the newest before the others.
        No sentence is in it that says only what another of them says. Together they have at most `SHARE` of the
        characters of the first five snippets, or `LEAST`, or are one sentence that is longer.
    """
    snippets = [snippet for snippet in permitted.snippets[:SNIPPETS] if snippet.text.strip()]
    supports = dict(zip([snippet.chunk for snippet in snippets], support(question, snippets, about), strict=True))
    best = max(supports.values(), default=0)
    if best < ENOUGH:
        return ()
    ranked = sorted(snippets, key=lambda snippet: -supports[snippet.chunk])
    shown = [_read(snippet) for snippet in ranked if supports[snippet.chunk] >= ALSO * best]
    ordered, newest = newest_first([read.snippet for read in shown], [read.statement for read in shown])
    room = SHARE * sum(len(snippet.text) for snippet in permitted.snippets[:MAX_EXCERPTS])
    of_chunk = {read.snippet.chunk: read for read in shown}
    cuts = list(_cuts([of_chunk[snippet.chunk] for snippet in ordered]))
    choice = _chosen(cuts, _values(cuts, asked_for(question, about), supports), max(LEAST, int(room)))
    return tuple(
        _excerpt(cuts[number], first, last, newest.get(cuts[number].snippet.chunk))
        for number, (first, last) in sorted(choice.stretches.items())
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A snippet as sentences, with what each of them says."""

    snippet: Snippet
    spans: Sequence[tuple[int, int]]
    stems: Sequence[frozenset[int]]
    statements: Sequence[Statement]

    @property
    def statement(self) -> Statement:
        return frozenset[int | str]().union(*self.statements)


def _read(snippet: Snippet) -> _Read:
    spans = sentences(snippet.text)
    texts = [snippet.text[start:end] for start, end in spans]
    stems = [terms(text) for text in texts]
    statements = [statement(text, words) for text, words in zip(texts, stems, strict=True)]
    return _Read(snippet, spans, stems, statements)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A snippet as sentences."""

    snippet: Snippet
    spans: Sequence[tuple[int, int]]
    stems: Sequence[frozenset[int]]
    new: Sequence[bool]  # which of them say what no better snippet says

    def length(self, first: int, last: int) -> int:
        return self.spans[last][1] - self.spans[first][0]

    def points_back(self, number: int) -> bool:
        return number > 0 and bool(_POINTS_BACK.match(self.snippet.text, self.spans[number][0]))


def _cuts(snippets: Sequence[_Read]) -> Iterator[_Cut]:
    # Chunks of one section overlap, and documents are copied: what stands in two of them is shown once.
    said: list[Statement] = []
    for read in snippets:
        new = [not adds_nothing(each, said) for each in read.statements]
        yield _Cut(read.snippet, read.spans, read.stems, new)
        said += read.statements


def _values(
    cuts: Sequence[_Cut], asked: Mapping[int, float], supports: Mapping[ChunkId, float]
) -> dict[tuple[int, int], float]:
    """Say what each new sentence is worth, by the number of its snippet and its own."""
    bags = [cut.stems for cut in cuts]
    weights = weigh(asked, [bag for inside in bags for bag in inside])
    whole = sum(weights.values()) or 1
    values: dict[tuple[int, int], float] = {}
    for place, (cut, inside) in enumerate(zip(cuts, bags, strict=True)):
        own = [covered(weights, bag) / whole for bag in inside]
        around = _AROUND * covered(weights, frozenset[int]().union(*inside)) / whole + _WITHOUT_WORDS
        backing = supports[cut.snippet.chunk] ** 3
        for number in range(len(own)):
            if cut.new[number]:
                neighbour = max([*own[max(0, number - 1) : number], *own[number + 1 : number + 2]], default=0)
                values[place, number] = (own[number] + _NEIGHBOUR * neighbour + around) * backing
    return values


@dataclass(slots=True)
class _Choice:
    """One stretch of each snippet that something was taken from, and what that is in characters."""

    stretches: dict[int, tuple[int, int]] = field(default_factory=dict)  # first and last sentence
    used: int = 0
    of_document: Counter[str] = field(default_factory=Counter)

    def take(self, place: int, cut: _Cut, number: int, *, room: int, for_document: int) -> None:
        """Add a sentence, and what lies between it and the stretch that its snippet has; if it fits in whole."""
        first, last = self.stretches.get(place, (number, number))
        before = cut.length(first, last) if place in self.stretches else 0
        widened = min(first, number), max(last, number)
        if widened[0] == number and cut.points_back(number) and cut.new[number - 1]:
            options = [(number - 1, widened[1]), widened]
        else:
            options = [widened]
        for option in options:
            more = cut.length(*option) - before
            fits = self.used + more <= room and self.of_document[cut.snippet.document] + more <= for_document
            if fits or not self.used:
                self.stretches[place] = option
                self.used += more
                self.of_document[cut.snippet.document] += more
                return


def _chosen(cuts: Sequence[_Cut], values: Mapping[tuple[int, int], float], room: int) -> _Choice:
    """Take the sentences of most worth while there is room: first with a limit for each document, then without."""
    ordered = sorted(values, key=lambda each: (-values[each], each))
    worthy = [each for each in ordered if values[each] >= _WORTH_SHOWING * values[ordered[0]]]
    choice = _Choice()
    for limit in (int(MOST_OF_ONE_DOCUMENT * room), room):
        for place, number in worthy:
            if place in choice.stretches or len(choice.stretches) < MAX_EXCERPTS:
                choice.take(place, cuts[place], number, room=room, for_document=limit)
    return choice


def _excerpt(cut: _Cut, first: int, last: int, newest: Snippet | None) -> Excerpt:
    start, end = cut.spans[first][0], cut.spans[last][1]
    snippet = cut.snippet
    return Excerpt(
        chunk=snippet.chunk,
        document=snippet.document,
        title=snippet.title,
        text=snippet.text[start:end],
        start=start,
        end=end,
        label=snippet.label,
        headings=snippet.headings,
        dated=snippet.dated,
        newest=newest.document if newest else None,
    )
