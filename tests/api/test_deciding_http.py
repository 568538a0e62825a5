"""What two people decide, over HTTP: approvals, and emergency access from the asking to the end."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.office import ADMIN, DELEGATE, RANDOM, SECOND, STAFF, rule

if TYPE_CHECKING:
    from tests.api.office import Office

QUESTION = {"question": "What is paid for hotels a night?"}


@pytest.fixture
def vault(office: Office) -> str:
    """A change that lets a group at coll:vault: asked for by an administrator, waiting."""
    made = office.changes(ADMIN, rule("group:finance", "coll:vault"), reason="The audit of the year.")
    return str(made.json()["approval"])


def emergency(office: Office, who: str = STAFF, place: str = "coll:finance") -> str:
    body = {"object": place, "minutes": 30, "reason": "The boiler is on fire."}
    made = office.call(who, "POST", "/break-glass", body)
    assert made.status_code == 202
    return str(made.json()["approval"])


# --- approvals ----------------------------------------------------------------------------------


def test_what_waits_is_shown_with_all_that_a_second_person_has_to_know(office: Office, vault: str) -> None:
    for who in (ADMIN, SECOND):
        (asked,) = office.call(who, "GET", "/approvals").json()["items"]
        assert asked == office.call(who, "GET", f"/approvals/{vault}").json() | {"age_seconds": asked["age_seconds"]}
        assert asked["asked_by"] == "user:admin"
        assert asked["reason"] == "The audit of the year."
        assert asked["reasons"] == ["it lets somebody at coll:vault"]
        assert asked["edits"] == [rule("group:finance", "coll:vault")]
        assert asked["state"] == "waiting"
        assert asked["age_seconds"] >= 0
        assert asked["asked_at"] < asked["expires_at"]


def test_a_second_person_agrees_and_it_holds(office: Office, vault: str) -> None:
    there = {"subject": "group:finance", "object": "coll:vault"}
    assert office.rules(**there) == []
    agreed = office.call(SECOND, "POST", f"/approvals/{vault}/approve")
    assert (agreed.status_code, agreed.json().keys()) == (200, {"epoch"})
    assert len(office.rules(**there)) == 1
    assert office.call(ADMIN, "GET", f"/approvals/{vault}").json()["state"] == "approved"
    assert office.call(SECOND, "POST", f"/approvals/{vault}/approve").status_code == 404
    assert office.call(ADMIN, "GET", "/approvals").json()["items"] == []


def test_a_second_person_says_no_and_nothing_is_changed(office: Office, vault: str) -> None:
    refused = office.call(SECOND, "POST", f"/approvals/{vault}/reject")
    assert (refused.status_code, refused.content) == (204, b"")
    assert office.call(ADMIN, "GET", f"/approvals/{vault}").json()["state"] == "rejected"
    assert office.call(SECOND, "POST", f"/approvals/{vault}/approve").status_code == 404
    assert office.rules(subject="group:finance", object="coll:vault") == []


def test_who_asked_does_not_decide(office: Office, vault: str) -> None:
    for way in ("approve", "reject"):
        assert office.call(ADMIN, "POST", f"/approvals/{vault}/{way}").status_code == 404
    assert office.call(SECOND, "POST", f"/approvals/{vault}/approve").status_code == 200


@pytest.mark.parametrize("who", [STAFF, DELEGATE])
@pytest.mark.parametrize(("method", "way"), [("GET", ""), ("POST", "/approve"), ("POST", "/reject")])
def test_what_waits_for_others_is_like_a_random_id(office: Office, vault: str, who: str, method: str, way: str) -> None:
    """AZ-03: the same body, and a record."""
    theirs, random = (office.call(who, method, f"/approvals/{id_}{way}") for id_ in (vault, RANDOM))
    assert (theirs.status_code, theirs.json()["code"]) == (404, "no-such-approval")
    assert theirs.content == random.content
    assert theirs.headers.keys() == random.headers.keys()
    assert [record["kind"] for record in office.trail()[-2:]] == ["policy.refused", "policy.refused"]
    assert office.call(who, "GET", "/approvals").json() == {"items": [], "next": None}
    assert office.call(SECOND, "GET", f"/approvals/{vault}").json()["state"] == "waiting"


@pytest.mark.parametrize("id_", ["a" * 65, "a%20b", "a%00b", "%2e%2e%2f"])
def test_an_id_that_is_none_is_refused(office: Office, id_: str) -> None:
    assert office.call(ADMIN, "GET", f"/approvals/{id_}").status_code in (404, 422)


# --- emergency access ---------------------------------------------------------------------------


def test_emergency_access_from_the_asking_to_the_end(office: Office) -> None:
    """It is loud: in the answer, in the record of the question, and to who has it."""
    approval = emergency(office)
    assert office.call(STAFF, "POST", "/ask", QUESTION).json()["outcome"] == "nothing"
    assert office.call(STAFF, "POST", f"/approvals/{approval}/approve").status_code == 404
    assert office.call(DELEGATE, "POST", f"/approvals/{approval}/approve").status_code == 200
    reply = office.call(STAFF, "POST", "/ask", QUESTION).json()
    assert reply["outcome"] == "answered"
    assert reply["warnings"][0] == "emergency access to coll:finance was used"
    assert [record["emergency"] for record in office.trail()[-2:]] == [True, True]
    (mine,) = office.call(STAFF, "GET", "/me").json()["emergency"]
    assert mine["object"] == "coll:finance"
    (opened,) = office.call(STAFF, "GET", "/break-glass").json()["items"]
    assert (opened["user"], opened["object"], opened["ends_at"]) == ("user:ben", "coll:finance", mine["ends_at"])
    assert office.call(ADMIN, "GET", "/break-glass").json()["items"] == [opened]
    assert office.call(DELEGATE, "GET", "/break-glass").json()["items"] == []
    assert office.call(STAFF, "DELETE", f"/break-glass/{opened['id']}").status_code == 200
    assert office.call(STAFF, "POST", "/ask", QUESTION).json()["outcome"] == "nothing"
    assert office.call(STAFF, "GET", "/me").json()["emergency"] == []


def test_an_answer_by_ones_usual_rights_has_no_alarm(office: Office) -> None:
    reply = office.call("anna", "POST", "/ask", QUESTION).json()
    assert reply["outcome"] == "answered"
    assert not [warning for warning in reply["warnings"] if "emergency" in warning]
    assert not [record for record in office.trail() if "emergency" in record]


def test_emergency_access_of_somebody_else_is_like_a_random_id(office: Office) -> None:
    """AZ-03."""
    office.call(ADMIN, "POST", f"/approvals/{emergency(office)}/approve")
    (opened,) = office.call(ADMIN, "GET", "/break-glass").json()["items"]
    answers = [
        office.call(who, "DELETE", f"/break-glass/{id_}")
        for who, id_ in (("anna", opened["id"]), ("anna", RANDOM), (STAFF, RANDOM), (ADMIN, RANDOM))
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert {answer.content for answer in answers} == {answers[0].content}
    assert office.call(STAFF, "GET", "/me").json()["emergency"] != []
    assert office.call(DELEGATE, "DELETE", f"/break-glass/{opened['id']}").status_code == 200  # he manages the place
    assert office.call(STAFF, "GET", "/me").json()["emergency"] == []


def test_asking_does_not_tell_whether_a_place_is_there(office: Office) -> None:
    """AZ-03."""

    def answer(place: str) -> dict[str, Any]:
        body = {"object": place, "minutes": 30, "reason": "Fire."}
        told: dict[str, Any] = office.call(STAFF, "POST", "/break-glass", body).json()
        assert uuid.UUID(told.pop("approval"))
        assert told.pop("expires_at")
        return told

    assert json.dumps(answer("coll:vault")).replace("vault", "absent") == json.dumps(answer("coll:absent"))


@pytest.mark.parametrize(
    "wrong",
    [{"minutes": 0}, {"minutes": 1441}, {"minutes": "5"}, {"minutes": True}, {"reason": ""}, {"object": "root:all"},
     {"object": "provider:p"}, {"object": "coll:a b"}, {"user": "user:anna"}],
)  # fmt: skip
def test_malformed_emergency_access_is_refused(office: Office, wrong: dict[str, Any]) -> None:
    body = {"object": "coll:finance", "minutes": 5, "reason": "Fire.", **wrong}
    assert office.call(STAFF, "POST", "/break-glass", body).status_code == 422
    assert office.call(ADMIN, "GET", "/approvals").json()["items"] == []
