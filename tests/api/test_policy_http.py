"""Administration over HTTP: what each route gives to whom, changes, lists, explanations, reviews."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING, Any, Final

import pytest

from docs import generate
from egress.brakes.quotas import default_quotas
from egress.contract.forms import to_json
from egress.contract.matrix import default_matrix
from tests.api.office import ADMIN, DELEGATE, NOBODY, RANDOM, SECOND, STAFF, rule

if TYPE_CHECKING:
    from tests.api.office import Office

CHANGE: Final = {"edits": [rule("group:finance", "coll:finance")]}
SIGNATURE: Final = {"digest": "0" * 64, "epoch": 1, "at": "2026-01-01T00:00:00+00:00"}
EMPTY: Final[dict[str, Any]] = {"items": [], "next": None}
EMERGENCY: Final = {"object": "coll:finance", "minutes": 5, "reason": "Fire."}
FILES: Final = ("/policy/import", "/policy/directory")
ABSENT: Final = f"/approvals/{RANDOM}"

PROVIDER: Final = {
    "version": 0,
    "record": {
        "name": "acme", "kind": "third-party", "base_url": "https://llm.example/v1", "hosts": ["llm.example"],
        "models": [{"name": "large"}],
    },
}  # fmt: skip
APPLICATION: Final = {
    "version": 0,
    "record": {
        "name": "acme", "purpose": "Answers on a page", "owner": "user:ben", "ceiling": "internal",
        "users": ["user:ben"],
    },
}  # fmt: skip

STOP: Final = {"target": "provider:none", "reason": "A drill."}
QUOTAS: Final = {"quotas": to_json(default_quotas()), "version": 1}  # that of the site
MATRIX: Final = {"matrix": to_json(default_matrix()), "reason": "why"}
INCIDENT: Final = {
    "kind": "leaked-key", "target": "provider:none", "since": "2026-01-01T00:00:00+00:00", "reason": "A drill.",
}  # fmt: skip
PURGE: Final = {"provider": "none", "since": "2026-01-01T00:00:00+00:00"}

# What each route gives without a key, to staff, to who manages one collection, to an administrator of the whole.
TABLE: Final[list[tuple[str, str, Any, tuple[int, int, int, int]]]] = [
    ("POST", "/policy/changes", CHANGE, (401, 403, 200, 200)),
    ("POST", "/policy/simulate", CHANGE, (401, 403, 403, 200)),
    ("GET", "/policy/explain?user=user:ben&place=coll:finance", None, (401, 404, 200, 200)),
    ("GET", "/policy/rules", None, (401, 200, 200, 200)),
    ("GET", "/policy/users", None, (401, 200, 200, 200)),
    ("GET", "/policy/groups", None, (401, 200, 200, 200)),
    ("GET", "/policy/nodes", None, (401, 200, 200, 200)),
    ("GET", "/policy/review", None, (401, 403, 403, 200)),
    ("POST", "/policy/review/signature", SIGNATURE, (401, 403, 403, 409)),
    ("GET", "/policy/export", None, (401, 403, 403, 200)),
    ("POST", "/policy/import", None, (401, 403, 403, 200)),
    ("POST", "/policy/directory", None, (401, 403, 403, 422)),  # not even a header
    ("GET", "/approvals", None, (401, 200, 200, 200)),
    ("GET", ABSENT, None, (401, 404, 404, 404)),
    ("POST", f"{ABSENT}/approve", None, (401, 404, 404, 404)),
    ("POST", f"{ABSENT}/reject", None, (401, 404, 404, 404)),
    ("POST", "/break-glass", EMERGENCY, (401, 202, 202, 202)),
    ("GET", "/break-glass", None, (401, 200, 200, 200)),
    ("DELETE", f"/break-glass/{RANDOM}", None, (401, 404, 404, 404)),
    ("GET", "/me", None, (401, 200, 200, 200)),
    ("POST", "/keys", None, (401, 201, 201, 201)),
    ("DELETE", "/keys/ntk_absent", None, (401, 404, 404, 404)),
    ("GET", "/providers", None, (401, 200, 200, 200)),
    ("GET", "/providers/acme", None, (401, 404, 404, 404)),
    ("GET", "/providers/acme/history", None, (401, 404, 404, 404)),
    ("PUT", "/providers/acme", PROVIDER, (401, 403, 403, 200)),
    ("GET", "/applications", None, (401, 200, 200, 200)),
    ("GET", "/applications/acme", None, (401, 404, 404, 404)),
    ("GET", "/applications/acme/history", None, (401, 404, 404, 404)),
    ("PUT", "/applications/acme", APPLICATION, (401, 403, 403, 200)),
    ("GET", "/applications/acme/gate", None, (401, 404, 404, 200)),
    ("POST", "/applications/acme/gate/check", None, (401, 403, 403, 404)),
    ("POST", "/stops", STOP, (401, 403, 403, 201)),
    ("GET", "/stops", None, (401, 200, 200, 200)),
    ("POST", f"/stops/{RANDOM}/lift", {"reason": "It is over."}, (401, 404, 404, 404)),
    ("GET", "/matrix", None, (401, 200, 200, 200)),
    ("PUT", "/matrix", MATRIX, (401, 403, 403, 202)),
    ("GET", "/quotas", None, (401, 403, 403, 200)),
    ("PUT", "/quotas", QUOTAS, (401, 403, 403, 200)),
    ("GET", "/quotas/usage", None, (401, 403, 403, 200)),
    ("GET", "/requests", None, (401, 200, 200, 200)),
    ("GET", f"/requests/{RANDOM}", None, (401, 404, 404, 404)),
    ("POST", f"/requests/{RANDOM}/answer", None, (401, 404, 404, 404)),
    ("GET", "/incidents", None, (401, 403, 403, 200)),
    ("POST", "/incidents", INCIDENT, (401, 403, 403, 201)),
    ("GET", f"/incidents/{RANDOM}", None, (401, 403, 403, 404)),
    ("POST", f"/incidents/{RANDOM}/close", {"reason": "It is over."}, (401, 403, 403, 404)),
    ("GET", "/tasks", None, (401, 403, 403, 200)),
    ("POST", f"/tasks/{RANDOM}/done", None, (401, 403, 403, 404)),
    ("POST", "/purge", {"dry_run": True}, (401, 403, 403, 200)),
    ("POST", "/purge/provider", PURGE, (401, 403, 403, 404)),
]


def test_the_table_has_every_route() -> None:
    listed = {(method, path.partition("?")[0].replace(RANDOM, "{id}")) for method, path, _, _ in TABLE}
    there = {
        (method.upper(), path.removeprefix("/api/v1").replace("{prefix}", "ntk_absent").replace("{name}", "acme"))
        for path, methods in generate.interface().openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/v1/")
    }
    elsewhere = {route for route in there if route[1].startswith("/intake/") or route[1] == "/quarantine"}
    assert len(elsewhere) == 6  # they have tables of their own, in tests/api/test_intake_http.py
    assert there - listed == {("POST", "/ask")} | elsewhere
    assert listed <= there


@pytest.mark.parametrize(("method", "path", "body", "statuses"), TABLE, ids=[f"{it[0]} {it[1]}" for it in TABLE])
def test_what_each_route_gives_to_whom(
    office: Office, method: str, path: str, body: Any, statuses: tuple[int, int, int, int]
) -> None:
    """AZ-05, AZ-18."""
    answers = [office.call(who, method, path, body) for who in (NOBODY, STAFF, DELEGATE, ADMIN)]
    assert tuple(answer.status_code for answer in answers) == statuses
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize(
    ("method", "path", "body"), [it[:3] for it in TABLE if it[0] in ("POST", "PUT") and it[1] not in FILES]
)
def test_a_field_that_nobody_knows_is_refused(office: Office, method: str, path: str, body: Any) -> None:
    """AP-05: above all one that names somebody else."""
    for field in ("user", "role", "asked_by"):
        refused = office.call(ADMIN, method, path, {**(body or {}), field: "user:ben"})
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-request")
    assert office.trail()[-1]["kind"] == "request.malformed"


@pytest.mark.parametrize("name", ["explain", "rules", "users", "groups", "nodes", "review"])
def test_a_filter_that_nobody_knows_is_refused(office: Office, name: str) -> None:
    """A misspelt one would list everything."""
    wanted = {"user": "user:ben", "place": "coll:finance"} if name == "explain" else {}
    assert office.call(ADMIN, "GET", f"/policy/{name}", **wanted).status_code == 200
    assert office.call(ADMIN, "GET", f"/policy/{name}", **wanted, subjct="user:ben").status_code == 422


# --- changes ------------------------------------------------------------------------------------


def test_a_change_holds_from_the_next_request_on(office: Office) -> None:
    asked = {"question": "What is paid for hotels a night?"}
    assert office.call(STAFF, "POST", "/ask", asked).json()["outcome"] == "nothing"
    made = office.changes(ADMIN, rule("user:ben", "coll:finance"))
    assert made.status_code == 200
    answered = office.call(STAFF, "POST", "/ask", {**asked, "min_epoch": made.json()["epoch"]})
    assert answered.json()["outcome"] == "answered"


def test_all_edits_hold_or_none(office: Office) -> None:
    joined = {"op": "join-group", "member": "user:ben", "group": "group:finance"}
    refused = office.changes(ADMIN, joined, rule("user:ghost", "coll:finance"))
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown-name")
    groups = office.call(ADMIN, "GET", "/policy/groups").json()["items"]
    assert "user:ben" not in [line["member"] for line in groups]


def test_what_is_delicate_waits(office: Office) -> None:
    made = office.changes(ADMIN, rule("group:finance", "coll:vault"), reason="The audit.")
    assert made.status_code == 202
    assert made.json()["reasons"] == ["it lets somebody at coll:vault"]
    assert made.json().keys() == {"approval", "reasons", "expires_at"}


def test_what_is_not_yours_is_like_what_is_not_there(office: Office) -> None:
    """AZ-03, AZ-05: and the refusal is on record."""
    refused = [office.changes(DELEGATE, rule("group:finance", place)) for place in ("coll:vault", "coll:absent")]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert refused[0].content == refused[1].content
    assert [record["kind"] for record in office.trail()[-2:]] == ["policy.refused", "policy.refused"]


def test_who_saw_an_older_policy_changes_nothing(office: Office) -> None:
    epoch = office.changes(ADMIN, rule("group:a", "coll:finance")).json()["epoch"]
    assert office.changes(ADMIN, rule("group:b", "coll:finance"), epoch=epoch).status_code == 200
    moved = office.changes(SECOND, rule("group:c", "coll:finance"), epoch=epoch)
    assert (moved.status_code, moved.json()["code"]) == (409, "policy-moved")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad-request"),
        ({"edits": []}, "bad-request"),
        ({"edits": [rule("group:a", "coll:finance")] * 10_001}, "bad-request"),
        ({"edits": ["add-rule"]}, "bad-request"),
        ({"edits": [{"op": "make-coffee"}]}, "bad-edit"),
        ({"edits": [rule("group:a", "coll:*")]}, "bad-edit"),
        ({"edits": [{**rule("group:a", "coll:finance"), "role": "admin"}]}, "bad-edit"),
        ({"edits": [{"op": "add-user", "user": "user:x", "name": "A\0B"}]}, "bad-edit"),
        ({**CHANGE, "epoch": "5"}, "bad-request"),
        ({**CHANGE, "epoch": -1}, "bad-request"),
        ({**CHANGE, "epoch": 2**63}, "bad-request"),
        ({**CHANGE, "reason": "a\0b"}, "bad-request"),
        ({**CHANGE, "reason": "a" * 501}, "bad-request"),
    ],
)
def test_a_malformed_change_is_told_what_is_wrong(office: Office, body: Any, code: str) -> None:
    """AP-02."""
    refused = office.call(ADMIN, "POST", "/policy/changes", body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_simulation_changes_nothing_and_is_on_record(office: Office) -> None:
    before = office.call(ADMIN, "GET", "/policy/rules").json()
    shown = office.call(ADMIN, "POST", "/policy/simulate", {"edits": [rule("user:ben", "coll:finance")]}).json()
    assert [(line["users"], line["actions"], line["place"]) for line in shown["gained"]] == [
        (["user:ben"], ["read"], "coll:finance")
    ]
    assert shown["lost"] == []
    assert office.call(ADMIN, "GET", "/policy/rules").json() == before
    assert (office.trail()[-1]["kind"], office.trail()[-1]["what"]) == ("policy.read", "simulate")


# --- lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rules", "users", "groups", "nodes"])
def test_to_staff_every_list_is_empty(office: Office, name: str) -> None:
    assert office.call(STAFF, "GET", f"/policy/{name}").json() == EMPTY
    assert office.call(ADMIN, "GET", f"/policy/{name}").json() != EMPTY


def test_a_delegate_sees_what_he_manages_and_no_others(office: Office) -> None:
    rules = office.call(DELEGATE, "GET", "/policy/rules").json()["items"]
    assert {line["object"] for line in rules} == {"coll:finance"}
    assert {line["subject"] for line in rules} == {"group:finance", "user:lead"}
    nodes = office.call(DELEGATE, "GET", "/policy/nodes").json()["items"]
    assert nodes == [
        {
            "node": "coll:finance",
            "parent": None,
            "name": "finance",
            "label": "confidential",
            "effective_label": "confidential",
            "inherits": True,
        }
    ]
    assert office.call(DELEGATE, "GET", "/policy/users").json() == EMPTY
    assert office.call(DELEGATE, "GET", "/policy/groups").json() == EMPTY


@pytest.mark.parametrize("name", ["rules", "users", "groups", "nodes"])
def test_a_list_is_read_page_by_page(office: Office, name: str) -> None:
    whole = office.call(ADMIN, "GET", f"/policy/{name}").json()["items"]
    items: list[Any] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = office.call(ADMIN, "GET", f"/policy/{name}", **query).json()
        items += page["items"]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert items == whole


def test_people_are_shown_as_the_directory_has_them(office: Office) -> None:
    people = {line["user"]: line for line in office.call(ADMIN, "GET", "/policy/users").json()["items"]}
    assert people["user:jane"] == {
        "user": "user:jane",
        "name": "Jane Doe",
        "email": "jane.doe@company.example",
        "phone": "",
        "active": True,
        "clearance": "internal",
    }


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("rules", {"subject": "user:*"}),
        ("rules", {"object": "coll:a b"}),
        ("rules", {"after": "x"}),
        ("rules", {"limit": 0}),
        ("rules", {"limit": 1001}),
        ("users", {"after": "a\0"}),
        ("groups", {"group": "user:ben"}),
        ("nodes", {"parent": "doc:x"}),
        ("explain", {"user": "group:finance", "place": "coll:finance"}),
        ("explain", {"user": "user:ben", "place": "root:all"}),
        ("explain", {"user": "user:ben", "place": "coll:finance", "action": "Read"}),
    ],
)
def test_a_malformed_query_is_refused(office: Office, path: str, query: dict[str, Any]) -> None:
    assert office.call(ADMIN, "GET", f"/policy/{path}", **query).status_code == 422


# --- why ----------------------------------------------------------------------------------------


def test_who_manages_a_place_hears_why(office: Office) -> None:
    for who in (DELEGATE, ADMIN):
        told = office.call(who, "GET", "/policy/explain", user="user:ben", place="coll:finance")
        assert told.json()["allowed"] is False
        record = office.trail()[-1]
        assert (record["kind"], record["what"], record["place"]) == ("policy.read", "explain", "coll:finance")
        assert "ben" not in str(record)
    assert office.call(ADMIN, "GET", "/policy/explain", user="user:anna", place="coll:finance").json()["allowed"]


def test_a_place_of_others_is_explained_like_one_that_is_not_there(office: Office) -> None:
    """AZ-03."""
    for who, places in ((STAFF, ("coll:finance", "coll:absent")), (DELEGATE, ("coll:vault", "coll:absent"))):
        there, absent = (office.call(who, "GET", "/policy/explain", user="user:ben", place=place) for place in places)
        assert (there.status_code, there.json()["code"]) == (404, "unknown-name")
        assert there.text.replace(places[0], places[1]) == absent.text
        assert office.trail()[-1]["kind"] == "policy.refused"


# --- the review ---------------------------------------------------------------------------------


def test_a_review_is_exported_and_signed(office: Office) -> None:
    export = office.call(ADMIN, "GET", "/policy/review")
    assert export.headers["Content-Type"].startswith("text/csv")
    assert hashlib.sha256(export.content).hexdigest() == export.headers["Review-Digest"]
    lines = list(csv.reader(io.StringIO(export.text)))
    assert "user:anna" in [line[0] for line in lines]
    assert office.trail()[-1]["kind"] == "policy.read"
    signature = {
        "digest": export.headers["Review-Digest"],
        "epoch": int(export.headers["Policy-Epoch"]),
        "at": export.headers["Review-At"],
    }
    signed = office.call(SECOND, "POST", "/policy/review/signature", signature)
    assert signed.status_code == 201
    assert signed.json()["digest"] == signature["digest"]
    assert signed.json()["lines"] == len(lines) - 2
    assert office.trail()[-1]["kind"] == "review.signed"


def test_nobody_signs_what_was_not_exported(office: Office) -> None:
    export = office.call(ADMIN, "GET", "/policy/review")
    epoch, at = int(export.headers["Policy-Epoch"]), export.headers["Review-At"]
    right = {"digest": export.headers["Review-Digest"], "epoch": epoch, "at": at}
    for wrong in ({"digest": "0" * 64}, {"everything": True}, {"action": "manage"}, {"at": "2026-01-01T00:00:00Z"}):
        refused = office.call(ADMIN, "POST", "/policy/review/signature", {**right, **wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-export")
    office.changes(ADMIN, rule("group:new", "coll:finance"))
    moved = office.call(ADMIN, "POST", "/policy/review/signature", right)
    assert (moved.status_code, moved.json()["code"]) == (409, "policy-moved")
