"""Whatever goes wrong on the wire is one clean error in time, and what is whole is taken."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import traceback

import pytest

from egress.errors import ModelDown
from egress.openai_model import OpenAiModel
from tests.egress.wire import (
    ANSWER,
    DONE,
    GOOD,
    HURRIED,
    KEY,
    OK,
    PATIENT,
    PROMPT,
    QUESTION,
    STOP,
    Script,
    Wire,
    ask,
    chunk,
    drips,
    resets,
    says,
    slowly,
    status,
    waits,
)

ECHO = json.dumps({"error": {"message": f"Key {KEY} is wrong for: {QUESTION}"}}).encode()
CHUNKED = OK.replace(b"Connection: close", b"Transfer-Encoding: chunked")
TOOL = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "delete_all"}}]}}]}

FAILURES: dict[str, tuple[Script, str]] = {
    "hang before headers": (waits(b""), "silent for too long"),
    "hang in headers": (waits(OK[:20]), "silent for too long"),
    "hang after headers": (waits(OK), "silent for too long"),
    "hang in the answer": (waits(OK + chunk("The")), "silent for too long"),
    "headers drip in": (drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "no whole answer within 0.3 s"),
    "events drip in": (drips(OK, chunk("a")), "no whole answer within 0.3 s"),
    "bytes drip in": (drips(OK + b"data: ", b"{"), "no whole answer within 0.3 s"),
    "comments drip in": (drips(OK, b": ping\n\n"), "no whole answer within 0.3 s"),
    "closed before headers": (says(b""), "the connection failed"),
    "closed in headers": (says(OK[:30]), "the connection failed"),
    "reset before headers": (resets(b""), "the connection failed"),
    "reset in the answer": (resets(OK + chunk("The")), "the connection failed"),
    "no HTTP": (says(b"SSH-2.0-server\r\n\r\n"), "the connection failed"),
    "endless header": (says(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 2_000_000), "the connection failed"),
    "cut chunked body": (says(CHUNKED, b"fff\r\n", chunk("The")), "the connection failed"),
    "401": (says(status("401 Unauthorized", ECHO)), "answered 401"),
    "429": (says(status("429 Too Many Requests", ECHO, "Retry-After: 7")), "answered 429; retry after 7 s"),
    "429 without a time": (says(status("429 Too Many Requests", ECHO)), "answered 429"),
    "429 with a strange time": (says(status("429 Too Many Requests", ECHO, f"Retry-After: {KEY}")), "answered 429"),
    "500 with HTML": (says(status("500 Oops", b"<html>canary</html>", "Content-Type: text/html")), "answered 500"),
    "500 without end": (drips(b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 1000), "answered 500"),
    "204": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "answered 204"),
    "redirect": (says(status("307 Moved", b"", "Location: http://127.0.0.1:9/v1")), "answered 307"),
    "200 with error JSON": (says(status("200 OK", ECHO)), "answered 200, but with no event stream"),
    "200 with HTML": (says(OK.replace(b"event-stream", b"html"), b"<html>"), "answered 200, but with no event stream"),
    "error JSON for a stream": (says(OK, ECHO), "the answer broke off"),
    "error event": (says(OK, chunk("The"), b"data: ", ECHO, b"\n\n"), "answered 200, but with an error"),
    "invalid JSON": (says(OK, b"data: {canary\n\n"), "malformed answer"),
    "JSON of another kind": (says(OK, b'data: {"choices": "canary"}\n\n'), "malformed answer"),
    "JSON too deep": (says(OK, b"data: ", b"[" * 20_000, b"\n\n"), "malformed answer"),
    "content of another kind": (says(OK, b'data: {"choices": [{"delta": {"content": ["canary"]}}]}\n\n'), "malformed"),
    "bad UTF-8": (says(OK, GOOD.replace(b"EUR", b"\xff\xfe")), "malformed answer"),
    "half a surrogate": (says(OK, GOOD.replace(b"EUR", b"\\ud800")), "malformed answer"),
    "gzip that is none": (says(OK[:-2], b"Content-Encoding: gzip\r\n\r\n", GOOD), "malformed answer"),
    "no body": (says(OK), "the answer broke off"),
    "no finish_reason": (says(OK, chunk(ANSWER), DONE), "the answer broke off"),
    "no [DONE]": (says(OK, chunk(ANSWER), STOP), "the answer broke off"),
    "cut in [DONE]": (says(OK, GOOD[:-4]), "the answer broke off"),
    "empty choices": (says(OK, b'data: {"choices": []}\n\n', DONE), "the answer broke off"),
    "empty content": (says(OK, chunk(" "), STOP, DONE), "the answer is empty"),
    "tool call": (says(OK, b"data: ", json.dumps(TOOL).encode(), b"\n\n"), "asked for a tool"),
    "finish for a tool": (says(OK, chunk(ANSWER, "tool_calls"), DONE), "asked for a tool"),
    "content filter": (says(OK, chunk(ANSWER, "content_filter"), DONE), "content filter"),
    "length limit": (says(OK, chunk(ANSWER, "length"), DONE), "length limit"),
    "unknown end": (says(OK, chunk(ANSWER, "canary"), DONE), "unknown reason"),
    "refusal": (says(OK, b'data: {"choices": [{"delta": {"refusal": "canary"}}]}\n\n'), "refused"),
    "second choice": (says(OK, GOOD.replace(b'"index": 0', b'"index": 1')), "more than once"),
    "too many characters": (says(OK, chunk("a" * 50), chunk("b" * 51), STOP, DONE), "too long"),
    "one line without end": (says(OK, b"data: ", b"a" * 2_000_000), "too long"),
    "comments without end": (says(OK, b": canary\n" * 200_000), "too long"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_one_clean_error_in_time(name: str) -> None:
    """FT-14, PI-05: nothing partial, nothing foreign in the message, nothing sent twice."""
    script, reason = FAILURES[name]
    began = time.monotonic()
    with Wire(script) as wire, pytest.raises(ModelDown, match=re.escape(reason)) as caught:
        ask(wire, HURRIED if "drip" in name else PATIENT)
    assert time.monotonic() - began < 2.5
    assert len(wire.received) == 1
    told = "".join(traceback.format_exception(caught.value))
    assert not re.search(f"canary|{KEY}|0123456789abcdef|7F3K2Q", told.split("ModelDown:")[-1])
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "script",
    [
        says(OK, GOOD),
        says(OK, GOOD.replace(b"\n", b"\r\n")),
        slowly(OK, *(bytes([byte]) for byte in chunk("The canary allowance ", model="x")), GOOD.split(b"\n\n", 1)[1]),
        says(OK, b": ping\n\nevent: message\nid: 7\nretry: 1\n", GOOD),
        says(OK, b'data: {"choices": []}\n\n', GOOD),
        says(OK, GOOD.replace(b"data: {", b"data:{")),
        says(OK, GOOD.replace(STOP, STOP + b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\n')),
        drips(OK + GOOD, b": more\n"),
        says(CHUNKED, b"fff\r\n", GOOD),
    ],
)
def test_a_whole_answer_is_taken_however_it_is_cut(script: Script) -> None:
    """FT-14, the permitted twin of every failure."""
    with Wire(script) as wire:
        assert ask(wire) == ANSWER


def test_lines_of_the_stream_itself_are_text_when_they_stand_in_content() -> None:
    """PI-10: whatever a model writes ends nothing, begins nothing, and is taken as it is."""
    text = 'event: done\nid: 7\r\nretry: 1\n\ndata: [DONE]\n\ndata: {"choices": []}\u2028\u2029\x85: end'
    raw = json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)
    for event in (chunk(text), b"data: " + raw.encode() + b"\n\n"):
        with Wire(says(OK, event, STOP, DONE)) as wire:
            assert ask(wire) == text


def test_nothing_goes_where_a_provider_sends_on() -> None:
    with Wire(says(OK, GOOD)) as elsewhere:
        for line in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
            moved = status(line, b"", f"Location: {elsewhere.base_url}/chat/completions")
            with Wire(says(moved)) as wire, pytest.raises(ModelDown, match=f"answered {line[:3]}"):
                ask(wire)
    assert elsewhere.received == []


def test_characters_cut_over_pieces_arrive_whole() -> None:
    event = b'data: {"choices": [{"delta": {"content": "' + "Zürich 😀".encode() + b'"}}]}\n\n'
    with Wire(slowly(OK, *(bytes([byte]) for byte in event), STOP + DONE)) as wire:
        assert ask(wire) == "Zürich 😀"


def test_an_answer_up_to_the_limit_is_taken() -> None:
    with Wire(says(OK, chunk("a" * 50), chunk("b" * 50), STOP, DONE)) as wire:
        assert len(ask(wire)) == 100


def test_a_refused_connection_is_model_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    model = OpenAiModel(f"http://127.0.0.1:{port}/v1", "small", KEY, limits=PATIENT)
    with model, pytest.raises(ModelDown, match="the connection failed"):
        model.complete(PROMPT)


def test_a_name_that_is_not_found_or_looked_up_for_too_long_is_model_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """FT-14: a resolver may take half a minute; the system gives no way to limit it."""

    def missing(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    over = threading.Event()
    try:
        for look_up, reason in (
            (missing, "Name or service not known"),
            (lambda *_, **__: over.wait(2), "within 0.3 s"),
        ):
            monkeypatch.setattr(socket, "getaddrinfo", look_up)
            model = OpenAiModel("https://llm.example/v1", "small", KEY, limits=HURRIED)
            began = time.monotonic()  # the authorities that TLS trusts have been read
            with model, pytest.raises(ModelDown, match=reason):
                model.complete(PROMPT)
            assert time.monotonic() - began < 0.45
    finally:
        over.set()
