"""When a request is sent again, and when never; and a key that changes meanwhile."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from egress.errors import ModelDown
from egress.openai_model import Limits, OpenAiModel
from store.errors import SecretMissing, SecretsDown
from store.key_ring import KeyRing
from store.secret import read
from tests.certificates import certificate
from tests.egress.wire import (
    ANSWER,
    GOOD,
    KEY,
    OK,
    PATIENT,
    PROMPT,
    Script,
    Wire,
    ask,
    chunk,
    in_turn,
    resets,
    says,
    status,
    waits,
)

if TYPE_CHECKING:
    from pathlib import Path

BUSY = status("429 Too Many Requests", b"", "Retry-After: 0")
DOWN = status("503 Service Unavailable", b"", "Retry-After: 0")
BARRED = status("401 Unauthorized")


@pytest.mark.parametrize("turned_away", [BUSY, DOWN])
def test_what_a_provider_did_not_take_is_sent_again_when_it_says(turned_away: bytes) -> None:
    with Wire(in_turn(says(turned_away), says(turned_away), says(OK, GOOD))) as wire:
        assert ask(wire) == ANSWER
    assert len(wire.received) == 3
    assert len({request.partition(b"\r\n\r\n")[2] for request in wire.received}) == 1


def test_it_is_sent_three_times_at_most() -> None:
    with Wire(says(BUSY)) as wire, pytest.raises(ModelDown, match="answered 429; retry after 0 s"):
        ask(wire)
    assert len(wire.received) == 3


def test_a_wait_that_the_deadline_would_cut_off_is_not_begun() -> None:
    later = status("429 Too Many Requests", b"", "Retry-After: 2")
    began = time.monotonic()
    with Wire(says(later)) as wire, pytest.raises(ModelDown, match="answered 429; retry after 2 s"):
        ask(wire)
    assert time.monotonic() - began < 1
    assert len(wire.received) == 1


@pytest.mark.parametrize(
    "script",
    [
        says(status("429 Too Many Requests")),
        says(status("429 Too Many Requests", b"", "Retry-After: Thu, 26 Nov 2026 10:00:00 GMT")),
        says(status("503 Service Unavailable")),
        says(status("500 Oops", b"", "Retry-After: 0")),
        says(status("502 Bad Gateway", b"", "Retry-After: 0")),
        says(status("504 Gateway Timeout", b"", "Retry-After: 0")),
        says(status("408 Request Timeout", b"", "Retry-After: 0")),
        says(b""),
        resets(b""),
        resets(OK + chunk("The")),
        waits(b""),
        waits(OK),
        says(OK, chunk("The")),
    ],
)
def test_what_may_have_been_taken_is_never_sent_again(script: Script) -> None:
    """FT-14: it would cost twice, and a prompt would be in two logs."""
    with Wire(in_turn(script, says(OK, GOOD))) as wire, pytest.raises(ModelDown):
        ask(wire)
    assert len(wire.received) == 1


def test_a_refused_connection_is_tried_again_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent yet: a server that restarts is up a moment later."""
    real, tries = socket.getaddrinfo, []

    def later(host: object, *args: object, **options: object) -> object:
        tries.append(host)
        if len(tries) < 3:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *args, **options)  # type: ignore[arg-type]

    with Wire(says(OK, GOOD)) as wire:
        model = OpenAiModel(wire.base_url.replace("127.0.0.1", "localhost"), "small", KEY, limits=PATIENT)
        monkeypatch.setattr(socket, "getaddrinfo", later)
        with model:
            assert model.complete(PROMPT).text == ANSWER
    assert len(tries) == 3
    assert len(wire.received) == 1


def test_a_server_that_cannot_prove_who_it_is_is_not_tried_again(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path, "127.0.0.1")
    shaken = []

    class Counted(Wire):
        def _serve(self, plain: socket.socket) -> None:
            shaken.append(plain)
            super()._serve(plain)

    with Counted(says(OK, GOOD), server) as wire, OpenAiModel(wire.base_url, "small", KEY, limits=PATIENT) as model:
        with pytest.raises(ModelDown, match="the connection failed"):
            model.complete(PROMPT)
        assert len(shaken) == 1
    assert wire.received == []


def test_the_log_of_a_second_try_holds_nothing_of_the_prompt_or_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(0), Wire(in_turn(says(BUSY), says(OK, GOOD))) as wire:
        assert ask(wire) == ANSWER
    said = " ".join(str(vars(record)) for record in caplog.records)
    assert "a request to a model is sent again in 0.1 s: answered 429; retry after 0 s" in caplog.messages
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert not re.search(f"canary|{KEY}|7F3K2Q", said)


class Rotating:
    """A key that is another one once it was refused."""

    def __init__(self, *keys: str | Exception) -> None:
        self.keys, self.refused = list(keys), list[str]()

    def __call__(self) -> str:
        key = self.keys[0]
        if isinstance(key, Exception):
            raise key
        return key

    def forget(self, used: str) -> None:
        self.refused.append(used)
        if len(self.keys) > 1:
            self.keys.pop(0)


def keys_of(wire: Wire) -> list[str]:
    return [found.decode() for found in re.findall(rb"Authorization: Bearer (\S+)", b"".join(wire.received))]


def complete(wire: Wire, key: Rotating | KeyRing, limits: Limits = PATIENT) -> str:
    held = key.key("file:llm.key", "127.0.0.1") if isinstance(key, KeyRing) else key
    with OpenAiModel(wire.base_url, "small", held, limits=limits) as model:
        return model.complete(PROMPT).text


def test_a_rotated_key_is_taken_up_at_once_and_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "llm.key"
    path.touch(0o600)
    path.write_text("first")
    ring = KeyRing({"file:llm.key": ["127.0.0.1"]}, partial(read, base=tmp_path))
    assert ring.value("file:llm.key", "127.0.0.1") == "first"
    path.write_text("second")
    with Wire(in_turn(says(BARRED), says(OK, GOOD))) as wire:
        assert complete(wire, ring) == ANSWER
        assert complete(wire, ring) == ANSWER
    assert keys_of(wire) == ["first", "second", "second"]


def test_a_key_that_is_refused_and_no_other_is_not_sent_again() -> None:
    with Wire(says(BARRED)) as wire, pytest.raises(ModelDown, match="answered 401"):
        complete(wire, Rotating("only"))
    assert keys_of(wire) == ["only"]


def test_a_second_refusal_is_final() -> None:
    key = Rotating("first", "second", "third")
    with Wire(says(BARRED)) as wire, pytest.raises(ModelDown, match="answered 401"):
        complete(wire, key)
    assert keys_of(wire) == ["first", "second"]
    assert key.refused == ["first"]


def test_what_is_forbidden_is_not_sent_again_but_the_key_is_looked_up_anew() -> None:
    key = Rotating("first", "second")
    with Wire(says(status("403 Forbidden"))) as wire, pytest.raises(ModelDown, match="answered 403"):
        complete(wire, key)
    assert (keys_of(wire), key.refused) == (["first"], ["first"])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (SecretMissing("the secret file:llm.key is not there or is empty"), "file:llm.key is not there"),
        (SecretsDown("the secret vault:a/b#c: Vault is sealed"), "Vault is sealed"),
        ("se cret", "blank or a control character"),
        ("a\r\nX-Evil: 1", "blank or a control character"),
        (RuntimeError("c0ffee"), "unexpected failure"),
    ],
)
def test_without_a_key_that_can_be_had_nothing_is_sent(key: str | Exception, words: str) -> None:
    with Wire(says(OK, GOOD)) as wire, pytest.raises(ModelDown, match=words) as refused:
        complete(wire, Rotating(key))
    assert wire.received == []
    assert "c0ffee" not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_a_key_that_is_slow_to_come_counts_against_the_one_deadline() -> None:
    over = threading.Event()

    class Slow(Rotating):
        def __call__(self) -> str:
            over.wait(5)
            return "late"

    limits = Limits(total=timedelta(seconds=0.2))
    began = time.monotonic()
    with Wire(says(OK, GOOD)) as wire, contextlib.ExitStack() as ending:
        ending.callback(over.set)
        with pytest.raises(ModelDown, match=r"within 0\.2 s"):
            complete(wire, Slow("late"), limits)
        assert time.monotonic() - began < 1.5
    assert wire.received == []
