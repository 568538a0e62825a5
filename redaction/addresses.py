"""Find postal addresses in folded text, on one line or several.

An address is a row of short segments, parted by commas or line ends: a street with a number, a flat, a town, a
postcode. One that is sure is looked for, and the address grows from there over segments that fit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redaction.ordinary import NO_STREET

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO: Final = r"\d{1,5}[A-Za-z]?(?:[/-]\d{1,4}[A-Za-z]?)?"
_SURE_STREETS: Final = (
    r"street|road|avenue|boulevard|lane|drive|terrace|crescent|parkway|highway|esplanade|blvd|pkwy|hwy"
)
_STREETS: Final = (  # words that are no streets by themselves: only with capitals
    r"St|Rd|Ave?|Ln|Dr|Ct|Pl|Sq|Court|Place|Square|Cres|Close|Mews|Way|Row|Walk|Groves?|Gardens?|Circle|Cir|Alley"
    r"|Quay"
    r"|Plaza|Hill|Rise|Vale|Trail|Mount|Green|Park|View|Crossing|Route|Rte|Loop"
)
_CAPITAL: Final = r"(?:[NSEW]\.? |\d{1,3}(?:st|nd|rd|th) |[A-Z][\w.'-]{0,30} ){1,4}"
_ENGLISH: Final = (
    rf"{_NO},? {_CAPITAL}(?:{_STREETS}|(?i:{_SURE_STREETS}))\b\.?"
    rf"|{_NO},? (?:[^\W\d_][\w.'-]{{0,30}} ){{1,3}}(?i:{_SURE_STREETS})\b\.?"
    rf"|(?:[A-Z][\w.'-]{{1,30}} ){{1,3}}(?:Street|Road|Avenue|Boulevard|Lane|Drive|Str\.|St\.)(?! [A-Z])"
)
_JOINED: Final = (  # Hauptstrasse 12, Kerkstraat 7
    r"(?i:[^\W\d_][\w'-]{2,40}(?:strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|chaussee|laan|straat|gracht"
    r"|plein|kade|gade"
    r"|vej|alle|gatan|vagen|gata|veien|katu|tie|utca|toren|wal|dreef|singel|dijk|hof|stieg|steig|markt|berg|heim|pad"
    rf")) {_NO}"
)
_KINDS: Final = (
    r"rue|avenue|boulevard|place|chemin|allee|impasse|quai|via|viale|piazza|corso|largo|calle|c/|avenida|paseo"
    r"|plaza|carrer"
    r"|carretera|rua|travessa|praca|ul\.|ulica|al\.|os\.|nam\.|ulitsa|bulevar|strada|soseaua|odos|jalan|jl\."
)
_LINK: Final = r"(?:(?i:de|du|des|da|do|dos|das|del|della|di|la|le|las|los|al|el|van|der|den|d'|l') ?){0,3}"
_BEFORE: Final = (  # Rue de la Paix 5, Via Roma 12, 5 rue de la Paix
    rf"(?i:{_KINDS}) {_LINK}[A-Z][\w.'-]{{0,30}}(?: {_LINK}[A-Z][\w.'-]{{0,30}}){{0,4}},? (?:n[o°]?\.? ?)?{_NO}"
    rf"|{_NO},? (?i:bis "
    rf"|ter )?(?i:{_KINDS}) {_LINK}[^\W\d_][\w.'-]{{0,30}}(?: {_LINK}[A-Z][\w.'-]{{0,30}}){{0,4}}(?: {_NO})?"
)
_BOX: Final = r"(?:p\.? ?o\.? ?box|postfach|psc|unit|box|bp|casilla|apartado) ?\d{1,6}(?:,? box \d{1,6})?"
_FLAT: Final = (
    r"(?:suite|ste|apt|apartment|flat|unit|room|floor|fl|office|whg|wohnung|etage|stock|app|bldg|building|block)\.?"
    r"(?: ?#| )(?:\d{1,5}[A-Za-z]?|(?-i:[A-Z])\d{0,4})\b"
)
_ZIP: Final = (
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}"  # United Kingdom
    r"|[A-Z]\d[A-Z] ?\d[A-Z]\d"  # Canada
    r"|(?:A[AEP]|[A-Z]{2}) \d{5}(?:-\d{4})?"  # United States
    r"|\d{4} ?[A-Z]{2}(?= [A-Z])"  # Netherlands
    r"|(?:[A-Z]{1,2}-)?\d{4,5} [A-Z][^\W\d_]{2,30}(?:[ -][A-Z][^\W\d_]{2,30}){0,2}"  # 10115 Berlin
)
_STREET: Final = re.compile(rf"(?<![\w.,])(?:{_ENGLISH}|{_JOINED}|{_BEFORE}|(?i:{_BOX}))(?!\w)")
_WORD: Final = re.compile(r"[^\W\d_]+")
_SURE_ZIP: Final = re.compile(r"(?<!\w)(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}|A[AEP] \d{5}(?:-\d{4})?)(?!\w)")
_FLATS: Final = re.compile(rf"(?<!\w)(?i:{_FLAT})")
_NUMBERED: Final = re.compile(  # "12 Elm Hill 3", at the beginning of a line or behind words that lead to an address
    rf"(?:(?<=\n)|(?<=\n[> ])|\A|(?<=[Aa]ddress )|(?<=is )|(?<=: )|(?<=[ >?]at )|(?<=to )|(?<=in )|(?<=, )"
    rf"|(?<=[?>] ))"
    rf"{_NO},? (?:[^\W\d_][\w.'-]{{1,30}} ?){{1,5}}(?: \d{{1,4}})(?![\w%])"
)
_LED: Final = re.compile(
    r"\b(?:address(?:es)?(?: here)?(?: is| are|:| to| with| at| of [^\n]{1,40} is)?|lives? at|living at"
    r"|reside[sd]? at|located at"
    r"|resident (?:at|of)|domiciled at|moved to|meet (?:me|us|you)? ?at|deliver(?:ed)? to|ship(?:ped)? to"
    r"|send (?:it|this)? ?to"
    r"|taxi to|return(?:ed)? to|office is at|anschrift|wohnhaft(?: in)?)\s?:?\s{1,3}(?=\d)",
    re.IGNORECASE,
)
_ZIP_CALLED: Final = re.compile(
    r"\b(?:zip(?: ?code)?|post(?:al)? ?code|plz|postleitzahl)(?: is|:| ?=)?\s{1,2}(\d{3,6}(?:-\d{3,4})?"
    r"|[A-Z\d]{2,4} ?[A-Z\d]{3})\b",
    re.IGNORECASE,
)
_SEPARATOR: Final = re.compile(r"[ ]?,[ ]?(?:\n[> ?|]{0,6})?|[ ]{0,3}\n(?:[ ]{0,3}\n)?[> ?|]{0,6}")
_TOWN_WORD: Final = r"d[aeiou]s?|of|the|and|van|der|am|an|im|bei|sur|la|le"
_FITS: Final = re.compile(
    rf"(?:{_ZIP})(?!\w)|(?:(?i:{_FLAT}|{_BOX})"
    rf"|(?:[A-Z][\w.'-]{{0,30}}|{_TOWN_WORD})(?: (?:[A-Z(][\w.')-]{{0,30}}"
    rf"|{_TOWN_WORD})){{0,5}}(?: \d{{2,6}}(?:-\d{{2,4}})?)?"
    r"|\d{3,6}(?:-\d{2,4})?(?: [A-Z][\w.'-]{1,30}){0,3})(?=[ ]{0,3}(?:[\n,;.?!)\"']|\Z))"
)
_FITS_SMALL: Final = re.compile(  # where all is written in small letters, only what stands on lines of its own
    r"[^\W\d_][\w.' -]{1,40}?(?: \d{2,6})?(?=[ ]{0,3}(?:\n|\Z))"
)
_STREET_BEFORE: Final = (  # "12 Elm Hill 3", "Elm Hill 3"
    re.compile(rf"(?<!\w){_NO} [^\W\d_][\w.' -]{{1,50}}?(?: \d{{1,4}})?\.?\Z"),
    re.compile(r"(?<!\w)[A-Z][\w.'-]{1,30}(?: [A-Z][\w.'-]{1,30}){0,3} \d{1,4}\.?\Z"),
)
_CODED: Final = re.compile(rf"\d{{3}}|{_SURE_ZIP.pattern}")
_MOST_SEGMENTS: Final = 5


def addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the words, in small letters, of each postal address."""
    if not any(map(str.isdigit, text)):
        return
    done = -1
    for start, end in sorted(_anchors(text), key=lambda anchor: (anchor[0], -anchor[1])):
        if start < done:
            continue
        begin, done = _grown(text, start, end)
        yield begin, done, " ".join(text[begin:done].lower().split())
    for match in _ZIP_CALLED.finditer(text):
        yield match.start(1), match.end(1), match[1].lower()


def _anchors(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_SURE_ZIP, _FLATS):
        yield from (match.span() for match in pattern.finditer(text))
    for pattern in (_STREET, _NUMBERED):
        for match in pattern.finditer(text):
            # "14 August 1997 the Regional Court" begins as an address does.
            if NO_STREET.isdisjoint(word.lower() for word in _WORD.findall(match[0])[:2]):
                yield match.span()
    for match in _LED.finditer(text):
        if fit := re.compile(rf"{_NO} [^\n,.;?!]{{2,40}}").match(text, match.end()):
            yield fit.span()


def _grown(text: str, start: int, end: int) -> tuple[int, int]:
    """Give start and end of the address around a sure part of it: of what follows, and of a street before it."""
    begin = _street_before(text, start)
    small = text[begin:end] == text[begin:end].lower()
    for _ in range(_MOST_SEGMENTS):
        separator = _SEPARATOR.match(text, end) or re.compile(" ").match(text, end)
        if separator is None:
            break
        fits = _FITS.match(text, separator.end())
        if fits is None and small and "\n" in separator[0]:
            fits = _FITS_SMALL.match(text, separator.end())
        if fits is None or (separator[0] == " " and not _CODED.search(fits[0])):
            break
        end = fits.end()
        if _CODED.search(fits[0]) and not _FLATS.fullmatch(fits[0]):
            break
    return begin, end


def _street_before(text: str, start: int) -> int:
    """Give where the segment before a flat or postcode begins, if it has a number as a street has."""
    behind = re.compile(r"(?:,[ ]?|[ ]{0,3}\n[> ?|]{0,6}|[ ])\Z").search(text, max(0, start - 8), start)
    if behind is None:
        return start
    line = max(text.rfind("\n", 0, behind.start()), text.rfind(",", 0, behind.start()), behind.start() - 60) + 1
    segment = text[line : behind.start()]
    for found in (_STREET_BEFORE[0].search(segment), _STREET_BEFORE[1].search(segment)):
        if found:
            return line + found.start()
    return start
