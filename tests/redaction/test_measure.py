from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from redaction.errors import BadExamples
from redaction.measure import Example, Marked, Share, files_of, masked_by, read_examples, score
from redaction.patterns import pattern_recognisers
from redaction.types import Identity, Kind, Span

if TYPE_CHECKING:
    from pathlib import Path

JANE = Identity(Kind.USER, "jane")
TEXT = "Jane Doe, 020 7946 0123"
EXAMPLE = Example(TEXT, (Marked(0, 8, ("PERSON", "DIRECT")), Marked(10, 23, ("PHONE",))))


def test_a_stretch_is_found_when_no_letter_and_no_digit_of_it_stays() -> None:
    made = score([EXAMPLE], lambda _: [Span(0, 4, JANE), Span(5, 8, JANE), Span(10, 22, JANE)])
    assert made.recall == {"DIRECT": Share(1, 1), "PERSON": Share(1, 1), "PHONE": Share(1, 0)}
    assert made.missed == (("PHONE", "020 7946 0123"),)


def test_precision_counts_letters_and_digits_and_stretches_by_kind() -> None:
    made = score([Example(TEXT, (Marked(0, 8, ("PERSON",)),))], lambda _: [Span(0, 8, JANE), Span(10, 13, JANE)])
    assert made.characters == Share(10, 7)
    assert made.precision == {"USER": Share(2, 1)}


def test_nothing_masked_finds_nothing_and_is_never_wrong() -> None:
    made = score([EXAMPLE], lambda _: [])
    assert all(share.count == 0 for share in made.recall.values())
    assert made.characters == Share(0, 0)
    assert made.precision == {}


@pytest.mark.parametrize(
    ("share", "low", "high"), [(Share(0, 0), 0, 1), (Share(10, 10), 0.722, 1), (Share(100, 50), 0.404, 0.596)]
)
def test_an_interval_is_wilsons(share: Share, low: float, high: float) -> None:
    assert share.interval == pytest.approx((low, high), abs=0.001)


def test_it_measures_recognisers() -> None:
    made = score([EXAMPLE], masked_by(pattern_recognisers()))
    assert made.recall["PHONE"] == Share(1, 1)
    assert made.recall["PERSON"] == Share(1, 0)


def test_marked_texts_are_read_in_both_forms(tmp_path: Path) -> None:
    case = {
        "text": "Jane",
        "split": "dev",
        "entities": [
            {"start_offset": 0, "end_offset": 4, "entity_type": "PERSON", "identifier_type": "DIRECT"},
            {"start_offset": 0, "end_offset": 2, "entity_type": "ORG", "identifier_type": "NO_MASK"},
        ],
    }
    sentence = {"full_text": "Jane", "spans": [{"start_position": 0, "end_position": 4, "entity_type": "PERSON"}]}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(case)}\n")
    (tmp_path / "b.json").write_text(json.dumps([sentence]))
    first, second = files_of(tmp_path)
    assert read_examples(first) == [Example("Jane", (Marked(0, 4, ("PERSON", "DIRECT")),), "dev")]
    assert read_examples(second) == [Example("Jane", (Marked(0, 4, ("PERSON",)),))]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"text": "x"}', '[{"full_text": 1, "spans": [{}]}]'])
def test_what_holds_no_marked_texts_is_refused(tmp_path: Path, content: Any) -> None:
    (tmp_path / "a.json").write_text(content)
    if content:
        with pytest.raises(BadExamples):
            read_examples(tmp_path / "a.json")
    with pytest.raises(BadExamples):
        read_examples(tmp_path / "b.json")


def test_the_folder_of_data_sets_has_them_one_below(tmp_path: Path) -> None:
    (tmp_path / "pii").mkdir()
    (tmp_path / "pii" / "a.json").write_text("[]")
    assert files_of(tmp_path) == [tmp_path / "pii" / "a.json"]
    assert files_of(tmp_path / "nowhere") == []
