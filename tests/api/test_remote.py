"""The client of a server: where a key is sent and where not, what is tried again, what is made of an answer."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import pytest

from acl.errors import NotAllowed
from api.errors import ERRORS, BadServer, NoAnswer, NotSignedIn, problem
from api.intake_forms import RemoveIn, RemoveOut
from api.remote import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY: Final = "ntk_not-a-real-key"
SAID: Final = RemoveIn(collection="share", documents=[])


@dataclass
class Stub:
    """A server that answers as it is told, and keeps what it was asked."""

    url: str = ""
    answers: list[tuple[int, Mapping[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def says(self, status: int, body: Any = None, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, content))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.stub.asked.append((self.command, self.path, headers, body))
        status, more, content = self.stub.answers.pop(0)
        if status == 0:  # break the connection
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that the library calls

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def _stub() -> Iterator[Stub]:
    stub = Stub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": stub}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with _stub() as opened:
        yield opened


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def server(stub: Stub, slept: list[float]) -> Iterator[Server]:
    with Server(stub.url + "/", KEY, sleep=slept.append) as opened:
        yield opened


@pytest.mark.parametrize(
    "url",
    [
        "", "ntk.example", "ftp://ntk.example", "https://", "https://user:word@ntk.example", "https://ntk.example?x=1",
        "https://ntk.example#x", "http://ntk.example", "http://10.0.0.5:8300", "http://127.0.0.1.ntk.example",
        "http://localhost.ntk.example", "http://[2001:db8::7]", "http://0.0.0.0:8300", "https://[", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_key_is_sent_to_no_such_address(url: str) -> None:
    """AP-08."""
    with pytest.raises(BadServer) as refused:
        Server(url, KEY)
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["https://ntk.example", "https://ntk.example/below/", "http://127.0.0.1:8300", "http://[::1]:8300",
     "http://localhost:8300", "http://127.9.9.9"],
)  # fmt: skip
def test_a_key_may_be_sent_to_this_one(url: str) -> None:
    with Server(url, KEY) as server:
        assert server.url == url.rstrip("/")


@pytest.mark.parametrize("key", ["", "secret key", "secret\nkey", "ä", "secret\x00", " "])
def test_no_key_and_what_can_be_none_is_told_before_anything_is_sent(stub: Stub, key: str) -> None:
    with pytest.raises(NotSignedIn, match=r"NTK_KEY.* to your API key") as refused:
        Server(stub.url, key)
    assert len(key) < 3 or key not in str(refused.value)
    assert stub.asked == []


def test_only_what_is_meant_is_sent(stub: Stub, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """AP-08: no proxy, no credentials and no header of the environment."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "" if "NO" in name.upper() else "http://127.0.0.1:9")
    stub.says(200, {"removed": 3})
    with Server(stub.url, KEY, sleep=slept.append) as server:
        status, body = server.ask("POST", "/api/v1/intake/remove", SAID, {"after": "doc:1"})
        assert (status, server.read(RemoveOut, body).removed) == (200, 3)
    method, path, headers, sent = stub.asked[0]
    assert (method, path) == ("POST", "/api/v1/intake/remove?after=doc%3A1")
    assert json.loads(sent) == {"collection": "share", "documents": []}
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers.keys() <= {
        "host", "accept", "accept-encoding", "connection", "user-agent", "authorization", "content-type",
        "content-length",
    }  # fmt: skip


def test_a_file_is_sent_with_what_is_said_of_it(stub: Stub, server: Server) -> None:
    stub.says(200, {"outcomes": []})
    server.send("/api/v1/intake/files", b"\x00\xff", path="a b/\N{SNOWMAN}\\x07%.md", slip="W10=.ab_-")
    _, _, headers, sent = stub.asked[0]
    assert (headers["ntk-path"], headers["ntk-slip"]) == ("a%20b/%E2%98%83%5Cx07%25.md", "W10=.ab_-")
    assert (sent, headers["content-length"], headers["content-type"]) == (b"\x00\xff", "2", "application/octet-stream")


def test_nobody_is_followed_elsewhere(stub: Stub, server: Server) -> None:
    """AP-08."""
    for status in (301, 302, 303, 307, 308):
        with _stub() as other:
            stub.says(status, b"", Location=f"{other.url}/api")
            with pytest.raises(BadServer, match="--server"):
                server.ask("GET", "/api")
            assert other.asked == []


def test_a_broken_connection_is_tried_again_a_few_times(stub: Stub, server: Server, slept: list[float]) -> None:
    for status in (0, 0, 200):
        stub.says(status, {"removed": 1})
    assert server.ask("POST", "/api", SAID)[0] == 200
    assert slept == [0.5, 1.0]
    for _ in range(5):
        stub.says(0)
    with pytest.raises(NoAnswer, match="run it again to go on") as ended:
        server.ask("POST", "/api", SAID)
    assert (stub.answers, ended.value.__context__) == ([], None)
    assert KEY not in str(ended.value)


def test_a_server_that_is_not_there_is_told(slept: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Server(f"http://127.0.0.1:{port}", KEY, sleep=slept.append) as server, pytest.raises(NoAnswer) as ended:
        server.ask("GET", "/api")
    assert "Connection refused" in str(ended.value)
    assert len(slept) == 4


def test_a_busy_server_is_asked_again_when_it_says(stub: Stub, server: Server, slept: list[float]) -> None:
    stub.says(503, problem(NoAnswer("busy")), Retry_After="7")
    stub.says(503, b"busy", Retry_After="9999")
    stub.says(200, {})
    assert server.ask("GET", "/api")[0] == 200
    assert slept == [7.0, 30.0]
    for _ in range(5):
        stub.says(503, {"detail": "too many files are coming in at once", "code": "http-503"}, Retry_After="1")
    with pytest.raises(NoAnswer, match="503: too many files"):
        server.ask("GET", "/api")
    for headers in ({}, {"Retry_After": "soon"}, {"Retry_After": "-1"}):
        stub.says(503, b"", **headers)
        with pytest.raises(NoAnswer, match="503"):
            server.ask("GET", "/api")
    assert stub.answers == []


def test_a_no_is_the_error_that_it_is_on_the_servers_own_machine(stub: Stub, server: Server) -> None:
    for error, row in ERRORS.items():
        stub.says(row.status, problem(error("what is wrong")))
        with pytest.raises(Exception, match=r"\w") as raised:
            server.ask("GET", "/api")
        if row.status == 503:
            assert raised.type is error
        elif error is NotSignedIn:
            assert "takes no such key" in str(raised.value)
        else:
            assert (raised.type, str(raised.value)) == (error, row.shown or "what is wrong")


def test_what_a_server_says_cannot_steer_a_terminal(stub: Stub, server: Server) -> None:
    """AP-02: nor can it be endless."""
    stub.says(403, {"detail": "no\x1b[2J\u202e" + "x" * 9000, "code": "not-allowed"})
    with pytest.raises(NotAllowed) as refused:
        server.ask("GET", "/api")
    assert str(refused.value).startswith("no\\x1b[2J\\u202exxx")
    assert len(str(refused.value)) == 2000
    stub.says(200, b" " * 16_000_001)
    with pytest.raises(NoAnswer, match="larger than 16 MB"):
        server.ask("GET", "/api")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"x"', b'{"detail": 1, "code": 2}', b'{"detail": "x"}', b"\xff", b"[" * 100_000]
)
@pytest.mark.parametrize("status", [400, 404, 413, 500, 502, 504])
def test_an_answer_of_something_else_is_none(stub: Stub, server: Server, body: bytes, status: int) -> None:
    stub.says(status, body)
    with pytest.raises(NoAnswer, match=str(status)):
        server.ask("GET", "/api")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"removed": "3"}', b"<html>", b'{"removed": null}'])
def test_a_yes_in_another_form_is_none(server: Server, body: bytes) -> None:
    with pytest.raises(NoAnswer, match="this version"):
        server.read(RemoveOut, body)
