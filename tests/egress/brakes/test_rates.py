"""Questions a minute: in one process, and in a Redis that several share."""

from __future__ import annotations

import os
import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import redis

from egress.brakes.counters import Caller
from egress.brakes.quotas import Limit, Quotas, Reading
from egress.brakes.rates import Rates
from egress.errors import CountersDown, QuotaExceeded
from tests.egress.brakes.people import ANNA, BEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Caller(ANNA, "app:chat", "192.0.2.7")
URL = os.environ.get("NTK_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def quotas(*limits: tuple[str, int], of: str | None = None) -> Quotas:
    made = [Limit.model_validate({"measure": "requests", "per": per, "window": "minute", "most": most, "of": of})
            for per, most in limits]  # fmt: skip
    return Quotas(limits=tuple(made), reading=Reading(per_day={"default": 200}))


@pytest.fixture(params=["in this process", "in a Redis"])
def rates_of(request: pytest.FixtureRequest) -> Iterator[Callable[[], Rates]]:
    """Give what makes the counters of one worker; those of a Redis share it. Skips where none answers."""
    if request.param == "in this process":
        only = Rates()
        yield lambda: only
        return
    prefix = f"ntk-test-{uuid.uuid4().hex}"
    with redis.Redis.from_url(URL, socket_connect_timeout=1) as client:
        try:
            client.ping()
        except redis.ConnectionError:
            pytest.skip("no Redis answers on this machine; name one in NTK_TEST_REDIS_URL")
        yield lambda: Rates(URL, prefix=prefix)
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)


def admitted(rates: Rates, limits: Quotas, caller: Caller = HERE) -> bool:
    try:
        rates.admit(limits, caller)
    except QuotaExceeded:
        return False
    return True


def test_there_are_as_many_questions_a_minute_as_the_limit_says(rates_of: Callable[[], Rates]) -> None:
    rates, three = rates_of(), quotas(("user", 3))
    assert [one.left for _ in range(3) for one in rates.admit(three, HERE)] == [2, 1, 0]
    with pytest.raises(QuotaExceeded, match="3 requests a minute") as error:
        rates.admit(three, HERE)
    assert 1 <= error.value.retry_after <= 60
    assert admitted(rates, three, replace(HERE, user=BEN))


def test_who_is_refused_by_one_limit_does_not_use_up_another(rates_of: Callable[[], Rates]) -> None:
    rates, both = rates_of(), quotas(("user", 1), ("address", 3))
    assert [admitted(rates, both) for _ in range(5)] == [True, False, False, False, False]
    others = [replace(HERE, user=BEN), replace(HERE, user=BEN)]
    assert [admitted(rates, quotas(("address", 3)), one) for one in [*others, HERE]] == [True, True, False]


def test_nothing_may_be_asked_where_nothing_is_allowed(rates_of: Callable[[], Rates]) -> None:
    assert not admitted(rates_of(), quotas(("user", 0)))
    assert admitted(rates_of(), quotas(("user", 1)))


def test_workers_that_share_a_redis_count_together(rates_of: Callable[[], Rates]) -> None:
    first, second = rates_of(), rates_of()
    assert [admitted(rates, quotas(("user", 2))) for rates in (first, second, first, second)] == [
        True, True, False, False,
    ]  # fmt: skip


def test_of_many_at_once_as_many_are_let_through_as_the_limit_says(rates_of: Callable[[], Rates]) -> None:
    rates, came = rates_of(), []
    together = threading.Barrier(20, timeout=30)

    def ask() -> None:
        together.wait()
        came.append(admitted(rates, quotas(("user", 5), ("all", 5))))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(came), sum(came)) == (20, 5)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "redis://:pass-word@127.0.0.1:9/0"])
def test_where_nobody_can_count_nobody_asks_and_no_word_tells_the_password(url: str) -> None:
    with pytest.raises(CountersDown) as error:
        Rates(url).admit(quotas(("user", 5)), HERE)
    assert "pass-word" not in str(error.value)


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:///x", "http://127.0.0.1"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(CountersDown):
        Rates(url or "none://")


@pytest.mark.parametrize("rates_of", ["in a Redis"], indirect=True)
def test_a_redis_does_not_learn_who_asks(rates_of: Callable[[], Rates]) -> None:
    rates_of().admit(quotas(("user", 3), ("address", 3)), HERE)
    with redis.Redis.from_url(URL, socket_connect_timeout=1) as client:
        keys = list(client.scan_iter("ntk-test-*"))
    assert len(keys) >= 2
    assert not [key for key in keys if b"anna" in key or b"192" in key]
