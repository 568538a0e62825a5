"""Find numbers that a state gives out, in folded text: of citizens, taxpayers, passports, driving licences.

Three ways to tell one: a shape that nothing else has; a shape and a check digit; a word before it that says
what it is, whatever its shape and check digit, for a mistyped number is somebody's number still.
"""

from __future__ import annotations

import re
from collections import defaultdict
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from redaction.context import hint, nearby, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _IsNear = Callable[[int, int], bool]

_LETTER, _DIGIT = "A", "9"


class _Rule(NamedTuple):
    check: str  # the module of python-stdnum that knows the check digit; empty: the shape is enough
    shape: str  # A for a letter, 9 for a digit, and the signs between them
    alone: bool  # whether it counts without a word nearby


# Where one number in ten of a common shape has the right check digit, a word nearby is asked for.
_RULES: Final = (
    _Rule("", "999-99-9999", alone=True),  # United States
    _Rule("us.ssn", "999999999", alone=False),
    _Rule("us.ein", "99-9999999", alone=False),
    _Rule("gb.nhs", "999 999 9999", alone=False),
    _Rule("gb.nhs", "9999999999", alone=False),
    _Rule("gb.utr", "9999999999", alone=False),
    _Rule("de.idnr", "99 999 999 999", alone=True),
    _Rule("de.idnr", "99999999999", alone=False),
    _Rule("fr.nir", "9 99 99 99 999 999 99", alone=True),
    _Rule("fr.nir", "999999999999999", alone=False),
    _Rule("it.codicefiscale", "AAAAAA99A99A999A", alone=True),
    _Rule("es.dni", "99999999A", alone=True),
    _Rule("es.dni", "99999999-A", alone=True),
    _Rule("es.nie", "A9999999A", alone=True),
    _Rule("es.nie", "A-9999999-A", alone=True),
    _Rule("pl.pesel", "99999999999", alone=False),
    _Rule("pl.nip", "999-999-99-99", alone=True),
    _Rule("nl.bsn", "999999999", alone=False),
    _Rule("be.nn", "99.99.99-999.99", alone=True),
    _Rule("be.nn", "99999999999", alone=False),
    _Rule("se.personnummer", "999999-9999", alone=True),
    _Rule("se.personnummer", "99999999-9999", alone=True),
    _Rule("dk.cpr", "999999-9999", alone=True),
    _Rule("is_.kennitala", "999999-9999", alone=True),
    _Rule("fi.hetu", "999999-999A", alone=True),
    _Rule("fi.hetu", "999999-9999", alone=True),
    _Rule("fi.hetu", "999999A999A", alone=True),
    _Rule("no.fodselsnummer", "999999 99999", alone=True),
    _Rule("no.fodselsnummer", "99999999999", alone=False),
    _Rule("ch.ssn", "999.9999.9999.99", alone=True),
    _Rule("at.vnr", "9999 999999", alone=False),
    _Rule("in_.aadhaar", "9999 9999 9999", alone=True),
    _Rule("in_.aadhaar", "999999999999", alone=False),
    _Rule("in_.pan", "AAAAA9999A", alone=True),
    _Rule("br.cpf", "999.999.999-99", alone=True),
    _Rule("br.cnpj", "99.999.999/9999-99", alone=True),
    _Rule("ca.sin", "999-999-999", alone=True),
    _Rule("ca.sin", "999 999 999", alone=False),
    _Rule("au.tfn", "999 999 999", alone=False),
    _Rule("au.abn", "99 999 999 999", alone=True),
    _Rule("za.idnr", "9999999999999", alone=False),
    _Rule("cn.ric", "999999999999999999", alone=True),
    _Rule("cn.ric", "99999999999999999A", alone=True),
    _Rule("ro.cnp", "9999999999999", alone=False),
    _Rule("cz.rc", "999999/9999", alone=True),
    _Rule("tr.tckimlik", "99999999999", alone=False),
    _Rule("kr.rrn", "999999-9999999", alone=True),
    _Rule("mx.curp", "AAAA999999AAAAAA99", alone=True),
    _Rule("mx.curp", "AAAA999999AAAAAAA9", alone=True),
    _Rule("ie.pps", "9999999A", alone=False),
    _Rule("ie.pps", "9999999AA", alone=False),
    _Rule("pt.nif", "999999999", alone=False),
    _Rule("hr.oib", "99999999999", alone=False),
    _Rule("bg.egn", "9999999999", alone=False),
    _Rule("ee.ik", "99999999999", alone=False),
    _Rule("lt.asmens", "99999999999", alone=False),
    _Rule("il.idnr", "999999999", alone=False),
    _Rule("cl.rut", "99.999.999-9", alone=True),
    _Rule("ar.cuit", "99-99999999-9", alone=True),
    *(
        _Rule("eu.vat", shape, alone=True)
        for shape in ("AA99999999", "AA999999999", "AA9999999999", "AAA99999999", "AA99999999999", "AA999999999A99")
    ),
)
_BY_SHAPE: Final = defaultdict[str, list[_Rule]](list)
for _rule in _RULES:
    _BY_SHAPE[_rule.shape].append(_rule)
_MOST_PARTS: Final = 7
_LETTERS: Final = re.compile("[A-Za-z]")
_DIGITS: Final = re.compile(r"\d")
_RUN: Final = re.compile(r"(?<!\w)[A-Z]{0,6}\d[A-Z0-9]*(?:[ ./-](?:[A-Z]{0,2}\d[A-Z0-9]*|[A-Z](?![A-Za-z])))*(?!\w)")
_PART: Final = re.compile(r"[A-Z0-9]+")
_NINO: Final = re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)")

_NOUN: Final = (
    r"passport|reisepass|passeport|driv(?:er|ing|er'?s) licen[cs]e|licen[cs]e|fuhrerschein|social (?:security"
    r"|insurance)"
    r"|ssn|nino|national insurance|tax(?:payer)?|tin|itin|ein|vat|utr|national|personal|citizen|identity"
    r"|identification"
    r"|id card|personalausweis|ausweis|pesel|nip|bsn|dni|nie|nif|cpf|cnpj|aadhaar|personnummer|cpr|nhs|medicare"
    r"|medicaid"
    r"|(?:health )?insurance|residence permit|steuer-?(?:id|nummer)|sozialversicherungs|codice fiscale|voter"
)
_CALLED: Final = re.compile(
    rf"\b(?:{_NOUN})(?: (?:card|identification|identity|insurance|security|registration))?"
    r"(?:[ -]?(?:numbers?|nos?\.?|nr\.?|num\.?|id|code|nummer|#))?\s?(?:is|was|are|:|=|#|-)?[\s:]{0,4}"
    r"((?:[A-Za-z]{1,4}"
    r"|(?-i:[A-Z]{1,4})[ -])?\d[A-Za-z0-9]*(?:[ ./-]\d[A-Za-z0-9]*){0,5}(?:[ -]?[A-Z])?)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_WORDS: Final = words(_NOUN)
_may_be_called: Final = hint(_NOUN)
_HAS_DIGIT: Final = re.compile(r"\d")
_SHORTEST: Final = 6  # letters and digits of a number that only a word says to be one


def official_numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and compact form of each official number."""
    if not _HAS_DIGIT.search(text):
        return
    is_called = _may_be_called(text)
    is_near = nearby(_WORDS, text) if is_called else _never
    for run in _RUN.finditer(text):
        yield from _by_check_digit(run, is_near)
    yield from ((m.start(), m.end(), _compact(m[0])) for m in _NINO.finditer(text))
    for match in _CALLED.finditer(text) if is_called else ():
        if len(_compact(match[1])) >= _SHORTEST and sum(map(str.isdigit, match[1])) > 3:
            yield match.start(1), match.end(1), _compact(match[1])


def _by_check_digit(run: re.Match[str], is_near: _IsNear) -> Iterator[tuple[int, int, str]]:
    text = run.string
    parts = [part.span() for part in _PART.finditer(text, run.start(), run.end())]
    shape = _LETTERS.sub(_LETTER, _DIGITS.sub(_DIGIT, run[0]))
    for first, (start, _) in enumerate(parts):
        for _, end in parts[first : first + _MOST_PARTS]:
            for rule in _BY_SHAPE.get(shape[start - run.start() : end - run.start()], ()):
                written = text[start:end]
                if (rule.alone or is_near(start, end)) and _is_valid(rule, written):
                    yield start, end, _compact(written)
                    break


def _never(_start: int, _end: int) -> bool:
    return False


def _is_valid(rule: _Rule, written: str) -> bool:
    return not rule.check or bool(import_module(f"stdnum.{rule.check}").is_valid(written))


def _compact(written: str) -> str:
    return re.sub(r"[\s./-]", "", written).upper()
