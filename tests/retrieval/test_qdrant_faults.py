"""An index server that is down, slow, wrong or hostile: no part of an answer, no word of its own, no endless wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from qdrant_client import models

from acl.names import DocumentId
from api.errors import problem
from retrieval.errors import IndexDown
from retrieval.homes import QdrantHome
from retrieval.qdrant import QdrantIndex
from retrieval.qdrant_calls import Calls
from retrieval.qdrant_server import Limits, Server
from tests.egress.wire import drips, resets, says, status, waits
from tests.retrieval.conftest import MADE, served
from tests.retrieval.points import chunk_id, numbers, point, scope, search

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.egress.wire import Script
    from tests.retrieval.rest_server import RestServer

COLLECTION = "need-to-know-a"
SILENT = "silent for too long"
KEY = "index-" + "key" * 6
SHORT = Limits(connect=timedelta(seconds=1), search=timedelta(seconds=0.3), write=timedelta(seconds=0.3))
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True)
class Site:
    """A server that wants a key, and its index with one point, behind a client with patience and one without."""

    server: RestServer
    index: QdrantIndex
    hurried: QdrantIndex
    waited: list[float]  # seconds, each time before something was said again


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    waited: list[float] = []
    with served(tmp_path_factory.mktemp("server"), key=KEY) as server:
        home = QdrantHome(Server(server.url, key=KEY), MADE)
        home.open().close()
        servers = (home.server, replace(home.server, limits=SHORT))
        index, hurried = (QdrantIndex(Calls(one, waited.append), COLLECTION, MADE.dimension) for one in servers)
        index.put([point(1)])
        yield Site(server, index, hurried, waited)
        index.close()
        hurried.close()


@pytest.fixture
def site(opened: Site) -> Iterator[Site]:
    yield opened
    server = opened.server
    server.script, server.refuse, server.status = None, [], models.UpdateStatus.COMPLETED
    server.requests.clear()
    opened.waited.clear()


USES: list[Callable[[Any], object]] = [
    lambda index: search(index, scope()),
    lambda index: index.put([point(1)]),
    lambda index: index.retag([DocumentId("doc:1")], point(1).tags),
    lambda index: index.keep_only(DocumentId("doc:1"), 1),
    lambda index: index.remove([chunk_id(99)]),
    lambda index: index.count(),
]
BODY = b'{"result":[],"status":"ok","time":0.0}'
FAULTS: dict[str, tuple[Script, str]] = {
    "silent": (waits(b""), SILENT),
    "silent after the head": (waits(OK + b"Content-Length: 10\r\n\r\n"), SILENT),
    "dripping": (drips(OK + b"Content-Length: 1000\r\n\r\n", b" ", every=0.02), SILENT),
    "reset": (resets(b""), "reset by peer"),
    "cut off": (says(OK + b"Content-Length: 1000\r\n\r\n", BODY), "gives no usable answer"),
    "no JSON": (says(status("200 OK", b"<html>" + KEY.encode())), "no answer"),
    "another JSON": (says(status("200 OK", b'{"result": [{"points": [{"id": "x"}]}]}')), "no answer"),
    "nothing": (says(status("200 OK", b'{"result": null, "status": "ok", "time": 0}')), "no answer"),
    "packed": (says(status("200 OK", b"\x1f\x8b", "Content-Encoding: gzip")), "no answer"),
    "status 500": (says(status("500 Internal Server Error", b'{"status":{"error":"%s"}}' % KEY.encode())), "says 500"),
    "status 400": (says(status("400 Bad Request", b"{}")), "says 400"),
    "redirect": (says(status("307 Temporary Redirect", b"", "Location: http://127.0.0.1:1/")), "sends elsewhere"),
    "gone": (says(status("404 Not Found", b"{}")), "no such collection"),
    "refused": (says(status("401 Unauthorized", b"{}")), "refuses the key"),
    "no HTTP": (says(b"SSH-2.0-OpenSSH\r\n"), "gives no usable answer"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("use", USES, ids=["search", "put", "retag", "keep_only", "remove", "count"])
def test_whatever_is_wrong_with_a_server_the_index_is_down(
    site: Site, fault: str, use: Callable[[QdrantIndex], object]
) -> None:
    """No part of an answer, and nothing of what the server says, which may hold the key."""
    site.server.script, why = FAULTS[fault]
    with pytest.raises(IndexDown, match=why) as caught:
        use(site.hurried if why == SILENT else site.index)
    assert caught.value.__context__ is None
    assert KEY not in str(caught.value)
    assert site.server.url in str(caught.value)
    assert problem(caught.value)["status"] == 503
    assert str(caught.value) not in str(problem(caught.value))
    site.server.script = None
    use(site.index)
    assert numbers(search(site.index, scope())) == [1]


@pytest.mark.parametrize("busy", [429, 502, 503])
@pytest.mark.parametrize("use", USES, ids=["search", "put", "retag", "keep_only", "remove", "count"])
def test_a_busy_server_is_asked_again_and_not_for_ever(
    site: Site, use: Callable[[QdrantIndex], object], busy: int
) -> None:
    site.server.refuse = [busy, busy]
    use(site.index)
    assert site.waited == [0.1, 0.5]
    site.server.refuse = [busy] * 5
    with pytest.raises(IndexDown, match=f"says {busy}"):
        use(site.index)
    assert site.server.refuse == [busy] * 2


def test_a_broken_connection_is_made_again(site: Site) -> None:
    """All that is told may be told twice: the same point is there once."""

    def once(connection: socket.socket, over: threading.Event) -> None:
        site.server.script = None
        resets(b"")(connection, over)

    site.server.script = once
    site.index.put([point(1)])
    assert len(site.server.requests) == 2
    assert site.index.count() == 1


def test_a_server_that_was_silent_is_not_asked_again(site: Site) -> None:
    """Else three questions would hang where one did."""
    site.server.script = waits(b"")
    with pytest.raises(IndexDown, match=SILENT):
        search(site.hurried, scope())
    assert len(site.server.requests) == 1


@pytest.mark.parametrize("written", [models.UpdateStatus.ACKNOWLEDGED, models.UpdateStatus.WAIT_TIMEOUT])
@pytest.mark.parametrize("use", USES[1:5], ids=["put", "retag", "keep_only", "remove"])
def test_what_stands_in_a_log_alone_is_not_written_yet(
    site: Site, use: Callable[[QdrantIndex], object], written: models.UpdateStatus
) -> None:
    site.server.status = written
    with pytest.raises(IndexDown, match="has not written yet"):
        use(site.index)
    site.server.status = models.UpdateStatus.COMPLETED
    use(site.index)


def test_a_server_that_is_not_there_is_down(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        home = QdrantHome(Server(server.url), MADE)
    with pytest.raises(IndexDown, match="Connection refused"):
        home.open()


def test_the_key_goes_in_a_header_to_that_server_alone(site: Site) -> None:
    search(site.index, scope())
    assert {request.headers["api-key"] for request in site.server.requests} == {KEY}
    assert all(KEY not in f"{request.path}{request.query}" for request in site.server.requests)
    assert KEY not in repr(Server(site.server.url, key=KEY))


def test_no_variable_of_the_environment_moves_a_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to a proxy, nor to the certificates of somebody else."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    calls = Calls(Server(site.server.url, key=KEY))
    assert numbers(search(QdrantIndex(calls, COLLECTION, MADE.dimension), scope())) == [1]
    calls.close()


def test_nothing_is_asked_that_nobody_asked_for(site: Site) -> None:
    """The client would look up the server's version in a thread of its own, and print what it thinks of it."""
    calls = Calls(Server(site.server.url, key=KEY))
    search(QdrantIndex(calls, COLLECTION, MADE.dimension), scope())
    calls.close()
    asked = [(request.method, request.path) for request in site.server.requests]
    assert asked == [("POST", f"/collections/{COLLECTION}/points/query/batch")]


def test_every_write_is_waited_for_and_in_order(site: Site) -> None:
    for use in USES[1:5]:
        use(site.index)
    assert [(request.query["wait"], request.query["ordering"]) for request in site.server.requests] == [
        ("true", "strong")
    ] * 4


def test_many_points_are_sent_in_parts(site: Site) -> None:
    site.index.put([point(number, document="doc:many") for number in range(100, 700)])
    assert [request.method for request in site.server.requests] == ["PUT"] * 3
    assert site.index.count() == 601
    site.index.keep_only(DocumentId("doc:many"), 0)
    assert site.index.count() == 1


def test_a_vector_of_another_dimension_is_refused_before_it_is_sent(site: Site) -> None:
    short = point(2, vector=point(1).vector[:3])
    with pytest.raises(IndexDown, match="not usable"):
        site.index.put([short])
    assert site.server.requests == []
    takes_itself_for_another = QdrantIndex(site.index._calls, COLLECTION, 3)
    with pytest.raises(IndexDown, match="says 400"):
        takes_itself_for_another.put([short])
