"""The access review says of everybody what the decisions say, in random worlds and in small ones that can be read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from sqlalchemy import event

from acl.admin.breakglass import end_access, open_access, open_accesses
from acl.admin.change import policy_change
from acl.decision import Permit, decider
from acl.errors import BadRule, PolicyTooLarge
from acl.insight.chains import chains_of, memberships_of
from acl.insight.explain import NoRule, explain
from acl.insight.review import Line, Reason, Review, review
from acl.labels import Compartment, Label, Level
from acl.names import EVERYONE, DocumentId, NodeId, Obj, Subject, UserId
from acl.read import MAX_PRINCIPALS, emergency_role, rules_of, what_at, whats_of, who_of
from bench.deciders import oracle
from store.engine import snapshot
from store.folder import create, open_store
from tests.acl.small_worlds import USERS, settle, small_worlds
from tests.worlds import ADMIN, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.deciders.oracle import SmallWorld
    from store.folder import Store
    from tests.worlds import World


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A data folder that one small world after the other is settled in."""
    layout = create(tmp_path_factory.mktemp("arena") / "data", embedder="none@1")
    store = open_store(layout, "file:master.key", owner=True)
    hurry(store)
    yield store
    store.engine.dispose()


def reviewed(store: Store, action: Any = "read", *, everything: bool = False) -> Review:
    with snapshot(store.engine) as connection:
        return review(connection, action, everything=everything)


def lines_of(world: World, user: UserId) -> list[Line]:
    return [line for line in reviewed(world.store).lines if line.person == user]


# --- in random worlds -----------------------------------------------------------------------------


def decided(store: Store, small: SmallWorld, user: str) -> dict[str, tuple[bool, str]]:
    """Decide on each place and each live document, one by one, with the decision itself."""
    with snapshot(store.engine) as connection:
        who = who_of(connection, UserId(user))
        decide = decider(who, "read", rules_of(connection, who, "read"))
        whats: dict[str, Any] = {node: what_at(connection, NodeId(node)) for node in small.nodes}
        whats |= {
            name: what for name, what in whats_of(connection, map(DocumentId, small.documents)).items() if what.live
        }
    verdicts = {name: decide(what) for name, what in whats.items()}
    return {
        name: (bool(verdict), verdict.rule if isinstance(verdict, Permit) else verdict.reason)
        for name, verdict in verdicts.items()
    }


def live_in(small: SmallWorld, node: str) -> list[str]:
    return [name for name, document in small.documents.items() if document.node == node and document.state == "live"]


def assert_lines_are_right(small: SmallWorld, user: str, found: dict[str, Line], truth: dict[str, Any]) -> set[str]:
    """Check the lines of one person against the truth about each place and document; say what was seen."""
    person, seen = small.users[user], set()
    for node in small.nodes:
        above = next(one for one in oracle.path(small, node) if one in found)
        here = found[above].here
        assert truth[node][0] == here.permitted
        apart = Counter(truth[name][1] for name in live_in(small, node) if truth[name][0] != here.permitted)
        if node in found:
            line = found[node]
            assert truth[node] == (here.permitted, here.words)
            assert {one.reason.words: one.documents for one in line.apart} == apart
            assert all(one.reason.permitted != here.permitted for one in line.apart)
            below = [one for one in small.nodes if node in oracle.path(small, one)]
            verdicts = {truth[one][0] for one in below} | {
                truth[doc][0] for one in below for doc in live_in(small, one)
            }
            assert {"all": {True}, "none": {False}, "part": {True, False}}[line.extent] == verdicts
            seen |= {line.extent, "folder" if small.nodes[node].parent else "collection"} | {"apart"} & set(
                ["apart"] * bool(apart)
            )
        else:
            for name in live_in(small, node):
                level, compartments = oracle.label(small, name)
                uncleared = level > person.clearance or not compartments <= person.compartments
                assert truth[name][0] == here.permitted or uncleared
    return seen


def test_the_review_says_of_everybody_what_the_decisions_say(arena: Store) -> None:
    seen: set[str] = set()

    @settings(max_examples=60, derandomize=True)
    @given(small_worlds())
    def check(small: SmallWorld) -> None:
        settle(small, arena)
        everything = reviewed(arena, everything=True).lines
        assert len({(line.person, line.place) for line in everything}) == len(everything)
        reaching = {(line.person, line.collection) for line in everything if line.extent != "none"}
        some = tuple(line for line in everything if (line.person, line.collection) in reaching)
        assert reviewed(arena).lines == some
        for user in USERS:
            found = {str(line.place): line for line in everything if line.person == user}
            truth = decided(arena, small, user)
            assert {name for name in small.documents if truth.get(name, [False])[0]} == {
                name for name in small.documents if oracle.may_read(small, user, name)
            }
            seen.update(assert_lines_are_right(small, user, found, truth))
            with snapshot(arena.engine) as connection:
                chains = chains_of(UserId(user), memberships_of(connection, UserId(user)))
            for reason in (line.here for line in found.values()):
                subject = reason.words.removeprefix("denied by ").partition(",")[0]
                assert reason.chain == (chains[Subject(subject)] if "," in reason.words else ())

    check()
    assert seen == {"all", "part", "none", "folder", "collection", "apart"}


# --- in worlds that can be read --------------------------------------------------------------------


def test_a_line_says_what_is_reached_by_which_rule_and_memberships(world: World) -> None:
    anna = world.user(
        "anna", groups=["payroll"], clearance=Level.CONFIDENTIAL, compartments=["gdpr"], full_name="Anna A"
    )
    world.nest("payroll", "people")
    staff = world.collection("staff", Label(Level.INTERNAL))
    world.folder(staff, "Wages")
    world.allow("group:people", staff)
    assert lines_of(world, anna) == [
        Line(
            person=anna,
            name="Anna A",
            active=True,
            clearance=Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")})),
            collection=staff,
            place=staff,
            path=("staff",),
            label=Label(Level.INTERNAL),
            extent="all",
            here=Reason(
                permitted=True,
                words="group:people, coll:staff, read, allow",
                chain=(Subject(anna), Subject("group:payroll"), Subject("group:people")),
            ),
            apart=(),
        )
    ]


def test_of_several_rules_the_one_is_named_that_the_decision_names(world: World) -> None:
    anna = world.user("anna", groups=["staff"])
    place = world.collection("a")
    said = []
    for effect in (world.allow, world.deny):
        for subject, obj in [("group:staff", "root:all"), (anna, place), (EVERYONE, "root:all"), (anna, "root:all")]:
            effect(subject, obj)
            (line,) = reviewed(world.store, everything=True).lines
            with snapshot(world.store.engine) as connection:
                verdict = explain(connection, anna, place).verdict
            assert line.here.words == (verdict.rule if isinstance(verdict, Permit) else verdict.reason)
            said.append(line.here.words)
    assert len(set(said)) == 5  # each allow in its turn, and then always the first that denies


def test_a_folder_that_is_reached_without_its_collection_has_a_line(world: World) -> None:
    anna = world.user("anna")
    folder = world.folder(world.folder(world.collection("a"), "outer"), "inner")
    world.allow(EVERYONE, folder)
    top, inner = lines_of(world, anna)
    assert (top.place, top.extent, top.here) == ("coll:a", "part", Reason(permitted=False, words="no rule allows it"))
    assert (inner.place, inner.extent, inner.path) == (folder, "all", ("a", "outer", "inner"))
    assert inner.here.chain == (Subject(anna), EVERYONE)


@pytest.mark.parametrize("cause", ["cut", "denied", "label", "compartment"])
def test_a_folder_that_is_kept_from_who_reaches_its_collection_has_a_line(world: World, cause: str) -> None:
    anna = world.user("anna")
    label = {"label": Label(Level.CONFIDENTIAL), "compartment": Label(Level.PUBLIC, frozenset({Compartment("gdpr")}))}
    folder = world.folder(world.collection("a"), "f", label.get(cause, Label(Level.PUBLIC)), inherit=cause != "cut")
    open_one = world.folder(NodeId("coll:a"), "open")
    world.allow(anna, "coll:a")
    if cause == "denied":
        world.deny(anna, folder)
    top, kept = lines_of(world, anna)
    assert (top.extent, top.here.permitted) == ("part", True)
    assert (kept.place, kept.extent, kept.here.permitted) == (folder, "none", False)
    words = {
        "cut": "no rule allows it",
        "denied": f"denied by user:anna, {folder}, read, deny",
        "label": "not cleared for confidential",
        "compartment": "not cleared for public+gdpr",
    }
    assert kept.here.words == words[cause]
    assert open_one != folder


def test_documents_that_are_reached_without_their_place_are_counted_by_the_rule_that_opens_them(world: World) -> None:
    anna, bert = world.user("anna"), world.user("bert")
    place = world.collection("a")
    for _ in range(3):
        world.document(place, "text", owner=anna)
    world.document(place, "text", owner=bert)
    world.document(place, "text", owner=anna, state="draft")
    world.allow(anna, world.document(place, "text"))
    world.allow(anna, "owner:anna", "*")
    (line,) = lines_of(world, anna)
    assert (line.extent, line.here.permitted) == ("part", False)
    assert [one.documents for one in line.apart] == [1, 3]
    assert line.apart[1].reason == Reason(
        permitted=True, words="user:anna, owner:anna, *, allow", chain=(Subject(anna),)
    )
    assert lines_of(world, bert) == []


def test_a_document_above_the_clearance_makes_no_line_of_its_folder(world: World) -> None:
    """There is one nearly everywhere; that the collection is reached in part says that there are some."""
    anna = world.user("anna")
    folder = world.folder(world.collection("a"), "f")
    world.document(folder, "text", label=Label(Level.RESTRICTED))
    world.allow(anna, "coll:a")
    (top,) = lines_of(world, anna)
    assert (top.place, top.extent) == ("coll:a", "part")
    world.deny(anna, world.document(folder, "text"))
    _, line = lines_of(world, anna)
    assert line.place == folder
    assert sorted(one.reason.words.partition(" by")[0] for one in line.apart) == [
        "denied",
        "not cleared for restricted",
    ]


def test_a_service_is_reviewed_like_a_person_and_is_not_everyone(world: World) -> None:
    place, other = world.collection("a"), world.collection("b")
    world.allow("svc:importer", place)
    world.allow_everyone(Obj(other))
    (line,) = reviewed(world.store).lines
    assert (line.person, line.place, line.clearance) == ("svc:importer", place, Label(Level.PUBLIC))
    with snapshot(world.store.engine) as connection:
        assert explain(connection, UserId("svc:importer"), place).verdict
        refused = explain(connection, UserId("svc:importer"), other)
    assert [type(piece) for piece in refused.missing] == [NoRule]


def test_emergency_access_is_told_while_it_is_open(world: World) -> None:
    anna, bert, place = world.user("anna"), world.user("bert"), world.collection("a")
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        open_access(change, anna, Obj(place), 60)
        (opened,) = open_accesses(change.connection)
    (line,) = reviewed(world.store).lines
    with snapshot(world.store.engine) as connection:
        ruling, refused = explain(connection, anna, place).ruling, explain(connection, bert, place)
    assert ruling is not None
    assert line.here.chain == ruling.chain == (Subject(anna), emergency_role(opened.id))
    assert refused.missing == (NoRule((), ()),)  # it is nothing that bert could be given
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        end_access(change, opened.id)
    assert reviewed(world.store).lines == ()
    with snapshot(world.store.engine) as connection:
        assert explain(connection, anna, place).missing == (NoRule((), ()),)


def test_who_reaches_nothing_is_listed_only_when_everything_is_asked_for(world: World) -> None:
    anna, gone = world.user("anna"), world.user("gone")
    world.collection("a")
    world.collection("b")
    world.allow_everyone(NodeId("coll:a"))
    world.deactivate(gone)
    assert [(line.person, line.place) for line in reviewed(world.store).lines] == [(anna, "coll:a")]
    everything = reviewed(world.store, everything=True)
    assert [(line.person, line.place, line.extent) for line in everything.lines] == [
        (anna, "coll:a", "all"),
        (anna, "coll:b", "none"),
        (gone, "coll:a", "none"),
        (gone, "coll:b", "none"),
    ]
    assert everything.lines[2].here.words == "the user is unknown or not active"


def test_each_action_has_its_own_review_and_managing_needs_no_clearance(world: World) -> None:
    anna = world.user("anna", clearance=Level.PUBLIC)
    place = world.collection("a", Label())
    world.allow(anna, place, "manage")
    world.allow(anna, place, "write")
    assert reviewed(world.store, "read").lines == reviewed(world.store, "write").lines == ()
    (line,) = reviewed(world.store, "manage").lines
    with snapshot(world.store.engine) as connection:
        verdict = explain(connection, anna, place, "manage").verdict
    assert (line.extent, line.here.words) == ("all", getattr(verdict, "rule", ""))


@pytest.mark.parametrize("action", ["fly", "", "*"])
def test_an_action_that_does_not_exist_is_refused(world: World, action: str) -> None:
    anna = world.user("anna")
    world.collection("a")
    world.allow(anna, action="*")
    with pytest.raises(BadRule):
        reviewed(world.store, action)
    assert len(reviewed(world.store, "share").lines) == 1


def test_somebody_of_whom_no_decision_is_made_stops_the_review(world: World) -> None:
    """Left out, he would look like somebody who reaches nothing."""
    groups = {Subject("user:anna"): [Subject(f"group:g{number}") for number in range(MAX_PRINCIPALS)]}
    with pytest.raises(PolicyTooLarge, match="user:anna"):
        chains_of(UserId("user:anna"), groups)
    groups[Subject("user:anna")].pop()
    assert len(chains_of(UserId("user:anna"), groups)) == MAX_PRINCIPALS + 1


def test_the_statements_do_not_grow_with_the_people_and_places(world: World) -> None:
    def statements() -> int:
        said: list[str] = []

        def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            said.append(statement)

        event.listen(world.store.engine, "before_cursor_execute", listen)
        reviewed(world.store, everything=True)
        event.remove(world.store.engine, "before_cursor_execute", listen)
        return len(said)

    world.user("anna", groups=["staff"])
    world.document(world.collection("a"), "text")
    few = statements()
    for number in range(5):
        world.user(f"u{number}", groups=["staff", f"g{number}"])
        world.document(world.folder(world.collection(f"c{number}"), "f"), "text")
    world.allow("group:staff")
    assert statements() == few > 0
