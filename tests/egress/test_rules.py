from __future__ import annotations

import base64

import pytest

from egress.check import check
from egress.errors import AnswerBlocked
from egress.rules import AnswerRules, answer_rules
from egress.types import Checked, Draft
from tests.egress.answers import JANE, PROMPT, TOKENS, names

CANARY = "Quiet-Otter-7731-Lantern"
RULES = answer_rules([r"(?i)project\s+falcon", r"Jane Doe is \w+"], [CANARY])


def run(text: str, rules: AnswerRules = RULES) -> Checked:
    return check(Draft(text, "model"), PROMPT, TOKENS, [names], rules)


@pytest.mark.parametrize("text", ["Project  Falcon it is [1].", "![project falcon](x) [1]", f"{JANE} is away [1]."])
def test_an_answer_that_fits_a_pattern_is_blocked_as_written_or_as_shown(text: str) -> None:
    with pytest.raises(AnswerBlocked, match=r"pattern \d of the setting") as blocked:
        run(text)
    assert "alcon" not in str(blocked.value)
    assert run(text, answer_rules()).text


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        CANARY.upper(),
        " ".join(CANARY),
        CANARY[::-1],
        base64.b64encode(CANARY.encode()).decode(),
        CANARY.encode().hex(),
        "".join(f"%{byte:02x}" for byte in CANARY.encode()),
        CANARY.replace("e", "\u0435").replace("t", "\uff54"),
        "\u200b".join(CANARY),
    ],
)
def test_a_canary_of_a_document_blocks_the_answer_however_it_is_written(written: str) -> None:
    with pytest.raises(AnswerBlocked, match="canary"):
        run(f"It says {written} there [1].")
    assert run("It says quiet otters there [1].").cited == (1,)


def test_rules_that_cannot_hold_are_refused_and_not_shown() -> None:
    for patterns, canaries in ((["ab(c"], []), (["x*"], []), ([], ["short-one"])):
        with pytest.raises(ValueError, match=r"(pattern|canary) 1") as refused:
            answer_rules(patterns, canaries)
        assert not any(word in str(refused.value) for word in (*patterns, *canaries))
    assert answer_rules() == AnswerRules()
