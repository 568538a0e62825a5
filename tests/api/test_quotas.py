"""The quotas at both doors."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from acl.labels import Level
from acl.names import UserId
from api.errors import Exit
from egress.brakes.counters import Caller, Use
from egress.brakes.quotas import KIND, default_quotas
from egress.brakes.volume import reserve
from egress.contract.forms import to_json
from store.engine import write
from store.schema import registered
from tests.api.office import ADMIN, DELEGATE, NOBODY, SECOND, STAFF

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Ntk, Site
    from tests.api.office import Office

USE = Use(Caller(UserId("user:anna"), "app:http", "192.0.2.7"), "provider:acme", Level.CONFIDENTIAL, 1_500)


@pytest.fixture
def office(office: Office) -> Office:
    """The office, where nobody has set any quotas."""
    with write(office.house.store.engine) as connection:
        connection.execute(delete(registered).where(registered.c.kind == KIND))
    return office


def other() -> dict[str, Any]:
    """Give quotas that are not the default."""
    quotas: dict[str, Any] = to_json(default_quotas())
    quotas["limits"][0]["most"] = 7
    return quotas


def test_quotas_are_seen_and_set_over_http(office: Office) -> None:
    assert office.call(ADMIN, "GET", "/quotas").json() == {"version": 0, "quotas": to_json(default_quotas())}
    made = office.call(ADMIN, "PUT", "/quotas", {"quotas": other(), "version": 0})
    assert (made.status_code, made.json()) == (200, {"version": 1})
    assert office.call(SECOND, "GET", "/quotas").json() == {"version": 1, "quotas": other()}
    moved = office.call(SECOND, "PUT", "/quotas", {"quotas": other(), "version": 0})
    assert (moved.status_code, moved.json()["code"]) == (409, "record-moved")


@pytest.mark.parametrize("quotas", [{}, {"limits": []}, {**to_json(default_quotas()), "more": 1}, [], None, "none"])
def test_malformed_quotas_change_nothing(office: Office, quotas: Any) -> None:
    assert office.call(ADMIN, "PUT", "/quotas", {"quotas": quotas}).status_code == 422
    assert office.call(ADMIN, "GET", "/quotas").json()["version"] == 0


@pytest.mark.parametrize(("who", "status"), [(STAFF, 403), (DELEGATE, 403), (NOBODY, 401)])
def test_they_are_for_administrators(office: Office, who: str, status: int) -> None:
    for method, path, body in (
        ("GET", "/quotas", None),
        ("GET", "/quotas/usage", None),
        ("PUT", "/quotas", {"quotas": other()}),
    ):
        assert office.call(who, method, path, body).status_code == status
        assert office.call(ADMIN, method, path, body).status_code == 200


def test_what_is_used_is_listed_with_what_limits_it(office: Office) -> None:
    reserve(office.house.store.engine, default_quotas(), USE)
    reserve(office.house.store.engine, default_quotas(), replace(USE, level=Level.PUBLIC))
    items = office.call(ADMIN, "GET", "/quotas/usage").json()["items"]
    assert {(one["measure"], one["per"], one["whose"], one["level"], one["used"], one["most"]) for one in items} == {
        ("characters", "application", "app:http", None, 3_000, 5_000_000),
        ("characters", "user", "user:anna", None, 3_000, 200_000),
        ("characters", "user", "user:anna", "confidential", 1_500, 60_000),
        ("requests", "user", "user:anna", None, 2, 500),
    }
    assert all(datetime.fromisoformat(one["until"]) > datetime.now(UTC) for one in items)
    assert office.trail()[-1]["kind"] == "policy.read"


def test_quotas_on_the_command_line(ntk: Ntk, site: Site, office: Office, tmp_path: Path) -> None:
    def run(*arguments: object, who: str = "") -> Any:
        return ntk("quota", *arguments, "--data", site.data, key=office.keys[who] if who else "")

    shown = run("show")
    assert shown.out.startswith("# the default\n")
    file = tmp_path / "quotas.yaml"
    file.write_text(shown.out.replace("most: 30", "most: 31"), "utf-8")
    assert run("set", file, who=STAFF).code == Exit.NO
    assert run("set", file, "--version", 0).out == "8 limits hold from the next request on, as version 1.\n"
    assert run("set", file, "--version", 0, who=ADMIN).code == Exit.NO
    assert run("show").out == shown.out.replace("# the default", "# version 1").replace("most: 30", "most: 31")
    assert json.loads(run("show", "--json", who=ADMIN).out)["version"] == 1
    file.write_text("limits: [{measure: words}]", "utf-8")
    wrong = run("set", file)
    assert (wrong.code, "limits.0.measure" in wrong.err) == (Exit.MISUSE, True)
    assert run("show", who=STAFF).code == Exit.NO
    assert run("usage", who=STAFF).code == Exit.NO
    reserve(office.house.store.engine, default_quotas(), USE)
    assert {json.loads(line)["whose"] for line in run("usage", "--json").out.splitlines()} == {"app:http", "user:anna"}
    assert json.loads(ntk("quota", "schema").out)["title"] == "Quotas"
