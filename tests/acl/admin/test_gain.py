"""Nobody raises himself alone, by no way around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acl.admin.edits import (
    AddCollection,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
)
from acl.admin.gate import Done, Waiting
from acl.admin.second import approve
from acl.errors import NoSuchApproval
from acl.labels import PUBLIC, Label, Level
from acl.names import NodeId, Subject
from audit.ledger import verify
from store import schema
from store.engine import write
from tests.acl.changes import GDPR, tables

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store
    from tests.worlds import World

from tests.acl.admin.office import ADMIN, ANNA, OPEN, RESTRICTED, SECOND, STORE, Make, kinds, rule, unrule

# --- nobody raises himself ----------------------------------------------------------------------


def self_raises(office: dict[str, Any]) -> dict[str, list[Edit]]:
    return {
        "a rule": [rule(ADMIN, OPEN)],
        "a rule on a group of his": [rule("group:staff", OPEN)],
        "a rule for everybody": [rule("role:everyone", OPEN)],
        "another action": [rule(ADMIN, OPEN, "write")],
        "what he is not cleared for yet": [rule(ADMIN, office["closed"])],
        "his own documents": [rule(ADMIN, "owner:admin", "*")],
        "a group": [JoinGroup(Subject(ADMIN), Subject("group:readers"))],
        "a group above his": [JoinGroup(Subject("group:staff"), Subject("group:readers"))],
        "two steps": [
            JoinGroup(Subject("group:x"), Subject("group:readers")),
            JoinGroup(Subject(ADMIN), Subject("group:x")),
        ],
        "a clearance": [SetClearance(ADMIN, RESTRICTED)],
        "a compartment": [SetClearance(ADMIN, Label(Level.CONFIDENTIAL, frozenset({GDPR})))],
        "a deny on him": [unrule(ADMIN, STORE, effect="deny")],
        "out of a denied group": [LeaveGroup(Subject(ADMIN), Subject("group:denied"))],
        "a move to where he reads": [MoveFolder(office["cellar"], STORE)],
        "a document to where he reads": [MoveDocument(office["paper"], STORE)],
        "a restored inheritance": [SetInheritance(office["attic"], inherit=True)],
        "a lowered label": [SetLabel(office["locked"], PUBLIC)],
        "ownership": [SetOwner(office["paper"], ADMIN)],
        "one after another": [AddCollection(NodeId("coll:n"), "N", PUBLIC), rule(ADMIN, "coll:n")],
    }


@pytest.mark.parametrize("way", list(self_raises(dict.fromkeys(("cellar", "paper", "attic", "locked", "closed"), "x"))))
def test_nobody_raises_himself_alone(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make, way: str
) -> None:
    """An administrator may let others in, and himself nowhere, by no way around."""
    world.allow("group:readers", OPEN)
    world.allow(ADMIN, STORE)
    world.allow(ADMIN, "owner:admin", "read")
    world.user("fred", groups=["denied"])
    world.nest("x", "y")
    if "deny" in way:
        world.deny(ADMIN, STORE)
    if "denied" in way:
        with write(store.engine) as connection:
            connection.execute(schema.casbin_rule.insert().values(ptype="g", v0=ADMIN, v1="group:denied", v2="", v3=""))
        world.deny("group:denied", STORE)
    office["locked"] = world.folder(STORE, "locked", Label(Level.RESTRICTED))
    office["closed"] = world.folder(office["open"], "closed", Label(Level.RESTRICTED))
    if "inheritance" in way:
        make(SECOND, SetInheritance(office["attic"], inherit=False))
    edits = self_raises(office)[way]
    before = tables(store.engine)
    made = make(ADMIN, *edits)
    assert isinstance(made, Waiting)
    after = tables(store.engine)
    unchanged = set(before) - {"approval", "audit_record", "audit_head"}
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert kinds(store)[-1] == "policy.asked"
    with pytest.raises(NoSuchApproval):
        approve(store.engine, ledger, ADMIN, made.approval)
    assert approve(store.engine, ledger, SECOND, made.approval).asked.id == made.approval
    assert verify(store.engine).records


def test_what_gives_the_actor_nothing_needs_nobody_else(world: World, office: dict[str, Any], make: Make) -> None:
    """The twin of the test above: the same kinds of edits, where he has it already or another gets it."""
    world.allow(ADMIN, OPEN)
    for edit in (
        rule(ADMIN, office["cellar"]),
        JoinGroup(Subject(ANNA), Subject("group:readers")),
        MoveFolder(office["cellar"], STORE),
        rule(ADMIN, OPEN, effect="deny"),
        SetClearance(ADMIN, PUBLIC),
    ):
        assert isinstance(make(ADMIN, edit), Done)
