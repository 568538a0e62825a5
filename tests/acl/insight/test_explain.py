"""Why somebody may or may not: in random worlds the pieces that are named are those that are missing, and all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings

from acl.admin.authority import Actor
from acl.errors import BadRule, UnknownName
from acl.insight.explain import (
    Denied,
    Explanation,
    LevelAbove,
    Missing,
    NoRule,
    NotActive,
    NotHeld,
    NotLive,
    Ruling,
    explain,
    explain_to,
    may_explain,
)
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, UserId
from bench.deciders import oracle
from bench.deciders.oracle import Document, SmallWorld, User
from store.engine import snapshot
from store.folder import create, open_store
from tests.acl.small_worlds import GHOST, USERS, settle, small_worlds
from tests.worlds import hurry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from store.folder import Store
    from tests.worlds import World

GDPR = Compartment("gdpr")


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A data folder that one small world after the other is settled in."""
    store = open_store(
        create(tmp_path_factory.mktemp("arena") / "data", embedder="none@1"), "file:master.key", owner=True
    )
    hurry(store)
    yield store
    store.engine.dispose()


def why(store: Store, user: str, place: str, action: Any = "read") -> Explanation:
    with snapshot(store.engine) as connection:
        return explain(connection, UserId(user), NodeId(place), action)


# --- in random worlds -----------------------------------------------------------------------------


def with_plain(small: SmallWorld, node: str) -> SmallWorld:
    """Put a document into a node that adds nothing of its own."""
    plain = Document(node, None, 0, frozenset(), "live", 1, ())
    return replace(small, documents={**small.documents, "doc:plain": plain})


def given_to(small: SmallWorld, user: str, name: str, piece: Missing) -> SmallWorld:
    """Give a user a piece that he is missing."""
    person = small.users.get(user, User(active=False, clearance=0, compartments=frozenset()))
    match piece:
        case NotActive():
            person = replace(person, active=True)
        case LevelAbove(level=level):
            person = replace(person, clearance=int(level))
        case NotHeld(compartment=compartment):
            person = replace(person, compartments=person.compartments | {compartment})
        case NotLive():
            live = replace(small.documents[name], state="live")
            return replace(small, documents={**small.documents, name: live})
        case Denied(ruling=ruling):
            return replace(small, rules=tuple(rule for rule in small.rules if ", ".join(rule) != str(ruling.rule)))
        case NoRule():
            return replace(small, rules=(*small.rules, (user, name, "read", "allow")))
    return replace(small, users={**small.users, user: person})


def given_all(small: SmallWorld, user: str, name: str, pieces: list[Missing]) -> SmallWorld:
    for piece in pieces:
        small = given_to(small, user, name, piece)
    return small


def assert_leads(small: SmallWorld, user: str, name: str, ruling: Ruling) -> None:
    """Check that a rule is there, speaks of the user and the document, and that the chain is the shortest."""
    sub, obj = ruling.rule.subject, ruling.rule.object
    assert tuple(str(ruling.rule).split(", ")) in small.rules
    assert ruling.rule.action in ("read", "*")
    assert (ruling.chain[0], ruling.chain[-1]) == (user, sub)
    if sub == "role:everyone":
        assert len(ruling.chain) == 2
    else:
        assert all(pair in small.members for pair in zip(ruling.chain, ruling.chain[1:], strict=False))
        near = {user}
        for _ in ruling.chain[1:]:
            assert sub not in near
            near |= {group for member, group in small.members if member in near}
    down = [*oracle.path(small, small.documents[name].node)[::-1], name]
    assert ruling.reach in {(obj, down[-1]), (obj, *down), tuple(down[down.index(obj) :] if obj in down else ())}


def assert_pieces_are_right(small: SmallWorld, user: str, name: str, pieces: list[Missing]) -> None:
    assert oracle.may_read(given_all(small, user, name, pieces), user, name)
    for piece in pieces:
        others = [other for other in pieces if other is not piece]
        assert not oracle.may_read(given_all(small, user, name, others), user, name), piece


def assert_origin_is_right(small: SmallWorld, name: str, piece: Missing) -> None:
    down = [*oracle.path(small, small.documents[name].node)[::-1], name]
    parts = {place: small.nodes.get(place) or small.documents[place] for place in down}
    match piece:
        case LevelAbove(level=level, clearance=clearance, raised_by=places):
            assert [place.id for place in places] == [one for one in down if parts[one].level > clearance] != []
            assert level == oracle.label(small, name)[0]
        case NotHeld(compartment=held, asked_by=places):
            assert [place.id for place in places] == [one for one in down if held in parts[one].compartments] != []


def assert_help_is_right(small: SmallWorld, user: str, name: str, piece: NoRule) -> None:
    """What is allowed here to others is; and a rule that is kept out comes in when all its cuts go, not before."""
    here = oracle.objects(small, name)
    allowed = {
        (sub, obj, act, eft)
        for sub, obj, act, eft in small.rules
        if obj in here and act in ("read", "*") and eft == "allow"
    }
    assert {tuple(str(ruling.rule).split(", ")) for ruling in piece.others} == allowed
    assert all(ruling.rule.subject not in oracle.subjects(small.members, user) for ruling in piece.others)
    above = {node for node in oracle.path(small, small.documents[name].node) if node not in here}
    his = {rule for rule in small.rules if rule[1] in above and rule[0] in oracle.subjects(small.members, user)}
    his = {rule for rule in his if rule[2] in ("read", "*")}
    assert {tuple(str(kept.ruling.rule).split(", ")) for kept in piece.kept_out} == his
    for kept in piece.kept_out:
        cuts = {cut.id for cut in kept.cuts}
        for left in [set(), *({cut} for cut in cuts)]:
            nodes = {
                one: replace(node, inherit=True) if one in cuts - left else node for one, node in small.nodes.items()
            }
            inside = kept.ruling.rule.object in oracle.objects(replace(small, nodes=nodes), name)
            assert inside == (not left)


def test_each_piece_that_is_named_is_missing_and_no_other_is(arena: Store) -> None:
    seen: set[str] = set()

    @settings(max_examples=40, derandomize=True)
    @given(small_worlds())
    def check(small: SmallWorld) -> None:
        settle(small, arena)
        for user in (*USERS, GHOST):
            for name in small.documents:
                found = why(arena, user, name)
                assert bool(found.verdict) == oracle.may_read(small, user, name)
                assert bool(found.ruling) == bool(found.verdict) == (not found.missing)
                assert (int(found.label.level), found.label.compartments) == oracle.label(small, name)
                if found.ruling:
                    assert_leads(small, user, name, found.ruling)
                    assert str(found.ruling.rule) == getattr(found.verdict, "rule", "")
                    assert found.ruling.rule.effect == "allow"
                    seen.add("allowed")
                else:
                    assert_pieces_are_right(small, user, name, list(found.missing))
                for piece in found.missing:
                    assert_origin_is_right(small, name, piece)
                    seen.add(type(piece).__name__)
                    if isinstance(piece, Denied):
                        assert_leads(small, user, name, piece.ruling)
                    if isinstance(piece, NoRule):
                        assert_help_is_right(small, user, name, piece)
                        seen.update(["others"] * bool(piece.others) + ["kept out"] * bool(piece.kept_out))

    check()
    assert seen == {"allowed", "others", "kept out", *(piece.__name__ for piece in get_args(Missing))}


def test_a_folder_is_explained_like_a_plain_document_in_it(arena: Store) -> None:
    seen: set[bool] = set()

    @settings(max_examples=20, derandomize=True)
    @given(small_worlds())
    def check(small: SmallWorld) -> None:
        settle(small, arena)
        for user in (*USERS, GHOST):
            for node in small.nodes:
                found = why(arena, user, node)
                assert bool(found.verdict) == oracle.may_read(with_plain(small, node), user, "doc:plain")
                assert found.path[-1].id == node
                seen.add(bool(found.verdict))
            for place in (*small.nodes, *small.documents):  # drafts and deleted documents among them
                with snapshot(arena.engine) as connection:
                    manages = Actor.of(connection, UserId(user)).manages(place)
                assert bool(why(arena, user, place, "manage").verdict) == bool(manages)

    check()
    assert seen == {True, False}


# --- in words that can be followed -----------------------------------------------------------------


def test_of_two_chains_the_shorter_is_told_and_of_two_as_short_the_first_by_name(world: World) -> None:
    anna = world.user("anna", groups=["payroll", "hr", "all"])
    world.nest("payroll", "people")
    world.nest("hr", "people")
    world.nest("people", "staff")
    world.nest("all", "staff")
    place = world.collection("a")
    world.allow("group:people", place)
    ruling = why(world.store, anna, place).ruling
    assert ruling is not None
    assert list(ruling.chain) == ["user:anna", "group:hr", "group:people"]
    world.withdraw("group:people", place)
    world.allow("group:staff", place)
    ruling = why(world.store, anna, place).ruling
    assert ruling is not None
    assert list(ruling.chain) == ["user:anna", "group:all", "group:staff"]


@pytest.mark.parametrize(
    ("obj", "reach"),
    [
        ("root:all", ("root:all", "coll:a", "FOLDER", "DOC")),
        ("coll:a", ("coll:a", "FOLDER", "DOC")),
        ("FOLDER", ("FOLDER", "DOC")),
        ("DOC", ("DOC",)),
        ("label:gdpr", ("label:gdpr", "DOC")),
        ("owner:bert", ("owner:bert", "DOC")),
    ],
)
def test_a_rule_is_followed_from_its_object_down_to_the_document(
    world: World, obj: str, reach: tuple[str, ...]
) -> None:
    anna, bert = world.user("anna", compartments=["gdpr"]), world.user("bert")
    folder = world.folder(world.collection("a"), "f")
    document = world.document(folder, "text", owner=bert, label=Label(Level.PUBLIC, frozenset({GDPR})))
    names = {"FOLDER": str(folder), "DOC": str(document)}
    world.allow(anna, names.get(obj, obj))
    ruling = why(world.store, anna, document).ruling
    assert ruling is not None
    assert ruling.reach == tuple(names.get(part, part) for part in reach)


def test_a_rule_that_is_kept_out_names_the_cuts_between_and_no_other_folder(world: World) -> None:
    anna = world.user("anna")
    top = world.folder(world.collection("a"), "top", inherit=False)
    first = world.folder(top, "first", inherit=False)
    plain = world.folder(world.folder(first, "open"), "plain")
    last = world.folder(plain, "last", inherit=False)
    document = world.document(world.folder(last, "end"), "text")
    for obj in ("coll:a", top, first, plain):
        world.allow(anna, obj)
    (piece,) = why(world.store, anna, document).missing
    assert isinstance(piece, NoRule)
    assert [(kept.ruling.rule.object, [cut.id for cut in kept.cuts]) for kept in piece.kept_out] == [
        ("coll:a", [top, first, last]),
        (top, [first, last]),
        (first, [last]),
        (plain, [last]),
    ]
    world.allow(anna, last)
    assert why(world.store, anna, document).verdict


def test_what_a_user_who_is_not_active_is_missing_besides_is_told_too(world: World) -> None:
    anna = world.user("anna", groups=["staff"])
    place = world.collection("a", Label(Level.CONFIDENTIAL))
    world.allow("group:staff", place)
    world.deactivate(anna)
    assert why(world.store, anna, place).missing == (
        NotActive(known=True),
        LevelAbove(Level.CONFIDENTIAL, Level.INTERNAL, why(world.store, anna, place).path),
    )


def test_managing_is_explained_without_the_clearance_that_it_does_not_need(world: World) -> None:
    anna = world.user("anna", clearance=Level.PUBLIC)
    document = world.document(world.collection("a"), "text", label=Label(), state="draft")
    world.allow(anna, "coll:a", "manage")
    assert why(world.store, anna, document, "manage").verdict
    assert not why(world.store, anna, document, "read").verdict
    assert [type(piece) for piece in why(world.store, anna, document).missing] == [NotLive, LevelAbove, NoRule]


@pytest.mark.parametrize("action", ["fly", "", "*", "Read"])
def test_an_action_that_does_not_exist_is_refused(world: World, action: str) -> None:
    anna = world.user("anna")
    with pytest.raises(BadRule):
        why(world.store, anna, world.collection("a"), action)
    assert why(world.store, anna, "coll:a", "share").missing == (NoRule((), ()),)


# --- who may know ----------------------------------------------------------------------------------


def asked(world: World, actor: str, place: str) -> Explanation | str:
    """Give the explanation that an actor gets, or the words of the refusal with the place taken out."""
    with snapshot(world.store.engine) as connection:
        try:
            return explain_to(connection, UserId(actor), UserId("user:anna"), DocumentId(place))
        except UnknownName as error:
            return str(error).replace(place, "PLACE")


@pytest.mark.parametrize("state", ["live", "draft"])
def test_who_manages_a_place_is_told_and_nobody_else(world: World, state: Any) -> None:
    """To the others it is like a place that is not there; to the one whose access it is, too."""
    anna, boss = world.user("anna"), world.user("boss", clearance=Level.PUBLIC)
    reader, gone = world.user("reader", clearance=Level.RESTRICTED), world.user("gone")
    place = world.folder(world.collection("a"), "f", Label())
    document = world.document(place, "text", state=state)
    world.allow(boss, "coll:a", "manage")
    world.allow(gone, "coll:a", "manage")
    world.allow(anna, "coll:a")
    world.allow(reader, "coll:a", "read")
    world.deactivate(gone)
    for there in ("coll:a", place, document):
        assert isinstance(asked(world, boss, there), Explanation)
        for actor in (anna, reader, gone, "user:nobody"):
            assert asked(world, actor, there) == asked(world, actor, "doc:nothing") != ""
            assert asked(world, actor, there) == asked(world, actor, "folder:nothing")
    assert asked(world, boss, "doc:nothing") == asked(world, anna, document)


def test_who_manages_one_place_is_told_nothing_of_another(world: World) -> None:
    boss = world.user("boss", clearance=Level.RESTRICTED)
    world.collection("a")
    document = world.document(world.collection("b"), "text")
    cut = world.folder(NodeId("coll:a"), "cut", inherit=False)
    world.allow(boss, "coll:a", "*")
    assert isinstance(asked(world, boss, "coll:a"), Explanation)
    assert asked(world, boss, document) == asked(world, boss, cut) == asked(world, boss, "doc:nothing")
    world.deny(boss, "coll:a", "manage")
    assert asked(world, boss, "coll:a") == asked(world, boss, "doc:nothing")


def test_who_may_manage_is_for_casbin_to_say(world: World) -> None:
    boss = world.user("boss")
    document = world.document(world.collection("a"), "text", owner=boss)
    with snapshot(world.store.engine) as connection:
        assert not may_explain(connection, boss, document)
    world.allow(boss, "owner:boss", "*")
    with snapshot(world.store.engine) as connection:
        assert "rule='user:boss, owner:boss, *, allow'" in str(may_explain(connection, boss, document))
        assert not may_explain(connection, boss, NodeId("coll:a"))
