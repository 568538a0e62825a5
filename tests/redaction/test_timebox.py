from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from redaction.errors import RecogniserFailed, TookTooLong
from redaction.timebox import within

AT_ONCE = timedelta(milliseconds=20)
LONG = timedelta(seconds=60)


def test_work_in_time_gives_its_result() -> None:
    assert within(LONG, lambda: 7) == 7


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_what_work_raises_comes_out(error: BaseException) -> None:
    def failing() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        within(LONG, failing)
    assert raised.value is error


def test_work_that_hangs_is_given_up() -> None:
    """PT-02."""
    goes_on = threading.Event()
    with pytest.raises(TookTooLong, match=r"0\.02 s"):
        within(AT_ONCE, goes_on.wait)
    goes_on.set()
    assert issubclass(TookTooLong, RecogniserFailed)


def test_work_that_hangs_again_and_again_takes_no_more_room() -> None:
    goes_on, ended = threading.Event(), threading.Barrier(65)

    def hanging() -> None:
        goes_on.wait()
        ended.wait()

    for _ in range(64):
        with pytest.raises(TookTooLong):
            within(timedelta(0), hanging)
    with pytest.raises(TookTooLong, match="hangs already"):
        within(LONG, lambda: 7)
    goes_on.set()
    ended.wait()
    for thread in threading.enumerate():
        if thread.name == "timebox":
            thread.join()
    assert within(LONG, lambda: 7) == 7
