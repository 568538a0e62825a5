"""Providers, applications and the gate at the doors: over HTTP and on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from api.errors import Exit
from store.engine import write
from tests.api.conftest import refused
from tests.api.office import ADMIN, STAFF, rule
from tests.egress.contract.gates import application, provider, register

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Ntk, Site
    from tests.api.office import Office


def record(one: Any) -> dict[str, Any]:
    made: dict[str, Any] = one.model_dump(mode="json")
    return made


@pytest.fixture
def put_acme(office: Office) -> Office:
    office.call(ADMIN, "PUT", "/providers/acme", {"record": record(provider()), "version": 0})
    return office


# --- HTTP ---------------------------------------------------------------------------------------


def test_a_record_is_written_shown_and_kept_in_all_versions(put_acme: Office) -> None:
    changed = {"record": {**record(provider()), "region": "DE"}, "version": 1}
    made = put_acme.call(ADMIN, "PUT", "/providers/acme", changed)
    assert (made.status_code, made.json()["version"]) == (200, 2)
    assert put_acme.call(ADMIN, "GET", "/providers/acme").json()["record"]["region"] == "DE"
    assert [one["version"] for one in put_acme.call(ADMIN, "GET", "/providers/acme/history").json()["items"]] == [1, 2]
    again = put_acme.call(ADMIN, "PUT", "/providers/acme", changed)
    assert (again.status_code, again.json()["code"]) == (409, "record-moved")


def test_what_is_not_ones_own_is_like_what_is_not_there(put_acme: Office) -> None:
    """AZ-03."""
    answers = [put_acme.call(STAFF, "GET", f"/providers/{name}") for name in ("acme", "none")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].text.replace("acme", "none") == answers[1].text
    assert put_acme.call(STAFF, "GET", "/providers").json() == {"items": [], "next": None}
    put_acme.changes(ADMIN, rule("user:ben", "provider:acme", "manage"))
    assert put_acme.call(STAFF, "GET", "/providers/acme").status_code == 200


@pytest.mark.parametrize(
    "changed", [{"name": "other"}, {"kind": "friend"}, {"base_url": "http://llm.example"}, {"x": 1}]
)
def test_a_record_that_does_not_fit_is_refused(put_acme: Office, changed: dict[str, Any]) -> None:
    body = {"record": {**record(provider()), **changed}, "version": 1}
    answer = put_acme.call(ADMIN, "PUT", "/providers/acme", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-record")
    assert put_acme.call(ADMIN, "GET", "/providers/acme").json()["version"] == 1


def test_the_gate_is_shown_to_who_manages_the_application(office: Office) -> None:
    with write(office.house.store.engine) as connection:
        asking = application(users=["user:ben"])
        register(connection, office.house.ledger, provider(), asking, now=datetime.now(UTC))
    looked = office.call(ADMIN, "GET", "/applications/http/gate").json()
    assert "least-privilege" in looked["closed"]
    assert next(point["point"] for point in looked["points"]) == "classification"
    assert office.call(STAFF, "GET", "/applications/http/gate").status_code == 404
    office.changes(ADMIN, rule("user:ben", "app:http", "manage"))
    assert office.call(STAFF, "GET", "/applications/http/gate").json() == looked


def test_what_is_measured_is_tried_over_http(office: Office) -> None:
    with write(office.house.store.engine) as connection:
        here = provider(base_url="http://127.0.0.1:9/v1", hosts=["127.0.0.1"])
        register(connection, office.house.ledger, here, application(), now=datetime.now(UTC), check=())
    assert office.call(STAFF, "POST", "/applications/http/gate/check").status_code == 403
    made = office.call(ADMIN, "POST", "/applications/http/gate/check").json()
    found = {one["point"]: one["passed"] for one in made["found"]}
    assert found == {
        "logging-and-retention": True, "isolation": None, "sanitisation": True, "keys": False, "injection": True,
        "leak-test": True,
    }  # fmt: skip
    assert {"keys", "isolation"} <= set(made["closed"])
    assert not {"injection", "leak-test", "sanitisation", "logging-and-retention"} & set(made["closed"])


# --- the command line ---------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    folder.mkdir()
    far = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
    kept = provider(ends=far, dpa={"until": far}, training_opt_out={"until": far})
    (folder / "acme.yaml").write_text(yaml.safe_dump(record(kept)), "utf-8")
    (folder / "page.yaml").write_text(yaml.safe_dump(record(application(owner="user:anna"))), "utf-8")
    return folder


@pytest.fixture
def console(ntk: Ntk, site: Site, monkeypatch: pytest.MonkeyPatch) -> Ntk:
    monkeypatch.setenv("NTK_DATA", str(site.data))
    return ntk


def test_records_are_added_edited_and_shown(console: Ntk, files: Path) -> None:
    assert console("provider", "add", files / "acme.yaml").out == "provider:acme is at version 1.\n"
    assert console("app", "add", files / "page.yaml").out == "app:http is at version 1.\n"
    refused(console("provider", "add", files / "acme.yaml"), "record-moved", Exit.NO, "already")
    assert json.loads(console("provider", "edit", "acme", files / "acme.yaml", "--json").out)["version"] == 2
    refused(console("app", "edit", "http", files / "page.yaml", "--seen", "7"), "record-moved", Exit.NO)
    refused(console("provider", "edit", "other", files / "acme.yaml"), "bad-record", Exit.MISUSE)
    assert yaml.safe_load(console("app", "show", "http").out)["ceiling"] == "confidential"
    assert "acme" in console("provider", "show").out
    assert len(console("provider", "history", "acme", "--json").out.splitlines()) == 2


def test_to_edit_makes_nothing(console: Ntk, files: Path) -> None:
    refused(console("provider", "edit", "acme", files / "acme.yaml"), "no-such-record", Exit.NO)


def test_a_contract_is_ended_and_an_application_retired(console: Ntk, files: Path) -> None:
    console("provider", "add", files / "acme.yaml")
    console("app", "add", files / "page.yaml")
    assert console("provider", "expire", "acme", "--reason", "A breach").code == Exit.YES
    assert "the contract ended" in console("provider", "show", "acme").err
    assert "A breach" in console("provider", "history", "acme").out
    assert console("app", "retire", "http", "--reason", "Replaced").code == Exit.YES
    closed = console("gate", "http", "--json")
    assert (closed.code, len(json.loads(closed.out)["closed"])) == (Exit.NO, 10)


@pytest.mark.parametrize("name", ["provider", "app", "matrix"])
def test_a_schema_is_printed_for_each_record(console: Ntk, name: str) -> None:
    assert json.loads(console(name, "schema").out)["additionalProperties"] is False


def test_a_point_is_attested_with_a_document_a_name_and_an_end(console: Ntk, files: Path) -> None:
    console("provider", "add", files / "acme.yaml")
    console("app", "add", files / "page.yaml")
    day = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    paper = ("--document", files / "page.yaml", "--by", "Olga Brandt", "--until", day)
    closed = json.loads(console("gate", "app:http", "--attest", "isolation", *paper, "--json").out)
    (point,) = (one for one in closed["points"] if one["point"] == "isolation")
    assert (point["state"], point["kind"]) == ("open", "attested")
    assert "Olga Brandt" in point["why"]
    refused(console("gate", "http", "--attest", "leak-test", *paper), "bad-evidence", Exit.MISUSE, "measured")
    refused(console("gate", "http", "--attest", "isolation"), "bad-evidence", Exit.MISUSE, "--document")
    refused(console("gate", "http", "--attest", "keys", *paper[:5], "soon"), "bad-evidence", Exit.MISUSE, "soon")
    refused(console("gate", "none", "--attest", "isolation", *paper), "no-such-record", Exit.NO)
    gone = json.loads(console("gate", "http", "--withdraw", "isolation", "--json").out)
    assert "isolation" in gone["closed"]
    refused(console("gate", "http", "--withdraw", "isolation"), "bad-evidence", Exit.MISUSE, "nothing is attested")
    again = json.loads(console("gate", "http", "--attest", "isolation", *paper, "--json").out)
    assert "isolation" not in again["closed"]


def test_a_gate_is_checked_and_shown(console: Ntk, files: Path) -> None:
    here = yaml.safe_load((files / "acme.yaml").read_text("utf-8"))
    here |= {"base_url": "http://127.0.0.1:9/v1", "hosts": ["127.0.0.1"]}
    (files / "acme.yaml").write_text(yaml.safe_dump(here), "utf-8")
    console("provider", "add", files / "acme.yaml")
    console("app", "add", files / "page.yaml")
    tested = console("provider", "test", "acme", "--json")
    assert (tested.code, [json.loads(line)["passed"] for line in tested.out.splitlines()]) == (Exit.NO, [None, False])
    refused(console("provider", "test", "none"), "no-such-record", Exit.NO)
    made = console("gate", "http", "--check", "--json")
    *found, looked = map(json.loads, made.out.splitlines())
    assert [one["point"] for one in found][:2] == ["logging-and-retention", "isolation"]
    assert (made.code, looked["open"]) == (Exit.NO, False)
    assert "passed injection: 0 bytes carried out" in made.err
    assert "failed keys: a key may not go to its host" in made.err


def test_who_manages_nothing_attests_and_sees_nothing(console: Ntk, files: Path, site: Site) -> None:
    console("provider", "add", files / "acme.yaml")
    console("app", "add", files / "page.yaml")
    day = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    paper = ("--document", "https://wiki.example/review", "--by", "Olga", "--until", day)
    refused(console("gate", "http", "--attest", "isolation", *paper, key=site.ben), "not-allowed", Exit.NO)
    refused(console("gate", "http", "--withdraw", "isolation", key=site.ben), "not-allowed", Exit.NO)
    refused(console("gate", "http", key=site.ben), "no-such-record", Exit.NO)
    refused(console("provider", "show", "acme", key=site.ben), "no-such-record", Exit.NO)
    refused(console("provider", "add", files / "acme.yaml", key=site.ben), "not-allowed", Exit.NO)


def test_a_route_is_explained_cell_by_cell(console: Ntk, files: Path) -> None:
    console("provider", "add", files / "acme.yaml")
    console("app", "add", files / "page.yaml")
    explain = ("route", "explain", "--provider", "acme", "--label")
    assert console(*explain, "confidential").code == Exit.YES
    made = console(*explain, "confidential+hipaa", "--json")
    cells = {cell["class"]: cell for cell in json.loads(made.out)["cells"]}
    assert made.code == Exit.NO
    assert cells["hipaa"]["needs"] == {"dpa": True, "baa": False}
    assert [name for name, cell in cells.items() if not cell["passed"]] == ["hipaa"]
    through = console(*explain, "confidential", "--app", "http")
    assert (through.code, "the gate of http is closed" in through.out) == (Exit.NO, True)
    assert console(*explain, "public", "--app", "app:http").code == Exit.YES
    above = console(*explain, "confidential+gdpr", "--app", "http")
    assert (above.code, "above the ceiling of http" in above.out) == (Exit.NO, True)
    refused(console("route", "explain", "--provider", "none", "--label", "public"), "no-such-record", Exit.NO)


def test_the_matrix_is_shown(console: Ntk) -> None:
    assert "trade-secret" in console("matrix", "show").out
    assert json.loads(console("matrix", "show", "--json").out)["version"] == 0


def test_a_key_is_made_for_an_application(console: Ntk, files: Path) -> None:
    refused(console("key", "new", "user:anna", "--app", "app:http"), "unknown-name", Exit.NO)
    console("provider", "add", files / "acme.yaml")
    console("app", "add", files / "page.yaml")
    made = json.loads(console("key", "new", "user:anna", "--app", "app:http", "--json").out)
    assert (made["application"], made["user"]) == ("app:http", "user:anna")
