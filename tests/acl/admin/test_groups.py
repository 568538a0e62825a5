"""People, the groups they are in, and groups in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, insert, select

from acl.admin.groups import MAX_NESTING, join_group
from acl.admin.people import Person, add_user
from acl.decision import Deny, Permit
from acl.errors import AlreadyThere, BadName, NestingTooDeep, UnknownName
from acl.labels import Level
from acl.names import EVERYONE, UserId
from acl.read import who_of
from store.engine import snapshot, write
from store.schema import casbin_rule
from tests.acl.changes import GDPR, Open, tables

if TYPE_CHECKING:
    from acl.admin.change import Change
    from store.folder import Store
    from tests.worlds import World


def test_a_new_user_is_active_and_may_read_nothing(store: Store, change: Open) -> None:
    anna = Person(
        UserId("user:anna"), "Anna Ash", "a@ash.example", "+44 20 7946 0001", Level.RESTRICTED, frozenset({GDPR})
    )
    with change() as c:
        add_user(c, anna)
    with snapshot(store.engine) as connection:
        who = who_of(connection, anna.id)
        assert connection.scalar(select(func.count()).select_from(casbin_rule)) == 0
    assert who.principals == {"user:anna", EVERYONE}
    assert who.clearance is Level.RESTRICTED
    assert who.compartments == {GDPR}


@pytest.mark.parametrize(
    "name", ["anna", "user:", "group:anna", "role:everyone", "svc:x", "user:a b", "user:*", "user:a,b"]
)
def test_a_user_needs_a_user_name(store: Store, change: Open, name: str) -> None:
    before = tables(store.engine)
    with pytest.raises(BadName), change() as c:
        add_user(c, Person(UserId(name), "Anna"))
    assert tables(store.engine) == before


def test_a_user_is_not_made_twice(store: Store, change: Open) -> None:
    """A second making could raise a clearance unseen."""
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
    before = tables(store.engine)
    with pytest.raises(AlreadyThere, match="user:anna"), change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna", clearance=Level.RESTRICTED))
    assert tables(store.engine) == before


@pytest.mark.parametrize(
    ("member", "group"),
    [
        ("user:anna", "user:bert"),
        ("user:anna", "role:everyone"),
        ("user:anna", "role:admin"),
        ("user:anna", "finance"),
        ("user:anna", "group:"),
        ("user:anna", "group:a,b"),
        ("role:everyone", "group:finance"),
        ("svc:x", "group:finance"),
        ("doc:1", "group:finance"),
        ("*", "group:finance"),
        ("", "group:finance"),
    ],
)
def test_users_and_groups_join_groups_and_nothing_joins_anything_else(change: Open, member: str, group: str) -> None:
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
        join_group(c, "user:anna", "group:finance")
        join_group(c, "group:finance", "group:staff")
    with pytest.raises(BadName), change() as c:
        join_group(c, member, group)


def test_who_is_not_there_joins_no_group(change: Open) -> None:
    with pytest.raises(UnknownName, match="user:anna"), change() as c:
        join_group(c, "user:anna", "group:finance")


def chain(c: Change, length: int) -> None:
    """Nest groups 1 in 2 in 3 …, with user:anna in group 1: `length` memberships in all."""
    add_user(c, Person(UserId("user:anna"), "Anna"))
    join_group(c, "user:anna", "group:1")
    for number in range(1, length):
        join_group(c, f"group:{number}", f"group:{number + 1}")


def test_groups_nest_thirty_two_deep_and_a_deny_up_there_holds(world: World, change: Open) -> None:
    """Casbin's own role manager stops at ten, and loses it."""
    with change() as c:
        chain(c, MAX_NESTING)
    anna = UserId("user:anna")
    doc = world.document(world.collection("a"), "text")
    world.allow(anna)
    assert isinstance(world.verdict(anna, doc), Permit)
    world.deny("group:32", doc)
    assert world.verdict(anna, doc) == Deny(f"denied by group:32, {doc}, read, deny")


@pytest.mark.parametrize("depth", [1, 2, 9, 10, 11, 31, 32])
def test_a_grant_holds_at_every_depth(world: World, change: Open, depth: int) -> None:
    with change() as c:
        chain(c, MAX_NESTING)
    doc = world.document(world.collection("a"), "text")
    world.allow(f"group:{depth}", doc)
    assert world.verdict(UserId("user:anna"), doc)


def test_a_thirty_third_level_is_refused_wherever_it_is_put_in(store: Store, change: Open) -> None:
    with change() as c:
        chain(c, MAX_NESTING)
        add_user(c, Person(UserId("user:bert"), "Bert"))
        join_group(c, "user:bert", "group:0")
    before = tables(store.engine)
    for member, group in (("group:32", "group:33"), ("group:0", "group:1"), ("group:9", "group:8")):
        with pytest.raises(NestingTooDeep, match="32"), change() as c:
            join_group(c, member, group)
        assert tables(store.engine) == before
    with change() as c:  # a short cut makes nothing deeper
        join_group(c, "group:3", "group:9")
        join_group(c, "user:bert", "group:1")


def test_two_chains_are_not_joined_to_one_that_is_too_long(store: Store, change: Open) -> None:
    with change() as c:
        for number in range(16):
            join_group(c, f"group:low{number}", f"group:low{number + 1}")
            join_group(c, f"group:high{number}", f"group:high{number + 1}")
    with pytest.raises(NestingTooDeep), change() as c:
        join_group(c, "group:low16", "group:high0")
    with change() as c:
        join_group(c, "group:low15", "group:high0")


@pytest.mark.parametrize(("member", "group"), [("group:1", "group:1"), ("group:2", "group:1"), ("group:4", "group:1")])
def test_groups_make_no_circle(store: Store, change: Open, member: str, group: str) -> None:
    """AZ-20."""
    with change() as c:
        chain(c, 4)
    before = tables(store.engine)
    with pytest.raises(NestingTooDeep, match="circle"), change() as c:
        join_group(c, member, group)
    assert tables(store.engine) == before


def test_a_caller_who_goes_on_after_a_refusal_leaves_no_circle_behind(store: Store, change: Open) -> None:
    """It was written first and checked then: an import that passed over the error committed it."""
    with change() as c:
        chain(c, 2)
        with pytest.raises(NestingTooDeep):
            join_group(c, "group:2", "group:1")
    with snapshot(store.engine) as connection:
        memberships = connection.execute(select(casbin_rule.c.v0, casbin_rule.c.v1)).all()
    assert sorted(map(tuple, memberships)) == [("group:1", "group:2"), ("user:anna", "group:1")]


def test_a_circle_written_behind_our_back_lets_nobody_join_it(store: Store, change: Open) -> None:
    with write(store.engine) as connection:
        for member, group in (("group:a", "group:b"), ("group:b", "group:a")):
            connection.execute(insert(casbin_rule).values(ptype="g", v0=member, v1=group))
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
    with pytest.raises(NestingTooDeep), change() as c:
        join_group(c, "user:anna", "group:a")


def test_a_large_group_can_be_nested(store: Store, change: Open) -> None:
    """Its members went into one statement once, and a database takes only so many values."""
    rows = [{"ptype": "g", "v0": f"user:{number}", "v1": "group:staff"} for number in range(40_000)]
    with write(store.engine) as connection:
        connection.execute(insert(casbin_rule), rows)
    with change() as c:
        join_group(c, "group:staff", "group:all")
    with snapshot(store.engine) as connection:
        assert connection.scalar(select(casbin_rule.c.v1).where(casbin_rule.c.v0 == "group:staff")) == "group:all"
