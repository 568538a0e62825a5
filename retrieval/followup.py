"""Questions that go on from earlier ones, such as "And in Berlin?" after one on Hamburg.

By rules, without a model. A question goes on when it says so, when it is a mere addition, or when it is short and
speaks of somebody or something that it does not name. Where that is in doubt it stands for itself: an earlier
question that is added wrongly misleads the search, and one that is missing is soon written out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from retrieval.words import EMPTY

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_EARLIER: Final = 2  # questions: the one that began it, and the last
_LONGEST: Final = 300  # characters of an earlier question
_SHORT: Final = 3  # words with a topic: a longer question names what it speaks of

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_ARTICLE: Final = r"(?:(?:the|an?|our|my|all|der|die|das|den|dem|eine?[rmn]?|la|les?|los|las|el)\s+)?"
_PLACED: Final = (
    r"in|at|for|from|on|with|without|during|before|after|under|within|until|since|per"
    r"|f\u00fcr|bei|mit|ohne|ab|vor|nach|w\u00e4hrend|aus|seit|bis|im|am|pour|en|avec|sans|dans|para|con|sin"
)
_AND: Final = re.compile(r"(?:and|or|but|so|also|then|und|oder|aber|et|ou|mais|y|o|pero)\b[\s,:]*", re.IGNORECASE)
_WHAT_ABOUT: Final = re.compile(
    r"(?:what|how) about\b|(?:and )?(?:is it )?the same (?:for|with|in)\b|same (?:for|with|in)\b"
    r"|(?:please )?(?:tell|give|show) me (?:some )?(?:more|details|examples?)\b(?! (?:about|on|of|for) \w+ \w+)"
    r"|(?:more|any) (?:details|examples?)\b|was ist mit\b|wie (?:ist|sieht) es (?:mit|bei|in)\b|qu['\u2019]en est-il\b"
    r"|qu\u00e9 hay de\b",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(
    r"who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|may|must|should|shall|will"
    r"|would|has|have|had|wer|wen|wem|was|wann|wo|warum|wie|welche[rsmn]?|ist|sind|war|hat|haben|kann|darf|muss|soll"
    r"|wird|gibt|qui|que|quoi|quand|o\u00f9|pourquoi|comment|combien|est|sont|peut|qui\u00e9n|qu\u00e9|cu\u00e1ndo"
    r"|d\u00f3nde|c\u00f3mo|cu\u00e1nt[oa]s?|hay|puede",
    re.IGNORECASE,
)
# With a small letter where the language tells "sie" from "Sie" by it; "that" only where no noun stands before it.
_POINTING: Final = re.compile(
    r"\b(?:(?i:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those|there|such|else|instead"
    r"|(?:does|do|did|is|was|about|for|of|after|with|by|like|from) that|which ones?|th(?:is|at) one)"
    r"|er|ihn|ihm|sie|ihre?[rsmn]?|dies\w{0,2}|das(?=[\s?!.]*$)|dort|davon|daf\u00fcr|damit|dazu|dar\u00fcber|deren|dessen"
    r"|il|elle|ils|elles|cela|\u00e7a|lui|leurs?|ello|eso|esto|all\u00ed)\b"
)
# "It" and "there" that stand for nothing.
_EMPTY_SUBJECT: Final = re.compile(
    r"\b(?:(?:is|was|will|would) it (?=\w+ (?:to|that|if)\b)|does it take\b|it takes\b|(?:is|are|was|were) there\b"
    r"|there (?:is|are)\b|il y a\b|what time is it\b|(?:is|ist) (?:it|es) (?:ok|okay)\b)",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(
    r"[,;:]|\b(?:if|when|while|because|once|wenn|falls|weil|sobald|si|quand|cuando)\b", re.IGNORECASE
)
_PLACE: Final = re.compile(rf"\b(?P<preposition>{_PLACED})\s+{_ARTICLE}[\w-]+", re.IGNORECASE)


def background(question: str, earlier: Sequence[str]) -> tuple[str, ...]:
    """Give what of the earlier questions a question is to be read with; nothing if it stands for itself.

    A place, time or person that the question puts in the stead of an earlier one is left out there: "And in Berlin?"
    after "What may a hotel cost in Hamburg?" is read with "What may a hotel cost?"

    Args:
        question: As asked.
        earlier: The questions of one topic before it, the first of them first.
    """
    if not goes_on(question):
        return ()
    replaced = None if _POINTING.search(question) else _PLACE.search(question)
    parts = [_cut(_without(part, replaced["preposition"]) if replaced else part) for part in earlier]
    parts = [part for part in parts if _topics(part)]
    return tuple(parts if len(parts) <= MOST_EARLIER else [parts[0], *parts[-MOST_EARLIER + 1 :]])


def goes_on(question: str) -> bool:
    """Say whether a question cannot be understood without an earlier one."""
    rest = _AND.sub("", question.strip(), count=1) if _AND.match(question.strip()) else question.strip()
    is_linked = rest != question.strip()
    if _WHAT_ABOUT.match(rest) or not _topics(rest):
        return True
    words = [word.casefold() for word in _WORD.findall(rest)]
    is_whole = any(_ASKING.fullmatch(word) for word in words)
    if not is_whole and len(_topics(rest)) <= _SHORT and (is_linked or re.fullmatch(_PLACED, words[0])):
        return True
    return (is_linked and len(_topics(rest)) == 1) or (len(_topics(rest)) <= _SHORT and _points_out(rest))


def _points_out(text: str) -> bool:
    """Say whether somebody or something is spoken of that no earlier clause of the text names."""
    text = _EMPTY_SUBJECT.sub(" ", text)
    for pointing in _POINTING.finditer(text):
        clauses = list(_CLAUSE.finditer(text, 0, pointing.start()))
        if not any(
            _topics(text[: clause.start()]) or _topics(text[clause.end() : pointing.start()]) for clause in clauses
        ):
            return True
    return False


def _topics(text: str) -> list[str]:
    """Give the words that name something; one with a capital does ("in May") unless it is the first."""
    words = _WORD.findall(text)
    return [
        word
        for number, word in enumerate(words)
        if not EMPTY.fullmatch(word if number else word.casefold()) and not _POINTING.fullmatch(word)
    ]


def _without(part: str, preposition: str) -> str:
    """Leave out the last phrase that begins with a preposition."""
    stop = rf"(?!(?:{_PLACED}|{EMPTY.pattern})\b)"
    phrases = list(
        re.finditer(rf"\s+{preposition}\s+{_ARTICLE}{stop}[\w-]+(?:\s+{stop}[\w-]+){{0,2}}", part, re.IGNORECASE)
    )
    if not phrases:
        return part
    shorter = part[: phrases[-1].start()] + part[phrases[-1].end() :]
    return shorter if _topics(shorter) else part


def _cut(part: str) -> str:
    return part if len(part) <= _LONGEST else part[:_LONGEST].rpartition(" ")[0]
