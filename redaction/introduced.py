"""Find people in folded text by what stands around their names: titles, greetings, signatures, labels, columns.

No list of names is asked, so it finds people whom nobody knows. What it finds is a name for the rest of the
texts as well: see `redaction.settle`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redaction.context import hint
from redaction.names import TITLES
from redaction.ordinary import GRAMMAR
from redaction.settle import found_identity
from redaction.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redaction.normalise import Folded

_WORD: Final = r"[A-Z][^\W\d_]*(?:['-][^\W\d_]+){0,3}"
_INITIAL: Final = r"(?:[A-Z]\.[ -]?){1,4}"
_PARTICLE: Final = (
    r"(?:(?:al|bin|da|dal|de|del|della|den|der|di|dos|du|el|ibn|la|las|le|los|ten|ter|van|vom|von|zu)[ -]){0,3}"
)
_NAME: Final = (
    rf"(?:{_INITIAL} ?)?{_PARTICLE}{_WORD}(?: (?:{_INITIAL}(?: |(?=\W|\Z)))?{_PARTICLE}(?:{_WORD}|[A-Z]\b\.?)){{0,3}}"
)
# Of which a name has at least two words; for places where a word with a capital may be anything.
_FULL: Final = (
    rf"(?:{_INITIAL} ?{_PARTICLE}{_WORD}|{_WORD}(?: {_INITIAL}"
    rf"| [A-Z]\b)? {_PARTICLE}{_WORD})(?: {_PARTICLE}{_WORD}){{0,2}}"
)
_SMALL: Final = r"[^\W\d_][\w'-]{1,30}(?: [^\W\d_][\w'-]{0,30}){0,3}"  # where no capitals are used
_OFFICES: Final = (
    r"judge|justice|president|inspector|sergeant|constable|captain|colonel|major|general|lieutenant|officer"
    r"|father|sister|brother"
    r"|sheikh|imam|rabbi|pastor|chancellor|senator|congressman|congresswoman|minister|ambassador|king|queen"
    r"|prince|princess"
    r"|count|baron|dipl|maitre|dona|signor|signora"
)
_TITLED: Final = re.compile(
    rf"(?<!\w)(?i:(?:{TITLES}|{_OFFICES}|messrs))\b\.?[ \n](?:(?i:(?:{TITLES}))\b\.?[ ])?({_NAME})"
)
_SEVERAL: Final = re.compile(rf"(?<!\w)(?i:messrs)\b\.? {_NAME},? (?:and|und|&) ({_NAME})")
_SMALL_TITLED: Final = re.compile(
    rf"(?<!\w)(?:mr|mrs|ms|miss|dr|prof|herr|frau)\.? ({_SMALL})(?=[^\w ]|\Z| (?:is|was|has|and)\b)"
)
_GREETED: Final = re.compile(
    rf"(?:(?<=\n)|\A|(?<=[>\"] ))(?i:dear|hi|hello|hey|hallo|liebe[r]?|moin|hola|bonjour|good (?:morning|afternoon"
    rf"|evening)),? ({_NAME})"
    r"(?=\s?[,!:.;\n-]|\Z)"
)
_CLOSINGS: Final = "regards|wishes|sincerely|faithfully|truly|yours|cheers|thanks|thank you|grussen?|gruss|best"
_SIGNED: Final = re.compile(
    rf"\b(?i:{_CLOSINGS})\s?[,.!]?[ ]{{0,2}}\n{{1,3}}[ ]{{0,3}}({_NAME})(?=[ ]{{0,3}}(?:\n|,|\Z|\|))"
)
_LABELS: Final = (
    r"name|full name|first name|last name|given name|surname|maiden name|family name|patient|patient name|client"
    r"|customer|employee"
    r"|applicant|claimant|defendant|plaintiff|insured|beneficiary|account holder|card ?holder|holder|contact"
    r"|contact person|attn|attention"
    r"|author|owner|assignee|assigned to|reporter|reported by|signed|signed by|approved by|written by|prepared by"
    r"|reviewed by|requested by"
    r"|created by|manager|line manager|supervisor|from|to|cc|bcc|attendees?|participants?|present|absent"
    r"|apologies|chair|minutes by|user"
    r"|witness|guardian|next of kin|spouse|emergency contact|tenant|landlord|buyer|seller|recipient|sender"
    r"|mitarbeiter|kunde|patientin|vorname|nachname"
)
_LABELLED: Final = re.compile(
    rf"(?:\A|[\n|>;]|(?<=[.?] ))[ *\t-]{{0,4}}(?i:{_LABELS})\s?[*]{{0,2}}[:=][ *\t]{{1,8}}({_NAME}(?:(?:,|;| and"
    rf"| &) {_NAME}){{0,12}})(?=[ ]{{0,3}}(?:\n|[|;,<(\[.*]|\Z))"
)
_SAID: Final = (
    r"i am|i'm|this is|calls? me|called me|named (?:him|her|them)|calls? (?:him|her)|known as|signed by|directed by"
    r"|written by|represented by|married to|daughter of|son of|wife of|husband of|on behalf of"
)
_WHOSE: Final = "|".join(  # it stands before "name", and is looked at from there: few words are "name"
    rf"(?<={word} name)"
    for word in ("my", "her", "his", "their", "our", "whose", "'s", "maiden", "full", "first", "last", "legal", "real")
)
_SPOKEN: Final = re.compile(
    rf"(?i:\bname(?:(?:{_WHOSE})(?: is|'s|:| was)?| of|\b[^?\n]{{0,40}}\?(?: \w{{1,12}}:)?)"
    rf"|\b(?:{_SAID}))[ ]({_NAME})(?!\w)"
)
_SMALL_SPOKEN: Final = re.compile(
    rf"\b(?:my name is|my name's|her name is|his name is|your name\?) ({_SMALL}?)(?=[.,!?;\n]|\Z| (?:and"
    rf"|but|from|i)\b)"
)
_BORN: Final = re.compile(
    rf"(?<!\w)({_FULL})(?=,? (?:\()?(?:was |is |were )?(?:born|geboren|aged|deceased|died)\b|,? \((?:\*|b\.|born"
    rf"|aged|\d\d\b))"
)
_DEGREES: Final = r"PhD|Ph\.D|MD|M\.D|DVM|DDS|Esq|JD|MBA|CPA|RN|Jr|Sr|QC|KC|LLM|LL\.M|MSc|BSc"
_SUFFIXED: Final = re.compile(rf"(?<!\w)({_FULL}),? (?=(?:{_DEGREES})\b)")
_MAILED: Final = re.compile(rf"(?<!\w)({_NAME}|{_WORD}, {_WORD})\"? ?[<(\[]{{1,2}}(?:mailto:)?(?=[\w.+-]{{1,64}}@)")
_AND: Final = re.compile(r"(?:,|;| and| &| und) (?=[A-Z])")
_NO_NAME: Final = frozenset(
    [
        "the",
        "this",
        "that",
        "a",
        "an",
        "i",
        "we",
        "you",
        "he",
        "she",
        "it",
        "they",
        "all",
        "team",
        "everyone",
        "everybody",
        "colleagues",
        "sir",
        "madam",
        "there",
        "here",
        "not",
        "no",
        "yes",
        "more",
        "sorry",
        "sure",
        "happy",
        "glad",
        "afraid",
        "just",
        "very",
        "so",
        "also",
        "still",
        "now",
        "going",
        "looking",
        "writing",
        "calling",
        "trying",
        "having",
        "getting",
        "working",
        "unable",
        "able",
        "customer",
        "support",
        "service",
        "sales",
        "finance",
        "department",
        "management",
        "office",
        "board",
    ]
)


_may_be: Final = {
    _TITLED: hint(rf"(?:{TITLES}|{_OFFICES}|messrs)\b"),
    _SMALL_TITLED: hint(r"(?:mr|mrs|ms|miss|dr|prof|herr|frau)\b"),
    _SEVERAL: hint("messrs"),
    _MAILED: hint(r"[\w.'-]+\"? ?[<(\[]{1,2}(?:mailto:)?[\w.+-]{1,64}@"),
    _GREETED: hint("dear|hi|hello|hey|hallo|liebe|moin|hola|bonjour|good (?:morning|afternoon|evening)"),
    _SIGNED: hint(rf"(?:{_CLOSINGS})\s?[,.!]?[ ]{{0,2}}\n"),
    _LABELLED: hint(rf"(?:{_LABELS})\s?[*]{{0,2}}[:=]"),
    _SPOKEN: hint(rf"(?:name|{_SAID})\b"),
    _SMALL_SPOKEN: hint(r"name(?:'s| is|\?)"),
    _BORN: hint(r"(?:was |is |were )?(?:born|geboren|aged|deceased|died)\b|\w+,? \((?:\*|b\.|born|aged|\d\d)"),
    _SUFFIXED: hint(rf"(?:{_DEGREES})\b"),
}


def introduced(text: Folded) -> Iterator[Span]:
    """Give each person whom the text introduces, with the title, and the name alone as `name`."""
    for pattern, is_likely in _may_be.items():
        if not is_likely(text.text):
            continue
        for match in pattern.finditer(text.text):
            if pattern in (_TITLED, _SMALL_TITLED):
                if not _is_no_name(match[1]):
                    yield _span(match.start(), match.end(1), match[1])
            elif pattern in (_SEVERAL, _MAILED):
                yield _span(match.start(1), match.end(1), match[1])
            else:
                yield from _each(match)


def _each(match: re.Match[str]) -> Iterator[Span]:
    """Give the people of a list of names: "Jane Doe, John Roe and M. Thorn"."""
    at = match.start(1)
    for part in _AND.split(match[1]):
        start = match.string.index(part, at)
        at = start + len(part)
        if not _is_no_name(part):
            yield _span(start, at, part)


def _is_no_name(written: str) -> bool:
    first = written.partition(" ")[0]
    return first.lower() in _NO_NAME or (first[0].islower() and first in GRAMMAR)


def _span(start: int, end: int, name: str) -> Span:
    return Span(start, end, found_identity(name), name=name)
