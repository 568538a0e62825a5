"""The kill switch at both doors: over HTTP and on the command line, with the same words and the same approvals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api.errors import Exit
from egress.brakes.stops import require_running
from egress.errors import Stopped
from tests.api.office import ADMIN, DELEGATE, NOBODY, RANDOM, SECOND, STAFF

if TYPE_CHECKING:
    from tests.api.conftest import Ntk, Site
    from tests.api.office import Office

ANNA = "user:anna"


def stop(office: Office, who: str = ADMIN, target: str = ANNA) -> dict[str, Any]:
    made = office.call(who, "POST", "/stops", {"target": target, "reason": "A drill."})
    assert made.status_code == 201, made.text
    return dict(made.json())


def runs(office: Office, target: str) -> bool:
    try:
        require_running(office.house.store.engine, [target])
    except Stopped:
        return False
    return True


def test_what_is_stopped_over_http_is_started_again_by_two(office: Office) -> None:
    made = stop(office)
    assert (made["target"], made["reason"], made["made_by"], made["lifted_at"]) == (
        ANNA, "A drill.", "user:admin", None,
    )  # fmt: skip
    assert not runs(office, ANNA)
    (listed,) = office.call(SECOND, "GET", "/stops").json()["items"]
    assert {**listed, "warnings": []} == made
    asked = office.call(ADMIN, "POST", f"/stops/{made['id']}/lift", {"reason": "It is over."})
    assert (asked.status_code, asked.json()["reasons"]) == (202, ["it starts user:anna again"])
    approval = asked.json()["approval"]
    (waiting,) = office.call(SECOND, "GET", "/approvals").json()["items"]
    assert (waiting["kind"], waiting["approval"], waiting["target"]) == ("lift-stop", approval, ANNA)
    assert office.call(ADMIN, "POST", f"/approvals/{approval}/approve").status_code == 404
    agreed = office.call(SECOND, "POST", f"/approvals/{approval}/approve")
    assert (agreed.status_code, agreed.json()) == (200, {"stop": made["id"], "target": ANNA})
    assert runs(office, ANNA)
    assert office.call(SECOND, "GET", "/stops").json()["items"] == []
    (lifted,) = office.call(SECOND, "GET", "/stops", lifted=True).json()["items"]
    assert lifted["lifted_by"] == "user:second"


@pytest.mark.parametrize("target", ["all", "app:chat", "provider:acme", ANNA])
def test_who_administers_nothing_stops_nothing(office: Office, target: str) -> None:
    for who, status in ((STAFF, 403), (DELEGATE, 403), (NOBODY, 401)):
        assert office.call(who, "POST", "/stops", {"target": target, "reason": "Ha."}).status_code == status
    assert runs(office, target)
    stop(office, ADMIN, target)
    assert not runs(office, target)


def test_a_stop_of_others_is_like_a_random_id(office: Office) -> None:
    """AZ-03."""
    made = stop(office)
    theirs, random = (
        office.call(STAFF, "POST", f"/stops/{id_}/lift", {"reason": "Please."}) for id_ in (made["id"], RANDOM)
    )
    assert (theirs.status_code, theirs.json()["code"]) == (404, "no-such-stop")
    assert theirs.content == random.content
    assert office.call(STAFF, "GET", "/stops").json() == {"items": [], "next": None}
    assert office.trail()[-1]["kind"] == "policy.refused"


@pytest.mark.parametrize(
    "wrong",
    [{"target": "coll:finance"}, {"target": ""}, {"target": "user:*"}, {"reason": ""}, {"reason": "a\0"},
     {"made_by": "user:anna"}, {"target": None}],
)  # fmt: skip
def test_a_malformed_stop_stops_nothing(office: Office, wrong: dict[str, Any]) -> None:
    body = {"target": ANNA, "reason": "A drill.", **wrong}
    assert office.call(ADMIN, "POST", "/stops", body).status_code == 422
    assert office.call(ADMIN, "GET", "/stops").json()["items"] == []


def test_a_name_that_nobody_has_registered_is_stopped_with_a_warning(office: Office) -> None:
    assert stop(office, target="provider:acmme")["warnings"] == [
        "nothing is registered as provider:acmme: is this its name?"
    ]
    assert stop(office, target=ANNA)["warnings"] == []
    assert not runs(office, "provider:acmme")


def test_the_console_stops_and_two_start_it_again(ntk: Ntk, site: Site, office: Office) -> None:
    def run(*arguments: str, who: str = "") -> Any:
        return ntk(*arguments, "--data", site.data, key=office.keys[who] if who else "")

    assert run("kill", "list").out == "Nothing is stopped.\n"
    for words, target in (
        (("all",), "all:all"),
        (("provider", "acme"), "provider:acme"),
        (("app", "chat"), "app:chat"),
        (("user", "anna"), ANNA),
        (("user", ANNA), ANNA),
    ):
        stopped = run("kill", *words, "--reason", "A drill.", "--json")
        assert (stopped.code, json.loads(stopped.out)["target"]) == (Exit.YES, target)
    assert [line.split()[1] for line in run("kill", "list").out.splitlines()] == [
        "all:all", "provider:acme", "app:chat", ANNA, ANNA,
    ]  # fmt: skip
    first = json.loads(run("kill", "list", "--json").out)[0]["id"]
    asked = run("kill", "lift", first, "--reason", "It is over.", "--json")
    assert asked.code == Exit.PARTLY
    approval = json.loads(asked.out)["approval"]
    assert run("approve", approval).code == Exit.NO  # the console is no person
    assert "  target: all:all\n" in run("approve", approval, "--show", who=SECOND).out
    assert run("approve", approval, who=SECOND).code == Exit.YES
    assert len(run("kill", "list").out.splitlines()) == 4
    assert "lifted by user:second" in run("kill", "list", "--lifted").out


def test_on_the_command_line_a_stop_needs_a_reason_and_the_right(ntk: Ntk, site: Site, office: Office) -> None:
    assert ntk("kill", "all", "--reason", " ", "--data", site.data).code == Exit.MISUSE
    assert ntk("kill", "all", "--reason", "Ha.", "--data", site.data, key=office.keys[STAFF]).code == Exit.NO
    assert ntk("kill", "user", "ana", "--reason", "A slip.", "--data", site.data).code == Exit.NO
    assert runs(office, "all:all")
    assert ntk("kill", "all", "--reason", "A drill.", "--data", site.data, key=office.keys[ADMIN]).code == Exit.YES
    assert not runs(office, "all:all")


def test_the_doctor_names_what_is_stopped(ntk: Ntk, site: Site, office: Office) -> None:
    def finding() -> dict[str, str]:
        findings = json.loads(ntk("doctor", "--data", site.data, "--json").out)
        return next(one for one in findings if one["thing"] == "stops")

    assert (finding()["state"], finding()["meaning"]) == ("fine", "nothing is stopped")
    stop(office, target="provider:acme")
    assert (finding()["state"], "provider:acme" in finding()["meaning"]) == ("note", True)
