"""Odd questions, and an index that fails: an answer, an honest nothing or a problem, and never half of anything."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from egress.reply import NOTHING
from retrieval.errors import EmbedderDown, IndexDown
from store.errors import StoreDown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from httpx2 import Response
    from numpy.typing import NDArray

    from acl.scope import Scope
    from api.wiring import House
    from retrieval.types import Hit
    from tests.api.conftest import Site

QUESTION = "How much is paid for hotels a night?"
ODD = [
    "a",
    "7",
    "\u4e2d",
    "is it the of and",
    "???!a",
    "Wie viel wird f\u00fcr den Kuchen bezahlt?",
    "\u041a\u0442\u043e \u043f\u043b\u0430\u0442\u0438\u0442?",
    "\u0645\u0646 \u064a\u062f\u0641\u0639\u061f",
    "hotel\x07\x1b[31m\x7f\u202e\u200b night",
    "x" * 2000,
    "' OR 1=1 --",
    "%00 \\0 {{7*7}} ${jndi}",
]


def ask(client: TestClient, key: str, question: str, *, stream: bool = False) -> Response:
    headers = {"Authorization": f"Bearer {key}"} | ({"Accept": "text/event-stream"} if stream else {})
    response: Response = client.post("/api/v1/ask", json={"question": question}, headers=headers)
    return response


@pytest.mark.parametrize("question", ODD)
def test_an_odd_question_gets_an_answer_or_nothing(client: TestClient, site: Site, question: str) -> None:
    response = ask(client, site.anna, question)
    assert response.status_code == 200
    reply = response.json()
    assert reply["outcome"] in {"answered", "nothing"}
    assert (reply["answer"] == NOTHING) is (reply["outcome"] == "nothing")
    assert "\x1b" not in reply["answer"]
    assert ask(client, site.anna, QUESTION).json()["outcome"] == "answered"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("x" * 2001, "question-too-long"),
        ("x" * 200_000, "bad-request"),
        ("", "empty-question"),
        ("\x07\x1b\u200b", "empty-question"),
        ("\U0001f600 \U0001f3e8?", "empty-question"),
        ("hotels \0 night", "malformed-question"),
    ],
)
def test_what_is_no_question_is_a_problem(client: TestClient, site: Site, question: str, code: str) -> None:
    response = ask(client, site.anna, question)
    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    assert response.json()["code"] == code
    assert question[:50] not in response.text or not question


FAILURES = [IndexDown("timed out"), EmbedderDown("no model"), StoreDown("gone")]


class Down:
    """An index that fails after it was asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
        """Fail."""
        self.asked += 1
        raise self.error


@pytest.mark.parametrize("error", FAILURES)
def test_what_is_down_is_a_problem_and_no_part_of_an_answer(house: House, site: Site, error: Exception) -> None:
    down = Down(error)
    failing = replace(house, answering=replace(house.answering, index=down))
    with TestClient(create_app(failing), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        response, streamed = ask(client, site.anna, QUESTION), ask(client, site.anna, QUESTION, stream=True)
    assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json")
    for text in (response.text, streamed.text):
        for word in ("180", "timed out", "no model", "gone", "Travel"):
            assert word not in text
    events = [block.split("\n") for block in streamed.text.split("\n\n") if block]
    assert [lines[0] for lines in events] == ["event: stage", "event: error"]
    told: dict[str, Any] = json.loads(events[-1][1].removeprefix("data: "))
    assert (told["status"], told["code"]) == (503, response.json()["code"])
    assert down.asked == 2


def test_an_empty_index_says_nothing(house: House, site: Site) -> None:
    class Empty:
        def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
            return []

    empty = replace(house, answering=replace(house.answering, index=Empty()))
    with TestClient(create_app(empty), base_url="http://127.0.0.1") as client:
        assert ask(client, site.anna, QUESTION).json()["answer"] == NOTHING
    with TestClient(create_app(house), base_url="http://127.0.0.1") as client:
        assert "180 euros" in ask(client, site.anna, QUESTION).json()["answer"]


def _form(fields: int) -> tuple[str, bytes]:
    return "application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(fields))


def _parts(count: int) -> tuple[str, bytes]:
    part = b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    return "multipart/form-data; boundary=cut", part * count + b"--cut--\r\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        _form(1_000_000),
        _form(10),
        _parts(100_000),
        _parts(10),
        ("multipart/form-data; boundary=" + "c" * 10_000, b"--" + b"c" * 1_000_000),
        ("multipart/form-data; boundary=cut", b"--cut\r\nX: " + b"x" * 500_000),
        ("application/json", b"[" * 100_000),
    ],
)
def test_a_form_of_any_size_is_refused_and_never_taken_apart(
    client: TestClient, site: Site, kind: str, body: bytes
) -> None:
    """QD-05: no part of a form is parsed, since no route takes one."""
    headers = {"Authorization": f"Bearer {site.anna}", "Content-Type": kind}
    response = client.post("/api/v1/ask", content=body, headers=headers)
    assert 400 <= response.status_code < 500
    assert response.headers["content-type"] == "application/problem+json"


def test_ten_thousand_ranges_of_a_file_are_the_file(client: TestClient) -> None:
    """QD-05: nothing of the service looks at Range."""
    ranges = "bytes=" + ",".join(f"{number}-{number}" for number in range(10_000))
    asked, plain = client.get("/static/icon.svg", headers={"Range": ranges}), client.get("/static/icon.svg")
    assert (asked.status_code, asked.content) == (200, plain.content)
