"""What is the caller's own, over HTTP: who he is, his keys, and the freshness of what he reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acl.admin.change import policy_change
from acl.admin.gate import epoch_of
from acl.admin.people import set_active
from acl.names import UserId
from egress.contract.register import put
from store.engine import write
from tests.api.office import ADMIN, STAFF

if TYPE_CHECKING:
    from tests.api.office import Office

QUESTION = "What is paid for hotels a night?"


def test_somebody_is_told_who_he_is(office: Office) -> None:
    assert office.call(STAFF, "GET", "/me").json() == {
        "user": "user:ben",
        "name": "Ben",
        "application": "app:http",
        "emergency": [],
        "tasks": [],
    }


# --- keys ---------------------------------------------------------------------------------------


def test_a_key_for_oneself_works_and_is_revoked_by_its_beginning(office: Office) -> None:
    made = office.call(STAFF, "POST", "/keys").json()
    assert made["key"].startswith(made["prefix"])
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert office.client.get("/api/v1/me", headers=headers).json()["user"] == "user:ben"
    assert office.call(STAFF, "DELETE", f"/keys/{made['prefix']}").status_code == 204
    assert office.client.get("/api/v1/me", headers=headers).status_code == 401
    assert office.call(STAFF, "GET", "/me").status_code == 200  # his other key


def test_the_application_of_a_key_wins_over_the_door(office: Office) -> None:
    asked = {"application": "app:page"}
    assert office.call(STAFF, "POST", "/keys", asked).status_code == 404
    with write(office.house.store.engine) as connection:
        put(connection, office.house.ledger, UserId("user:admin"), "app", "page", {"name": "page"})
    key = office.call(STAFF, "POST", "/keys", asked).json()["key"]
    me = office.client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).json()
    assert (me["user"], me["application"]) == ("user:ben", "app:page")


@pytest.mark.parametrize("who", [STAFF, ADMIN])
def test_no_key_is_made_for_somebody_else(office: Office, who: str) -> None:
    """AZ-05: an administrator would be let in as him."""
    for body in ({"user": "user:anna"}, {"for": "user:anna"}):
        assert office.call(who, "POST", "/keys", body).status_code == 422
    made = office.call(who, "POST", "/keys").json()
    me = office.client.get("/api/v1/me", headers={"Authorization": f"Bearer {made['key']}"}).json()
    assert me["user"] == f"user:{who}"


def test_who_is_shut_out_makes_no_key(office: Office) -> None:
    with policy_change(office.house.store.engine, office.house.ledger, "svc:test") as change:
        set_active(change, UserId("user:ben"), active=False)
    assert office.call(STAFF, "POST", "/keys").status_code == 401


def test_a_key_of_somebody_else_is_like_one_that_is_not_there(office: Office) -> None:
    """AZ-03."""
    prefix = office.keys["anna"][:10]
    hers, random = (office.call(STAFF, "DELETE", f"/keys/{it}") for it in (prefix, "ntk_absent"))
    assert hers.status_code == 404
    assert hers.text.replace(prefix, "ntk_absent") == random.text
    assert office.call("anna", "GET", "/me").status_code == 200
    assert office.call(ADMIN, "DELETE", f"/keys/{prefix}").status_code == 204
    assert office.call("anna", "GET", "/me").status_code == 401


# --- freshness ----------------------------------------------------------------------------------


def test_a_policy_that_is_behind_answers_nothing(office: Office) -> None:
    epoch = epoch_of(office.house.store.engine)
    assert office.call("anna", "POST", "/ask", {"question": QUESTION, "min_epoch": epoch}).status_code == 200
    behind = office.call("anna", "POST", "/ask", {"question": QUESTION, "min_epoch": epoch + 1})
    assert (behind.status_code, behind.json()["code"]) == (503, "policy-behind")
    assert behind.headers["Retry-After"] == "1"
    assert "180" not in behind.text
    assert (office.trail()[-1]["kind"], office.trail()[-1]["error"]) == ("ask.failed", "PolicyBehind")


def test_a_stream_of_a_policy_that_is_behind_ends_in_an_error(office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.keys['anna']}", "Accept": "text/event-stream"}
    body = {"question": QUESTION, "min_epoch": 2**63 - 1}
    last = office.client.post("/api/v1/ask", json=body, headers=headers).text.strip().split("\n\n")[-1]
    name, data = last.split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["code"] == "policy-behind"


@pytest.mark.parametrize("min_epoch", [-1, 2**63, "5", 1.5, True])
def test_an_epoch_that_is_none_is_refused(office: Office, min_epoch: object) -> None:
    assert office.call("anna", "POST", "/ask", {"question": QUESTION, "min_epoch": min_epoch}).status_code == 422
