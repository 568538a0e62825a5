"""Markings: lines that say of the document itself that it is confidential. A sentence about confidentiality is none.

A marking is a short line that is nothing else: "STRICTLY CONFIDENTIAL", "Acme | Confidential | Page 3",
"Confidential - do not distribute", "Classification: secret". A plain "Confidential" in ordinary letters may be the
heading of a clause, so it counts at the edges of a document, or where it is repeated, as on each page. A document
that lists several classes describes them, and is of none for that.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 120  # characters of a line
_BESIDE: Final = 40  # characters of what stands in the line besides: a name, a date, a page
_EDGE: Final = 6  # lines
_SCHEME: Final = 3  # classes, each alone in a line

_SUBJECT: Final = re.compile(r"\s*(?:subject|betreff) ?: ?(?:(?:re|fwd?|aw|wg) ?: ?)*", re.IGNORECASE)
_MENTIONED: Final = re2.compile(r"(?i)confiden|vertraulich|secret|geheim|vs ?- ?nfd|dienstgebrauch|restricted")
_DECORATION: Final = " -/'.!*"
_APART: Final = re.compile(r" *[|;:()\[\]{}<>\u2022\u00b7*_#=\"]+ *| +[-/]+ +|  +|[.!,]+(?: |$)")
_STRICT: Final = re2.compile(
    r"(?:strictly|highly|most|absolutely) (?:(?:private|personal)(?: and |, ?| & | ))?confidential"
    r"|streng(?:stens)? (?:vertraulich|geheim)|in (?:the )?strictest confidence"
    r"|vs ?- ?(?:nfd|vertraulich|geheim)|(?:vs ?- ?)?nur fur den dienstgebrauch"
    r"|(?:top )?secret//[a-z/ ]{2,30}"
)
# In ordinary letters these are headings.
_SHOUTED: Final = re2.compile(r"(?:TRADE |TOP )?SECRET|GEHEIM|BETRIEBSGEHEIMNIS|GESCHAFTSGEHEIMNIS")
_PLAIN: Final = re2.compile(
    r"(?:(?:private|privileged|personal|proprietary|company|commercial|business)(?: and |, ?| & | ))?confidential"
    r"(?:(?: and |, ?| & )(?:proprietary|privileged|personal|private))?|commercial in confidence|in confidence"
    r"|(?:personlich(?: und |, ?| & | / | ))?vertraulich|(?:company|business) confidential"
)
_CLASS: Final = re2.compile(
    r"(?im)^[^\pL\n]*(public|internal|confidential|restricted|secret|top secret|offentlich|intern|vertraulich|geheim"
    r"|(?:strictly|highly) confidential|streng vertraulich)[^\pL\n]*$"
)
_LABEL: Final = re2.compile(
    r"(?i)(?:(?:data|document|information|security) ?)?(?:classification|confidentiality|sensitivity)(?: level)?"
    r"|security (?:class|level)|(?:vertraulichkeits|geheimhaltungs|schutz)(?:stufe|klasse|grad)"
    r"|(?:daten|dokumenten)?klassifi(?:zierung|kation)|einstufung"
)
_ORDER: Final = re2.compile(
    r"(?:please )?do not (?:distribute|copy|forward|share|disclose|circulate|reproduce)(?: or \w+)?"
    r"|not (?:for|to be) (?:further )?(?:distribut|publi|release|disclos|circulat|forward|copied|shared)\w*"
    r"|(?:for )?(?:internal use|authori[sz]ed persons|eyes) only"
    r"|nicht (?:weitergeben|zur weitergabe(?: bestimmt)?)|weitergabe (?:untersagt|verboten)"
    r"|nur fur den internen gebrauch"
)


@dataclass(frozen=True, slots=True)
class _Marking:
    """A line that may be a marking."""

    written: str
    strict: bool
    sure: bool  # whatever it stands beside


def markings(text: str) -> tuple[int, int]:
    """Count the lines of a folded text that mark it as strictly confidential, and as confidential."""
    found = [(at, marking) for at, line in _mentioning(text) if (marking := _marking(line))]
    if not found or len({match[1].lower() for match in _CLASS.finditer(text)}) >= _SCHEME:
        return 0, 0
    inside = _inside(text)
    times = Counter(marking.written for _, marking in found)
    counted = [marking for at, marking in found if marking.sure or at not in inside or times[marking.written] > 1]
    strict = sum(marking.strict for marking in counted)
    return strict, len(counted) - strict


def _mentioning(text: str) -> Iterator[tuple[int, str]]:
    """Give the short lines that have one of the words, and where they begin."""
    done = 0
    for match in _MENTIONED.finditer(text):
        if match.start() >= done:
            # No further than a marking is long, or a line of a million words would be measured a million times.
            before = text.rfind("\n", max(0, match.start() - _LONGEST), match.start())
            behind = text.find("\n", match.end(), match.end() + _LONGEST)
            start, done = before + 1, behind if behind >= 0 else min(len(text), match.end() + _LONGEST)
            is_whole = (before >= 0 or match.start() <= _LONGEST) and (behind >= 0 or done == len(text))
            if is_whole and done - start <= _LONGEST:
                yield start, text[start:done]


def _marking(line: str) -> _Marking | None:
    line = _SUBJECT.sub("", line)
    whole = line.strip(_DECORATION)
    parts = [whole] if _class_of(whole, labelled=False) else [part.strip(_DECORATION) for part in _APART.split(line)]
    parts = [part for part in parts if part]
    labelled = len(parts) == 2 and _LABEL.fullmatch(parts[0]) is not None
    if labelled:
        parts = parts[1:]
    marks = [part for part in parts if _class_of(part, labelled=labelled)]
    besides = [part for part in parts if part not in marks and not _ORDER.fullmatch(part.lower())]
    shouted = bool(marks) and all(map(str.isupper, marks))
    if not marks or any(len(part) > _BESIDE for part in besides):
        return None
    if not (labelled or shouted) and any(map(str.islower, [*besides, *marks])):
        return None  # a part of a sentence
    ordered = len(parts) > len(marks) + len(besides)
    if not (labelled or ordered) and re.search(r"[a-z] *:", line[: line.find(marks[0]) + len(marks[0]) + 2]):
        return None  # a column of a table, or a form
    strict = "strict" in {_class_of(part, labelled=labelled) for part in marks}
    return _Marking(line.strip().lower(), strict, sure=labelled or ordered or strict or shouted)


def _class_of(part: str, *, labelled: bool) -> str:
    if _STRICT.fullmatch(part.lower()) or _SHOUTED.fullmatch(part.upper() if labelled else part):
        return "strict"
    if labelled and part.lower() == "restricted":
        return "strict"
    return "plain" if _PLAIN.fullmatch(part.lower()) else ""


def _inside(text: str) -> range:
    """Give the offsets between the first and the last lines of a text."""
    start, end = 0, len(text)
    for _ in range(_EDGE):
        start = text.find("\n", start) + 1 or len(text)
        while start < len(text) and text[start] == "\n":
            start += 1
    for _ in range(_EDGE):
        end = max(text.rfind("\n", 0, end), 0)
        while end > 0 and text[end - 1] == "\n":
            end -= 1
    return range(start, max(start, end))
