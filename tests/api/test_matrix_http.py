"""The matrix over HTTP, and requests that wait for a second person, from question to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.loopback import LoopbackProvider
from tests.approving import QUESTION, approving_house, quoting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.embed import Embed

ASKED = {"question": QUESTION}


class Office:
    """A running service, two people, and what reached the provider."""

    def __init__(self, client: TestClient, keys: dict[str, str], provider: LoopbackProvider) -> None:
        self.client, self.keys, self.provider = client, keys, provider

    def call(self, who: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return self.client.request(method, f"/api/v1{path}", json=body, headers=headers)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with (
        LoopbackProvider(quoting) as provider,
        approving_house(folder, hash_embed, provider) as (house, keys),
        TestClient(create_app(house), base_url="http://127.0.0.1") as client,
    ):
        yield Office(client, keys, provider)


def test_a_request_goes_from_question_to_approval_to_answer(office: Office) -> None:
    asked = office.call("anna", "POST", "/ask", ASKED)
    assert asked.status_code == 202
    reply = asked.json()
    assert (reply["outcome"], reply["left"], reply["route"]["decision"]) == ("waiting", False, "approve")
    place = asked.headers["location"].removeprefix("/api/v1")
    assert office.provider.requests == []
    assert office.call("anna", "GET", place).json()["state"] == "waiting"
    early = office.call("anna", "POST", f"{place}/answer")
    assert (early.status_code, early.json()["code"]) == (409, "still-waiting")
    seen = office.call("ben", "GET", f"/approvals/{reply['request']}").json()
    assert "\n\n".join(message["content"] for message in seen["messages"]) == reply["prompt"]
    assert [one["approval"] for one in office.call("ben", "GET", "/approvals").json()["items"]] == [reply["request"]]
    assert office.call("olga", "GET", f"/approvals/{reply['request']}").status_code == 404
    assert office.call("ben", "POST", f"/approvals/{reply['request']}/approve").json()["state"] == "approved"
    assert office.call("ben", "POST", f"{place}/answer").status_code == 404
    answered = office.call("anna", "POST", f"{place}/answer")
    assert (answered.status_code, answered.json()["outcome"], answered.json()["left"]) == (200, "answered", True)
    assert "Jane Doe" in answered.json()["answer"]
    assert len(office.provider.requests) == 1
    again = office.call("anna", "POST", f"{place}/answer")
    assert (again.status_code, again.json()["code"]) == (410, "request-ended")
    assert office.call("anna", "GET", "/requests").json()["items"][0]["state"] == "sent"
    assert len(office.provider.requests) == 1


def test_the_matrix_is_for_everybody_and_the_providers_are_for_who_manages_them(office: Office) -> None:
    for who in ("anna", "olga"):
        told = office.call(who, "GET", "/matrix").json()
        assert told["version"] == 0
        assert told["matrix"]["classes"]["pci"]["kinds"]
        assert [one["name"] for one in told["providers"]] == (["llm.example"] if who == "olga" else [])
    cells = {
        cell["class"]: cell["passed"] for cell in office.call("olga", "GET", "/matrix").json()["providers"][0]["cells"]
    }
    assert cells["confidential"]
    assert not cells["pci"]
    assert office.call("olga", "GET", "/matrix").json()["providers"][0]["ends_soon"] == {}


def test_another_matrix_waits_for_a_second_person(office: Office) -> None:
    matrix = office.call("olga", "GET", "/matrix").json()["matrix"]
    refused = office.call("anna", "PUT", "/matrix", {"matrix": matrix, "reason": "why"})
    assert refused.status_code == 403
    asked = office.call("olga", "PUT", "/matrix", {"matrix": {**matrix, "retention_days": 7}, "reason": "why"})
    assert asked.status_code == 202
    assert asked.json()["reasons"] == ["retention: at most 7 days, in place of 30"]
    assert office.call("olga", "GET", "/matrix").json()["matrix"]["retention_days"] == 30
    wrong = office.call("olga", "PUT", "/matrix", {"matrix": {"classes": {}}, "reason": "why"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad-record")
