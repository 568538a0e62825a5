"""All or nothing, at one epoch, and somebody is left to administer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from acl.admin.authority import administrators
from acl.admin.edits import (
    AddCollection,
    AddUser,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveFolder,
    SetActive,
    SetLabel,
    SetOwner,
    edits_of,
)
from acl.admin.gate import (
    CONSOLE,
    Done,
    Waiting,
    epoch_of,
)
from acl.errors import BadEdit, NobodyLeft, NotAllowed, PolicyError, PolicyMoved
from acl.labels import PUBLIC
from acl.names import DocumentId, NodeId, Subject, UserId
from store.engine import snapshot
from tests.acl.changes import tables

if TYPE_CHECKING:
    from store.folder import Store
    from tests.worlds import World

from tests.acl.admin.office import ADMIN, ANNA, OPEN, RESTRICTED, SECOND, STORE, Make, rule, unrule

# --- somebody must be left ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        SetActive(ADMIN, active=False),
        unrule(ADMIN, "root:all", "manage"),
        rule(ADMIN, "root:all", "manage", "deny"),
        rule("role:everyone", "root:all", "*", "deny"),
    ],
    ids=["disabled", "withdrawn", "denied", "denied to all"],
)
@pytest.mark.usefixtures("office")
def test_the_last_administrator_cannot_be_removed(store: Store, make: Make, edit: Edit) -> None:
    last = unrule(SECOND, "root:all", "manage")
    assert isinstance(make(ADMIN, last), Done)
    before = tables(store.engine)
    with pytest.raises(NobodyLeft):
        make(ADMIN, edit)
    assert tables(store.engine) == before


@pytest.mark.usefixtures("office")
def test_one_of_two_administrators_can_be_removed(store: Store, make: Make) -> None:
    assert isinstance(make(ADMIN, SetActive(SECOND, active=False)), Done)
    with snapshot(store.engine) as connection:
        assert administrators(connection) == {ADMIN}


def test_an_administrator_by_a_group_however_deep_counts(world: World, store: Store) -> None:
    world.user("deep", groups=["g0"])
    for number in range(12):
        world.nest(f"g{number}", f"g{number + 1}")
    world.allow("group:g12", "root:all", "*")
    with snapshot(store.engine) as connection:
        assert administrators(connection) == {UserId("user:deep")}


# --- the console --------------------------------------------------------------------------------


def test_the_console_sets_up_alone_and_no_longer_once_there_are_administrators(world: World, make: Make) -> None:
    with pytest.raises(NotAllowed):
        make(CONSOLE, AddUser(ADMIN, "Ada Min"))
    world.allow(CONSOLE, "root:all", "manage")
    new = NodeId("coll:pay")
    assert isinstance(make(CONSOLE, AddUser(ADMIN, "Ada Min"), AddCollection(new, "Pay", RESTRICTED)), Done)
    assert isinstance(make(CONSOLE, rule("group:x", new)), Done)
    assert isinstance(make(CONSOLE, rule(ADMIN, "root:all", "manage")), Done)
    assert isinstance(make(CONSOLE, rule("group:y", new)), Waiting)
    assert isinstance(make(CONSOLE, AddUser(ANNA, "Anna Berg")), Done)


def test_the_console_can_be_shut(world: World, make: Make) -> None:
    world.user("admin")
    world.allow(ADMIN, "root:all", "manage")
    world.allow(CONSOLE, "root:all", "manage")
    assert isinstance(make(ADMIN, unrule(CONSOLE, "root:all", "manage")), Done)
    with pytest.raises(NotAllowed):
        make(CONSOLE, AddUser(ANNA, "Anna Berg"))


# --- all or nothing, and at one epoch -----------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        AddUser(ADMIN, "Twice"),
        rule("user:ghost", OPEN),
        rule("group:x", OPEN, "Read"),
        replace(rule("group:x", OPEN), effect="Deny"),  # type: ignore[arg-type]  # what a caller might send
        rule("group:x y", OPEN),
        JoinGroup(Subject("group:a"), Subject("group:a")),
        LeaveGroup(Subject("group:a"), Subject("group:none")),
        unrule("group:x", OPEN),
        MoveFolder(NodeId("folder:none"), OPEN),
        MoveFolder(OPEN, STORE),
        SetLabel(DocumentId("doc:none"), PUBLIC),
        SetOwner(DocumentId("doc:none"), ANNA),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("office")
def test_one_wrong_edit_undoes_all(store: Store, make: Make, wrong: Edit) -> None:
    before = tables(store.engine)
    with pytest.raises(PolicyError):
        make(ADMIN, AddUser(UserId("user:dora"), "Dora Ohm"), wrong)
    assert tables(store.engine) == before


@pytest.mark.usefixtures("office")
def test_who_saw_an_older_policy_changes_nothing(store: Store, make: Make) -> None:
    seen = epoch_of(store.engine)
    assert make(ADMIN, AddUser(UserId("user:dora"), "Dora Ohm"), epoch=seen) == Done(seen + 1)
    with pytest.raises(PolicyMoved):
        make(SECOND, AddUser(UserId("user:emil"), "Emil"), epoch=seen)
    assert epoch_of(store.engine) == seen + 1


@pytest.mark.parametrize("name", ["Dora\0Ohm", "Dora \ud800 Ohm"])
def test_what_no_database_can_keep_is_no_text(name: str) -> None:
    with pytest.raises(BadEdit, match="edit 2: add-user: a text holds what is no character"):
        edits_of(
            [
                {"op": "add-user", "user": "user:a", "name": "Dora Öhm"},
                {"op": "add-user", "user": "user:b", "name": name},
            ]
        )


@pytest.mark.usefixtures("office")
def test_too_many_edits_are_refused(make: Make) -> None:
    with pytest.raises(BadEdit):
        make(ADMIN, *[rule("group:x", OPEN)] * 100_001)
