"""The report on an incident: how far it reached, out of the trail, for who may know it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from acl.admin.gate import CONSOLE
from acl.errors import NotAllowed
from acl.names import NodeId, UserId
from audit.ledger import Event
from egress.errors import NoSuchIncident
from egress.incident.blast import Blast, SentTo
from egress.incident.incidents import Incident, Kind, close_incident, open_incident
from egress.incident.report import Report, report
from egress.incident.tasks import finish
from egress.incident.written import lines, markdown
from store.engine import snapshot, write
from store.schema import audit_record, task
from tests.egress.incident.asked import ADMIN, ANNA, AUDITOR, BEN, DAY, NOW, asked, people, provider
from tests.worlds import put_document

if TYPE_CHECKING:
    from tests.worlds import World

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def incident(world: World, kind: Kind = Kind.PROVIDER_BREACH, target: str = "provider:acme") -> Incident:
    made = open_incident(world.store.engine, world.ledger, ADMIN, kind, target, since=NOW - DAY, reason="Jane wrote")
    return made.incident


def report_on(world: World, made: Incident, by: UserId = AUDITOR) -> Report:
    return report(world.store.engine, world.ledger, by, made.id)


@pytest.fixture
def busy(world: World) -> World:
    """Two people have asked of two documents, and some of it left."""
    people(world)
    provider(world)
    for name in ("travel", "board"):
        coll = world.collection(name)
        with write(world.store.engine) as connection:
            put_document(connection, world.store.keys, coll, ["Text."], document=f"doc:{name}")
    asked(world, ANNA, "1", at=NOW - timedelta(hours=3))
    asked(
        world, ANNA, "2", at=NOW - timedelta(hours=2), documents=["doc:travel", "doc:board"], label="confidential+gdpr"
    )
    asked(world, BEN, "3", contract_version=2, ends="failed", labels=["public", "confidential"])
    asked(world, BEN, "4", leaves=False, provider=None, documents=["doc:board"], application="app:portal")
    asked(world, BEN, "5", provider="other", model=None)
    asked(world, BEN, "6", at=NOW - 2 * DAY)  # before it began
    return world


def test_a_breach_of_a_provider_reaches_what_it_was_sent(busy: World) -> None:
    made = report_on(busy, incident(busy))
    found = made.blast
    assert (found.questions, found.answered, found.left, found.characters) == (3, 2, 3, 300)
    assert (found.first_at, found.last_at) == (NOW - timedelta(hours=3), NOW)
    assert found.labels == {"internal": 1, "confidential+gdpr": 1, "confidential": 1}
    assert found.sent_to == {SentTo("acme", 1, "small-model"): 2, SentTo("acme", 2, "small-model"): 1}
    assert found.documents == {"doc:travel": 3, "doc:board": 1}
    assert found.hashes == ["1".rjust(64, "0"), "2".rjust(64, "0"), "3".rjust(64, "0")]
    assert [(one.user, one.questions) for one in made.people] == [(ANNA, 2), (BEN, 1)]
    assert found.redactions == {"USER": 6, "EMAIL": 3}
    assert (made.stopped, made.withheld) == (("provider:acme",), False)
    assert made.verified


@pytest.mark.parametrize(
    ("kind", "target", "requests"),
    [
        (Kind.OTHER, "all:all", 5),
        (Kind.LEAKED_KEY, ANNA, 2),
        (Kind.WRONG_PERMISSION, BEN, 3),
        (Kind.INJECTED_DOCUMENT, "doc:board", 2),
        (Kind.INJECTED_DOCUMENT, "coll:board", 2),
        (Kind.WRONG_PERMISSION, "doc:travel", 4),
        (Kind.OTHER, "app:portal", 1),
        (Kind.OTHER, "app:nobody", 0),
        (Kind.PROVIDER_BREACH, "provider:nobody", 0),
    ],
)
def test_each_incident_reaches_what_it_is_about(busy: World, kind: Kind, target: str, requests: int) -> None:
    assert report_on(busy, incident(busy, kind, target)).blast.questions == requests


def test_an_earlier_question_of_a_conversation_counts_by_its_documents(busy: World) -> None:
    asked(busy, ANNA, "7", documents=["doc:x"], earlier_documents=["doc:board"])
    assert report_on(busy, incident(busy, Kind.INJECTED_DOCUMENT, "doc:board")).blast.questions == 3


def test_what_comes_after_the_closing_is_not_counted(busy: World) -> None:
    made = incident(busy, Kind.OTHER, "app:http")
    close_incident(busy.store.engine, busy.ledger, ADMIN, made.id, "Done")
    before = report_on(busy, made).blast.questions
    asked(busy, ANNA, "8", at=NOW + DAY)
    assert report_on(busy, made).blast.questions == before == 4


def test_what_else_somebody_did_whose_key_leaked_is_counted(busy: World) -> None:
    for kind in ("policy.changed", "policy.changed", "policy.read"):
        busy.ledger.commit(Event(kind, ANNA, "x"))
    busy.ledger.commit(Event("policy.changed", BEN, "x"))
    made = report_on(busy, incident(busy, Kind.LEAKED_KEY, ANNA))
    assert made.blast.acts == Counter({"policy.changed": 2, "policy.read": 1})
    assert report_on(busy, incident(busy, Kind.OTHER, "all:all")).blast.acts == {}


def test_records_of_an_older_form_are_counted_and_an_unknown_label_is_the_most_restricted(busy: World) -> None:
    asked(busy, ANNA, "9", labels="odd", documents=None, prompt_characters="many", contract_version=None, model=None)
    found = report_on(busy, incident(busy)).blast
    assert found.labels["restricted"] == 1
    assert found.sent_to[SentTo("acme", None, None)] == 1
    assert found.characters == 300


# --- Whether it can be believed -----------------------------------------------------------------


def test_a_trail_that_was_changed_is_said_to_be_so(busy: World) -> None:
    made = incident(busy)
    assert "records verify" in report_on(busy, made).trail
    forged = json.dumps({"kind": "ask.intent"})
    with write(busy.store.engine) as connection:
        connection.execute(update(audit_record).where(audit_record.c.seq == 3).values(body=forged))
    shown = report_on(busy, made)
    assert (shown.verified, "record 3 was changed" in shown.trail) == (False, True)
    assert "DOES NOT VERIFY" in "\n".join(lines(shown))
    assert "does not verify" in markdown(shown)


def test_a_record_that_cannot_be_read_is_counted_as_such(busy: World) -> None:
    made = incident(busy)
    with write(busy.store.engine) as connection:
        connection.execute(update(audit_record).where(audit_record.c.seq == 3).values(body='{"kind":"ask.intent"'))
    assert report_on(busy, made).blast.unreadable == 1


def test_the_trail_is_read_in_pieces(busy: World) -> None:
    events = [
        Event("ask.intent", ANNA, str(n), {"leaves": True, "provider": "acme", "prompt_hash": "0" * 64})
        for n in range(2_500)
    ]
    with write(busy.store.engine) as connection:
        busy.ledger.append(connection, *events)
    found = report_on(busy, incident(busy)).blast
    assert (found.left, len(found.hashes)) == (2_503, 2_503)


def test_hashes_are_listed_up_to_a_number_and_all_are_counted(database: str) -> None:
    found = Blast(most_hashes=2)
    for _ in range(3):
        found.add({"kind": "ask.intent", "leaves": True, "provider": "acme", "prompt_hash": "0" * 64}, NOW)
    assert (found.left, len(found.hashes)) == (3, 2)


# --- For whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "users"), [(AUDITOR, [ANNA, BEN]), (CONSOLE, [ANNA, BEN]), (ADMIN, [None, None])])
def test_who_may_audit_learns_who_it_was_and_others_see_pseudonyms(
    busy: World, by: UserId, users: list[UserId | None]
) -> None:
    shown = report_on(busy, incident(busy), by)
    assert [one.user for one in shown.people] == users
    assert shown.people[0].pseudonym == busy.ledger.pseudonym(ANNA)
    assert ("user:anna" in json.dumps(shown.to_json())) == (None not in users)


@pytest.mark.parametrize("by", [ANNA, "user:nobody"])
def test_nobody_else_gets_a_report(busy: World, by: UserId) -> None:
    made = incident(busy)
    for id_ in (made.id, "none"):
        with pytest.raises(NotAllowed):
            report(busy.store.engine, busy.ledger, by, id_)
    with pytest.raises(NoSuchIncident):
        report(busy.store.engine, busy.ledger, AUDITOR, "none")


def test_a_report_leaves_a_record_that_somebody_has_looked(busy: World) -> None:
    made = incident(busy)
    report_on(busy, made)
    with snapshot(busy.store.engine) as connection:
        last = json.loads(connection.scalars(select(audit_record.c.body).order_by(audit_record.c.seq)).all()[-1])
    assert (last["kind"], last["request"], last["named"]) == ("incident.reported", made.id, True)
    assert last["who"] == busy.ledger.pseudonym(AUDITOR)


# --- How it is told -----------------------------------------------------------------------------


def test_the_report_says_what_is_due_overdue_and_done(busy: World) -> None:
    made = incident(busy)
    with write(busy.store.engine) as connection:
        connection.execute(update(task).where(task.c.kind == "provider-purge").values(due_at=NOW - DAY))
    shown = report_on(busy, made)
    notify = next(one for one in shown.tasks if one.kind == "notify")
    finish(busy.store.engine, busy.ledger, ADMIN, notify.id)
    text = "\n".join(lines(report_on(busy, made)))
    assert f"OVERDUE since {NOW - DAY:%Y-%m-%d %H:%M} UTC" in text
    assert "done " in text
    assert "desk@acme.example" in text
    value: Any = report_on(busy, made).to_json()
    assert [one["overdue"] for one in value["tasks"]].count(True) == 1


def test_the_markdown_answers_article_33_and_names_nobody_who_asked(busy: World) -> None:
    made = report_on(busy, incident(busy, Kind.LEAKED_KEY, ANNA))
    text = markdown(made)
    assert [line for line in text.splitlines() if line.startswith("## (")] == [
        "## (a) What happened",
        "## (b) Whom to ask",
        "## (c) What may come of it",
        "## (d) What was done, and what is to be done",
    ]
    assert busy.ledger.pseudonym(ANNA) in text
    assert "2".rjust(64, "0") in text
    assert "to be filled in" in text
    assert f"Now: user:{busy.ledger.pseudonym(ANNA)} is stopped." in text
    assert "| USER | 4 |" in text
    assert "anna" not in text
    assert "Jane" not in text


def test_what_is_withheld_is_said_to_be_so_until_the_rule_is_gone(busy: World) -> None:
    made = incident(busy, Kind.INJECTED_DOCUMENT, "doc:board")
    assert "doc:board is withheld from everybody" in "\n".join(lines(report_on(busy, made)))
    busy.withdraw("role:everyone", "doc:board")
    assert "nothing is stopped, and nothing withheld" in "\n".join(lines(report_on(busy, made)))


def test_a_long_list_is_cut_on_the_screen_and_whole_as_json(busy: World) -> None:
    asked(busy, ANNA, "10", documents=[f"doc:{n}" for n in range(30)])
    made = report_on(busy, incident(busy, Kind.OTHER, "all:all"))
    assert "more: --json shows all" in "\n".join(lines(made))
    value: Any = made.to_json()
    assert len(value["documents"]) == 32
    assert NodeId("doc:29") in value["documents"]
