from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.openai_model import Dialect, OpenAiModel
from egress.usage import Price, Usage, cost, usage_of
from tests.egress.wire import ANSWER, DONE, GOOD, KEY, OK, PATIENT, PROMPT, STOP, Wire, chunk, says

TEXT = "The canary allowance is 180 EUR. " * 10  # 330 bytes


def test_what_can_be_is_believed() -> None:
    assert usage_of(TEXT, ANSWER, {"prompt_tokens": 90, "completion_tokens": 12}) == Usage(90, 12, reported=True)


@pytest.mark.parametrize(
    "told", [None, 0, -1, -(10**9), 10**9, 330 + 65, 1.5, float("nan"), True, "90", [90], {"a": 1}]
)
def test_what_cannot_be_is_replaced_by_a_count_of_our_own(told: object) -> None:
    """QD-03: else a provider writes its own bill, and a limit counts what it says."""
    assert usage_of(TEXT, ANSWER, {"prompt_tokens": told, "completion_tokens": 12}) == Usage(110, 12, reported=False)
    assert usage_of(ANSWER, TEXT, {"prompt_tokens": 12, "completion_tokens": told}) == Usage(12, 110, reported=False)


@pytest.mark.parametrize("reported", [None, {}, [], "usage", 7, {"total_tokens": 9}])
def test_without_a_report_our_own_count_holds(reported: object) -> None:
    assert usage_of(TEXT, TEXT, reported) == Usage(110, 110, reported=False)


@given(st.text(), st.text(), st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens"]), st.integers()))
def test_no_report_goes_past_the_bytes_of_the_text_or_below_nothing(
    prompt: str, answer: str, reported: dict[str, int]
) -> None:
    usage = usage_of(prompt, answer, reported)
    assert 0 <= usage.prompt_tokens <= len(prompt.encode()) + 64
    assert 0 <= usage.completion_tokens <= len(answer.encode()) + 64


def test_the_cost_is_exact() -> None:
    price = Price(Decimal("2.50"), Decimal(10))
    assert cost(Usage(1000, 200, reported=True), price) == Decimal("0.0045")
    assert cost(Usage(1, 0, reported=True), price) == Decimal("0.0000025")
    assert cost(Usage(1000, 200, reported=True), Price(Decimal(0), Decimal(0))) == 0


def told(usage: object) -> Usage | None:
    event = b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    script = says(OK, chunk(ANSWER, usage=None), STOP, event, DONE)
    with Wire(script) as wire, OpenAiModel(wire.base_url, "small", KEY, limits=PATIENT) as model:
        return model.complete(PROMPT).usage


def test_a_draft_says_what_it_took() -> None:
    assert told({"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59}) == Usage(50, 9, reported=True)
    own = Usage(-(-len((PROMPT.system + PROMPT.user).encode()) // 3), -(-len(ANSWER.encode()) // 3), reported=False)
    assert told("canary") == told({"prompt_tokens": -50}) == own


def test_a_server_that_knows_no_report_is_not_asked_for_one() -> None:
    with Wire(says(OK, GOOD)) as wire:
        for dialect in (Dialect(usage=False, store=False), Dialect(cache=True)):
            with OpenAiModel(wire.base_url, "small", KEY, limits=PATIENT, dialect=dialect) as model:
                assert model.complete(PROMPT).usage is not None
    bare, rich = (json.loads(request.partition(b"\r\n\r\n")[2]) for request in wire.received)
    assert bare.keys() == {"model", "messages", "stream", "temperature"}
    assert rich["prompt_cache_options"] == {"mode": "explicit"}
    assert rich["store"] is False
