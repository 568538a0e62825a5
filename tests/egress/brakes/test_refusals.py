"""Who is refused again and again leaves one record a minute."""

from __future__ import annotations

import threading
from dataclasses import replace

from egress.brakes.counters import Caller
from egress.brakes.refusals import EVERY, Refusals
from egress.errors import QuotaExceeded, Stopped
from tests.egress.brakes.people import ANNA, BEN

HERE = Caller(ANNA, "app:chat", "192.0.2.7")
TOO_OFTEN = QuotaExceeded("too often", retry_after=7)


def test_the_first_of_a_minute_is_noted_and_the_next_minute_again() -> None:
    now = [1_000.0]
    refusals = Refusals(lambda: now[0])
    assert [refusals.first(HERE, TOO_OFTEN) for _ in range(100)] == [True, *[False] * 99]
    now[0] += EVERY - 1
    assert not refusals.first(HERE, TOO_OFTEN)
    now[0] += 1
    assert [refusals.first(HERE, TOO_OFTEN) for _ in range(2)] == [True, False]


def test_each_person_and_each_kind_has_its_own() -> None:
    refusals = Refusals()
    assert refusals.first(HERE, TOO_OFTEN)
    assert refusals.first(HERE, Stopped("stopped"))
    assert refusals.first(replace(HERE, user=BEN), TOO_OFTEN)
    # Another address or key of the same person is no way to more of them.
    assert not refusals.first(replace(HERE, address="192.0.2.8", application="app:other"), TOO_OFTEN)


def test_of_many_at_once_one_is_the_first() -> None:
    refusals, begin, came = Refusals(), threading.Barrier(8), list[bool]()

    def refuse() -> None:
        begin.wait(30)
        came.append(refusals.first(HERE, TOO_OFTEN))

    threads = [threading.Thread(target=refuse) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(came) == [*[False] * 7, True]


def test_what_is_over_is_forgotten() -> None:
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    for number in range(1_000):
        refusals.first(replace(HERE, user=f"user:u{number}"), TOO_OFTEN)  # type: ignore[arg-type]
    now[0] += EVERY
    assert refusals.first(HERE, TOO_OFTEN)
    assert len(refusals._noted) == 1
