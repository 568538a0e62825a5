"""What goes to a provider: reserved before, settled however it ends, and never booked twice."""

from __future__ import annotations

import multiprocessing
import random
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, select

from acl.labels import Level
from egress.brakes.counters import Caller, Use
from egress.brakes.quotas import Limit, Quotas, Reading
from egress.brakes.volume import counts, reserve, reserved, settle, standings
from egress.errors import QuotaExceeded
from store.engine import snapshot, write
from store.errors import StoreDown
from store.schema import volume
from tests.egress.brakes.people import ANNA, BEN
from tests.processes import PATIENCE, together

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.synchronize import Barrier

    from store.folder import Store
    from tests.processes import Place

NOW = datetime(2026, 11, 26, 14, 37, tzinfo=UTC)
USE = Use(Caller(ANNA, "app:chat", "192.0.2.7"), "provider:acme", Level.INTERNAL, 100)
BEN_S = replace(USE, caller=replace(USE.caller, user=BEN))


def limit(measure: Any, most: int, per: Any = "user", window: Any = "day", **more: Any) -> Limit:
    return Limit(measure=measure, per=per, window=window, most=most, **more)


def quotas(*limits: Limit) -> Quotas:
    return Quotas(limits=limits, reading=Reading(per_day={"default": 200}))


REQUESTS, CHARACTERS = limit("requests", 3), limit("characters", 250)


def used(store: Store) -> dict[str, int]:
    with snapshot(store.engine) as connection:
        return {row.quota.partition("/")[0]: row.used for row in connection.execute(select(volume))}


def at(moment: datetime) -> Any:
    return lambda: moment


# --- reserving ----------------------------------------------------------------------------------


def test_there_is_room_until_there_is_none(store: Store) -> None:
    for number in (1, 2, 3):
        made = reserve(store.engine, quotas(REQUESTS), USE, clock=at(NOW))
        assert [one.left for one in made.standings] == [3 - number]
    with pytest.raises(QuotaExceeded) as error:
        reserve(store.engine, quotas(REQUESTS), USE, clock=at(NOW))
    assert error.value.retry_after == 9 * 3600 + 23 * 60
    reserve(store.engine, quotas(REQUESTS), BEN_S, clock=at(NOW))  # another has a count of his own
    reserve(store.engine, quotas(REQUESTS), USE, clock=at(NOW + timedelta(hours=10)))  # and another day another


def test_exactly_as_much_as_there_is_has_room(store: Store) -> None:
    only = quotas(CHARACTERS)
    reserve(store.engine, only, replace(USE, characters=250), clock=at(NOW))
    with pytest.raises(QuotaExceeded):
        reserve(store.engine, only, replace(USE, characters=1), clock=at(NOW))
    with pytest.raises(QuotaExceeded, match="this alone takes 251"):
        reserve(store.engine, only, replace(BEN_S, characters=251), clock=at(NOW))
    reserve(store.engine, only, replace(BEN_S, characters=250), clock=at(NOW))


def test_all_counts_are_taken_or_none(store: Store) -> None:
    both = quotas(REQUESTS, CHARACTERS)
    for _ in range(2):
        reserve(store.engine, both, USE, clock=at(NOW))
    with pytest.raises(QuotaExceeded):
        reserve(store.engine, both, USE, clock=at(NOW))
    assert used(store) == {"requests": 2, "characters": 200}
    reserve(store.engine, both, replace(USE, characters=50), clock=at(NOW))
    assert used(store) == {"requests": 3, "characters": 250}


def test_of_several_that_are_full_the_last_to_have_room_again_is_named(store: Store) -> None:
    two = quotas(limit("requests", 1, window="minute", per="level"), limit("requests", 1))
    reserve(store.engine, two, USE, clock=at(NOW))
    with pytest.raises(QuotaExceeded, match="1 requests a day") as error:
        reserve(store.engine, two, USE, clock=at(NOW))
    assert error.value.retry_after > 9 * 3600


def test_nothing_may_go_where_nothing_is_allowed(store: Store) -> None:
    with pytest.raises(QuotaExceeded):
        reserve(store.engine, quotas(limit("requests", 0)), USE, clock=at(NOW))
    with pytest.raises(QuotaExceeded):
        reserve(store.engine, quotas(limit("requests", 3), limit("requests", 0, of=ANNA)), USE, clock=at(NOW))
    reserve(store.engine, quotas(limit("requests", 3), limit("requests", 0, of=ANNA)), BEN_S, clock=at(NOW))


def test_a_limit_that_is_lowered_below_what_is_used_lets_nothing_through(store: Store) -> None:
    reserve(store.engine, quotas(CHARACTERS), replace(USE, characters=200), clock=at(NOW))
    with pytest.raises(QuotaExceeded):
        reserve(store.engine, quotas(limit("characters", 100)), replace(USE, characters=1), clock=at(NOW))
    reserve(store.engine, quotas(limit("characters", 201)), replace(USE, characters=1), clock=at(NOW))


# --- settling -----------------------------------------------------------------------------------


class Boom(Exception):
    """Whatever ends a block."""


BOTH = quotas(REQUESTS, CHARACTERS)


def test_what_left_is_counted_once(store: Store) -> None:
    with reserved(store.engine, BOTH, USE, clock=at(NOW)) as booking:
        assert used(store) == {"requests": 1, "characters": 100}  # under way already
        booking.leaves()
    assert used(store) == {"requests": 1, "characters": 100}


def send(store: Store, error: BaseException | None = None, *, leaves: bool = True) -> None:
    """Hold a reservation, and end its block by an error."""
    with reserved(store.engine, BOTH, USE, clock=at(NOW)) as booking:
        if leaves:
            booking.leaves()
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [Boom(), KeyboardInterrupt(), GeneratorExit()])
def test_what_did_not_leave_is_given_back_however_it_ended(store: Store, error: BaseException) -> None:
    """QD-02."""
    with pytest.raises(type(error)):
        send(store, error, leaves=False)
    assert used(store) == {"requests": 0, "characters": 0}
    send(store, leaves=False)
    assert used(store) == {"requests": 0, "characters": 0}
    send(store)
    assert used(store) == {"requests": 1, "characters": 100}


@pytest.mark.parametrize("error", [Boom(), TimeoutError(), KeyboardInterrupt(), GeneratorExit()])
def test_what_left_counts_whatever_came_of_it(store: Store, error: BaseException) -> None:
    """QD-02: a time-out, an error of the server, a stream that is cut after one token."""
    with pytest.raises(type(error)):
        send(store, error)
    assert used(store) == {"requests": 1, "characters": 100}


@pytest.mark.parametrize(
    ("told", "counts"), [(100, 100), (40, 40), (0, 0), (None, 100), (-5, 100), (101, 100), (10**12, 100)]
)
def test_ones_own_count_is_the_upper_bound(store: Store, told: int | None, counts: int) -> None:
    """QD-03: what a provider says of it is wrong, negative, missing or huge."""
    with reserved(store.engine, BOTH, USE, clock=at(NOW)) as booking:
        booking.leaves()
        booking.took(told)
    assert used(store) == {"requests": 1, "characters": counts}


def test_what_a_crash_cuts_off_stays_counted(store: Store) -> None:
    reserve(store.engine, BOTH, replace(USE, characters=250), clock=at(NOW))  # and nobody settles it
    with pytest.raises(QuotaExceeded):
        reserve(store.engine, BOTH, USE, clock=at(NOW))


def test_what_is_settled_after_its_window_was_purged_is_no_error(store: Store) -> None:
    made = reserve(store.engine, BOTH, USE, clock=at(NOW))
    with write(store.engine) as connection:
        connection.execute(delete(volume))
    settle(store.engine, made, sent=False)
    assert used(store) == {}


def test_a_database_that_fails_while_settling_hides_no_error_and_gives_nothing_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def held() -> None:
        with reserved(store.engine, BOTH, USE, clock=at(NOW)):
            broken.set()
            raise Boom

    broken = threading.Event()

    def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if broken.is_set() and statement.startswith("UPDATE volume"):
            raise StoreDown("the disk is gone")

    event.listen(store.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(Boom):
            held()
    finally:
        event.remove(store.engine, "before_cursor_execute", fail)
    assert used(store) == {"requests": 1, "characters": 100}
    assert "could not be given back" in caplog.text


# --- at once ------------------------------------------------------------------------------------

ASKERS, EACH = 4, 50


def ask_on(place: Place, begin: Barrier, pipe: Pipe) -> None:
    """Ask in five threads of one process."""
    came: list[bool] = []

    def ask(many: int) -> None:
        for _ in range(many):
            try:
                with reserved(
                    store.engine, quotas(limit("requests", 10), limit("characters", 10_000)), USE, clock=at(NOW)
                ) as booking:
                    booking.leaves()
            except QuotaExceeded:
                came.append(False)
            else:
                came.append(True)

    with place.open() as store:
        begin.wait(PATIENCE)
        threads = [threading.Thread(target=ask, args=(EACH // 5,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    pipe.send(came)


def test_of_200_at_once_in_four_processes_as_many_run_as_the_quota_says(store: Store, place: Place) -> None:
    """QD-01."""
    context = multiprocessing.get_context("spawn")
    jobs: list[Any] = [(ask_on, (place, context.Barrier(ASKERS)))] * ASKERS
    came = [one for each in together(context, jobs) for one in each]
    assert len(came) == 200
    assert sum(came) == 10
    assert used(store) == {"requests": 10, "characters": 1_000}


def end_somehow(place: Place, begin: Barrier, number: int, pipe: Pipe) -> None:
    """Send, break off before or after it left, and tell lengths right and wrong; give what that comes to."""
    chance, sent, characters = random.Random(number), 0, 0
    with place.open() as store:
        begin.wait(PATIENCE)
        for _ in range(25):
            leaves, breaks = chance.random() < 0.7, chance.random() < 0.3
            took = chance.choice([None, -1, 0, 30, 100, 101])
            with suppress(Boom), reserved(store.engine, PLENTY, USE, clock=at(NOW)) as booking:
                if leaves:
                    booking.leaves()
                    booking.took(took)
                if breaks:
                    raise Boom
            sent += leaves
            characters += leaves * (took if took in (0, 30) else 100)
    pipe.send((sent, characters))


PLENTY = quotas(limit("requests", 10**6), limit("characters", 10**6))


def test_whatever_comes_of_them_the_sum_is_what_was_sent(store: Store, place: Place) -> None:
    """QD-02: from four processes at once."""
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(ASKERS)
    jobs: list[Any] = [(end_somehow, (place, begin, number)) for number in range(ASKERS)]
    came = together(context, jobs)
    assert used(store) == {"requests": sum(one for one, _ in came), "characters": sum(one for _, one in came)}


# --- afterwards ---------------------------------------------------------------------------------


def test_what_is_used_is_listed_until_its_window_ends(store: Store) -> None:
    reserve(store.engine, BOTH, USE, clock=at(NOW))
    ends = datetime(2026, 11, 27, tzinfo=UTC)
    with snapshot(store.engine) as connection:
        assert counts(connection, NOW) == [
            ("characters/day/-/user/user:anna", ends, 100),
            ("requests/day/-/user/user:anna", ends, 1),
        ]
        assert counts(connection, ends) == []


def test_what_is_left_of_ones_own_is_told_and_nothing_of_what_others_use(store: Store) -> None:
    some = quotas(REQUESTS, CHARACTERS, limit("characters", 70, level="restricted"), limit("characters", 900, "all"))
    reserve(store.engine, some, USE, clock=at(NOW))
    reserve(store.engine, some, BEN_S, clock=at(NOW))
    with snapshot(store.engine) as connection:
        told = standings(connection, some, USE.caller, NOW)
        tomorrow = standings(connection, some, USE.caller, NOW + timedelta(days=1))
    assert [(one.name, one.left) for one in told] == [
        ("requests-day-user", 2), ("characters-day-user", 150), ("characters-day-user-restricted", 70),
    ]  # fmt: skip
    assert {one.resets for one in told} == {9 * 3600 + 23 * 60}
    assert [one.left for one in tomorrow] == [3, 250, 70]
