"""The libraries themselves are fakes at the edge here, but for spaCy's blank pipeline with rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import spacy

from redaction.adapters import from_gliner, from_presidio, from_spacy, load
from redaction.errors import AdapterMissing, RecogniserFailed
from redaction.normalise import fold
from redaction.recognise import recognise
from redaction.types import Kind
from tests.redaction.written import recognised


def nlp() -> Any:
    blank = spacy.blank("en")
    ruler = blank.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Mara Thorn"}, {"label": "CARDINAL", "pattern": "seven"}])  # type: ignore[attr-defined]
    return blank


def test_entities_of_spacy_are_guesses_and_names() -> None:
    texts = ["Zoë, seven: Mara Thorn", "ask Thorn"]
    first, second = recognised(texts, [from_spacy(nlp())])
    assert {(texts[0][span.start : span.end], span.identity.kind) for span in first} == {("Mara Thorn", Kind.USER)}
    assert [texts[1][span.start : span.end] for span in second] == ["Thorn"]


@dataclass
class Found:
    start: int
    end: int
    entity_type: str


class Analyzer:
    def analyze(self, *, text: str, language: str) -> list[Found]:
        assert language == "en"
        at = text.index("020")
        return [Found(at, at + 13, "PHONE_NUMBER"), Found(0, 3, "SOMETHING_ELSE")]


def test_findings_of_presidio_have_our_kinds() -> None:
    (spans,) = recognise([fold("ask 020 7946 0123")], [from_presidio(Analyzer())])
    assert [(span.start, span.end, span.identity.kind) for span in spans] == [(4, 17, Kind.PHONE)]


class Short:
    """Reads 384 words and drops the rest in silence, as GLiNER does."""

    def predict_entities(self, text: str, labels: list[str]) -> list[dict[str, Any]]:
        read = " ".join(text.split(" ")[:384])
        at = read.find("Mara Thorn")
        return [{"start": at, "end": at + 10, "label": labels[0]}] if at >= 0 else []


@pytest.mark.parametrize("before", [0, 249, 250, 295, 299, 1_000])
def test_a_long_text_is_read_to_its_end_by_gliner(before: int) -> None:
    text = "word " * before + "Mara Thorn " + "word " * 300
    (spans,) = recognise([fold(text)], [from_gliner(Short())])
    assert (5 * before, 5 * before + 10) in {(span.start, span.end) for span in spans}


def test_a_model_that_raises_stops_recognition() -> None:
    """PT-02."""
    with pytest.raises(RecogniserFailed):
        recognise([fold("no number")], [from_presidio(Analyzer())])


@pytest.mark.parametrize(
    ("library", "model", "message"),
    [
        ("gliner", "m", r"pip install 'need-to-know\[gliner\]'"),
        ("presidio", "m", "presidio is not installed"),
        ("spacy", "no_such_model", "has no model"),
        ("bert", "m", "not known"),
    ],
)
def test_what_is_not_installed_is_said_clearly(library: str, model: str, message: str) -> None:
    with pytest.raises(AdapterMissing, match=message):
        load(f"{library}:{model}")
