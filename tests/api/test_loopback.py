from __future__ import annotations

import http.client
import json
from typing import Any

import openai
import pytest

from api.loopback import LoopbackProvider, Message, Received

PATH = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": "Hello?"}]}


def shout(messages: list[Message]) -> str:
    return messages[-1].content.upper()


def send(
    provider: LoopbackProvider, body: bytes, path: str = "/v1/chat/completions", **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(provider.base_url.split("/")[2], timeout=2)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, json.loads(answer)


def test_the_openai_library_gets_whole_and_streamed_answers() -> None:
    with LoopbackProvider(shout) as provider, openai.OpenAI(base_url=provider.base_url, api_key="none") as client:
        whole = client.chat.completions.create(**CHAT)
        pieces = client.chat.completions.create(**CHAT, stream=True)
        assert whole.choices[0].message.content == "HELLO?"
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "HELLO?"


@pytest.mark.parametrize(
    "text", ["", "  two  blanks ", "a\n\nb\r\u2028c\td", "data: [DONE]\n\nevent: x", "\U0001f600\u00e9"]
)
def test_streaming_changes_no_character(text: str) -> None:
    """PI-10: what looks like a stream event inside of an answer stays text."""
    with LoopbackProvider(lambda _: text) as provider, openai.OpenAI(base_url=provider.base_url, api_key="none") as it:
        pieces = it.chat.completions.create(**CHAT, stream=True)
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == text


def test_every_request_is_kept_byte_by_byte() -> None:
    body = json.dumps(CHAT, indent=3).encode()
    with LoopbackProvider(shout) as provider:
        assert send(provider, body, Authorization="Bearer x")[0] == 200
        assert send(provider, b"{", "/v1/other")[0] == 404
    first, second = provider.requests
    assert isinstance(first, Received)
    assert (first.path, first.body, first.headers["authorization"]) == ("/v1/chat/completions", body, "Bearer x")
    assert (second.path, second.body) == ("/v1/other", b"{")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": "x"}', b'{"messages": [{"role": "user"}]}', b"\xff"])
def test_what_is_no_chat_gets_an_error_in_the_openai_form(body: bytes) -> None:
    with LoopbackProvider(shout) as provider:
        status, answer = send(provider, body)
    assert status == 400
    assert answer["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("length", ["4000001", "-1", "x"])
def test_a_body_of_unreasonable_length_is_not_read(length: str) -> None:
    with LoopbackProvider(shout) as provider:
        assert send(provider, b"", **{"Content-Length": length})[0] == 413
    assert provider.requests == []


def test_it_listens_on_this_machine_alone_and_only_within_its_context() -> None:
    with LoopbackProvider(shout) as provider:
        assert provider._server.server_address == ("127.0.0.1", int(provider.base_url.split(":")[2].split("/")[0]))
        assert send(provider, json.dumps(CHAT).encode())[0] == 200
    with pytest.raises(ConnectionRefusedError):
        send(provider, b"")
