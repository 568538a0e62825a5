"""Incidents, tasks and purges over HTTP: the same functions as those of the command line, for the same people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from acl.admin.change import policy_change
from acl.admin.rules import grant
from acl.decision import Rule
from acl.names import ROOT, Subject, UserId
from store.engine import write
from store.schema import conversation
from tests.api.office import ADMIN, NOBODY, RANDOM, STAFF

if TYPE_CHECKING:
    from tests.api.office import Office

QUESTION = {"question": "What is paid for hotels a night?"}


def body(**other: Any) -> dict[str, Any]:
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    return {"kind": "leaked-key", "target": "user:anna", "since": since, "reason": "It stood in a chat"} | other


def opened(office: Office, **other: Any) -> dict[str, Any]:
    response = office.call(ADMIN, "POST", "/incidents", body(**other))
    assert response.status_code == 201, response.text
    return dict(response.json())


def test_an_incident_is_opened_listed_reported_and_closed(office: Office) -> None:
    assert office.call("anna", "POST", "/ask", QUESTION).json()["outcome"] == "answered"
    made = opened(office)
    assert (made["stopped"], made["withheld"], made["runbook"]) == ("user:anna", None, "deploy/runbooks/leaked-key.md")
    assert [task["kind"] for task in made["tasks"]] == ["notify"]
    listed = office.call(ADMIN, "GET", "/incidents").json()
    assert [one["incident"] for one in listed["items"]] == [made["incident"]]
    report = office.call(ADMIN, "GET", f"/incidents/{made['incident']}").json()
    assert (report["questions"], report["left"], report["trail_verifies"]) == (1, 0, True)
    assert report["people"][0]["user"] is None
    closed = office.call(ADMIN, "POST", f"/incidents/{made['incident']}/close", {"reason": "A new key was made"})
    assert closed.json()["closing"] == "A new key was made"
    assert office.call(ADMIN, "GET", "/incidents").json()["items"] == []
    assert len(office.call(ADMIN, "GET", "/incidents", closed=True).json()["items"]) == 1


def test_who_may_audit_the_whole_sees_who_it_was(office: Office) -> None:
    office.call("anna", "POST", "/ask", QUESTION)
    id_ = opened(office)["incident"]
    path = f"/incidents/{id_}"
    assert office.call(STAFF, "GET", path).status_code == 403
    with policy_change(office.house.store.engine, office.house.ledger, "svc:test") as change:
        grant(change, Rule(Subject(UserId("user:ben")), ROOT, "audit", "allow"))
    assert office.call(STAFF, "GET", path).json()["people"][0]["user"] == "user:anna"
    assert office.call(STAFF, "POST", f"{path}/close", {"reason": "x"}).status_code == 403
    text = office.call(STAFF, "GET", path, form="markdown")
    assert text.headers["content-type"].startswith("text/markdown")
    assert text.text.startswith(f"# Incident {id_}")
    assert "user:anna" not in text.text


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/incidents", body()),
        ("GET", "/incidents", None),
        ("GET", f"/incidents/{RANDOM}", None),
        ("POST", f"/incidents/{RANDOM}/close", {"reason": "x"}),
        ("GET", "/tasks", None),
        ("POST", f"/tasks/{RANDOM}/done", None),
        ("POST", "/purge", {}),
        ("POST", "/purge/provider", {"provider": "acme", "since": "2026-11-20T00:00:00Z"}),
    ],
)
def test_it_is_for_who_manages_the_whole_alone(office: Office, method: str, path: str, sent: Any) -> None:
    assert office.call(NOBODY, method, path, sent).status_code == 401
    refused = office.call(STAFF, method, path, sent)
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    assert office.trail()[-1]["kind"] == "policy.refused"
    assert office.call(ADMIN, method, path, sent).status_code in (200, 201, 404)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"kind": "fire"}, 422),
        ({"target": "doc:x"}, 422),
        ({"target": "nothing"}, 422),
        ({"since": "2026-11-20T00:00:00"}, 422),
        ({"since": "2099-01-01T00:00:00Z"}, 422),
        ({"reason": ""}, 422),
        ({"by": "user:olga"}, 422),
        ({"target": "user:nobody"}, 404),
        ({}, 201),
    ],
)
def test_what_is_no_incident_opens_none(office: Office, changed: dict[str, Any], status: int) -> None:
    assert office.call(ADMIN, "POST", "/incidents", body(**changed)).status_code == status
    assert len(office.call(ADMIN, "GET", "/incidents").json()["items"]) == (status == 201)


def test_a_document_is_withheld_from_the_next_question_on(office: Office) -> None:
    asked = office.call("anna", "POST", "/ask", QUESTION).json()
    document = asked["citations"][0]["document"]
    made = opened(office, kind="injected-document", target=document)
    assert (made["stopped"], made["withheld"]) == (None, document)
    assert office.call("anna", "POST", "/ask", QUESTION).json()["outcome"] == "nothing"
    report = office.call(ADMIN, "GET", f"/incidents/{made['incident']}").json()
    assert (report["questions"], report["documents"]) == (1, {document: 1})


def test_tasks_are_listed_and_done(office: Office) -> None:
    task = opened(office)["tasks"][0]
    assert [one["id"] for one in office.call(ADMIN, "GET", "/tasks").json()["items"]] == [task["id"]]
    done = office.call(ADMIN, "POST", f"/tasks/{task['id']}/done").json()
    assert (done["done_by"], done["overdue"]) == ("user:admin", False)
    assert office.call(ADMIN, "GET", "/tasks").json()["items"] == []
    assert len(office.call(ADMIN, "GET", "/tasks", done=True).json()["items"]) == 1
    assert office.call(ADMIN, "POST", f"/tasks/{task['id']}/done").json()["code"] == "no-such-task"


def test_what_has_ended_is_purged_and_counted(office: Office) -> None:
    office.call("anna", "POST", "/ask", QUESTION)
    assert office.call(ADMIN, "POST", "/purge", {}).json() == {"purged": [], "dry_run": False}
    with write(office.house.store.engine) as connection:
        connection.execute(update(conversation).values(expires_at=datetime.now(UTC)))
    gone = [{"kind": "conversations", "level": "confidential", "number": 1}]
    for dry_run in (True, False):
        purged = office.call(ADMIN, "POST", "/purge", {"dry_run": dry_run}).json()
        assert purged == {"purged": gone, "dry_run": dry_run}
    assert office.call(ADMIN, "POST", "/purge", {}).json()["purged"] == []
