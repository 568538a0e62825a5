from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from api.loopback import LoopbackProvider
from egress.errors import ModelDown
from egress.openai_model import OpenAiModel
from tests.egress.wire import (
    ANSWER,
    DONE,
    GOOD,
    KEY,
    OK,
    PATIENT,
    PROMPT,
    STOP,
    Wire,
    ask,
    chunk,
    says,
    status,
    waits,
)

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path


def test_exactly_the_prompt_is_sent_and_no_more() -> None:
    """AP-08: no user, no platform, no header of the library's own; the key goes to this host."""
    with LoopbackProvider(lambda _: ANSWER) as provider, OpenAiModel(provider.base_url, "small", KEY) as model:
        draft = model.complete(PROMPT)
    (request,) = provider.requests
    assert json.loads(request.body) == {
        "model": "small",
        "messages": [{"role": "system", "content": PROMPT.system}, {"role": "user", "content": PROMPT.user}],
        "stream": True,
        "store": False,
        "stream_options": {"include_usage": True},
        "temperature": 0,
    }
    assert request.headers == {
        "host": provider.base_url.split("/")[2],
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "user-agent": "need-to-know",
    }
    assert (draft.text, draft.model) == (ANSWER, "loopback")


def test_without_a_key_none_is_sent() -> None:
    with LoopbackProvider(lambda _: ANSWER) as provider, OpenAiModel(provider.base_url, "small", "") as model:
        assert model.complete(PROMPT).text == ANSWER
    assert "authorization" not in provider.requests[0].headers


def test_a_cookie_is_not_given_back() -> None:
    cookie = OK.replace(b"Connection", b"Set-Cookie: who=canary; Path=/\r\nConnection")
    with Wire(says(cookie, GOOD)) as wire, OpenAiModel(wire.base_url, "small", KEY) as model:
        model.complete(PROMPT)
        model.complete(PROMPT)
    assert b"canary\r\n" not in wire.received[1].split(b"\r\n\r\n")[0]
    assert b"ookie" not in wire.received[1].split(b"\r\n\r\n")[0]


ENVIRONMENT = {
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_API_KEY": "sk-from-the-environment",
    "OPENAI_ADMIN_KEY": "sk-from-the-environment",
    "OPENAI_ORG_ID": "org-from-the-environment",
    "OPENAI_PROJECT_ID": "proj-from-the-environment",
    "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer from-the-environment\nHost: from-the-environment\nX-Who: änna",
    "OPENAI_LOG": "debug",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "all_proxy": "http://127.0.0.1:9",
}


def test_no_variable_of_the_environment_changes_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """AP-08: whoever sets OPENAI_BASE_URL or a proxy would else get the prompts, and the key."""

    def sent() -> tuple[bytes, dict[str, str]]:
        with LoopbackProvider(lambda _: ANSWER) as provider, OpenAiModel(provider.base_url, "small", KEY) as model:
            model.complete(PROMPT)
        request = provider.requests[0]
        return request.body, {**request.headers, "host": ""}

    plain = sent()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert sent() == plain


def test_the_library_sets_up_no_logging_whatever_the_environment_says(tmp_path: Path) -> None:
    program = "import logging, egress.openai_model; print(logging.root.handlers, logging.getLogger('openai').level)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert run.stdout.strip() == "[] 0"
    assert run.stderr == ""


def test_no_log_line_holds_the_prompt_or_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Wire(says(OK, GOOD)) as wire:
        assert ask(wire) == ANSWER
    assert not re.search(f"canary|{KEY}|7F3K2Q", caplog.text)


@pytest.mark.parametrize(
    "url",
    ["", "llm.example/v1", "ftp://llm.example/v1", "http://", "https://a:b@llm.example/v1", "https://llm.example/?x=1"],
)
def test_a_url_that_is_no_plain_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a base URL has"):
        OpenAiModel(url, "small", KEY)


@pytest.mark.parametrize("key", ["se cret", "a\nb", "a\r\nX-Evil: 1", "ä", "a\x00"])
def test_a_key_that_could_break_a_header_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ValueError, match="blank or a control character") as caught:
        OpenAiModel("https://llm.example/v1", "small", key)
    assert key not in str(caught.value)


def test_the_key_is_not_in_the_representation() -> None:
    with OpenAiModel("https://llm.example/v1", "small", KEY) as model:
        assert KEY not in repr(model)


@pytest.mark.parametrize(
    ("reported", "recorded"),
    [("small-2026-01-01", "small-2026-01-01"), ("<b>x</b>", "small"), ("x" * 101, "small"), ("a b", "small")],
)
def test_the_draft_names_the_model_that_the_provider_reports(reported: str, recorded: str) -> None:
    script = says(OK, chunk("Yes.", model=reported), STOP, DONE)
    with Wire(script) as wire, OpenAiModel(wire.base_url, "small", KEY) as model:
        assert model.complete(PROMPT).model == recorded


def test_one_client_serves_many_threads() -> None:
    provider = LoopbackProvider(lambda messages: messages[1].content[-20:])
    with provider, OpenAiModel(provider.base_url, "small", KEY) as model, ThreadPoolExecutor(8) as pool:
        drafts = list(pool.map(lambda _: model.complete(PROMPT).text, range(40)))
    assert drafts == [PROMPT.user[-20:]] * 40


def test_a_connection_is_used_again() -> None:
    whole = status("200 OK", GOOD).replace(b"application/json", b"text/event-stream")

    def twice(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(whole)
        connection.recv(65536)
        connection.sendall(whole)

    with Wire(twice) as wire, OpenAiModel(wire.base_url, "small", KEY, limits=PATIENT) as model:
        assert model.complete(PROMPT) == model.complete(PROMPT)
    assert len(wire.received) == 1


def test_closing_ends_what_is_under_way_and_is_final() -> None:
    with Wire(waits(OK)) as wire, ThreadPoolExecutor(1) as pool:
        model = OpenAiModel(wire.base_url, "small", KEY)
        asked = pool.submit(model.complete, PROMPT)
        assert wire.asked.wait(2)
        model.close()
        with pytest.raises(ModelDown, match="the client was closed"):
            asked.result(2)
        model.close()
        with pytest.raises(ModelDown, match="the client is closed"):
            model.complete(PROMPT)


@pytest.mark.parametrize("host", ["llm.example", "8.8.8.8", "169.254.169.254", "127.0.0.1.evil.example", "0.0.0.0"])
def test_no_prompt_crosses_a_public_network_in_clear(host: str) -> None:
    with pytest.raises(ValueError, match="write https"):
        OpenAiModel(f"http://{host}/v1", "small", KEY)
    OpenAiModel(f"https://{host}/v1", "small", KEY).close()


@pytest.mark.parametrize(
    "host", ["localhost:11434", "127.0.0.1:8000", "10.0.0.7", "192.168.1.20:8080", "[fd00::7]:8000"]
)
def test_a_model_on_a_private_address_may_do_without_a_certificate(host: str) -> None:
    OpenAiModel(f"http://{host}/v1", "small", KEY).close()
