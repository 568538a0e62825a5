"""Who is shown what of a policy, and how a list is read page by page."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from acl.admin.authority import Actor
from acl.insight import listing
from acl.insight.listing import Membership, NodeLine, Page, UserLine
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import ROOT, NodeId, Obj, Subject, UserId
from store.engine import snapshot
from store.schema import casbin_rule, node
from tests.acl.small_worlds import USERS, settle, small_worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.deciders.oracle import SmallWorld
    from store.folder import Store
    from tests.worlds import World

ADMIN, LEAD, ANNA = (UserId(f"user:{name}") for name in ("admin", "lead", "anna"))
RESTRICTED = Label(Level.RESTRICTED)


@contextmanager
def acting(store: Store, user: str) -> Iterator[Actor]:
    with snapshot(store.engine) as connection:
        yield Actor.of(connection, UserId(user))


def every(list_: Callable[..., Page[Any, Any]], actor: Actor, limit: int = 100, **options: Any) -> list[Any]:
    """Read all pages of a list, one after the other."""
    items: list[Any] = []
    after: dict[str, Any] = {}
    while True:
        page = list_(actor, limit=limit, **after, **options)
        items += page.items
        assert len(page.items) <= limit
        if page.next is None:
            return items
        assert page.items
        after = {"after": page.next}


def shown(store: Store, user: str, **options: Any) -> list[str]:
    with acting(store, user) as actor:
        return [str(line.rule) for line in every(listing.rules, actor, **options)]


@pytest.fixture
def office(world: World) -> dict[str, NodeId]:
    """An administrator, a lead who manages one collection and a folder of another, and Anna, who reads."""
    world.user("admin")
    world.user("lead", groups=["staff"])
    world.user("anna", groups=["staff", "buyers"], full_name="Anna Berg", email="anna@company.example", phone="5550100")
    world.nest("buyers", "trade")
    open_, pay = world.collection("open"), world.collection("pay", RESTRICTED)
    wages = world.folder(pay, "wages", Label(Level.PUBLIC, frozenset({Compartment("gdpr")})))
    places = {"open": open_, "pay": pay, "wages": wages, "bonus": world.folder(wages, "bonus", inherit=False)}
    places["cellar"] = world.folder(open_, "cellar")
    world.allow(ADMIN, ROOT, "manage")
    world.allow(LEAD, open_, "manage")
    world.allow(LEAD, wages, "manage")
    world.allow("group:staff", open_, "read")
    world.allow("group:staff", pay, "read")
    world.allow(ANNA, wages, "read")
    world.allow(ANNA, places["bonus"], "read")
    return places


# --- rules --------------------------------------------------------------------------------------


def test_an_administrator_of_the_whole_sees_every_rule(store: Store, office: dict[str, NodeId]) -> None:
    with snapshot(store.engine) as connection:
        rows = connection.execute(select(casbin_rule).where(casbin_rule.c.ptype == "p").order_by(casbin_rule.c.id))
        stored = [f"{row.v0}, {row.v1}, {row.v2}, {row.v3}" for row in rows]
    assert len(stored) == 7
    assert shown(store, ADMIN) == stored


def test_who_manages_places_sees_the_rules_on_them_and_no_others(store: Store, office: dict[str, NodeId]) -> None:
    assert shown(store, LEAD) == [
        "user:lead, coll:open, manage, allow",
        f"user:lead, {office['wages']}, manage, allow",
        "group:staff, coll:open, read, allow",
        f"user:anna, {office['wages']}, read, allow",
    ]


def test_rules_on_documents_and_owners_go_by_the_place(world: World, store: Store, office: dict[str, NodeId]) -> None:
    mine, paper = world.document(office["cellar"], "A paper."), world.document(office["pay"], "A pay slip.")
    hers = world.document(office["pay"], "Her own.", owner=LEAD)
    for place in (mine, paper, hers):
        world.allow(ANNA, place, "read")
    before = shown(store, LEAD, subject=ANNA)
    assert f"user:anna, {mine}, read, allow" in before
    assert f"user:anna, {hers}, read, allow" not in before
    world.allow(LEAD, "owner:lead", "*")
    after = shown(store, LEAD, subject=ANNA)
    assert f"user:anna, {hers}, read, allow" in after
    assert not [line for line in (*before, *after) if paper in line]


@pytest.mark.parametrize("user", [ANNA, "user:nobody", "svc:importer"])
def test_everybody_else_sees_an_empty_policy(store: Store, office: dict[str, NodeId], user: str) -> None:
    """AZ-18: nothing tells it from a policy without rules, people or places."""
    with acting(store, user) as actor:
        pages = [
            listing.rules(actor),
            listing.rules(actor, subject=Subject(ANNA)),
            listing.rules(actor, obj=Obj("coll:open")),
            listing.users(actor),
            listing.groups(actor),
            listing.nodes(actor),
            listing.nodes(actor, parent=office["open"]),
        ]
    assert pages == [Page((), None)] * len(pages)


def test_rules_are_found_by_subject_and_object(store: Store, office: dict[str, NodeId]) -> None:
    assert shown(store, ADMIN, subject="group:staff") == [
        "group:staff, coll:open, read, allow",
        "group:staff, coll:pay, read, allow",
    ]
    assert shown(store, ADMIN, subject="group:staff", obj="coll:pay") == ["group:staff, coll:pay, read, allow"]
    assert shown(store, LEAD, obj="coll:pay") == []
    assert shown(store, LEAD, obj="coll:open") == [
        "user:lead, coll:open, manage, allow",
        "group:staff, coll:open, read, allow",
    ]


@pytest.mark.parametrize("user", [ADMIN, LEAD])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7])
def test_pages_put_together_are_the_list(store: Store, office: dict[str, NodeId], user: str, limit: int) -> None:
    assert shown(store, user, limit=limit) == shown(store, user)
    with acting(store, user) as actor:
        for list_ in (listing.users, listing.groups, listing.nodes):
            assert every(list_, actor, limit) == every(list_, actor)


def test_a_long_list_is_read_to_its_end(
    world: World, store: Store, office: dict[str, NodeId], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are read some at a time, whatever the page holds."""
    monkeypatch.setattr(listing, "_AT_ONCE", 2)
    for number in range(7):
        world.allow(f"group:g{number}", office["pay"], "read")
    world.allow("group:last", office["open"], "read")
    assert shown(store, LEAD)[-1] == "group:last, coll:open, read, allow"
    assert len(shown(store, ADMIN)) == 15


def test_a_manager_on_whom_a_deny_lies_sees_nothing_there(
    world: World, store: Store, office: dict[str, NodeId]
) -> None:
    world.deny("group:staff", office["open"], "manage")
    assert shown(store, LEAD, obj=office["open"]) == []
    assert shown(store, LEAD, obj=office["wages"])


# --- people and groups --------------------------------------------------------------------------


def test_people_and_groups_are_for_administrators_of_the_whole(store: Store, office: dict[str, NodeId]) -> None:
    with acting(store, ADMIN) as actor:
        people = every(listing.users, actor)
        memberships = every(listing.groups, actor)
        trade = every(listing.groups, actor, group=Subject("group:trade"))
    assert [line.user for line in people] == [ADMIN, ANNA, LEAD]
    assert people[1] == UserLine(
        ANNA, "Anna Berg", "anna@company.example", "5550100", active=True, clearance=Label(Level.INTERNAL)
    )
    assert {(line.member, line.group) for line in memberships} == {
        ("user:lead", "group:staff"), ("user:anna", "group:staff"), ("user:anna", "group:buyers"),
        ("group:buyers", "group:trade"),
    }  # fmt: skip
    assert trade == [Membership(trade[0].number, Subject("group:buyers"), Subject("group:trade"))]
    with acting(store, LEAD) as actor:
        assert (listing.users(actor), listing.groups(actor)) == (Page((), None), Page((), None))


def test_a_person_is_shown_with_his_compartments_and_whether_he_is_in(world: World, store: Store) -> None:
    world.user("admin")
    world.allow(ADMIN, ROOT, "manage")
    gone = world.user("gone", clearance=Level.RESTRICTED, compartments=["gdpr", "trade-secret.x"])
    world.deactivate(gone)
    with acting(store, ADMIN) as actor:
        line = listing.users(actor, after=ADMIN).items[0]
    assert (line.active, str(line.clearance)) == (False, "restricted+gdpr+trade-secret.x")


# --- collections and folders --------------------------------------------------------------------


def places(store: Store, user: str, **options: Any) -> list[NodeId]:
    with acting(store, user) as actor:
        return [line.node for line in every(listing.nodes, actor, **options)]


def test_an_administrator_walks_down_from_the_collections(store: Store, office: dict[str, NodeId]) -> None:
    assert places(store, ADMIN) == ["coll:open", "coll:pay"]
    assert places(store, ADMIN, parent=office["pay"]) == [office["wages"]]
    assert places(store, ADMIN, parent=office["bonus"]) == []
    assert places(store, ADMIN, parent="coll:absent") == []


def test_a_place_is_shown_with_the_label_that_holds_there(store: Store, office: dict[str, NodeId]) -> None:
    with acting(store, ADMIN) as actor:
        (wages,) = listing.nodes(actor, parent=office["pay"]).items
        (bonus,) = listing.nodes(actor, parent=office["wages"]).items
    gdpr = frozenset({Compartment("gdpr")})
    effective = Label(Level.RESTRICTED, gdpr)
    assert wages == NodeLine(
        office["wages"], office["pay"], "wages", Label(Level.PUBLIC, gdpr), effective, inherits=True
    )
    assert bonus == NodeLine(office["bonus"], office["wages"], "bonus", PUBLIC, effective, inherits=False)


def test_who_manages_places_begins_at_his_own(store: Store, office: dict[str, NodeId]) -> None:
    assert places(store, LEAD) == sorted([office["open"], office["wages"]])
    assert places(store, LEAD, parent=office["open"]) == [office["cellar"]]
    assert places(store, LEAD, parent=office["wages"]) == []  # the folder in it lets no rule from above in
    with acting(store, LEAD) as actor:
        wages = next(line for line in listing.nodes(actor).items if line.node == office["wages"])
    assert wages.parent is None, "it lies in a collection that is not his"


def test_a_place_of_others_is_like_one_that_is_not_there(store: Store, office: dict[str, NodeId]) -> None:
    """AZ-03."""
    with acting(store, LEAD) as actor:
        assert listing.nodes(actor, parent=office["pay"]) == listing.nodes(actor, parent=NodeId("coll:absent"))
        assert listing.rules(actor, obj=Obj("coll:pay")) == listing.rules(actor, obj=Obj("coll:absent"))


# --- any policy at all --------------------------------------------------------------------------


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(small=small_worlds())
def test_what_is_shown_is_what_the_decision_says_of_each_place(world: World, small: SmallWorld) -> None:
    settle(small, world.store)
    with snapshot(world.store.engine) as connection:
        rows = connection.execute(
            select(casbin_rule).where(casbin_rule.c.ptype == "p").order_by(casbin_rule.c.id)
        ).all()
        parents = {row.id: row.parent_id for row in connection.execute(select(node))}
        for user in USERS:
            actor = Actor.of(connection, UserId(user))
            whole = bool(actor.manages(ROOT))
            mine = {name for name in {*parents, *(row.v1 for row in rows)} if actor.manages(name)}
            assert actor.managed({*parents, *(row.v1 for row in rows)}) == mine
            shown = parents.keys() if whole else mine
            assert [line.number for line in every(listing.rules, actor, 2)] == [
                row.id for row in rows if whole or row.v1 in mine
            ]
            tops = [name for name, parent in sorted(parents.items()) if name in shown and parent not in shown]
            assert [line.node for line in every(listing.nodes, actor, 2)] == tops
            for place in shown & parents.keys():
                below = sorted(name for name in shown if parents.get(name) == place)
                assert [line.node for line in every(listing.nodes, actor, 2, parent=NodeId(place))] == below
