"""Incidents: what is stopped when one is opened, who is to be told by when, who may, and what the trail has of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from acl.admin.gate import CONSOLE
from acl.errors import BadName, NotAllowed, UnknownName
from egress.brakes.stops import require_running
from egress.contract.register import put
from egress.errors import BadIncident, NoSuchIncident, NoSuchRecord, NoSuchTask, Stopped
from egress.incident.incidents import (
    TARGETS,
    Kind,
    Opened,
    all_incidents,
    close_incident,
    moment_of,
    one_incident,
    open_incident,
    parse_target,
)
from egress.incident.tasks import ask_for_purge, finish, tasks_of
from store.engine import snapshot, write
from store.schema import audit_record
from tests.egress.incident.asked import ADMIN, ANNA, AUDITOR, BEN, DAY, NOW, asked, people, provider

if TYPE_CHECKING:
    from acl.names import DocumentId, UserId
    from tests.worlds import World

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def travel(world: World) -> DocumentId:
    people(world)
    coll = world.collection("travel")
    world.allow_everyone(coll)
    return world.document(coll, "Hotels are paid up to 180 EUR.")


def opened(world: World, kind: Kind, target: str, *, by: UserId = ADMIN, since: datetime = NOW - DAY) -> Opened:
    reason = "Jane Doe wrote to us"
    return open_incident(world.store.engine, world.ledger, by, kind, target, since=since, reason=reason)


def trail(world: World, kind: str) -> list[dict[str, Any]]:
    with snapshot(world.store.engine) as connection:
        bodies = [json.loads(body) for body in connection.scalars(select(audit_record.c.body))]
    return [body for body in bodies if body["kind"] == kind]


# --- What is stopped ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (Kind.LEAKED_KEY, "provider:acme"),
        (Kind.LEAKED_KEY, "user:anna"),
        (Kind.LEAKED_KEY, "app:http"),
        (Kind.PROVIDER_BREACH, "provider:acme"),
        (Kind.PROVIDER_BREACH, "provider:unheard-of"),
        (Kind.WRONG_PERMISSION, "user:anna"),
        (Kind.OTHER, "all:all"),
    ],
)
@pytest.mark.usefixtures("travel")
def test_opening_stops_what_it_is_about(world: World, kind: Kind, target: str) -> None:
    require_running(world.store.engine, [target])
    made = opened(world, kind, target)
    assert (made.stopped, made.withheld) == (target, None)
    with pytest.raises(Stopped):
        require_running(world.store.engine, [target])
    if target != "all:all":
        require_running(world.store.engine, ["user:ben", "provider:other"])


@pytest.mark.parametrize("kind", [Kind.WRONG_PERMISSION, Kind.INJECTED_DOCUMENT, Kind.OTHER])
@pytest.mark.parametrize("whole", ["coll:travel", ""])
def test_a_document_or_its_collection_is_withheld_from_everybody(
    world: World, travel: DocumentId, kind: Kind, whole: str
) -> None:
    other = world.document(world.collection("other"), "Text.")
    world.allow_everyone("coll:other")
    assert world.verdict(ANNA, travel)
    made = opened(world, kind, whole or travel)
    assert (made.stopped, made.withheld) == (None, whole or travel)
    assert not world.verdict(ANNA, travel)
    assert world.verdict(ANNA, other)
    require_running(world.store.engine, [ANNA])


@pytest.mark.parametrize(
    ("kind", "target", "error"),
    [
        (Kind.PROVIDER_BREACH, "user:anna", BadIncident),
        (Kind.PROVIDER_BREACH, "doc:x", BadIncident),
        (Kind.LEAKED_KEY, "doc:x", BadIncident),
        (Kind.INJECTED_DOCUMENT, "provider:acme", BadIncident),
        (Kind.OTHER, "group:finance", BadName),
        (Kind.OTHER, "everything", BadName),
    ],
)
def test_an_incident_is_about_what_its_kind_can_be_about(
    database: str, kind: Kind, target: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        parse_target(kind, target)
    assert [parse_target(one, "all") for one in TARGETS] == ["all:all"] * len(TARGETS)
    assert parse_target(Kind.LEAKED_KEY, "provider:acme") == "provider:acme"


@pytest.mark.parametrize("target", ["user:nobody", "doc:nobody", "coll:nobody"])
def test_nothing_is_opened_on_what_is_not_there(world: World, travel: DocumentId, target: str) -> None:
    with pytest.raises(UnknownName):
        opened(world, Kind.WRONG_PERMISSION, target)
    with snapshot(world.store.engine) as connection:
        assert all_incidents(connection) == []
        assert tasks_of(connection) == []


@pytest.mark.usefixtures("travel")
def test_an_incident_does_not_begin_in_the_future(world: World) -> None:
    with pytest.raises(BadIncident):
        opened(world, Kind.OTHER, "all:all", since=NOW + DAY)
    assert moment_of("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    assert moment_of("2026-11-20T08:30+02:00") == datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    with pytest.raises(BadIncident):
        moment_of("yesterday")


@pytest.mark.usefixtures("travel")
def test_a_record_that_cannot_be_read_keeps_nothing_from_being_stopped(world: World) -> None:
    with write(world.store.engine) as connection:
        put(connection, world.ledger, ADMIN, "provider", "odd", {"name": "odd"})
    made = opened(world, Kind.PROVIDER_BREACH, "provider:odd")
    assert [task.detail["whom"] for task in made.tasks] == ["the supervisory authority"]
    with pytest.raises(Stopped):
        require_running(world.store.engine, ["provider:odd"])


# --- Who is to be told --------------------------------------------------------------------------


@pytest.mark.usefixtures("travel")
def test_the_clock_begins_with_the_opening(world: World) -> None:
    provider(world)
    made = opened(world, Kind.PROVIDER_BREACH, "provider:acme")
    hours = [(task.kind, (task.due_at - made.incident.opened_at) / timedelta(hours=1)) for task in made.tasks]
    assert sorted(hours) == [("notify", 24), ("notify", 72), ("provider-purge", 72)]
    first = made.tasks[0]
    assert (first.detail["whom"], first.detail["how"]) == ("Desk of acme", "desk@acme.example")
    assert not first.overdue(made.incident.opened_at + timedelta(hours=24))
    assert first.overdue(made.incident.opened_at + timedelta(hours=24, seconds=1))
    done = finish(world.store.engine, world.ledger, ADMIN, first.id)
    assert not done.overdue(made.incident.opened_at + timedelta(days=9))


@pytest.mark.parametrize(("terms", "kinds"), [({"purge_right": False}, 0), ({"retention_days": 0}, 0), ({}, 1)])
@pytest.mark.usefixtures("travel")
def test_a_provider_is_asked_to_delete_where_it_keeps_and_must(world: World, terms: dict[str, Any], kinds: int) -> None:
    provider(world, **terms)
    made = opened(world, Kind.PROVIDER_BREACH, "provider:acme")
    assert [task.kind for task in made.tasks].count("provider-purge") == kinds
    if kinds:
        task = ask_for_purge(world.store.engine, world.ledger, ADMIN, "acme", NOW - DAY)
        assert round((task.due_at - task.made_at) / DAY) == 7
        assert f"from {NOW - DAY:%Y-%m-%d %H:%M}" in task.detail["what"]
    else:
        with pytest.raises(BadIncident):
            ask_for_purge(world.store.engine, world.ledger, ADMIN, "acme", NOW - DAY)
    with pytest.raises(NoSuchRecord):
        ask_for_purge(world.store.engine, world.ledger, ADMIN, "none", NOW - DAY)


def test_the_providers_that_a_document_was_sent_to_are_told_as_well(world: World, travel: DocumentId) -> None:
    provider(world)
    provider(world, "other")
    asked(world, ANNA, "1", documents=[travel])
    asked(world, ANNA, "2", documents=["doc:x"], provider="other")
    asked(world, ANNA, "3", documents=[travel], provider="gone")  # no record: nobody to tell by a contract
    made = opened(world, Kind.INJECTED_DOCUMENT, travel)
    assert {task.detail["whom"] for task in made.tasks} == {"Desk of acme", "the supervisory authority"}


# --- Who may, and what the trail has ------------------------------------------------------------


@pytest.mark.parametrize("by", [AUDITOR, ANNA, "user:nobody", "svc:other"])
@pytest.mark.usefixtures("travel")
def test_who_does_not_manage_the_whole_opens_and_closes_nothing(world: World, by: UserId) -> None:
    made = opened(world, Kind.OTHER, "user:ben")
    engine, ledger, id_ = world.store.engine, world.ledger, made.incident.id
    for attempt in (
        lambda: opened(world, Kind.OTHER, "user:anna", by=by),
        lambda: close_incident(engine, ledger, by, id_, "It was nothing"),
        lambda: finish(engine, ledger, by, made.tasks[0].id),
        lambda: ask_for_purge(engine, ledger, by, "acme", NOW),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    require_running(engine, ["user:anna"])
    assert len(trail(world, "policy.refused")) == 4
    with snapshot(engine) as connection:
        assert one_incident(connection, id_).closed_at is None


@pytest.mark.parametrize("by", [ADMIN, CONSOLE])
@pytest.mark.usefixtures("travel")
def test_an_incident_is_closed_once_with_a_reason_and_its_stops_stay(world: World, by: UserId) -> None:
    id_ = opened(world, Kind.OTHER, "user:ben", by=by).incident.id
    engine, ledger = world.store.engine, world.ledger
    with pytest.raises(BadIncident):
        close_incident(engine, ledger, by, id_, "  ")
    closed = close_incident(engine, ledger, by, id_, "It was nothing")
    assert (closed.closed_by, closed.closing) == (by, "It was nothing")
    with pytest.raises(NoSuchIncident):
        close_incident(engine, ledger, by, id_, "Again")
    with pytest.raises(Stopped):
        require_running(engine, [BEN])
    with snapshot(engine) as connection:
        assert all_incidents(connection) == []
        assert [one.id for one in all_incidents(connection, closed=True)] == [id_]


@pytest.mark.usefixtures("travel")
def test_a_task_is_done_once(world: World) -> None:
    made = opened(world, Kind.OTHER, "user:ben")
    finish(world.store.engine, world.ledger, ADMIN, made.tasks[0].id)
    for id_ in (made.tasks[0].id, "none"):
        with pytest.raises(NoSuchTask):
            finish(world.store.engine, world.ledger, ADMIN, id_)
    with snapshot(world.store.engine) as connection:
        assert tasks_of(connection) == []
        assert [task.done_by for task in tasks_of(connection, made.incident.name, done=True)] == [ADMIN]


@pytest.mark.usefixtures("travel")
def test_the_trail_names_nobody_and_holds_no_reason(world: World) -> None:
    provider(world)
    before = len(trail(world, "provider.changed"))
    made = opened(world, Kind.LEAKED_KEY, "user:anna")
    opened(world, Kind.PROVIDER_BREACH, "provider:acme")
    finish(world.store.engine, world.ledger, ADMIN, made.tasks[0].id)
    close_incident(world.store.engine, world.ledger, ADMIN, made.incident.id, "Ask Jane Doe")
    kinds = {"incident.opened": 2, "incident.closed": 1, "task.made": 4, "task.done": 1, "stop.made": 2}
    assert {kind: len(trail(world, kind)) for kind in kinds} == kinds
    shown = json.dumps([body for kind in kinds for body in trail(world, kind)])
    assert before == 1
    assert not [word for word in ("anna", "admin", "Jane", "Desk", "desk@") if word in shown]
    assert trail(world, "incident.opened")[0]["target"] == f"user:{world.ledger.pseudonym('user:anna')}"
