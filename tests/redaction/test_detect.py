"""What is found calls for the right label, in linear time, and never passes because a detector failed."""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import parse_label
from redaction.detect import DETECTORS, Finding, detect
from redaction.errors import RecogniserFailed
from redaction.normalise import fold, fold_text
from tests.redaction.detectors.made_up import ANY, card, chance

KEY: Final = "gh" + "p_" + chance(ANY, 36)


@pytest.mark.parametrize(
    ("text", "kind", "label"),
    [
        (f"Paid with {card('4')}", "card number", "confidential+pci"),
        ("Mr. Smith was diagnosed with asthma.", "health data", "confidential+hipaa"),
        (KEY, "secret", "restricted"),
        ("STRICTLY CONFIDENTIAL\n\nwords", "marked as strictly confidential", "restricted"),
        ("CONFIDENTIAL\n\nwords", "marked as confidential", "confidential"),
    ],
)
def test_each_kind_calls_for_its_label(text: str, kind: str, label: str) -> None:
    assert detect(text) == (Finding(kind, parse_label(label), 1),)


def test_an_ordinary_text_calls_for_nothing() -> None:
    """Permitted twin."""
    text = "# Leave\n\nWrite to hr@corp.example before the 1st of May 2026, or call +44 20 7946 0018. Mr. Kim helps."
    assert detect(text) == ()
    assert detect("") == ()


def test_all_kinds_in_one_text_are_found() -> None:
    text = f"STRICTLY CONFIDENTIAL\n\nCard {card('4')}, {card('53')}\n\nMr. Smith has asthma.\n\n{KEY}"
    assert [(finding.kind, finding.count) for finding in detect(text)] == [
        ("card number", 2),
        ("health data", 1),
        ("secret", 1),
        ("marked as strictly confidential", 1),
    ]


def test_what_is_hidden_from_a_pattern_and_not_from_a_reader_is_found() -> None:
    hidden = "\u200b".join(card("4")).translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    assert [finding.kind for finding in detect(f"Card: {hidden}")] == ["card number"]


def test_a_detector_that_fails_holds_the_document_and_shows_nothing_of_it() -> None:
    def fails(text: str) -> list[Finding]:
        raise RuntimeError(text)

    with pytest.raises(RecogniserFailed) as refused:
        detect(f"Words, and {KEY}", [*DETECTORS, fails])
    assert str(refused.value) == "it could not be checked for what calls for a label: RuntimeError"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@given(st.text(max_size=300))
def test_any_text_is_looked_through(text: str) -> None:
    assert isinstance(detect(text), tuple)


@given(
    st.text(alphabet=st.sampled_from("aÄß&;#x41lt\n\t\u200b\uff11\u0430漢\u0301 "), max_size=60) | st.text(max_size=60)
)
def test_a_text_is_folded_as_redaction_folds_it(text: str) -> None:
    assert fold_text(text) == fold(text).text


@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "4111 1111 1111 1112 ",
        "4",
        "a@",
        f"-----{'BEGIN'} PRIVATE KEY-----\n",
        f"-----{'BEGIN'} PRIVATE KEY-----\nA: b\n",
        "eyJhbGciOiJIUzI1NiJ9.",
        "Confidential\n",
        "confidential ",
        "has diabetes at 12 ",
        "patient has diabetes at x at y dot z 030 1234 5678\n\n",
        "password: ",
        "password=a",
        "http://a:b",
        "漢字",
        "1\u200b",
        "&amp",
        "born 1.",
        "\n",
    ],
)
def test_no_text_is_made_to_take_long(unit: str) -> None:
    """IN-08. Quadratic time would be minutes here; it is a second at most."""
    text = unit * (300_000 // len(unit))
    begun = time.process_time()
    detect(text)
    assert time.process_time() - begun < 20
