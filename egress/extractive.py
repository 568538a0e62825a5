"""An answer without a language model: the sentences that answer best, quoted.

It invents no word, needs no network and always gives the same answer to the same prompt, which
also makes it the yardstick for what a model adds.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from egress.errors import ModelDown
from egress.types import Draft
from retrieval.sentences import sentences
from retrieval.words import EMPTY, WORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from egress.types import RedactedPrompt

MODEL: Final = "extractive"
NOTES: Final = ("No language model was used: these are quotes from the documents.",)
_MOST_SENTENCES: Final = 3
_MOST_CHARACTERS: Final = 500
_WORTH_QUOTING: Final = 0.5  # of the best sentence's score
_ELSEWHERE: Final = 0.6  # what a sentence counts that only says where to read on
_SAME: Final = 0.8  # share of their words in common from which on two sentences are not both quoted
_EARLIER: Final = 0.3  # what a word of an earlier question counts: that one was answered before

_TOKEN: Final = re.compile(r"[A-Z]{2,8}_[0-9A-Z]{4}(?=[0-9A-Z]*$)")  # the same first four mean the same person
_ACCOUNTS: Final = ("IBAN_", "CARD_")
# The name of a thing that has brothers: P09, TG4, SP-220, TG4-0937. A token is none: its digits are random.
_PART: Final = re.compile(r"(?<![\w-])(?P<family>[^\W\d_]{1,6})-?\d+[^\W_]*(?:-\d+)*")
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_ENDING: Final = re.compile(r"(?<=\w{3})(?:ments?|ungen|ung|ions?|ing|ies|ied|ers?|ern|em|en|ed|es|al|e|n|s|y)$")
_STEM_LENGTH: Final = 7
_ASKS_NUMBER: Final = re.compile(
    r"\b(?:how (?:much|many|long|often|far|old|high|soon)|(?<!\w )when|wie ?(?:viele?|lange|oft|hoch)|(?<!\w )wann"
    r"|combien|quand|cu[aá]nt[oa]s?|cu[aá]ndo)\b",
    re.IGNORECASE,
)
_ASKS_WHAT: Final = re.compile(r"(?:what|who) (?:is|are) (?:an? |the )?(?P<what>[^?.!,]{2,60})\W*", re.IGNORECASE)
_ASKS_PERSON: Final = re.compile(r"\b(?:who|whom|whose|we[rnm]|wessen|qui|qui[eé]n)\b", re.IGNORECASE)

_MAIL_HEADER: Final = re.compile(
    r"(?:from|to|b?cc|date|sent|subject|reply-to|von|an|gesendet|betreff|datum)[ \t]*:", re.IGNORECASE
)
_CELLS: Final = re.compile(r"[^:;]{1,60}: [^;]*; [^:;]{1,60}: ")  # a table row, as ingestion writes it
_NEGATES: Final = re.compile(r"no|not|never|none|without|except|only|nicht|kein\w*|nie|nur|ohne|pas|sans|sin|nunca")
_LABELLED: Final = re.compile(r"[^:;]{1,40}: (?P<value>.+)")
# "Accuracy 2 mm" tells something; "Roadmap for 2026" and "TG4 firmware 3.2" are titles.
_MEASURE: Final = re.compile(
    r"(?<![\w.,])\d[\d.,]*[ \u00a0]?(?:%|\u00b0|€|£|\$|(?:[\u00b5mck]?[mglsWV]|h|min|[kMG]?Hz|[kMGT]?B|EUR|GBP|USD|CHF"
    r"|seconds?|minutes?|hours?|days?|weeks?|months?|years?|Sekunden?|Minuten?|Stunden?|Tagen?|Tage?|Wochen?|Monate?n?"
    r"|Jahren?|Jahre?|jours?|mois|ans?|días?|mes(?:es)?|años?)(?!\w))|[€£$]\d"
)
_CLOSERS: Final = "\"')]*_\u201d\u2019\u00bb"
_LIST_MARK: Final = re.compile(r"(?:[-*+>\u2022\u2023\u25e6\u2013\u2014\u00b7]|#{1,6}|\(?\d{1,2}[.)])[ \t]+(?=\S)")
# Says where something is said, and not what.
_POINTS_ELSEWHERE: Final = re.compile(
    r"(?:please )?(?:see|read|visit|check out|refer to|consult|click|learn more|for more|you can find|siehe|mehr)\b"
    r"|this (?:page|document|guide|section|handbook)\b|diese (?:Seite|Anleitung)\b",
    re.IGNORECASE,
)
_LOOKS_CITED: Final = re.compile(r"[\[\u3010\uff3b]+(\^?\d[^\[\]\u3010\u3011\uff3b\uff3d]{0,40})[\]\u3011\uff3d]+")


@dataclass(frozen=True, slots=True)
class _Quote:
    number: int  # of the excerpt, from 1
    position: int  # among all quotes
    text: str
    terms: frozenset[str]
    above: frozenset[str]  # terms of the headings, or of the mail's head, right above it
    states: bool  # more than a heading


class Extractive:
    """Quote up to three sentences of the excerpts, about 500 characters, each with its citation."""

    def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:  # noqa: ARG002
        """Answer with the quotes of `quote`, at once.

        Raises:
            ModelDown: The excerpts hold no word.
        """
        return Draft(quote(prompt.question, prompt.excerpts, prompt.earlier), MODEL, NOTES)


def quote(question: str, excerpts: Sequence[str], earlier: Sequence[str] = ()) -> str:
    """Give the sentences that share most with a question, those of the best excerpt first, each with its citation.

    When no sentence shares a word with it, the first of the kind that is asked for is quoted (for "how much"
    one with a number): that the excerpts are relevant was decided before. A heading, a line of a mail's head,
    and what is said of another person or part than the one asked about are quoted only if nothing else is there.
    The words of earlier questions that this one goes on from count less than its own.

    Raises:
        ModelDown: The excerpts hold no word.
    """
    lines = list(_quotes(excerpts))
    if not lines:
        raise ModelDown("the excerpts hold no sentence to quote")
    # Who asks "And her salary?" asks about whom he named before.
    named = question if _tokens(question) or _parts(question) else " ".join((*earlier, question))
    fitting = _of_what_is_asked(named, lines)
    score = _scorer(question, lines, " ".join(earlier))
    chosen = _best(frozenset(_terms(question)), [(score(line), line) for line in fitting])
    if not chosen:
        chosen = [max(fitting, key=lambda line: _fit(question, line.text))]
    return "\n".join(f"{each.text} [{each.number}]" for each in chosen)


def _quotes(excerpts: Sequence[str]) -> Iterator[_Quote]:
    """Give each sentence as one line; one that occurs twice belongs to the excerpt that says it first."""
    seen: set[str] = set()
    for number, excerpt in enumerate(excerpts, start=1):
        above, ended = frozenset[str](), False
        for text, states in _lines(excerpt):
            terms = frozenset(_terms(text))
            if not states:  # headings in a row belong together; one after a sentence begins anew
                above = terms if ended else above | terms
            ended = states
            words = " ".join(WORD.findall(text.casefold()))
            if words and words not in seen:
                seen.add(words)
                yield _Quote(number, len(seen), text, terms, above if states else frozenset(), states)


def _lines(excerpt: str) -> Iterator[tuple[str, bool]]:
    """Give each sentence on one line, and whether it states something."""
    for start, end in sentences(excerpt):
        mark = _LIST_MARK.match(excerpt, start, end)
        line = " ".join(excerpt[mark.end() if mark else start : end].split())
        # A document's own "[2]" must not pass for a citation of ours.
        text = _shortened(_LOOKS_CITED.sub(r"(\1)", line))
        heading = mark is not None and mark.group().startswith("#")
        yield text, not heading and not _is_mail_header(text) and _states(text)


def _shortened(line: str) -> str:
    """Cut a line that is no sentence, such as a page without stops, at a word."""
    if len(line) <= _MOST_CHARACTERS:
        return line
    kept = line[:_MOST_CHARACTERS]
    return (kept.rpartition(" ")[0] or kept) + " …"


def _of_what_is_asked(question: str, lines: Sequence[_Quote]) -> Sequence[_Quote]:
    """Leave out what would answer another question, at each step only while something remains."""
    asked = _tokens(question)
    his = {line.number for line in lines if asked & line.terms}
    kept = _while_any(lines, lambda line: line.number in his)
    kept = _while_any(kept, lambda line: not _is_mail_header(line.text))
    kept = _while_any(kept, lambda line: line.states)
    if asked:  # another person's account or salary is the worst answer of all
        kept = _while_any(kept, lambda line: bool(asked & line.terms) or not _holds(line, "USER_"))
    elif _names_a_stranger(question, lines):
        kept = _while_any(kept, lambda line: not (_holds(line, "USER_") and _holds(line, *_ACCOUNTS)))
    parts = _parts(question)
    return _while_any(kept, lambda line: not _is_of_another_part(parts, line.text))


def _while_any(quotes: Sequence[_Quote], keep: Callable[[_Quote], bool]) -> Sequence[_Quote]:
    return [each for each in quotes if keep(each)] or quotes


def _tokens(text: str) -> frozenset[str]:
    """Give who and what the tokens of a text stand for."""
    return frozenset(match.group() for word in WORD.findall(text) if (match := _TOKEN.match(word)))


def _holds(line: _Quote, *kinds: str) -> bool:
    return any(term.startswith(kinds) for term in line.terms)


def _names_a_stranger(question: str, lines: Sequence[_Quote]) -> bool:
    """Say whether a question holds a name that no excerpt holds: a first name alone gets no token then."""
    known = frozenset[str]().union(*(line.terms for line in lines))
    _, _, after_first_word = question.strip().partition(" ")
    names = (word for word in WORD.findall(after_first_word) if word.isalpha() and word[0].isupper())
    return any(term not in known for name in names for term in _terms(name))


def _parts(text: str) -> Mapping[str, str]:
    """Give the names of parts in a text, each with its family: "p09" with "p"."""
    return {match.group().casefold(): match["family"].casefold() for match in _PART.finditer(text)}


def _is_of_another_part(asked: Mapping[str, str], text: str) -> bool:
    """Say whether a text names brothers of the parts asked about, such as P05 for P09, and none of them."""
    named = {part for part, family in _parts(text).items() if family in asked.values()}
    return bool(named) and not any(f"{one}-".startswith(f"{two}-") for one, two in _pairs(asked, named))


def _pairs(some: Iterable[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give each pair both ways: TG4 is TG4-0937, and the other way round."""
    for pair in product(some, others):
        yield pair
        yield pair[::-1]


def _terms(text: str) -> Iterator[str]:
    """Give the words that carry a topic, in a form that ignores case and endings."""
    for word in WORD.findall(text):
        if token := _TOKEN.match(word):
            yield token.group()
        elif not EMPTY.fullmatch(small := word.casefold()):
            yield small if any(map(str.isdecimal, small)) else _stem(small)


def _stem(word: str) -> str:
    if word.endswith("acy"):  # accuracy, accurate
        word = word[:-3] + "ate"
    return _ENDING.sub("", word)[:_STEM_LENGTH]


def _scorer(question: str, lines: Sequence[_Quote], earlier: str = "") -> Callable[[_Quote], float]:
    """Score by rare shared words, and a little by those of the heading above and of the whole excerpt."""
    before = {term: _EARLIER * weight for term, weight in _weights(earlier, lines).items()}
    weights = before | dict(_weights(question, lines))
    of_excerpt: defaultdict[int, set[str]] = defaultdict(set)
    for line in lines:
        of_excerpt[line.number] |= line.terms
    usual_length = sum(len(line.terms) for line in lines) / len(lines) or 1

    def weigh(terms: AbstractSet[str]) -> float:
        return sum(weights[term] for term in weights.keys() & terms)

    def score(quote: _Quote) -> float:
        length = len(quote.terms) / usual_length
        # "Thank you for asking." says nothing of what the heading above it names: short ones get less of it.
        around = 0.3 * min(1, length) * weigh(quote.above - quote.terms) + 0.2 * weigh(of_excerpt[quote.number])
        shared = weigh(quote.terms) + around
        return shared * _fit(question, quote.text) / (0.75 + 0.25 * length) / (1 + 0.05 * quote.number)

    return score


def _weights(question: str, quotes: Sequence[_Quote]) -> Mapping[str, float]:
    """Weigh each word of the question that occurs in a quote: rare ones more, names and numbers double."""
    occurs = Counter(term for quote in quotes for term in quote.terms)
    _, _, after_first_word = question.strip().partition(" ")
    names = {term for word in WORD.findall(after_first_word) if not word[0].islower() for term in _terms(word)}
    return {
        term: (2 if term in names else 1) * math.log(1 + len(quotes) / occurs[term])
        for term in set(_terms(question))
        if occurs[term]
    }


def _fit(question: str, text: str) -> float:
    """Rate whether a sentence is of the kind that is asked for: with a number, a person, the very part or version."""
    fit = _ELSEWHERE if _POINTS_ELSEWHERE.match(text) else 1.0
    if _exact(question) & _exact(text):
        fit *= 1.3
    if _ASKS_NUMBER.search(question) and _has_number(text):
        fit *= 1.3
    if _ASKS_PERSON.search(question) and _tokens(text):
        fit *= 1.3
    if _defines(question, text):
        fit *= 1.5
    return fit


def _defines(question: str, text: str) -> bool:
    """Say whether a sentence begins by saying what the thing is that is asked about: "Comp time is …"."""
    asked = _ASKS_WHAT.fullmatch(question.strip())
    if asked is None:
        return False
    thing = rf"(?:an? |the )?{re.escape(asked['what'])}(?: \([^)]{{1,40}}\))? (?:is|are|means?|stands? for)\b"
    return re.match(thing, text, re.IGNORECASE) is not None


def _exact(text: str) -> set[str]:
    return _parts(text).keys() | {word for word in WORD.findall(text) if _VERSION.fullmatch(word)}


def _has_number(text: str) -> bool:
    # The digits of a token are random: with them, the same text would be quoted one day and not the next.
    return any(
        word[0].isdecimal() or (any(map(str.isdecimal, word)) and not _TOKEN.match(word)) for word in WORD.findall(text)
    )


def _states(text: str) -> bool:
    """Say whether a line is more than a heading or a question, which share words with a question and tell nothing."""
    ended = text.rstrip(_CLOSERS)
    if ended.endswith((".", "!", "…", "|", "\u3002")) or _CELLS.match(text) or _MEASURE.search(text):
        return True
    if (labelled := _LABELLED.match(text)) and (_has_number(labelled["value"]) or _tokens(labelled["value"])):
        return True
    return len(text.split()) > 12 and not ended.endswith(("?", ":"))


def _is_mail_header(text: str) -> bool:
    return bool(_MAIL_HEADER.match(text)) and not _CELLS.match(text)


def _best(asked: frozenset[str], scored: Sequence[tuple[float, _Quote]]) -> list[_Quote]:
    """Give the three best, none that says another again; none if nothing has a score.

    The excerpt that answers best comes first, and within each its own order is kept.
    """
    best_score, best = max(scored, key=lambda pair: (pair[0], -pair[1].position))
    if best_score == 0:
        return []
    worth = ((score, each) for score, each in scored if score >= _WORTH_QUOTING * best_score)
    left = {each: score for score, each in worth if not _says_again(each, best)}
    chosen, room, missing = [best], _MOST_CHARACTERS - len(best.text), asked - best.terms
    while len(chosen) < _MOST_SENTENCES and (left := {one: left[one] for one in left if len(one.text) <= room}):
        # What holds a word that is still missing comes first: of the accuracy of the TG4, not "TG4" three times.
        following = max(left, key=lambda one: (bool(missing & one.terms), left[one], -one.position))
        chosen.append(following)
        room -= len(following.text)
        missing -= following.terms
        left = {one: score for one, score in left.items() if not _says_again(one, following)}
    return sorted(chosen, key=lambda quote: (quote.number != best.number, quote.position))


def _says_again(one: _Quote, other: _Quote) -> bool:
    """Say whether two sentences have nearly the same words, and the same figures, names and "not"."""
    shared = len(one.terms & other.terms) / (len(one.terms | other.terms) or 1)
    return one == other or (shared >= _SAME and _decides(one.text) == _decides(other.text))


def _decides(text: str) -> set[str]:
    return {word for word in WORD.findall(text.casefold()) if not word.isalpha() or _NEGATES.fullmatch(word)}
