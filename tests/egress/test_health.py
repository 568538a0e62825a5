from __future__ import annotations

import json
import logging
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from egress.errors import ModelDown
from egress.health import healthy
from tests.certificates import certificate
from tests.egress.wire import KEY, Script, Wire, drips, resets, says, status, waits

if TYPE_CHECKING:
    from pathlib import Path

SHORT = timedelta(seconds=0.3)
# As Ollama, vLLM and llama.cpp answer.
LIST = {
    "object": "list",
    "data": [
        {"id": "qwen3:8b", "object": "model", "created": 1, "owned_by": "library"},
        {"id": "Qwen/Qwen3-8B", "object": "model", "root": "Qwen/Qwen3-8B", "max_model_len": 32768},
        {"id": "/models/qwen3-8b-q4.gguf", "object": "model", "meta": {"n_ctx_train": 32768}},
    ],
}


def listing(body: object) -> Script:
    return says(status("200 OK", json.dumps(body).encode()))


def test_a_server_that_is_there_names_its_models() -> None:
    with Wire(listing(LIST)) as wire:
        health = healthy(wire.base_url, KEY)
    assert health.models == ("/models/qwen3-8b-q4.gguf", "Qwen/Qwen3-8B", "qwen3:8b")
    assert health.host == "127.0.0.1"
    assert timedelta(0) < health.took < timedelta(seconds=5)
    assert health.lacks(["qwen3:8b", "gpt-oss:20b"]) == ("gpt-oss:20b",)
    assert health.lacks(["qwen3:8b"]) == ()


def test_the_list_alone_is_asked_for_with_these_headers_alone() -> None:
    with Wire(listing(LIST)) as wire:
        healthy(wire.base_url, KEY)
        healthy(wire.base_url + "/")
    first, second = (request.decode().split("\r\n") for request in wire.received)
    assert first[0] == second[0] == "GET /v1/models HTTP/1.1"
    names = [line.partition(":")[0].lower() for line in first[1:] if line]
    assert sorted(names) == ["accept", "accept-encoding", "authorization", "host", "user-agent"]
    assert f"Authorization: Bearer {KEY}" in first
    assert "authorization" not in "".join(second).lower()


def test_names_of_strange_form_are_left_out() -> None:
    body = {
        "data": [{"id": "<b>canary</b>"}, {"id": "a b"}, {"id": "x" * 201}, {"id": ""}, {"id": "fine"}, {"id": "fine"}]
    }
    with Wire(listing(body)) as wire:
        assert healthy(wire.base_url).models == ("fine",)


FAILURES: dict[str, tuple[Script, str]] = {
    "401": (says(status("401 Unauthorized", f"canary {KEY}".encode())), "answered 401"),
    "404": (says(status("404 Not Found", b"canary")), "answered 404"),
    "500": (says(status("500 Oops", b"canary")), "answered 500"),
    "redirect": (says(status("307 Moved", b"", "Location: http://127.0.0.1:9/")), "answered 307"),
    "no JSON": (says(status("200 OK", b"<html>canary")), "malformed answer"),
    "another form": (listing({"models": ["canary"]}), "malformed answer"),
    "too deep": (says(status("200 OK", b"[" * 100_000)), "malformed answer"),
    "too long": (listing({"data": [{"id": "canary" * 200_000}]}), "too long"),
    "hangs": (waits(b""), "silent for too long|within 0.3 s"),
    "drips": (drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"x"), "within 0.3 s"),
    "reset": (resets(b""), "the connection failed"),
    "closed": (says(b""), "the connection failed"),
    "no HTTP": (says(b"SSH-2.0-server\r\n\r\n"), "the connection failed"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_one_clean_error_in_time(name: str, caplog: pytest.LogCaptureFixture) -> None:
    script, words = FAILURES[name]
    began = time.monotonic()
    with caplog.at_level(logging.DEBUG), Wire(script) as wire, pytest.raises(ModelDown, match=words) as refused:
        healthy(wire.base_url, KEY, within=SHORT)
    assert time.monotonic() - began < 2.5
    assert len(wire.received) == 1
    assert not re.search(f"canary|{KEY}", str(refused.value) + caplog.text)
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_one_that_is_not_there_is_down() -> None:
    with Wire(says(b"")) as wire:
        pass
    with pytest.raises(ModelDown, match="the connection failed"):
        healthy(wire.base_url, KEY)


def test_it_must_prove_who_it_is_before_it_gets_the_key(tmp_path: Path) -> None:
    server, trust = certificate(tmp_path, "127.0.0.1")
    with Wire(listing(LIST), server) as wire:
        with pytest.raises(ModelDown, match="the connection failed"):
            healthy(wire.base_url, KEY)
        assert wire.received == []
        assert "qwen3:8b" in healthy(wire.base_url, KEY, tls=trust).models


@pytest.mark.parametrize("url", ["http://llm.example/v1", "http://169.254.169.254/v1", "ftp://10.0.0.7", "10.0.0.7"])
def test_an_address_that_may_not_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a base URL"):
        healthy(url, KEY)


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Wire(listing(LIST)) as wire:
        assert healthy(wire.base_url).models
