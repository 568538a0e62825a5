from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.breaker import FAILURES, PAUSE, Breaker, Circuit
from egress.errors import ModelDown
from egress.openai_model import OpenAiModel
from tests.egress.wire import ANSWER, DONE, GOOD, KEY, OK, PATIENT, PROMPT, STOP, Wire, chunk, in_turn, says, status

if TYPE_CHECKING:
    from egress.breaker import Outcome
    from tests.egress.wire import Script

FOUR: list[Outcome] = ["failed"] * 4
NOTHING: list[Outcome] = ["nothing learnt"] * 9
FIVE: list[Outcome] = ["failed"] * 5
SECONDS = PAUSE.total_seconds()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def after(*outcomes: Outcome, now: float = 0.0) -> Circuit:
    circuit = Circuit()
    for outcome in outcomes:
        circuit = circuit.begun().ended(outcome, now)
    return circuit


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    assert after(*FOUR).wait(0) == 0
    assert after(*FIVE).wait(0) == SECONDS


def test_what_worked_in_between_begins_the_count_anew() -> None:
    assert after(*FOUR, "worked", *FOUR).wait(0) == 0


def test_what_says_nothing_of_the_provider_counts_neither_way() -> None:
    assert after(*NOTHING).wait(0) == 0
    assert after(*FOUR, "nothing learnt", "failed").wait(0) == SECONDS


def test_after_the_pause_one_call_tries_and_the_others_wait() -> None:
    opened = after(*FIVE)
    assert opened.wait(SECONDS - 0.1) == pytest.approx(0.1)
    assert opened.wait(SECONDS) == 0
    assert opened.begun().wait(SECONDS) == 1


def test_a_trial_that_works_closes_it_and_one_that_fails_keeps_it_open_as_long_again() -> None:
    trying = after(*FIVE).begun()
    assert trying.ended("worked", SECONDS) == Circuit()
    assert trying.ended("failed", SECONDS).wait(SECONDS) == SECONDS


def test_a_trial_that_was_cut_off_leaves_room_for_another() -> None:
    assert after(*FIVE).begun().ended("nothing learnt", SECONDS).wait(SECONDS) == 0


def test_a_call_that_began_before_and_fails_late_makes_nobody_wait_longer() -> None:
    assert after(*FIVE).ended("failed", SECONDS - 1).wait(SECONDS) == 0


@given(st.lists(st.tuples(st.sampled_from(["worked", "failed", "nothing learnt"]), st.floats(0, 40))))
def test_nobody_ever_waits_longer_than_the_pause_and_it_is_open_after_failures_alone(
    steps: list[tuple[Outcome, float]],
) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    in_a_row = 0
    for outcome, pause in steps:
        clock.now += pause
        wait = breaker.begin()
        assert wait <= SECONDS
        if wait:
            assert in_a_row >= FAILURES
            continue
        breaker.end(outcome)
        in_a_row = {"worked": 0, "failed": in_a_row + 1, "nothing learnt": in_a_row}[outcome]


def test_a_provider_that_failed_five_times_is_not_asked_until_the_pause_is_over() -> None:
    """FT-14."""
    clock = Clock()
    failing = [says(status("500 Oops"))] * 6
    with (
        Wire(in_turn(*failing, says(OK, GOOD))) as wire,
        OpenAiModel(wire.base_url, "small", KEY, limits=PATIENT, breaker=Breaker(clock)) as model,
    ):
        for _ in range(5):
            with pytest.raises(ModelDown, match="answered 500"):
                model.complete(PROMPT)
        with pytest.raises(ModelDown, match="failed again and again; tried again in 30 s"):
            model.complete(PROMPT)
        assert len(wire.received) == 5
        clock.now += 30
        with pytest.raises(ModelDown, match="answered 500"):  # the trial
            model.complete(PROMPT)
        with pytest.raises(ModelDown, match="tried again in 30 s"):
            model.complete(PROMPT)
        assert len(wire.received) == 6
        clock.now += 30
        assert [model.complete(PROMPT).text for _ in range(3)] == [ANSWER] * 3


@pytest.mark.parametrize(
    "answer",
    [
        says(status("400 Bad Request")),
        says(status("401 Unauthorized")),
        says(status("413 Too Large")),
        says(OK, chunk(ANSWER, "content_filter"), DONE),
        says(OK, chunk(ANSWER, "length"), DONE),
        says(OK, chunk(" "), STOP, DONE),
        says(OK, chunk("a" * 101), STOP, DONE),
    ],
)
def test_nobody_shuts_a_provider_for_all_by_questions_that_it_does_not_like(answer: Script) -> None:
    with (
        Wire(in_turn(*[answer] * 7, says(OK, GOOD))) as wire,
        OpenAiModel(wire.base_url, "small", KEY, limits=PATIENT) as model,
    ):
        for _ in range(7):
            with pytest.raises(ModelDown):
                model.complete(PROMPT)
        assert model.complete(PROMPT).text == ANSWER
