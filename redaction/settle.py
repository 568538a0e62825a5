"""What depends on the other texts of a call: which unsure names count, and where else a found name stands.

Each text is recognised alone, so what was found in it can be kept with it. Afterwards a name that is not
sure by itself counts where its person is identified anywhere in the call, a name that two people share is
hers whom the call identifies otherwise, and a person whom one text introduces is masked in all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from redaction.directory import Person, directory_recogniser
from redaction.names import words_of
from redaction.spans import touched, union
from redaction.types import Identity, Kind, Span, any_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from redaction.normalise import Folded

FOUND: Final = "name:"  # begins the key of somebody whom no directory knows


def found_identity(name: str) -> Identity:
    """Give the identity of somebody of whom no more is known than a name."""
    return Identity(Kind.USER, FOUND + " ".join(words_of(name)))


def settled(
    texts: Sequence[Folded], found: Sequence[Sequence[Span]], known: Sequence[Person] = ()
) -> list[tuple[Span, ...]]:
    """Give what counts of what was found in each text.

    Args:
        texts: All texts of the call.
        found: By the recognisers, for each text.
        known: People who were named earlier in the conversation.
    """
    people = [*known, *_introduced(found)]
    if people:
        among = directory_recogniser(people)
        found = [[*spans, *among(text)] for text, spans in zip(texts, found, strict=True)]
    named = frozenset(people for spans in found for people in _named(spans))
    return [tuple(_settled(spans, named)) for spans in found]


def _introduced(found: Iterable[Sequence[Span]]) -> list[Person]:
    """Give the people whom the texts name and the directory does not know, each once, by the longest name."""
    names: dict[tuple[str, ...], str] = {}
    for spans in found:
        listed = union(span for span in spans if span.identity.kind is Kind.USER and span.sure and not span.name)
        for span in spans:
            if span.name and not touched(span, listed):
                names.setdefault(words_of(span.name), span.name)
    people: list[Person] = []
    covered: set[str] = set()
    for words in sorted(names, key=len, reverse=True):
        if len(words) > 1 or not covered.issuperset(words):
            people.append(Person(found_identity(names[words]).key, names[words]))
            covered.update(words)
    return people


def _named(spans: Iterable[Span]) -> Iterator[frozenset[Identity]]:
    """Give whom the sure names of a text mean: one person, or several that it could be."""
    for candidates in _by_stretch(span for span in spans if span.sure):
        if people := _people(candidates):
            yield people


def _settled(spans: Sequence[Span], named: AbstractSet[frozenset[Identity]]) -> Iterator[Span]:
    alone = frozenset(identity for people in named if len(people) == 1 for identity in people)
    persons = sorted((span for span in spans if span.identity.kind is Kind.USER and not span.name), key=_start)
    for candidates in _by_stretch(spans):
        yield from (span for span in candidates if span.identity.kind is not Kind.USER)
        yield from (_renamed(span, persons) for span in candidates if span.name)
        sure = _people(span for span in candidates if span.sure)
        people = sure or _people(candidates)
        clear = people & alone
        if sure or clear or people in named:
            yield Span(candidates[0].start, candidates[0].end, _identity(clear or people, candidates))


def _renamed(span: Span, persons: Sequence[Span]) -> Span:
    """Give a found name the identity of the person whose name stands in it: "Mr Doe" is John Doe."""
    near = persons[bisect_left(persons, span.start, key=_start) : bisect_left(persons, span.end, key=_start)]
    inside = [other for other in near if other.end <= span.end]
    if not inside:
        return span
    return replace(span, identity=max(inside, key=lambda other: (other.end - other.start, -other.start)).identity)


def _start(span: Span) -> int:
    return span.start


def _identity(people: frozenset[Identity], candidates: Iterable[Span]) -> Identity:
    # A name that hundreds share has its identity ready: to join their keys for each mention takes seconds.
    return next((span.identity for span in candidates if span.people == people), None) or any_of(people)


def _people(spans: Iterable[Span]) -> frozenset[Identity]:
    found = [
        span.people or frozenset({span.identity}) for span in spans if span.identity.kind is Kind.USER and not span.name
    ]
    return found[0] if len(found) == 1 else frozenset().union(*found)


def _by_stretch(spans: Iterable[Span]) -> Iterable[list[Span]]:
    stretches = defaultdict[tuple[int, int], list[Span]](list)
    for span in spans:
        stretches[span.start, span.end].append(span)
    return stretches.values()
