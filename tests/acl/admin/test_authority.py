"""Who may make which edit: with as many lines of who may not as of who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from acl.admin.edits import (
    AddCollection,
    AddFolder,
    AddUser,
    DescribeUser,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
)
from acl.admin.gate import (
    Done,
    epoch_of,
)
from acl.errors import NotAllowed, UnknownName
from acl.labels import PUBLIC, Label, Level
from acl.names import NodeId, Subject, UserId
from store import schema
from store.engine import snapshot

if TYPE_CHECKING:
    from store.folder import Store
    from tests.worlds import World

from tests.acl.admin.office import ADMIN, ANNA, ANYBODY, LEAD, MANAGER, OPEN, SECOND, STORE, Make, kinds, rule, unrule

# --- the administrator of the whole -------------------------------------------------------------


def test_an_administrator_changes_everything_and_hears_the_epoch(
    store: Store, office: dict[str, Any], make: Make
) -> None:
    folder = NodeId("folder:new")
    before = epoch_of(store.engine)
    done = make(
        ADMIN,
        AddUser(UserId("user:dora"), "Dora Ohm"),
        DescribeUser(UserId("user:dora"), "Dora Ohm", "dora@example.org"),
        JoinGroup(Subject("user:dora"), Subject("group:buyers")),
        AddCollection(NodeId("coll:new"), "New", PUBLIC),
        AddFolder(folder, NodeId("coll:new"), "inside"),
        rule("group:buyers", "coll:new"),
        rule("user:bert", "coll:new", effect="deny"),
        MoveFolder(folder, OPEN),
        SetInheritance(folder, inherit=False),
        SetLabel(folder, Label(Level.INTERNAL)),
        SetOwner(office["paper"], ANNA),
        MoveDocument(office["paper"], folder),
        SetClearance(UserId("user:dora"), Label(Level.INTERNAL)),
        LeaveGroup(Subject("user:dora"), Subject("group:buyers")),
        SetActive(UserId("user:dora"), active=False),
        unrule("group:buyers", "coll:new"),
    )
    assert done == Done(before + 1)
    assert epoch_of(store.engine) == before + 1
    with snapshot(store.engine) as connection:
        row = connection.execute(select(schema.document).where(schema.document.c.id == office["paper"])).one()
        dora = connection.execute(select(schema.users).where(schema.users.c.id == "user:dora")).one()
    assert (row.node_id, row.owner) == (folder, ANNA)
    assert (dora.active, dora.email) == (False, "dora@example.org")


FOR_THE_ADMINISTRATOR = [
    AddUser(UserId("user:dora"), "Dora Ohm"),
    DescribeUser(UserId("user:bert"), "Bert B"),
    SetActive(UserId("user:bert"), active=False),
    SetClearance(UserId("user:bert"), PUBLIC),
    JoinGroup(Subject(ANYBODY), Subject("group:buyers")),
    LeaveGroup(Subject(ANYBODY), Subject("group:staff")),
    AddCollection(NodeId("coll:new"), "New", PUBLIC),
    rule(ANYBODY, "label:internal"),
    rule(ANYBODY, "owner:anna"),
    rule(ANYBODY, "root:all", effect="deny"),
    rule(ANYBODY, "provider:p", "send"),
]


@pytest.mark.parametrize("edit", FOR_THE_ADMINISTRATOR, ids=lambda edit: type(edit).__name__)
@pytest.mark.parametrize("actor", [LEAD, MANAGER, ANNA, UserId("user:bert"), UserId("user:ghost"), UserId("svc:other")])
@pytest.mark.usefixtures("office")
def test_what_is_the_administrators_is_nobody_elses(store: Store, make: Make, edit: Edit, actor: UserId) -> None:
    before = epoch_of(store.engine)
    with pytest.raises(NotAllowed):
        make(actor, edit)
    assert epoch_of(store.engine) == before
    assert kinds(store)[-1] == "policy.refused"
    assert isinstance(make(ADMIN, edit), Done)


@pytest.mark.usefixtures("office")
def test_an_administrator_who_is_disabled_or_denied_is_none(world: World, make: Make) -> None:
    world.deactivate(ADMIN)
    world.deny(SECOND, "root:all", "manage")
    for actor in (ADMIN, SECOND):
        with pytest.raises(NotAllowed):
            make(actor, AddUser(UserId("user:dora"), "Dora Ohm"))


# --- who manages a part -------------------------------------------------------------------------


def edits_on(office: dict[str, Any]) -> dict[str, Edit]:
    return {
        "grant read": rule(ANYBODY, OPEN),
        "grant everything": rule(ANYBODY, OPEN, "*"),
        "grant below": rule(ANYBODY, office["cellar"]),
        "grant on a document": rule(ANYBODY, office["paper"]),
        "deny": rule(ANYBODY, OPEN, effect="deny"),
        "folder": AddFolder(NodeId("folder:new"), office["cellar"], "new"),
        "raise a label": SetLabel(office["cellar"], Label(Level.CONFIDENTIAL)),
        "lower a label": SetLabel(OPEN, PUBLIC),
        "cut": SetInheritance(office["cellar"], inherit=False),
        "owner": SetOwner(office["paper"], UserId("user:bert")),
        "move within": MoveDocument(office["paper"], OPEN),
        "move out": MoveFolder(office["cellar"], office["attic"]),
        "grant elsewhere": rule(ANYBODY, STORE),
        "withdraw a grant": unrule(ANNA, OPEN),
        "withdraw a deny": unrule("user:carl", OPEN, effect="deny"),
    }


MAY = {
    LEAD: {
        *("grant read", "grant everything", "grant below", "grant on a document", "deny", "folder", "raise a label"),
        *("lower a label", "cut", "owner", "move within", "withdraw a grant", "withdraw a deny"),
    },
    MANAGER: {"deny", "folder", "raise a label", "lower a label", "withdraw a grant"},
    ANNA: {"grant read", "grant below", "grant on a document"},
    UserId("user:bert"): set[str](),
}


@pytest.mark.parametrize("actor", MAY)
@pytest.mark.parametrize("name", list(edits_on({"cellar": "x", "paper": "x", "attic": "x"})))
def test_a_delegate_gives_what_he_holds_where_he_manages(
    world: World, office: dict[str, Any], make: Make, actor: UserId, name: str
) -> None:
    """A manager who may not read can close things and not open them; one who shares can do nothing but share."""
    world.deny("user:carl", OPEN)
    edit = edits_on(office)[name]
    if name in MAY[actor] - {"lower a label"} or (name == "lower a label" and actor == LEAD):
        assert isinstance(make(actor, edit), Done)
    elif name == "lower a label" and actor == MANAGER:
        assert isinstance(make(actor, edit), Done)  # public it is already: nothing is lowered
    else:
        with pytest.raises(NotAllowed):
            make(actor, edit)


def test_a_label_is_lowered_by_those_alone_who_may_read_what_it_covers(
    world: World, office: dict[str, Any], make: Make
) -> None:
    assert isinstance(make(ADMIN, SetLabel(office["cellar"], Label(Level.CONFIDENTIAL))), Done)
    with pytest.raises(NotAllowed):
        make(MANAGER, SetLabel(office["cellar"], PUBLIC))
    assert isinstance(make(LEAD, SetLabel(office["cellar"], PUBLIC)), Done)
    assert world.verdict(LEAD, office["paper"])


def test_what_is_not_there_and_what_is_not_yours_are_refused_in_the_same_words(
    office: dict[str, Any], make: Make
) -> None:
    """AZ-03."""
    told = set()
    for place in (NodeId("folder:none"), office["attic"]):
        with pytest.raises(NotAllowed) as refused:
            make(LEAD, SetInheritance(place, inherit=False))
        told.add(str(refused.value))
    assert len(told) == 1


def test_a_rule_on_what_is_not_there_is_refused_to_the_administrator(office: dict[str, Any], make: Make) -> None:
    with pytest.raises(UnknownName, match="coll:opn"):
        make(ADMIN, rule(ANYBODY, "coll:opn"))
