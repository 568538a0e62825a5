"""Who waits for a model can end it at once."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from egress.breaker import Breaker
from egress.errors import ModelDown
from egress.openai_model import Limits, OpenAiModel
from tests.egress.wire import ANSWER, GOOD, KEY, OK, PROMPT, Script, Wire, chunk, drips, in_turn, says, status, waits

LONG = Limits(silence=timedelta(seconds=20), total=timedelta(seconds=20), characters=10_000)


class Stopped(Exception):
    """Somebody stopped everything."""


class Stop:
    """Raises once it is set, and notes who asked and when."""

    def __init__(self) -> None:
        self.set, self.asked, self.threads = threading.Event(), list[float](), set[int]()

    def __call__(self) -> None:
        self.asked.append(time.monotonic())
        self.threads.add(threading.get_ident())
        if self.set.is_set():
            raise Stopped


STAGES: dict[str, Script] = {
    "before the head": waits(b""),
    "in the head": waits(OK[:20]),
    "after the head": waits(OK),
    "in the answer": waits(OK + chunk("The")),
    "in a line": waits(OK + chunk("The")[:-9]),
    "while it drips": drips(OK, chunk("a"), every=0.1),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_call_ends_at_once_when_its_caller_says_so_and_the_connection_with_it(stage: str) -> None:
    """FT-15, AL-10: at each thing that it can wait for."""
    stop = Stop()
    with (
        Wire(in_turn(STAGES[stage], says(OK, GOOD))) as wire,
        OpenAiModel(wire.base_url, "small", KEY, limits=LONG) as model,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(model.complete, PROMPT, stop)
        assert wire.asked.wait(5)
        stop.set.set()
        began = time.monotonic()
        with pytest.raises(Stopped):
            asked.result(5)
        assert wire.left.wait(1)
        assert time.monotonic() - began < 1.5
        assert model.complete(PROMPT).text == ANSWER  # on a connection of its own; what was cut off spoils nothing
        assert len(wire.received) == 2


def test_it_ends_also_while_it_waits_to_try_again() -> None:
    stop = Stop()
    with (
        Wire(says(status("429 Too Many Requests", b"", "Retry-After: 10"))) as wire,
        OpenAiModel(wire.base_url, "small", KEY, limits=LONG) as model,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(model.complete, PROMPT, stop)
        assert wire.left.wait(5)
        stop.set.set()
        with pytest.raises(Stopped):
            asked.result(1.5)
    assert len(wire.received) == 1


def test_what_is_stopped_before_it_begins_sends_nothing() -> None:
    stop = Stop()
    stop.set.set()
    with Wire(says(OK, GOOD)) as wire, OpenAiModel(wire.base_url, "small", KEY) as model, pytest.raises(Stopped):
        model.complete(PROMPT, stop)
    assert wire.received == []


def test_it_is_asked_from_the_callers_thread_at_least_every_half_second() -> None:
    stop = Stop()
    with (
        Wire(drips(OK, b": ping\n\n", every=0.05)) as wire,
        OpenAiModel(wire.base_url, "small", KEY, limits=Limits(total=timedelta(seconds=1.5))) as model,
        pytest.raises(ModelDown, match=r"within 1\.5 s"),
    ):
        model.complete(PROMPT, stop)
    assert stop.threads == {threading.get_ident()}
    assert len(stop.asked) >= 4
    assert all(later - earlier < 0.5 for earlier, later in zip(stop.asked, stop.asked[1:], strict=False))


def test_who_lets_it_go_on_gets_the_answer() -> None:
    stop = Stop()
    with Wire(says(OK, GOOD)) as wire, OpenAiModel(wire.base_url, "small", KEY) as model:
        assert model.complete(PROMPT, stop).text == ANSWER
    assert stop.asked


def test_what_was_stopped_says_nothing_of_the_provider() -> None:
    breaker = Breaker()
    with (
        Wire(waits(OK)) as wire,
        OpenAiModel(wire.base_url, "small", KEY, limits=LONG, breaker=breaker) as model,
    ):
        for _ in range(6):
            calls = iter([False, True])

            def proceed(calls: object = calls) -> None:
                if next(calls):  # type: ignore[call-overload]
                    raise Stopped

            with pytest.raises(Stopped):
                model.complete(PROMPT, proceed)
    assert breaker.begin() == 0


def test_no_call_leaves_anything_running() -> None:
    stop = Stop()
    with Wire(waits(OK)) as wire, OpenAiModel(wire.base_url, "small", KEY, limits=LONG) as model:
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(model.complete, PROMPT, stop) for _ in range(8)]
            assert wire.asked.wait(5)
            stop.set.set()
            for each in asked:
                with pytest.raises(Stopped):
                    each.result(5)
        assert still_running(model) == 0


def still_running(model: OpenAiModel) -> int:
    async def count() -> int:
        for _ in range(100):  # the loop may have some of them to end
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if not others:
                return 0
            await asyncio.sleep(0.01)
        return len(others)

    return asyncio.run_coroutine_threadsafe(count(), model._loop).result(5)
