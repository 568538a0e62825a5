from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from store.errors import KeyWithheld, SecretMissing, SecretsDown
from store.key_ring import KeyRing
from store.reference import Secret
from store.secret import read

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = {"file:llm.key": ["llm.example", "10.0.0.7"], "file:other.key": ["other.example"], "file:unused.key": []}
MADE = datetime(2026, 3, 1, tzinfo=UTC)


class Keeper:
    """What keeps secrets: gives what it is told to, and counts how often it was asked."""

    def __init__(self, *replies: Secret | SecretMissing) -> None:
        self.replies, self.asked = list(replies), 0

    def __call__(self, _: str) -> Secret:
        self.asked += 1
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, SecretMissing):
            raise reply
        return reply


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


FIRST, SECOND = Secret("first", MADE), Secret("second")


@pytest.mark.parametrize("host", ["llm.example", "LLM.example", "llm.example.", "10.0.0.7"])
def test_a_key_is_given_for_a_host_of_its_list(host: str) -> None:
    key = KeyRing(HOSTS, Keeper(FIRST)).key("file:llm.key", host)
    assert key() == "first"


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("file:llm.key", "other.example"),
        ("file:llm.key", "evil-llm.example"),
        ("file:llm.key", "llm.example.evil.example"),
        ("file:llm.key", "sub.llm.example"),
        ("file:llm.key", "*"),
        ("file:llm.key", ""),
        ("file:unused.key", "llm.example"),
        ("file:unused.key", ""),
        ("file:master.key", "llm.example"),
        ("", "llm.example"),
    ],
)
def test_a_key_goes_to_no_other_host_and_is_not_even_fetched_for_it(reference: str, host: str) -> None:
    """Else whoever may write a provider's record could have the master key sent to an address of his own."""
    keeper = Keeper(FIRST)
    ring = KeyRing(HOSTS, keeper)
    with pytest.raises(KeyWithheld):
        ring.key(reference, host)
    with pytest.raises(KeyWithheld):
        ring.value(reference, host)
    assert keeper.asked == 0


def test_a_key_is_kept_for_minutes_and_then_taken_anew_without_a_restart() -> None:
    keeper, clock = Keeper(FIRST, SECOND), Clock()
    key = KeyRing(HOSTS, keeper, kept=timedelta(minutes=5), clock=clock).key("file:llm.key", "llm.example")
    assert key() == key() == "first"
    clock.now += 299
    assert (key(), keeper.asked) == ("first", 1)
    clock.now += 1
    assert (key(), keeper.asked) == ("second", 2)


def test_a_key_that_was_refused_is_taken_anew_at_once() -> None:
    keeper = Keeper(FIRST, SECOND)
    key = KeyRing(HOSTS, keeper).key("file:llm.key", "llm.example")
    used = key()
    key.forget(used)
    assert key() == "second"
    key.forget(used)  # of another call that began before: the new one is not to blame
    assert (key(), keeper.asked) == ("second", 2)


def test_a_key_that_cannot_be_renewed_is_not_used_any_longer() -> None:
    keeper, clock = Keeper(FIRST, SecretsDown("the secret file:llm.key: no answer"), SECOND), Clock()
    key = KeyRing(HOSTS, keeper, clock=clock).key("file:llm.key", "llm.example")
    assert key() == "first"
    clock.now += 300
    for _ in range(3):  # asked once in five seconds, not at each question
        with pytest.raises(SecretsDown, match="no answer") as refused:
            key()
        assert refused.value.__context__ is None
    assert keeper.asked == 2
    clock.now += 5
    assert key() == "second"


def test_many_at_once_fetch_it_once() -> None:
    begun, go = threading.Event(), threading.Event()
    asked: list[str] = []

    def slow(reference: str) -> Secret:
        asked.append(reference)
        begun.set()
        assert go.wait(5)
        return FIRST

    ring = KeyRing(HOSTS, slow)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(ring.key("file:llm.key", "llm.example")) for _ in range(8)]
        assert begun.wait(5)
        go.set()
        assert [each.result(5) for each in waiting] == ["first"] * 8
    assert asked == ["file:llm.key"]


def test_a_key_that_is_slow_to_come_holds_up_no_other() -> None:
    begun, go = threading.Event(), threading.Event()

    def read_one(reference: str) -> Secret:
        if reference == "file:llm.key":
            begun.set()
            assert go.wait(5)
        return FIRST

    ring = KeyRing(HOSTS, read_one)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ring.value, "file:llm.key", "llm.example")
        assert begun.wait(5)
        assert ring.value("file:other.key", "other.example") == "first"
        go.set()
        assert waiting.result(5) == "first"


def test_the_age_is_told_where_it_is_known() -> None:
    now = MADE + timedelta(days=30)
    assert KeyRing(HOSTS, Keeper(FIRST)).age("file:llm.key", now) == timedelta(days=30)
    assert KeyRing(HOSTS, Keeper(FIRST)).age("file:llm.key", MADE - timedelta(days=1)) == timedelta(0)
    assert KeyRing(HOSTS, Keeper(SECOND)).age("file:llm.key", now) is None
    with pytest.raises(KeyWithheld):
        KeyRing(HOSTS, Keeper(FIRST)).age("file:master.key", now)


def test_a_key_shows_nowhere() -> None:
    """AL-08."""
    ring = KeyRing(HOSTS, Keeper(Secret("c0ffee")))
    key = ring.key("file:llm.key", "llm.example")
    assert key() == "c0ffee"
    assert "c0ffee" not in repr(ring) + repr(key) + str(key)
    with pytest.raises(KeyWithheld) as refused:
        ring.key("c0ffee", "llm.example")
    assert "c0ffee" not in str(refused.value)


def test_a_real_file_is_rotated_under_it(tmp_path: Path) -> None:
    path = tmp_path / "llm.key"
    path.touch(0o600)
    path.write_text("first")
    ring = KeyRing(HOSTS, partial(read, base=tmp_path))
    key = ring.key("file:llm.key", "llm.example")
    assert key() == "first"
    path.write_text("second")
    key.forget("first")
    assert key() == "second"
    age = ring.age("file:llm.key")
    assert age is not None
    assert age < timedelta(minutes=1)
    path.unlink()
    key.forget("second")
    with pytest.raises(SecretMissing, match="is not there"):
        key()
