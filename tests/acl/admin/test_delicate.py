"""What waits for a second person, and who that may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from acl.admin.approvals import waiting
from acl.admin.edits import (
    AddCollection,
    AddUser,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    OpenBreakGlass,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
)
from acl.admin.gate import CONSOLE, Done, Waiting, epoch_of
from acl.admin.second import approval_for, approvals_for, approve, may_decide, reject
from acl.errors import NoSuchApproval, NotAllowed
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import NodeId, Obj, Subject, UserId
from store import schema
from store.engine import snapshot, write
from tests.acl.changes import GDPR

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store
    from tests.worlds import World

from tests.acl.admin.office import (
    ADMIN,
    ANNA,
    ANYBODY,
    LEAD,
    OPEN,
    PAY,
    RESTRICTED,
    SECOND,
    STORE,
    Make,
    kinds,
    rule,
    unrule,
)

# --- a second person ----------------------------------------------------------------------------


def delicate(office: dict[str, Any]) -> dict[str, Edit]:
    return {
        "a rule": rule("group:buyers", PAY),
        "a rule on its label": rule("group:buyers", "label:restricted"),
        "a rule on a compartment": rule("group:buyers", "label:gdpr"),
        "a rule on everything": rule("group:buyers", "root:all"),
        "a lifted deny": unrule(ANYBODY, PAY, effect="deny"),
        "a membership": JoinGroup(Subject(ANYBODY), Subject("group:payroll")),
        "a membership further down": JoinGroup(Subject(ANYBODY), Subject("group:below")),
        "a way out of a deny": LeaveGroup(Subject(ANYBODY), Subject("group:barred")),
        "a clearance": SetClearance(UserId(ANYBODY), RESTRICTED),
        "a compartment": SetClearance(UserId(ANYBODY), Label(Level.PUBLIC, frozenset({GDPR}))),
        "a new user": AddUser(UserId("user:new"), "New One", clearance=RESTRICTED),
        "a user let in again": SetActive(UserId("user:old"), active=True),
        "a lowered label": SetLabel(PAY, PUBLIC),
        "a label without compartments": SetLabel(office["case"], PUBLIC),
        "a move": MoveFolder(office["vault"], OPEN),
        "a move of what lies above": MoveFolder(office["hall"], STORE),
        "a document": MoveDocument(office["secret"], OPEN),
        "an owner": SetOwner(office["secret"], ANNA),
        "inheritance": SetInheritance(PAY, inherit=False),
    }


@pytest.fixture
def vaults(world: World, office: dict[str, Any]) -> dict[str, Any]:
    office["vault"] = world.folder(office["pay"], "vault")
    office["hall"] = world.folder(office["open"], "hall")
    office["case"] = world.folder(office["hall"], "case", Label(Level.PUBLIC, frozenset({GDPR})))
    office["secret"] = world.document(office["vault"], "A secret.")
    world.user("old", clearance=Level.RESTRICTED)
    world.deactivate(UserId("user:old"))
    world.deny("group:barred", PAY)
    world.deny(ANYBODY, PAY)
    world.nest("below", "payroll")
    with write(world.store.engine) as connection:
        connection.execute(schema.casbin_rule.insert().values(ptype="g", v0=ANYBODY, v1="group:barred", v2="", v3=""))
    return office


@pytest.mark.parametrize("name", list(delicate(dict.fromkeys(("case", "vault", "hall", "secret"), "x"))))
def test_what_lets_somebody_at_what_is_restricted_needs_two(
    store: Store, ledger: Ledger, vaults: dict[str, Any], make: Make, name: str
) -> None:
    before = epoch_of(store.engine)
    made = make(ADMIN, delicate(vaults)[name], reason="The auditors ask for it.")
    assert isinstance(made, Waiting)
    assert made.reasons
    assert epoch_of(store.engine) == before
    with snapshot(store.engine) as connection:
        (asked,) = waiting(connection)
    assert (asked.id, asked.asked_by, asked.reason) == (made.approval, ADMIN, "The auditors ask for it.")
    done = approve(store.engine, ledger, SECOND, made.approval)
    assert done.came == {"epoch": before + 1}
    with snapshot(store.engine) as connection:
        assert waiting(connection) == []


def test_what_tightens_is_never_held_up(vaults: dict[str, Any], make: Make) -> None:
    for edit in (
        rule(ANYBODY, PAY, "*", effect="deny"),
        unrule("group:payroll", PAY),
        SetLabel(vaults["hall"], RESTRICTED),
        SetLabel(PAY, Label(Level.RESTRICTED, frozenset({GDPR, Compartment("pci")}))),
        SetClearance(UserId("user:old"), PUBLIC),
        SetActive(UserId("user:old"), active=False),
        LeaveGroup(Subject("group:payroll"), Subject("group:people")),
    ):
        assert isinstance(make(ADMIN, edit), Done)


def test_a_place_that_the_same_edits_make_needs_nobody_else(office: dict[str, Any], make: Make) -> None:
    """It is empty: what comes in later comes in under this label, to these readers."""
    new = NodeId("coll:cases")
    assert isinstance(make(ADMIN, AddCollection(new, "Cases", RESTRICTED), rule("group:buyers", new)), Done)
    assert isinstance(make(ADMIN, rule("group:others", new)), Waiting)


def test_what_is_moved_into_a_place_that_the_same_edits_make_needs_two(vaults: dict[str, Any], make: Make) -> None:
    """A leak once: the new place was taken for what the edit opens."""
    new = NodeId("coll:new")
    for move in (MoveFolder(vaults["vault"], new), MoveDocument(vaults["secret"], new)):
        assert isinstance(make(ADMIN, AddCollection(new, "New", PUBLIC), move), Waiting)


def test_only_a_person_who_might_have_made_it_agrees(
    store: Store, ledger: Ledger, vaults: dict[str, Any], make: Make
) -> None:
    made = make(ADMIN, rule("group:buyers", PAY))
    assert isinstance(made, Waiting)
    for approver, error in (
        (ADMIN, NoSuchApproval),
        (LEAD, NoSuchApproval),
        (UserId("user:ghost"), NoSuchApproval),
        (CONSOLE, NotAllowed),
    ):
        with pytest.raises(error):
            approve(store.engine, ledger, approver, made.approval)
        assert kinds(store)[-1] == "policy.refused"
    with pytest.raises(NoSuchApproval):
        reject(store.engine, ledger, LEAD, made.approval)
    assert kinds(store)[-1] == "policy.refused"
    with pytest.raises(NoSuchApproval):
        approve(store.engine, ledger, SECOND, "00000000-0000-4000-8000-000000000000")
    assert approve(store.engine, ledger, SECOND, made.approval).asked.id == made.approval


def test_what_waits_is_known_to_who_asked_and_who_may_decide(store: Store, vaults: dict[str, Any], make: Make) -> None:
    """AZ-03: to everybody else it is like an id under which there is nothing."""
    pay, hers = make(ADMIN, rule("group:buyers", PAY)), make(ANNA, OpenBreakGlass(ANNA, Obj(OPEN), 30))
    assert isinstance(pay, Waiting)
    assert isinstance(hers, Waiting)
    known = {
        ADMIN: [pay.approval, hers.approval],
        SECOND: [pay.approval, hers.approval],
        LEAD: [hers.approval],
        ANNA: [hers.approval],
        UserId("user:bert"): [],
        UserId("user:ghost"): [],
    }
    words = set()
    with snapshot(store.engine) as connection:
        for user, ids in known.items():
            assert [asked.id for asked in approvals_for(connection, user)] == ids
            for id_ in {pay.approval, hers.approval, "00000000-0000-4000-8000-000000000000"} - set(ids):
                with pytest.raises(NoSuchApproval) as error:
                    approval_for(connection, user, id_)
                words.add(str(error.value))
            assert [approval_for(connection, user, id_).id for id_ in ids] == ids
        assert [may_decide(connection, user, approval_for(connection, ANNA, hers.approval)) for user in known] == [
            True, True, True, False, False, False,
        ]  # fmt: skip
    assert len(words) == 1


def test_what_waits_says_why_it_takes_two(store: Store, vaults: dict[str, Any], make: Make) -> None:
    made = make(ADMIN, rule("group:buyers", PAY), reason="The audit of the year.")
    assert isinstance(made, Waiting)
    with snapshot(store.engine) as connection:
        asked = approval_for(connection, SECOND, made.approval)
    assert (asked.reason, asked.reasons) == ("The audit of the year.", ("it lets somebody at coll:pay",))
    assert (asked.reasons, asked.expires_at) == (made.reasons, made.expires_at)


def test_an_approval_works_once(store: Store, ledger: Ledger, vaults: dict[str, Any], make: Make) -> None:
    made, refused = make(ADMIN, rule("group:buyers", PAY)), make(ADMIN, rule("group:sellers", PAY))
    assert isinstance(made, Waiting)
    assert isinstance(refused, Waiting)
    approve(store.engine, ledger, SECOND, made.approval)
    reject(store.engine, ledger, SECOND, refused.approval)
    for id_ in (made.approval, refused.approval):
        with pytest.raises(NoSuchApproval):
            approve(store.engine, ledger, SECOND, id_)
    with snapshot(store.engine) as connection:
        subjects = set(connection.scalars(select(schema.casbin_rule.c.v0).where(schema.casbin_rule.c.v1 == PAY)))
    assert "group:buyers" in subjects
    assert "group:sellers" not in subjects


@pytest.mark.parametrize(
    "values",
    [
        {"expires_at": datetime.now(UTC) - timedelta(seconds=1)},
        {"payload": '{"asked":[{"op":"add-rule","subject":"user:bert","object":"root:all","action":"*"}]}'},
    ],
    ids=["expired", "changed"],
)
def test_an_approval_that_expired_or_was_changed_is_none(
    store: Store, ledger: Ledger, vaults: dict[str, Any], make: Make, values: dict[str, Any]
) -> None:
    """What is approved is what was seen."""
    made = make(ADMIN, rule("group:buyers", PAY))
    assert isinstance(made, Waiting)
    with write(store.engine) as connection:
        connection.execute(update(schema.approval).values(values))
    with pytest.raises(NoSuchApproval):
        approve(store.engine, ledger, SECOND, made.approval)
    with snapshot(store.engine) as connection:
        assert waiting(connection) == []


def test_who_may_no_longer_ask_is_not_approved(
    store: Store, ledger: Ledger, world: World, vaults: dict[str, Any], make: Make
) -> None:
    made = make(ADMIN, rule("group:buyers", PAY))
    assert isinstance(made, Waiting)
    world.deactivate(ADMIN)
    with pytest.raises(NotAllowed):
        approve(store.engine, ledger, SECOND, made.approval)
    with snapshot(store.engine) as connection:
        assert [asked.id for asked in waiting(connection)] == [made.approval]
