"""Models of others as recognisers: spaCy, GLiNER, Presidio, where somebody has installed one and has a model for it.

They only add to what is masked. Their own traps are dealt with here: GLiNER reads some hundred words and drops the rest
in silence, so it gets a text in overlapping pieces; Presidio finds nothing in silence where it has no model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from redaction.errors import AdapterMissing
from redaction.features import TOKEN
from redaction.settle import found_identity
from redaction.types import Identity, Kind, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redaction.normalise import Folded
    from redaction.types import Recogniser

_KINDS: Final = {
    "PERSON": Kind.USER,
    "PER": Kind.USER,
    "ORG": Kind.ORG,
    "ORGANIZATION": Kind.ORG,
    "NRP": Kind.TRAIT,
    "NORP": Kind.TRAIT,
    "GPE": Kind.PLACE,
    "LOC": Kind.PLACE,
    "FAC": Kind.PLACE,
    "LOCATION": Kind.PLACE,
    "DATE": Kind.DATE,
    "TIME": Kind.DATE,
    "DATE_TIME": Kind.DATE,
    "MONEY": Kind.AMOUNT,
    "PERCENT": Kind.AMOUNT,
    "EMAIL_ADDRESS": Kind.EMAIL,
    "PHONE_NUMBER": Kind.PHONE,
    "CREDIT_CARD": Kind.CARD,
    "IBAN_CODE": Kind.IBAN,
    "IP_ADDRESS": Kind.IP,
    "URL": Kind.URL,
    "US_SSN": Kind.IDENT,
    "US_PASSPORT": Kind.IDENT,
    "US_DRIVER_LICENSE": Kind.IDENT,
    "UK_NHS": Kind.IDENT,
    "ADDRESS": Kind.ADDRESS,
}
_GLINER: Final = ("person", "organization", "location", "address", "date")
_PIECE, _OVERLAP = 300, 50  # words


def load(named: str) -> Recogniser:
    """Make a recogniser of a library's model.

    Args:
        named: `spacy`, `gliner` or `presidio`, a colon, and a folder with the model, or its name; for presidio, the
            name of the spaCy model that it uses.

    Raises:
        AdapterMissing: The library is not installed or not known, or it has no such model.
    """
    library, _, model = named.partition(":")
    makers: dict[str, Callable[[str], Recogniser]] = {"spacy": _spacy, "gliner": _gliner, "presidio": _presidio}
    if library not in makers:
        raise AdapterMissing(f"{library} is not known: write one of {', '.join(makers)}, a colon and a model")
    try:
        return makers[library](model)
    except ImportError:
        raise AdapterMissing(f"{library} is not installed: pip install 'need-to-know[{library}]'") from None
    except (OSError, ValueError) as error:
        raise AdapterMissing(f"{library} has no model {model} ({type(error).__name__})") from None


def _spacy(model: str) -> Recogniser:
    return from_spacy(import_module("spacy").load(model))


def _gliner(model: str) -> Recogniser:
    return from_gliner(import_module("gliner").GLiNER.from_pretrained(model, local_files_only=True))


def _presidio(model: str) -> Recogniser:
    engines = import_module("presidio_analyzer.nlp_engine")
    settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    engine = engines.NlpEngineProvider(nlp_configuration=settings).create_engine()
    return from_presidio(import_module("presidio_analyzer").AnalyzerEngine(nlp_engine=engine))


def from_spacy(nlp: Any) -> Recogniser:
    """Make a recogniser of a pipeline that finds entities."""
    return lambda text: (
        span
        for entity in nlp(text.text).ents
        for span in _span(text, entity.start_char, entity.end_char, entity.label_)
    )


def from_presidio(analyzer: Any) -> Recogniser:
    """Make a recogniser of an analyzer."""
    return lambda text: (
        span
        for found in analyzer.analyze(text=text.text, language="en")
        for span in _span(text, found.start, found.end, found.entity_type)
    )


def from_gliner(model: Any) -> Recogniser:
    """Make a recogniser of a GLiNER model."""

    def recognised(text: Folded) -> Iterator[Span]:
        for start, end in _pieces(text.text):
            for found in model.predict_entities(text.text[start:end], list(_GLINER)):
                yield from _span(text, start + found["start"], start + found["end"], found["label"].upper())

    return recognised


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Give pieces of so many words, each of which begins before the last one ends."""
    words = [word.span() for word in TOKEN.finditer(text)]
    for first in range(0, len(words), _PIECE - _OVERLAP):
        yield words[first][0], words[min(first + _PIECE, len(words)) - 1][1]


def _span(text: Folded, start: int, end: int, label: str) -> Iterator[Span]:
    kind, written = _KINDS.get(label), text.text[start:end]
    if kind is Kind.USER:
        yield Span(start, end, found_identity(written), name=written, guess=True)
    elif kind is not None:
        yield Span(start, end, Identity(kind, " ".join(written.lower().split())), guess=True)
