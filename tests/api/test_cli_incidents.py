"""`ntk incident`, `ntk task` and `ntk purge`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from api.doctor import State, examine
from api.errors import Exit
from api.wiring import open_store_at
from egress.contract.forms import to_json
from egress.contract.register import put
from store.engine import write
from store.schema import conversation, task
from tests.api.conftest import refused
from tests.egress.incident.asked import ADMIN, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Ntk, Ran
    from tests.sites import Site

    Run = Callable[..., Ran]


@pytest.fixture
def run(ntk: Ntk, site: Site) -> Run:
    """Give a command for the small installation; as the console, unless a key is given."""
    return lambda *arguments, key="": ntk(*arguments, "--data", site.data, key=key)


def opened(run: Run, kind: str = "provider-breach", target: str = "provider:acme") -> dict[str, Any]:
    ran = run("incident", "open", kind, target, "--since", "2026-03-01", "--reason", "They wrote to us", "--json")
    assert ran.code == Exit.YES, ran.err
    return dict(json.loads(ran.out))


def test_opening_says_what_is_stopped_whom_to_tell_and_where_to_read_on(run: Run, site: Site) -> None:
    with open_store_at(site.data) as at, write(at.store.engine) as connection:
        put(connection, at.ledger, ADMIN, "provider", "acme", to_json(record_of()))
    ran = run("incident", "open", "provider-breach", "provider:acme", "--since", "2026-03-01", "--reason", "A mail")
    assert ran.code == Exit.YES
    first, *tasks, where, then = ran.out.splitlines()
    assert first.endswith("Stopped: provider:acme.")
    assert len(tasks) == 3
    assert "(desk@acme.example)" in tasks[0]
    assert where.startswith("How far it reached: ntk incident report ")
    assert then == "What to do next: deploy/runbooks/provider-breach.md"
    assert "provider:acme" in run("kill", "list").out
    assert "provider:acme" in run("incident", "list").out


def test_a_report_is_shown_written_and_given_as_json(run: Run, site: Site) -> None:
    id_ = opened(run)["incident"]
    assert f"Incident {id_}: provider-breach, provider:acme" in run("incident", "report", id_).out
    assert json.loads(run("incident", "report", id_, "--json").out)["trail_verifies"] is True
    file = site.data.parent / "report.md"
    assert run("incident", "report", id_, "--markdown", file).out == f"Wrote {file}.\n"
    assert file.read_text("utf-8").startswith(f"# Incident {id_}")
    assert file.stat().st_mode & 0o777 == 0o600
    refused(run("incident", "report", id_, "--markdown", file), "unusable-file", Exit.MISUSE)


def test_an_incident_is_closed_with_a_warning_of_what_is_not_done(run: Run) -> None:
    made = opened(run)
    closed = run("incident", "close", made["incident"], "--reason", "All is well")
    assert (closed.code, closed.out) == (Exit.YES, f"Closed {made['incident']}.\n")
    assert "1 of its tasks are not done" in closed.err
    assert run("incident", "list").out == "No incident is open.\n"
    assert "All is well" in run("incident", "list", "--closed").out
    refused(run("incident", "close", made["incident"], "--reason", "Again"), "no-such-incident", Exit.NO)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("fire", "all", "--since", "2026-03-01"), "bad-request"),
        (("provider-breach", "user:anna", "--since", "2026-03-01"), "bad-incident"),
        (("other", "all", "--since", "last week"), "bad-incident"),
        (("other", "everybody", "--since", "2026-03-01"), "bad-name"),
    ],
)
def test_what_is_no_incident_opens_none(run: Run, arguments: tuple[str, ...], code: str) -> None:
    refused(run("incident", "open", *arguments, "--reason", "x"), code, Exit.MISUSE)
    assert run("incident", "list").out == "No incident is open.\n"


def test_it_is_for_who_manages_the_whole(run: Run, site: Site) -> None:
    id_ = opened(run)["incident"]
    for command in (
        ("incident", "open", "other", "all", "--since", "2026-03-01", "--reason", "x"),
        ("incident", "list"),
        ("incident", "report", id_),
        ("incident", "close", id_, "--reason", "x"),
        ("task", "list"),
        ("task", "done", id_),
        ("purge",),
        ("purge", "--provider", "acme", "--since", "2026-03-01"),
    ):
        refused(run(*command, key=site.ben), "not-allowed", Exit.NO)


def test_a_task_that_is_overdue_is_said_to_be_so_by_every_door(run: Run, site: Site) -> None:
    made = opened(run)
    listed = run("task", "list")
    assert (listed.code, "by " in listed.out) == (Exit.YES, True)
    with open_store_at(site.data) as at, write(at.store.engine) as connection:
        connection.execute(update(task).values(due_at=datetime.now(UTC) - timedelta(hours=1)))
    listed = run("task", "list")
    assert (listed.code, "OVERDUE" in listed.out) == (Exit.NO, True)
    assert "OVERDUE" in run("incident", "report", made["incident"]).out
    found = next(one for one in examine(site.data) if one.thing == "incidents")
    assert (found.state, "1 are open" in found.meaning, "1 tasks are overdue" in found.meaning) == (
        State.NOTE,
        True,
        True,
    )
    assert run("task", "done", made["tasks"][0]["id"]).out.startswith("Done: tell the supervisory authority")
    run("incident", "close", made["incident"], "--reason", "All is well")
    assert next(one for one in examine(site.data) if one.thing == "incidents").state is State.FINE
    assert run("task", "list").out == "Nothing is to be done.\n"


def test_purge_counts_and_deletes_what_has_ended(run: Run, site: Site) -> None:
    assert run("purge").out == "There was nothing to delete.\n"
    past = datetime.now(UTC) - timedelta(hours=1)
    row = {"id": "c", "owner": "user:anna", "wrapped_key": b"", "expires_at": past, "level": 3}
    with open_store_at(site.data) as at, write(at.store.engine) as connection:
        connection.execute(insert(conversation).values(row))
    assert run("purge", "--dry-run").out == "1 conversations, restricted: would go\n"
    gone = [{"kind": "conversations", "level": "restricted", "number": 1}]
    assert json.loads(run("purge", "--json").out) == {"purged": gone, "dry_run": False}
    assert run("purge").out == "There was nothing to delete.\n"


def test_all_that_is_kept_of_one_person_is_deleted(run: Run, site: Site) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    with open_store_at(site.data) as at, write(at.store.engine) as connection:
        for id_, owner in (("a", "user:anna"), ("b", "user:ben")):
            row = {"id": id_, "owner": owner, "wrapped_key": b"", "expires_at": ends}
            connection.execute(insert(conversation).values(row))
    refused(run("purge", "--user", "user:anna", "--dry-run"), "bad-request", Exit.MISUSE)
    refused(run("purge", "--user", "group:finance"), "bad-name", Exit.MISUSE)
    assert run("purge", "--user", "user:anna").out == "1 conversations, internal: gone\n"
    assert run("purge", "--user", "user:anna").out == "There was nothing to delete.\n"
    assert run("purge", "--user", "user:ben").out == "1 conversations, internal: gone\n"


def test_a_provider_is_to_be_asked_to_delete(run: Run, site: Site) -> None:
    refused(run("purge", "--provider", "acme", "--since", "2026-03-01"), "no-such-record", Exit.NO)
    refused(run("purge", "--provider", "acme"), "bad-request", Exit.MISUSE)
    with open_store_at(site.data) as at, write(at.store.engine) as connection:
        put(connection, at.ledger, ADMIN, "provider", "acme", to_json(record_of()))
    ran = run("purge", "--provider", "acme", "--since", "2026-03-01")
    assert "have acme delete the prompts and answers that it keeps from 2026-03-01 00:00" in ran.out
    assert ran.out.split()[0] in run("task", "list").out
