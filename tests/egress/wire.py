"""A provider that does on the wire whatever a script says, faults above all."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from egress.openai_model import Limits, OpenAiModel
from egress.prompt import build_prompt
from redaction.types import Redacted

if TYPE_CHECKING:
    import ssl

KEY = "sk-" + "test" * 5
QUESTION = "What is the canary allowance of USER_7F3K2Q?"
PROMPT = build_prompt(Redacted((QUESTION, "The canary allowance is 180 EUR."), {}), "0123456789abcdef")
ANSWER = "The canary allowance is 180 EUR. [1]"
# Only a dripping server meets the total limit first; a busy machine must not turn one failure into another.
PATIENT = Limits(
    connect=timedelta(seconds=1), silence=timedelta(seconds=0.15), total=timedelta(seconds=2), characters=100
)
HURRIED = Limits(
    connect=timedelta(seconds=1), silence=timedelta(seconds=0.25), total=timedelta(seconds=0.3), characters=100
)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
Script = Callable[[socket.socket, threading.Event], object]  # the event is set when the test ends


class Wire:
    """A server that gets one request per connection and then does as its script says, byte by byte."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self.asked, self.left, self._over = threading.Event(), threading.Event(), threading.Event()
        self._script, self._tls = script, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.close()
        for thread in self._threads:
            thread.join(2)

    def close(self) -> None:
        """Accept no connection from here on; those that there are go on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            plain.settimeout(2)
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            head, _, body = self._read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
            length = int((re.findall(rb"(?i)content-length: (\d+)", head) or [0])[0])
            while len(body) < length:
                body += connection.recv(65536)
            self.received.append(head + b"\r\n\r\n" + body)
            self.asked.set()
            try:
                self._script(connection, self._over)
            finally:
                self.left.set()  # after `waits` and `drips`: the client has hung up
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            if connection is not plain:
                connection.close()

    @staticmethod
    def _read_until(connection: socket.socket, end: bytes) -> bytes:
        data = b""
        while end not in data:
            data += connection.recv(65536) or end
        return data


def chunk(content: str | None = None, finish: str | None = None, **more: object) -> bytes:
    delta = {} if content is None else {"content": content}
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}).encode()
        + b"\n\n"
    )


STOP = chunk(finish="stop")
DONE = b"data: [DONE]\n\n"
GOOD = chunk("The canary allowance ") + chunk("is 180 EUR. [1]") + STOP + DONE


def says(*pieces: bytes) -> Script:
    return lambda connection, _over: connection.sendall(b"".join(pieces))


def drips(head: bytes, piece: bytes, every: float = 0.05) -> Script:
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        for _ in range(40):
            connection.sendall(piece)
            if over.wait(every):
                return

    return script


def slowly(*pieces: bytes) -> Script:
    def script(connection: socket.socket, over: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)
            over.wait(0.002)

    return script


def waits(head: bytes) -> Script:
    def script(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(head)
        with contextlib.suppress(OSError):
            connection.recv(1)  # until the client hangs up

    return script


def in_turn(*scripts: Script) -> Script:
    """Do as each script says, one after the other, and as the last one from then on."""
    left = list(scripts)

    def script(connection: socket.socket, over: threading.Event) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection, over)

    return script


def resets(head: bytes) -> Script:
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        over.wait(0.02)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return script


def status(line: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def ask(wire: Wire, limits: Limits = PATIENT) -> str:
    with OpenAiModel(wire.base_url, "small", KEY, limits=limits) as model:
        return model.complete(PROMPT).text
