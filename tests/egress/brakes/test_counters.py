"""What a request counts for: which limits speak of it, in which window, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acl.labels import Level
from acl.names import UserId
from egress.brakes.counters import Caller, Use, counters, exceeded, headers, rates, standing_of, window_of
from egress.brakes.quotas import Limit, Quotas, Reading
from tests.egress.brakes.people import ANNA, BEN

NOW = datetime(2026, 11, 26, 14, 37, 12, 500, tzinfo=UTC)
HERE = Caller(ANNA, "app:chat", "192.0.2.7")
USE = Use(HERE, "provider:acme", Level.CONFIDENTIAL, 1_000)


def limit(measure: Any = "characters", per: Any = "user", window: Any = "day", most: int = 9, **more: Any) -> Limit:
    return Limit(measure=measure, per=per, window=window, most=most, **more)


def quotas(*limits: Limit) -> Quotas:
    return Quotas(limits=limits, reading=Reading(per_day={"default": 200}))


def counted(*limits: Limit, use: Use = USE) -> list[tuple[str, int, int]]:
    return [(one.key, one.limit.most, one.amount) for one in counters(quotas(*limits), use, NOW)]


@pytest.mark.parametrize(
    ("per", "whose"),
    [("user", "user:anna"), ("application", "app:chat"), ("address", "192.0.2.7"), ("provider", "provider:acme"),
     ("level", "confidential"), ("all", "all")],
)  # fmt: skip
def test_each_has_a_count_of_its_own(per: str, whose: str) -> None:
    assert counted(limit(per=per)) == [(f"characters/day/-/{per}/{whose}", 9, 1_000)]
    assert counted(limit("requests", per=per)) == [(f"requests/day/-/{per}/{whose}", 9, 1)]


@pytest.mark.parametrize(
    ("level", "limits"),
    [(Level.PUBLIC, 1), (Level.INTERNAL, 1), (Level.CONFIDENTIAL, 2), (Level.RESTRICTED, 2)],
)
def test_a_limit_of_a_level_counts_what_is_of_it_or_above(level: Level, limits: int) -> None:
    of_level = limit(level="confidential")
    assert len(counted(limit(), of_level, use=replace(USE, level=level))) == limits


def test_a_limit_of_one_takes_the_place_of_that_of_all() -> None:
    hers = limit(most=20, of=ANNA)
    for given in ((limit(), hers), (hers, limit())):
        assert counted(*given) == [("characters/day/-/user/user:anna", 20, 1_000)]
        theirs = replace(USE, caller=replace(HERE, user=BEN))
        assert counted(*given, use=theirs) == [("characters/day/-/user/user:ben", 9, 1_000)]
    assert counted(hers, use=replace(USE, caller=replace(HERE, user=BEN))) == []
    assert len(counted(limit(window="hour"), hers)) == 2  # another window is another limit


def test_they_are_taken_in_the_same_order_by_everybody() -> None:
    some = (limit(per="user"), limit(per="all"), limit(per="application"), limit("requests", per="provider"))
    assert counted(*some) == counted(*reversed(some)) == sorted(counted(*some))


def test_questions_a_minute_are_counted_before_anything_is_read_and_all_else_when_it_leaves() -> None:
    first = [limit("requests", per, "minute") for per in ("user", "application", "address", "all")]
    later = [
        limit("requests", "provider", "minute"), limit("requests", "level", "minute"),
        limit("requests", "user", "minute", level="restricted"), limit("requests", "user", "hour"),
        limit("characters", "user", "minute"),
    ]  # fmt: skip
    assert [one for _, one in rates(quotas(*first, *later), HERE)] == first
    assert len(counters(quotas(*first, *later), replace(USE, level=Level.RESTRICTED), NOW)) == len(later)


@pytest.mark.parametrize(
    ("window", "begins", "ends"),
    [("minute", (14, 37), (14, 38)), ("hour", (14, 0), (15, 0)), ("day", (0, 0), (24, 0))],
)
def test_windows_go_by_the_clock(window: str, begins: tuple[int, int], ends: tuple[int, int]) -> None:
    day = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    expected = [day + timedelta(hours=hours, minutes=minutes) for hours, minutes in (begins, ends)]
    assert list(window_of(window, NOW)) == expected
    assert window_of(window, expected[0])[0] == expected[0]  # the first moment is within, the last is not
    assert window_of(window, expected[1])[0] == expected[1]


def test_who_is_refused_is_told_which_limit_and_when_again() -> None:
    error = exceeded(limit(most=200_000), 12_000.2)
    assert str(error) == ("the quota is used up: you may use 200,000 characters a day; again in 3 hours 21 minutes")
    assert error.retry_after == 12_001
    assert "again in 7 seconds" in str(exceeded(limit(), 6.1))
    assert "of what is confidential or above" in str(exceeded(limit(level="confidential"), 6.1))
    assert "and this alone takes 50,000" in str(exceeded(limit(most=10), 60, amount=50_000))


@pytest.mark.parametrize("per", ["address", "application", "provider", "level", "all"])
def test_of_what_others_use_no_figure_is_told(per: str) -> None:
    shared = limit(per=per, most=4_321)
    assert "4,321" not in str(exceeded(shared, 60))
    assert headers([standing_of(shared, 4_000, 60)]) == {}


def test_the_headers_tell_of_ones_own_limits() -> None:
    told = headers([standing_of(limit(most=200_000), 150, 59.2), standing_of(limit("requests", "address"), 12, 1),
                    standing_of(limit(per="all"), 1, 1)])  # fmt: skip
    assert told == {
        "RateLimit-Policy": '"characters-day-user";q=200000;w=86400',
        "RateLimit": '"characters-day-user";r=199850;t=60',
    }


def test_a_user_id_cannot_pass_for_another_count() -> None:
    """No name holds the sign that parts of a key are joined with."""
    odd = UserId("user:a.b_c-d")
    (key, _, _) = counted(limit(), use=replace(USE, caller=replace(HERE, user=odd)))[0]
    assert key.split("/") == ["characters", "day", "-", "user", "user:a.b_c-d"]
