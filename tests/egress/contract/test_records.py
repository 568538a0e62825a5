from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from acl.admin.authority import Actor
from acl.admin.gate import CONSOLE
from acl.errors import NotAllowed, UnknownName
from acl.labels import Level
from acl.names import ROOT, UserId
from audit.ledger import records as trail
from egress.contract.records import ending, expire, listed, may_look, retire, save, shown, versions
from egress.contract.register import current, put
from egress.errors import BadRecord, NoSuchRecord, RecordMoved
from store import schema
from store.engine import snapshot, write
from tests.egress.contract.gates import application, provider

if TYPE_CHECKING:
    from tests.worlds import World

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ADA, ACME, PAGE, BEN = (UserId(f"user:{name}") for name in ("ada", "acme", "page", "ben"))
TODAY = date(2026, 11, 26)


@pytest.fixture
def house(world: World) -> World:
    """An administrator of the whole, one of provider:acme, one of app:page, somebody who is none."""
    for user in ("ada", "acme", "page", "ben", "olga"):
        world.user(user, groups=["finance"], clearance=Level.PUBLIC)
    world.allow(ADA, ROOT, "manage")
    world.allow(ACME, "provider:acme", "manage")
    world.allow(PAGE, "app:page", "manage")
    world.allow(CONSOLE, ROOT, "manage")
    return world


def keep(house: World, actor: UserId, record: Any, version: int | None = None) -> int:
    return save(house.store.engine, house.ledger, actor, record, version=version).registered.version


@pytest.mark.parametrize("actor", [ADA, ACME, CONSOLE])
def test_who_manages_a_provider_writes_it_and_every_version_stays(house: World, actor: UserId) -> None:
    assert keep(house, actor, provider(), 0) == 1
    assert keep(house, actor, provider(region="DE"), 1) == 2
    with snapshot(house.store.engine) as connection:
        seen = versions(Actor.of(connection, actor), "provider", "acme")
        assert [(one.version, one.record["region"], one.made_by) for one in seen] == [
            (1, "EU", actor),
            (2, "DE", actor),
        ]
        assert shown(Actor.of(connection, actor), "provider", "acme").version == 2
        last = list(trail(connection))[-1].body
    assert (last["kind"], last["changed"], last["version"]) == ("provider.changed", ["region"], 2)


@pytest.mark.parametrize("actor", [BEN, PAGE, UserId("user:ghost"), UserId("svc:other")])
def test_nobody_else_writes_or_sees_a_provider(house: World, actor: UserId) -> None:
    with pytest.raises(NotAllowed) as absent:
        keep(house, actor, provider())
    keep(house, ADA, provider())
    with pytest.raises(NotAllowed) as there:
        keep(house, actor, provider())
    assert str(absent.value) == str(there.value)
    with snapshot(house.store.engine) as connection:
        nobody = Actor.of(connection, actor)
        assert list(trail(connection))[-1].body["kind"] == "policy.refused"
        assert listed(nobody, "provider") == []
        for name in ("acme", "other"):
            with pytest.raises(NoSuchRecord):
                shown(nobody, "provider", name)
            with pytest.raises(NoSuchRecord):
                versions(nobody, "provider", name)
    with pytest.raises(NoSuchRecord):
        expire(house.store.engine, house.ledger, actor, "acme", "A breach", TODAY)


def test_a_list_holds_what_somebody_manages(house: World) -> None:
    for name in ("acme", "other"):
        keep(house, ADA, provider(name=name))
    with snapshot(house.store.engine) as connection:
        names = {who: [one.name for one in listed(Actor.of(connection, who), "provider")] for who in (ADA, ACME, PAGE)}
    assert names == {ADA: ["acme", "other"], ACME: ["acme"], PAGE: []}


@pytest.mark.parametrize("version", [0, 2, 7])
def test_what_somebody_else_has_changed_is_not_overwritten(house: World, version: int) -> None:
    keep(house, ADA, provider())
    with pytest.raises(RecordMoved):
        keep(house, ADA, provider(region="DE"), version)
    assert keep(house, ADA, provider(region="DE"), 1) == 2


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"provider": "none"}, BadRecord),
        ({"model": "tiny"}, BadRecord),
        ({"local": "acme"}, BadRecord),
        ({"local": "none"}, BadRecord),
        ({"local": "own", "local_model": "tiny"}, BadRecord),
        ({"local_model": "small"}, BadRecord),
        ({"owner": "user:ghost"}, UnknownName),
        ({"users": ["user:ghost"]}, UnknownName),
        ({"users": ["group:finance", "group:empty"]}, UnknownName),
    ],
)
def test_an_application_names_what_is_there(house: World, changed: dict[str, Any], error: type[Exception]) -> None:
    keep(house, ADA, provider())
    own = {"name": "own", "kind": "local", "base_url": "http://127.0.0.1:8000/v1", "hosts": ["127.0.0.1"]}
    keep(house, ADA, provider(**own, models=[{"name": "small"}]))
    with pytest.raises(error):
        keep(house, ADA, application(**changed))
    assert keep(house, ADA, application(local="own", local_model="small", model="large")) == 1


def test_who_manages_an_application_writes_it_and_no_other(house: World) -> None:
    keep(house, ADA, provider())
    assert keep(house, PAGE, application(name="page")) == 1
    with pytest.raises(NotAllowed):
        keep(house, PAGE, application(name="other"))


def test_an_ended_contract_says_why_and_what_it_said_before_is_kept(house: World) -> None:
    keep(house, ADA, provider())
    for empty in ("", " "):
        with pytest.raises(BadRecord):
            expire(house.store.engine, house.ledger, ACME, "acme", empty, TODAY)
    made = expire(house.store.engine, house.ledger, ACME, "acme", "A breach", TODAY)
    assert (made.registered.record["ends"], made.registered.record["note"]) == ("2026-11-25", "A breach")
    with snapshot(house.store.engine) as connection:
        assert versions(Actor.of(connection, ADA), "provider", "acme")[0].record["ends"] == "2027-11-30"
        assert "A breach" not in str([record.body for record in trail(connection)])


def test_an_application_is_retired(house: World) -> None:
    keep(house, ADA, provider())
    keep(house, ADA, application(name="page"))
    assert retire(house.store.engine, house.ledger, PAGE, "page", "Replaced").registered.record["retired"] is True
    with pytest.raises(NoSuchRecord):
        retire(house.store.engine, house.ledger, BEN, "page", "Mine now")


def test_a_provider_that_leaves_an_application_without_its_model_says_so(house: World) -> None:
    keep(house, ADA, provider(models=[{"name": "large"}, {"name": "small"}]))
    keep(house, ADA, application(model="small"))
    with write(house.store.engine) as connection:
        put(connection, house.ledger, ADA, "app", "broken", {"no": "application"})
    saved = save(house.store.engine, house.ledger, ADA, provider())
    assert saved.warnings == ("app:http names the model small, which acme has no longer",)


def test_the_gate_is_looked_at_by_who_manages_or_audits(house: World) -> None:
    house.user("carla")
    house.allow("user:carla", ROOT, "audit")
    with snapshot(house.store.engine) as connection:
        seen = {
            who for who in (ADA, PAGE, BEN, ACME, UserId("user:carla")) if may_look(Actor.of(connection, who), "page")
        }
    assert seen == {ADA, PAGE, "user:carla"}


def test_what_ends_is_told_of_every_provider(house: World) -> None:
    keep(house, ADA, provider())
    keep(house, ADA, provider(name="old", ends="2026-11-25"))
    keep(house, ADA, provider(name="soon", ends="2026-12-03"))
    with write(house.store.engine) as connection:
        put(connection, house.ledger, ADA, "provider", "broken", {"no": "provider"})
        assert ending(connection, TODAY) == (
            "broken: its record cannot be read, so nothing goes there",
            "old: the contract ended on 2026-11-25",
            "soon: urgent: the contract ends on 2026-12-03, in 7 days",
        )
        connection.execute(update(schema.registered).values(record='{"record":[]}'))
        assert len(ending(connection, TODAY)) == 4


def test_of_several_who_write_the_same_version_at_once_one_wins(house: World) -> None:
    keep(house, ADA, provider())
    begin = threading.Barrier(4)

    def write_it(region: str) -> int | None:
        begin.wait(30)
        try:
            return keep(house, ADA, provider(region=region), 1)
        except RecordMoved:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(write_it, ("DE", "FR", "AT", "NL")))
    assert sorted(made, key=str) == [2, None, None, None]
    with snapshot(house.store.engine) as connection:
        assert len(versions(Actor.of(connection, ADA), "provider", "acme")) == 2


def test_a_version_that_cannot_be_read_is_no_record(house: World) -> None:
    keep(house, ADA, provider())
    with write(house.store.engine) as connection:
        connection.execute(update(schema.registered).values(record="{}"))
        with pytest.raises(BadRecord):
            current(connection, "provider", "acme")
