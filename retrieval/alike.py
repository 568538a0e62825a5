"""What two texts say alike: a sentence that adds nothing to another, and an older version of a newer text.

Two sentences of which one only has fewer words say the same; two that differ in a figure, in a "not" or in any
other word that carries meaning do not, however long they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from retrieval.relevance import terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.types import ChunkId, Snippet

Statement = frozenset[int | str]

_SAME_TEXT: Final = 0.7  # share of the words that two versions of a text have in common, of all words in both
_SAME_TITLE: Final = 0.4  # the same, of texts of one title
# Figures as they are written; and what the keyword index takes for empty words, though a sentence turns on it.
_KEPT: Final = re.compile(
    r"\d[\w.,:/-]*|(?<!\w)(?:not?|nor|never|none|neither|without|except|unless|only|cannot|\w+n['\u2019]t|before|after"
    r"|under|over|below|above|nicht|nie|kein\w*|ohne|nur|au\u00dfer|vor|nach|unter|\u00fcber|ne|pas|sans|sauf|jamais"
    r"|sin|nunca|salvo)(?!\w)",
    re.IGNORECASE,
)


def statement(text: str, stems: frozenset[int] | None = None) -> Statement:
    """Give what a sentence says as a bag: the stems of its words, its figures, and words such as "not".

    Args:
        text: The sentence.
        stems: Its `terms`, if they are at hand.
    """
    said = terms(text) if stems is None else stems
    return said | {word.casefold().rstrip(".,:/-") for word in _KEPT.findall(text)}


def adds_nothing(this: Statement, said: Iterable[Statement]) -> bool:
    """Say whether a sentence was said before, with nothing left out."""
    return any(this <= other for other in said)


def newest_first(
    snippets: Sequence[Snippet], bags: Sequence[Statement] | None = None
) -> tuple[list[Snippet], dict[ChunkId, Snippet]]:
    """Put versions of one text in the order of their dates, in the places that they have; all else stays.

    Versions are chunks of two documents that have most of their words in common, or many of them and the same title.
    What has no date, or the same one, is nobody's version.

    Args:
        snippets: In any order.
        bags: What each of them says, if that is at hand: the `statement` of its text, or those of its sentences joined.

    Returns:
        The snippets; and of each that is an older version, the newest.
    """
    bags = [statement(snippet.text) for snippet in snippets] if bags is None else bags
    ordered = list(snippets)
    newest: dict[ChunkId, Snippet] = {}
    left = [*range(len(snippets))]
    while left:
        first = left[0]
        places = [first, *(at for at in left[1:] if _are_versions(snippets, bags, first, at))]
        left = [at for at in left if at not in places]
        group = sorted((snippets[at] for at in places), key=_age)
        newest |= {older.chunk: group[0] for older in group[1:]}
        for at, version in zip(places, group, strict=True):
            ordered[at] = version
    return ordered, newest


def _are_versions(snippets: Sequence[Snippet], bags: Sequence[Statement], one: int, other: int) -> bool:
    first, second = snippets[one], snippets[other]
    if first.document == second.document or None in (first.dated, second.dated) or first.dated == second.dated:
        return False
    shared = len(bags[one] & bags[other]) / (len(bags[one] | bags[other]) or 1)
    return shared >= (_SAME_TITLE if first.title.casefold() == second.title.casefold() else _SAME_TEXT)


def _age(snippet: Snippet) -> float:
    return -snippet.dated.timestamp() if snippet.dated else 0
