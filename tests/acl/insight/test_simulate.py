"""What a simulation says is what the decider says before and after; and nothing of it remains."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from acl.admin.change import policy_change
from acl.admin.edits import (
    AddCollection,
    AddFolder,
    AddRule,
    AddUser,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveFolder,
    RemoveRule,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    apply,
)
from acl.decision import Deny, Rule, What, decider
from acl.errors import PolicyError, UnknownName
from acl.insight.places import Part
from acl.insight.simulate import Line, Why, faults, simulate
from acl.insight.simulated import to_json, to_lines
from acl.labels import PUBLIC, Label, Level
from acl.names import Action, DocumentId, NodeId, Obj, Subject, UserId
from acl.read import nodes_at, rules_of, whats_of, who_of
from audit.ledger import Ledger
from store.engine import snapshot
from store.folder import create, open_store
from store.schema import casbin_rule, document, node, users
from tests.acl.changes import GDPR, tables
from tests.acl.small_edits import edits, sensible
from tests.acl.small_worlds import broad_grants, settle, small_worlds
from tests.worlds import ADMIN, World, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from bench.deciders.oracle import SmallWorld
    from store.folder import Store

ACTIONS = get_args(Action)
ANNA, BERT = UserId("user:anna"), UserId("user:bert")
STAFF, ALL = Subject("group:staff"), Subject("group:all")
SECRET = Label(Level.CONFIDENTIAL, frozenset({GDPR}))
Reach = tuple[str, str, str]  # person, action, place


# --- one by one -----------------------------------------------------------------------------------


def places(connection: Connection) -> dict[str, What]:
    """Give every collection, folder and live document as a decision sees it."""
    nodes = [NodeId(id_) for id_ in connection.scalars(select(node.c.id))]
    found = {str(id_): what for id_, what in nodes_at(connection, nodes).items()}
    live = [DocumentId(id_) for id_ in connection.scalars(select(document.c.id).where(document.c.state == "live"))]
    return found | {str(id_): what for id_, what in whats_of(connection, live).items()}


def verdicts(store: Store) -> dict[Reach, Any]:
    """Decide on everything, one enforcer for each person and action."""
    found: dict[Reach, Any] = {}
    with snapshot(store.engine) as connection:
        whats = places(connection)
        for user in [*connection.scalars(select(users.c.id)).all(), UserId("svc:x")]:
            who = who_of(connection, user)
            for action in ACTIONS:
                decide = decider(who, action, rules_of(connection, who, action))
                for place, what in whats.items():
                    seen = What(what.scopes, PUBLIC, live=True) if action in ("manage", "share") else what
                    found[user, action, place] = decide(seen)
    return found


def above(store: Store) -> dict[str, tuple[str, ...]]:
    """Give every place with itself and all that it lies in."""
    with snapshot(store.engine) as connection:
        return {name: (name, *what.path) for name, what in places(connection).items()}


def memberships(store: Store) -> set[tuple[str, str]]:
    with snapshot(store.engine) as connection:
        lines = select(casbin_rule.c.v0, casbin_rule.c.v1).where(casbin_rule.c.ptype == "g")
        return {(member, group) for member, group in connection.execute(lines)}


def spread(part: Part, lies_in: dict[str, tuple[str, ...]]) -> list[str]:
    """Name the places that a part of a line is about."""
    if not part.whole:
        return [part.place]
    but = [place for excepted in part.but for place in spread(excepted, lies_in)]
    return [place for place, path in lies_in.items() if part.place in path and place not in but]


def told(lines: tuple[Line, ...], lies_in: dict[str, tuple[str, ...]]) -> dict[Reach, Why]:
    """Give what lines say, one by one. No two may say the same."""
    found: dict[Reach, Why] = {}
    for line in lines:
        on = spread(line.on, lies_in)
        assert len(on) == line.on.places
        for reach in ((user, action, place) for user in line.users for action in line.actions for place in on):
            assert reach not in found
            found[reach] = line.why
    return found


# --- random worlds --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    layout = create(tmp_path_factory.mktemp("arena") / "data", embedder="hash_embed@1")
    store = open_store(layout, "file:master.key", owner=True)
    hurry(store)
    yield store
    store.engine.dispose()


@st.composite
def worlds_and_edits(draw: st.DrawFn) -> tuple[SmallWorld, list[Edit]]:
    small = draw(small_worlds())
    # Most is open to most, so that there is something to lose.
    opened = draw(st.lists(st.just(("role:everyone", "root:all", "read", "allow")) | broad_grants, max_size=3))
    small = dataclasses.replace(small, rules=(*small.rules, *opened))
    away = sensible(small.members, small.rules)
    return small, draw(st.lists(edits() | st.sampled_from(away), min_size=1, max_size=6))


def make(store: Store, these: list[Edit]) -> PolicyError | None:
    try:
        with policy_change(store.engine, Ledger(store.engine, store.keys.audit), ADMIN) as change:
            for edit in these:
                apply(change, edit)
    except PolicyError as error:
        return error
    return None


OBSTACLES = {"the user is unknown": {"not active"}, "not cleared": {"clearance", "label"}, "no rule": {"no rule"}}


def why_of(verdict: Any) -> set[str]:
    """Give the obstacles that agree with what the decision says; of a place that was not there, the rest."""
    if verdict is None:
        return {"no rule", "not active"}
    assert isinstance(verdict, Deny)
    return next((why for words, why in OBSTACLES.items() if verdict.reason.startswith(words)), {"denied"})


def test_a_simulation_says_what_the_decider_says_before_and_after(arena: Store) -> None:
    seen = Counter[str]()

    @settings(max_examples=120)
    @given(worlds_and_edits())
    def run(drawn: tuple[SmallWorld, list[Edit]]) -> None:
        small, these = drawn
        settle(small, arena)
        before, lay_in, were_in, untouched = verdicts(arena), above(arena), memberships(arena), tables(arena.engine)
        wrong = dict(faults(arena.engine, these, most=20))
        if wrong:
            with pytest.raises(PolicyError) as raised:
                simulate(arena.engine, these)
            first = wrong[min(wrong)]
            assert (raised.type, str(raised.value)) == (type(first), str(first))
            these = [edit for number, edit in enumerate(these) if number not in wrong]
            seen["wrong"] += 1
        difference = simulate(arena.engine, these)
        assert tables(arena.engine) == untouched
        assert make(arena, these) is None
        after, lie_in, are_in = verdicts(arena), above(arena), memberships(arena)
        sides = [
            (difference.gained, before, after, lie_in, are_in, were_in),
            (difference.lost, after, before, lay_in, were_in, are_in),
        ]
        for lines, worse, better, lies_in, at_best, at_worst in sides:
            said = told(lines, lies_in)
            assert said.keys() == {reach for reach, verdict in better.items() if verdict and not worse.get(reach)}
            for reach, why in said.items():
                assert why.obstacle in why_of(worse.get(reach))
                way = (reach[0], *why.through)
                steps = {step for step in itertools.pairwise(way) if not step[1].startswith("role:")}
                assert steps <= (at_worst if why.obstacle == "denied" else at_best)
                assert why.rule is None or why.rule.subject == way[-1]
                seen["gained" if lines is difference.gained else "lost"] += 1

    run()
    # A simulation of nothing would agree with worlds in which nothing changes.
    assert min(seen["gained"], seen["lost"], seen["wrong"]) > 10, seen


# --- what a line is -------------------------------------------------------------------------------


def test_a_gain_on_a_whole_collection_is_one_line_however_much_lies_in_it(world: World) -> None:
    a = world.collection("a")
    folder = world.folder(a, "f")
    for number in range(30):
        world.document((a, folder)[number % 2], "text")
    world.user("anna", groups=["staff"])
    world.user("bert", groups=["staff"])
    world.user("carl")
    world.nest("staff", "all")
    difference = simulate(world.store.engine, [AddRule(ALL, Obj(a), "read")])
    assert difference.lost == ()
    (line,) = difference.gained
    assert line == Line((ANNA, BERT), ("read",), Part(a, whole=True, places=32), line.why)
    assert line.why == Why("no rule", Rule(ALL, Obj(a), "read", "allow"), (STAFF, ALL))
    assert to_lines(difference) == [
        (
            "user:anna, user:bert gain read on coll:a and all that lies in it (32 places): "
            "now allowed by group:all, coll:a, read, allow, through group:staff -> group:all"
        )
    ]


def test_what_is_excepted_stands_in_the_line(world: World) -> None:
    a = world.collection("a")
    closed = world.folder(a, "closed", Label(Level.RESTRICTED))
    world.document(closed, "text")
    secret = world.document(a, "text", label=Label(Level.RESTRICTED))
    for _ in range(5):
        world.document(a, "text")
    world.user("anna")
    (line,) = simulate(world.store.engine, [AddRule(Subject(ANNA), Obj(a), "read")]).gained
    excepted = {Part(secret, whole=True), Part(closed, whole=True, places=2)}
    assert (line.on.place, line.on.whole, set(line.on.but), line.on.places) == (a, True, excepted, 6)


def test_one_document_is_named_by_its_id(world: World) -> None:
    a = world.collection("a")
    doc, _ = world.document(a, "text", title="Wages"), world.document(a, "text")
    world.user("anna")
    difference = simulate(world.store.engine, [AddRule(Subject(ANNA), Obj(doc), "*")], ["read", "write"])
    assert to_lines(difference) == [f"user:anna gains read, write on {doc}: now allowed by user:anna, {doc}, *, allow"]
    assert to_json(difference)["gained"] == [
        {
            "users": ["user:anna"],
            "actions": ["read", "write"],
            "place": doc,
            "whole": True,
            "but": [],
            "places": 1,
            "why": {"obstacle": "no-rule", "rule": f"user:anna, {doc}, *, allow", "through": []},
        }
    ]


@pytest.fixture
def office(world: World) -> World:
    """Anna may read coll:a, by her group; there is a document in a folder of it."""
    world.user("anna", groups=["staff"])
    a = world.collection("a")
    world.document(world.folder(a, "f"), "text")
    world.allow("group:staff", a)
    return world


def changed(world: World, *these: Edit) -> list[list[tuple[str, str]]]:
    """Give what is gained and lost, as obstacle and rule."""
    difference = simulate(world.store.engine, these, ["read"])
    sides = (difference.gained, difference.lost)
    return [[(str(line.why.obstacle), str(line.why.rule or "")) for line in side] for side in sides]


ALLOWED = "group:staff, coll:a, read, allow"
DENIED = "group:staff, root:all, read, deny"
DENY = AddRule(STAFF, Obj("root:all"), "read", "deny")


@pytest.mark.parametrize(
    ("before", "edit", "gained", "lost"),
    [
        ([], DENY, [], [("denied", DENIED)]),
        ([DENY], RemoveRule(STAFF, Obj("root:all"), "read", "deny"), [("denied", DENIED)], []),
        ([], RemoveRule(STAFF, Obj("coll:a"), "read"), [], [("no rule", ALLOWED)]),
        ([], LeaveGroup(Subject(ANNA), STAFF), [], [("no rule", ALLOWED)]),
        ([LeaveGroup(Subject(ANNA), STAFF)], JoinGroup(Subject(ANNA), STAFF), [("no rule", ALLOWED)], []),
        ([], SetActive(ANNA, active=False), [], [("not active", "")]),
        ([SetActive(ANNA, active=False)], SetActive(ANNA, active=True), [("not active", "")], []),
        ([], SetLabel(NodeId("coll:a"), SECRET), [], [("label", "")]),
        ([SetLabel(NodeId("coll:a"), SECRET)], SetLabel(NodeId("coll:a"), PUBLIC), [("label", "")], []),
        ([SetLabel(NodeId("coll:a"), SECRET)], SetClearance(ANNA, SECRET), [("clearance", "")], []),
        ([SetLabel(NodeId("coll:a"), Label(Level.INTERNAL))], SetClearance(ANNA, PUBLIC), [], [("clearance", "")]),
        ([], SetInheritance(NodeId("coll:a"), inherit=False), [], []),
        ([], AddRule(STAFF, Obj("coll:a"), "*"), [], []),
        ([], AddRule(Subject("group:none"), Obj("coll:a"), "read"), [], []),
    ],
)
def test_a_line_says_what_stands_in_the_way(
    office: World, before: list[Edit], edit: Edit, gained: list[Any], lost: list[Any]
) -> None:
    assert make(office.store, before) is None
    assert changed(office, edit) == [gained, lost]


def test_a_folder_that_is_moved_is_lost_by_the_rule_that_reached_it_and_gained_by_the_one_that_does(
    office: World,
) -> None:
    b = office.collection("b")
    office.user("bert")
    office.allow("user:bert", b)
    (folder,) = [name for name in above(office.store) if name.startswith("folder:")]
    difference = simulate(office.store.engine, [MoveFolder(NodeId(folder), b)], ["read"])
    assert [line.on for line in (*difference.gained, *difference.lost)] == [
        Part(NodeId(folder), whole=True, places=2)
    ] * 2
    assert [line.users for line in (*difference.gained, *difference.lost)] == [(BERT,), (ANNA,)]
    assert str(difference.lost[0].why.rule) == ALLOWED
    assert to_lines(simulate(office.store.engine, [])) == ["nobody gains or loses anything"]


def test_what_edits_make_themselves_is_in_it(world: World) -> None:
    difference = simulate(
        world.store.engine,
        [
            AddUser(ANNA, "Anna"),
            AddCollection(NodeId("coll:a"), "A", PUBLIC),
            AddFolder(NodeId("folder:f"), NodeId("coll:a"), "f"),
            AddRule(Subject("role:everyone"), Obj("coll:a"), "read"),
        ],
    )
    (line,) = difference.gained
    assert (line.users, line.on) == ((ANNA,), Part(NodeId("coll:a"), whole=True, places=2))
    assert line.why == Why("not active")
    assert (difference.epoch, difference.lost) == (0, ())


def test_who_comes_to_manage_a_place_need_not_be_cleared_for_it(world: World) -> None:
    """As `acl.admin.authority` has it: managing shows no text. Who looks for new administrators must see him here."""
    a = world.collection("a", Label(Level.RESTRICTED))
    world.user("anna")
    (line,) = simulate(world.store.engine, [AddRule(Subject(ANNA), Obj(a), "*")]).gained
    assert line.actions == ("share", "manage")


def test_a_service_gains_by_its_first_rule_and_not_by_being_active(world: World) -> None:
    """It was told to be active now: before its first rule, nothing named it."""
    a = world.collection("a")
    service = AddRule(Subject("svc:importer"), Obj(a), "write")
    (line,) = simulate(world.store.engine, [service]).gained
    assert (line.users, line.why) == (("svc:importer",), Why("no rule", service.rule))
    world.allow("svc:importer", a, "write")
    (line,) = simulate(world.store.engine, [RemoveRule(service.subject, service.object, "write")]).lost
    assert (line.users, line.why) == (("svc:importer",), Why("no rule", service.rule))


def test_a_wrong_edit_is_an_error_and_leaves_nothing_either(office: World) -> None:
    untouched = tables(office.store.engine)
    with pytest.raises(UnknownName, match="user:none"):
        simulate(office.store.engine, [DENY, SetActive(UserId("user:none"), active=True)])
    assert tables(office.store.engine) == untouched
    assert changed(office, DENY)[1]
    assert tables(office.store.engine) == untouched
    assert make(office.store, [DENY]) is None  # nothing is locked any more
    assert tables(office.store.engine) != untouched
