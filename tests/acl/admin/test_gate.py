"""Who may change the policy: with as many lines of who may not as of who may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from sqlalchemy import select, update

from acl.admin.approvals import waiting
from acl.admin.authority import administrators
from acl.admin.breakglass import open_accesses
from acl.admin.edits import (
    AddCollection,
    AddFolder,
    AddRule,
    AddUser,
    DescribeUser,
    Edit,
    EndBreakGlass,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    OpenBreakGlass,
    RemoveRule,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
    edits_of,
)
from acl.admin.gate import (
    CONSOLE,
    Done,
    Waiting,
    administer,
    approval_for,
    approvals_for,
    approve,
    epoch_of,
    may_decide,
    reject,
)
from acl.errors import BadEdit, NobodyLeft, NoSuchApproval, NotAllowed, PolicyError, PolicyMoved, UnknownName
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, Subject, UserId
from audit.ledger import records, verify
from store import schema
from store.engine import snapshot, write
from tests.acl.changes import GDPR, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.ledger import Ledger
    from store.folder import Store
    from tests.worlds import World

Make: TypeAlias = "Callable[..., Done | Waiting]"

ADMIN, SECOND, LEAD, MANAGER, ANNA = (UserId(f"user:{name}") for name in ("admin", "second", "lead", "manager", "anna"))
OPEN, PAY, STORE = NodeId("coll:open"), NodeId("coll:pay"), NodeId("coll:store")
RESTRICTED = Label(Level.RESTRICTED)


@pytest.fixture
def office(world: World) -> dict[str, Any]:
    """Two administrators of the whole, a lead who holds everything on one collection, a manager who reads nothing."""
    for name in ("admin", "second", "lead", "manager", "anna", "bert", "carl"):
        world.user(name, groups=["staff"], clearance=Level.CONFIDENTIAL)
    for name in (ADMIN, SECOND):
        world.allow(name, "root:all", "manage")
    office: dict[str, Any] = {"open": world.collection("open"), "pay": world.collection("pay", RESTRICTED)}
    office["store"] = world.collection("store")
    office["cellar"] = world.folder(office["open"], "cellar")
    office["attic"] = world.folder(office["store"], "attic")
    office["paper"] = world.document(office["cellar"], "A paper.")
    world.allow(LEAD, OPEN, "*")
    world.allow(MANAGER, OPEN, "manage")
    world.allow(MANAGER, "coll:store", "manage")
    world.allow(ANNA, OPEN, "share")
    world.allow(ANNA, OPEN, "read")
    world.allow("group:payroll", PAY, "read")
    world.nest("payroll", "people")
    return office


@pytest.fixture
def make(store: Store, ledger: Ledger) -> Make:
    return lambda actor, *edits, **options: administer(store.engine, ledger, actor, edits, **options)


def rule(subject: str, obj: str, action: str = "read", effect: Any = "allow") -> AddRule:
    return AddRule(Subject(subject), Obj(obj), action, effect)


def unrule(subject: str, obj: str, action: str = "read", effect: Any = "allow") -> RemoveRule:
    return RemoveRule(Subject(subject), Obj(obj), action, effect)


def kinds(store: Store) -> list[Any]:
    with snapshot(store.engine) as connection:
        return [record.body["kind"] for record in records(connection)]


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


ANYBODY = "user:bert"
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
    assert isinstance(approve(store.engine, ledger, SECOND, made.approval), Done)
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
    assert done == Done(before + 1)
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
    assert isinstance(approve(store.engine, ledger, SECOND, made.approval), Done)


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


# --- emergency access ---------------------------------------------------------------------------


def test_emergency_access_is_asked_for_agreed_to_and_ends(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bert, paper = UserId("user:bert"), office["paper"]
    made = make(bert, OpenBreakGlass(bert, Obj(OPEN), 30), reason="The boiler is on fire.")
    assert isinstance(made, Waiting)
    assert not world.verdict(bert, paper)
    for approver in (bert, ANNA):
        with pytest.raises((NoSuchApproval, NotAllowed)):
            approve(store.engine, ledger, approver, made.approval)
    approve(store.engine, ledger, SECOND, made.approval)
    assert world.verdict(bert, paper)
    assert not world.verdict(bert, paper, "write")
    assert kinds(store)[-2:] == ["break-glass.opened", "policy.changed"]
    assert "emergency access opened on coll:open" in caplog.text
    with snapshot(store.engine) as connection:
        (opened,) = open_accesses(connection, bert)
    assert isinstance(make(bert, EndBreakGlass(opened.id)), Done)
    assert not world.verdict(bert, paper)


def test_emergency_access_ends_by_itself(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    bert = UserId("user:bert")
    made = make(bert, OpenBreakGlass(bert, Obj(OPEN), 1))
    assert isinstance(made, Waiting)
    approve(store.engine, ledger, ADMIN, made.approval)
    assert world.verdict(bert, office["paper"])
    with write(store.engine) as connection:
        connection.execute(update(schema.break_glass).values(ends_at=datetime.now(UTC)))
    assert not world.verdict(bert, office["paper"])
    with pytest.raises(NotAllowed):
        make(ANNA, EndBreakGlass("none"))
    again = make(bert, OpenBreakGlass(bert, Obj(STORE), 1))
    assert isinstance(again, Waiting)
    approve(store.engine, ledger, ADMIN, again.approval)
    with snapshot(store.engine) as connection:
        roles = connection.scalars(select(schema.casbin_rule.c.v0).where(schema.casbin_rule.c.v0.like("role:%"))).all()
    assert len(roles) == 1  # the rule of the one that ended is gone


def test_who_gets_emergency_access_is_never_the_second_person(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    """An administrator who asks for somebody needs another administrator, not the one whom he asks for."""
    bert = UserId("user:bert")
    made = make(ADMIN, OpenBreakGlass(bert, Obj(OPEN), 30))
    assert isinstance(made, Waiting)
    for decide in (approve, reject):
        with pytest.raises(NoSuchApproval):
            decide(store.engine, ledger, bert, made.approval)
    assert not world.verdict(bert, office["paper"])
    approve(store.engine, ledger, SECOND, made.approval)
    assert world.verdict(bert, office["paper"])


def test_asking_for_emergency_access_does_not_tell_whether_a_place_is_there(
    store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    """AZ-03: what is not there waits as well, and whoever may decide finds out."""
    bert = UserId("user:bert")
    there, absent = (make(bert, OpenBreakGlass(bert, Obj(place), 30)) for place in (PAY, "coll:absent"))
    assert isinstance(there, Waiting)
    assert isinstance(absent, Waiting)
    assert there.reasons[0].replace(PAY, "coll:absent") == absent.reasons[0]
    with pytest.raises(UnknownName):
        approve(store.engine, ledger, SECOND, absent.approval)
    with pytest.raises(UnknownName):
        make(ADMIN, OpenBreakGlass(bert, Obj("coll:absent"), 30))


def test_emergency_access_gives_way_to_denies_and_labels(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    bert = UserId("user:bert")
    pay = world.document(office["pay"], "What Bert is not cleared for.")
    world.deny(bert, office["cellar"])
    made = make(bert, OpenBreakGlass(bert, Obj(OPEN), 30), OpenBreakGlass(bert, Obj(PAY), 30))
    assert isinstance(made, Waiting)
    approve(store.engine, ledger, ADMIN, made.approval)
    assert not world.verdict(bert, office["paper"])
    assert not world.verdict(bert, pay)


@pytest.mark.parametrize("minutes", [0, -5, 24 * 60 + 1])
def test_emergency_access_has_an_end_within_a_day(office: dict[str, Any], make: Make, minutes: int) -> None:
    with pytest.raises(BadEdit):
        make(ADMIN, OpenBreakGlass(UserId("user:bert"), Obj(OPEN), minutes))


def test_nobody_asks_for_emergency_access_for_others_or_as_nobody(office: dict[str, Any], make: Make) -> None:
    for actor in (ANNA, UserId("user:ghost")):
        with pytest.raises(NotAllowed):
            make(actor, OpenBreakGlass(UserId("user:bert"), Obj(OPEN), 5))
    with pytest.raises(NotAllowed):
        make(UserId("user:ghost"), OpenBreakGlass(UserId("user:ghost"), Obj(OPEN), 5))
