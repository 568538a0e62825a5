"""A model provider on this machine that writes down what it receives.

`ntk demo` and the tests put it in a real provider's place, to show the very bytes that would leave.
It answers like an OpenAI-compatible server and knows no model: a function makes its answers.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MODEL: Final = "loopback"
_PATH: Final = "/v1/chat/completions"
_MODELS: Final = "/v1/models"
_MOST_BYTES: Final = 4_000_000


class Message(BaseModel):
    """One message of a chat."""

    role: str
    content: str


class _Chat(BaseModel):
    messages: list[Message]
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request, exactly as it came over the wire."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 makes a sixth caller at once wait for a second


class LoopbackProvider:
    """An OpenAI-compatible server on 127.0.0.1, at a free port, for as long as the context lasts."""

    def __init__(self, reply: Callable[[list[Message]], str]) -> None:
        """Prepare a provider that answers with what `reply` makes of the messages."""
        self.requests: list[Received] = []
        handler = type("Handler", (_Handler,), {"reply": staticmethod(reply), "requests": self.requests})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="loopback", daemon=True)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop to serve."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    reply: Callable[[list[Message]], str]
    requests: list[Received]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body waits 40 ms for the receipt of the head
    timeout = 10  # seconds for a client that stops in the middle of a request

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            return self._fail(413, "a request has a Content-Length of at most 4 MB")
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.requests.append(Received(self.path, headers, body))
        if self.path != _PATH:
            return self._fail(404, f"there is only {_PATH}")
        try:
            chat = _Chat.model_validate_json(body)
        except ValidationError:
            return self._fail(400, "the body is no chat: it needs a list of messages with role and content")
        text = self.reply(chat.messages)
        if chat.stream:
            return self._send(200, "text/event-stream", b"".join(_events(text)))
        return self._send(200, "application/json", json.dumps(_whole(text)).encode())

    def do_GET(self) -> None:
        if self.path != _MODELS:
            return self._fail(404, f"there is only {_PATH} and {_MODELS}")
        models = {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "loopback"}]}
        return self._send(200, "application/json", json.dumps(models).encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet: who wants to know reads `requests`."""

    def _fail(self, status: int, message: str) -> None:
        self.close_connection = True  # what follows may be the rest of a body that was not read
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        self._send(status, "application/json", json.dumps({"error": error}).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _whole(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return _object("chat.completion", {"message": message}, "stop")


def _events(text: str) -> Iterator[bytes]:
    """Stream a text word by word, as servers do."""
    yield _event(_object("chat.completion.chunk", {"delta": {"role": "assistant", "content": ""}}, None))
    for word in re.findall(r"\s*\S+|\s+", text):
        yield _event(_object("chat.completion.chunk", {"delta": {"content": word}}, None))
    yield _event(_object("chat.completion.chunk", {"delta": {}}, "stop"))
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _object(kind: str, choice: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-loopback",
        "object": kind,
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, **choice, "finish_reason": finish_reason}],
    }
