"""The policy and the directory as files, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.api.office import ADMIN, DELEGATE, SECOND, STAFF, rule

if TYPE_CHECKING:
    from tests.api.office import Office


def test_an_exported_policy_comes_in_again_and_changes_nothing(office: Office) -> None:
    exported = office.call(ADMIN, "GET", "/policy/export")
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert "p, group:finance, coll:finance, read, allow\n" in exported.text
    assert (office.trail()[-1]["kind"], office.trail()[-1]["what"]) == ("policy.read", "export")
    assert office.send(ADMIN, "/policy/import", exported.text, dry_run=True).json()["edits"] == []
    before = office.rules()
    assert office.send(ADMIN, "/policy/import", exported.text, replace=True).status_code == 200
    assert office.rules() == before


def test_an_import_is_listed_before_it_is_made(office: Office) -> None:
    text = "p, group:staff, coll:finance, read, allow\ng, user:ben, group:staff\n"
    listed = office.send(ADMIN, "/policy/import", text, dry_run=True).json()
    assert listed["edits"] == [
        rule("group:staff", "coll:finance"),
        {"op": "join-group", "member": "user:ben", "group": "group:staff"},
    ]
    assert not [line for line in office.rules() if line["subject"] == "group:staff"]
    made = office.send(ADMIN, "/policy/import", text)
    assert made.json() == {"epoch": listed["epoch"] + 1}
    assert [line for line in office.rules() if line["subject"] == "group:staff"]


def test_what_is_delicate_in_an_import_waits(office: Office) -> None:
    made = office.send(ADMIN, "/policy/import", "p, group:finance, coll:vault, read, allow\n", reason="The audit.")
    assert made.status_code == 202
    asked = office.call(SECOND, "GET", f"/approvals/{made.json()['approval']}").json()
    assert asked["reason"] == "The audit."


def test_a_file_with_wrong_lines_changes_nothing(office: Office) -> None:
    lines = ["p, group:staff, coll:finance, read, allow", "p, group:staff, coll:finance, read"]
    text = "\n".join(lines)
    refused = office.send(ADMIN, "/policy/import", text)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-file")
    assert "line 2" in refused.json()["detail"]
    assert office.send(ADMIN, "/policy/import", b"\xff\xfe").status_code == 422
    assert not [line for line in office.rules() if line["subject"] == "group:staff"]


@pytest.mark.parametrize("who", [STAFF, DELEGATE])
def test_a_file_of_who_does_not_administer_the_whole_is_not_even_read(office: Office, who: str) -> None:
    """AZ-03: what is wrong with it would tell what is there."""
    answers = {
        office.send(who, "/policy/import", f"p, group:staff, {place}, read, allow").content
        for place in ("coll:vault", "coll:absent", "?")
    }
    assert len(answers) == 1


def test_a_directory_makes_people_and_tells_what_it_left(office: Office) -> None:
    text = "userName,displayName,email,active,groups\nnina,Nina Falk,nina@company.example,true,staff\n"
    made = office.send(ADMIN, "/policy/directory", text)
    assert made.status_code == 200
    assert "user:ben is not in the file, and stays active" in made.json()["left"]
    people = {line["user"]: line["name"] for line in office.call(ADMIN, "GET", "/policy/users").json()["items"]}
    assert people["user:nina"] == "Nina Falk"


def test_a_directory_in_the_form_of_scim(office: Office) -> None:
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    text = json.dumps([{"schemas": schemas, "id": "1", "userName": "nina", "displayName": "Nina Falk", "active": True}])
    listed = office.send(ADMIN, "/policy/directory", text, format="scim", dry_run=True).json()
    assert [edit["op"] for edit in listed["edits"]] == ["add-user"]
    refused = office.send(ADMIN, "/policy/directory", text, format="ldif")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-request")
