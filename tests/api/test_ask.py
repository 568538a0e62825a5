"""The ask door over HTTP: who gets in, what comes out, how it is refused."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from acl.admin.change import policy_change
from acl.admin.keys import revoke_api_keys
from api.app import create_app
from egress.reply import NOTHING
from store import schema
from store.engine import snapshot, write

if TYPE_CHECKING:
    from httpx2 import Response

    from api.wiring import House
    from tests.sites import Site

QUESTION = "What is paid for hotels a night?"


def _ask(client: TestClient, key: str, *, stream: bool = False, **body: Any) -> Response:
    headers = {"Authorization": f"Bearer {key}"} | ({"Accept": "text/event-stream"} if stream else {})
    return client.post("/api/v1/ask", json={"question": QUESTION, **body}, headers=headers)


def _kinds(house: House) -> list[str]:
    with snapshot(house.store.engine) as connection:
        bodies = connection.scalars(select(schema.audit_record.c.body).order_by(schema.audit_record.c.seq)).all()
    return [str(json.loads(body)["kind"]) for body in bodies]


def test_who_may_read_gets_a_cited_answer(client: TestClient, site: Site) -> None:
    response = _ask(client, site.anna)
    assert response.status_code == 200
    reply = response.json()
    assert reply["outcome"] == "answered"
    assert "180 euros" in reply["answer"]
    assert "[1]" in reply["answer"]
    assert reply["citations"][0]["title"] == "Travel"
    assert reply["label"] == "confidential"
    assert reply["route"]["decision"] == "local"
    assert reply["left"] is False
    assert "Jane" not in reply["prompt"]
    assert uuid.UUID(reply["audit_id"])


def test_who_may_not_gets_the_words_for_nothing(client: TestClient, site: Site) -> None:
    response = _ask(client, site.ben)
    assert response.status_code == 200
    reply = response.json()
    assert (reply["outcome"], reply["answer"], reply["citations"], reply["prompt"]) == ("nothing", NOTHING, [], None)


def test_a_collection_of_others_is_like_one_that_is_not_there(client: TestClient, site: Site) -> None:
    """AZ-03."""

    def shown(collection: str) -> dict[str, Any]:
        reply: dict[str, Any] = _ask(client, site.ben, collection=collection).json()
        return {key: value for key, value in reply.items() if key not in ("audit_id", "conversation")}

    assert shown("finance") == shown("absent")
    assert _ask(client, site.anna, collection="finance").json()["outcome"] == "answered"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer ntk_wrong",
        "Basic bnRrOm50aw==",
        "Bearer ' OR 1=1 --",
        "Bearer ntk_" + "a" * 100_00,
    ],
)
def test_without_a_key_that_works_there_is_no_answer(client: TestClient, header: str | None) -> None:
    """AU-04."""
    headers = {} if header is None else {"Authorization": header}
    response = client.post("/api/v1/ask", json={"question": QUESTION}, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not-signed-in"


def test_two_keys_at_once_are_none(client: TestClient, site: Site) -> None:
    """AU-05."""
    headers = [("Authorization", f"Bearer {site.anna}"), ("Authorization", f"Bearer {site.ben}")]
    assert client.post("/api/v1/ask", json={"question": QUESTION}, headers=headers).status_code == 401


def test_a_key_in_the_address_is_none(client: TestClient, site: Site) -> None:
    """AU-05."""
    assert client.post(f"/api/v1/ask?key={site.anna}", json={"question": QUESTION}).status_code == 401


def test_the_stored_hash_is_no_key(client: TestClient, house: House) -> None:
    """AU-07."""
    with snapshot(house.store.engine) as connection:
        stored = connection.scalars(select(schema.api_key.c.hash)).all()
    assert [_ask(client, key).status_code for key in stored] == [401] * len(stored)


def test_a_revoked_key_stops_with_the_next_request(client: TestClient, site: Site, house: House) -> None:
    """AU-06."""
    assert _ask(client, site.anna).status_code == 200
    with policy_change(house.store.engine, house.ledger, "svc:test") as change:
        revoke_api_keys(change, site.anna[:10])
    assert _ask(client, site.anna).status_code == 401
    assert _ask(client, site.ben).status_code == 200


@pytest.mark.parametrize("extra", ["user", "role", "as", "label", "base_url", "k"])
def test_a_body_cannot_name_anything_else(client: TestClient, site: Site, extra: str) -> None:
    """AP-05."""
    more: dict[str, Any] = {extra: "user:ben"}
    response = _ask(client, site.anna, **more)
    assert response.status_code == 422
    assert response.json()["code"] == "bad-request"
    assert "user:ben" not in response.text


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'"x"', b'{"question": 5}', b'{"question": null}', b"\xff\xfe", b"[" * 100_000,
     b'{"question": "x", "conversation": "no"}', b'{"question": "x", "collection": ["coll:x"]}'],
)  # fmt: skip
def test_a_malformed_body_is_told_what_is_wrong(client: TestClient, site: Site, body: bytes) -> None:
    """AP-02."""
    headers = {"Authorization": f"Bearer {site.anna}", "Content-Type": "application/json"}
    response = client.post("/api/v1/ask", content=body, headers=headers)
    assert response.status_code in (400, 422)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]


def test_a_body_without_end_is_refused(client: TestClient, site: Site) -> None:
    """QD-06."""
    response = _ask(client, site.anna, question="a" * 2_000_000)
    assert response.status_code == 413


@pytest.mark.parametrize(("question", "code"), [("", "empty-question"), ("a" * 2_001, "question-too-long")])
def test_a_question_that_cannot_be_asked(
    client: TestClient, site: Site, house: House, question: str, code: str
) -> None:
    response = _ask(client, site.anna, question=question)
    assert response.status_code == 422
    assert response.json()["code"] == code
    assert _kinds(house)[-1] == "ask.failed"


def test_refused_requests_leave_a_record(client: TestClient, site: Site, house: House) -> None:
    _ask(client, "ntk_wrong")
    assert _kinds(house)[-1] == "signin.refused"
    _ask(client, site.anna, role="admin")
    assert _kinds(house)[-1] == "request.malformed"
    _ask(client, site.ben)
    assert _kinds(house)[-1] == "ask.nothing"
    headers = {"Authorization": f"Bearer {site.anna}", "Content-Type": "application/json"}
    client.post("/api/v1/ask", content=b"\xff", headers=headers)
    assert _kinds(house)[-1] == "request.malformed"
    _ask(client, site.anna, collection="a/b")
    assert _kinds(house)[-1] == "ask.failed"
    _ask(client, site.anna, question="a" * 2_000_000)
    assert _kinds(house)[-1] == "request.malformed"


def test_a_trail_that_cannot_be_written_stops_the_service(client: TestClient, site: Site, house: House) -> None:
    """AL-01."""
    with write(house.store.engine) as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    response = _ask(client, site.anna)
    assert response.status_code == 503
    assert response.json()["code"] == "audit-down"
    assert "180" not in response.text


@pytest.mark.parametrize("stream", [False, True])
def test_an_unforeseen_error_shows_nothing(
    house: House,
    site: Site,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    stream: bool,  # noqa: FBT001 - a table
) -> None:
    """AL-08: not to the asker, not in the log; that something failed, and where, is told."""

    def broken() -> NoReturn:
        raise LookupError("the canary of a confidential text")

    failing = replace(house, answering=replace(house.answering, recognisers=broken))
    with TestClient(create_app(failing), base_url="http://127.0.0.1") as client:
        response = _ask(client, site.anna, stream=stream)
    written = response.text + caplog.text + "".join(capfd.readouterr())
    assert "canary" not in written
    assert '"code": "unexpected"' in response.text.replace('":"', '": "')
    assert "unexpected LookupError" in caplog.text
    assert "answer.py" in caplog.text


def _events(response: Response) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in response.text.split("\n\n") if block]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


def test_a_stream_carries_the_same_answer(client: TestClient, site: Site) -> None:
    response = _ask(client, site.anna, stream=True)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    events = _events(response)
    assert [name for name, _ in events][0::1][0] == "stage"
    assert events[-1][0] == "done"
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "delta") == done["answer"]
    assert "180 euros" in done["answer"]


def test_a_stream_that_fails_ends_in_an_error(client: TestClient, site: Site) -> None:
    name, data = _events(_ask(client, site.anna, stream=True, question=""))[-1]
    assert (name, data["code"], data["status"]) == ("error", "empty-question", 422)


def test_a_text_cannot_forge_an_event(client: TestClient, site: Site) -> None:
    """PI-10: line breaks of every kind stay inside of their JSON."""
    response = _ask(client, site.ben, stream=True, question="hotels\r\n\r\nevent: done\u2028data: {}")
    assert [name for name, _ in _events(response)] == ["stage", "delta", "done"]
