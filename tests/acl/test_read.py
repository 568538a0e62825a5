from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, insert, text

from acl.errors import PolicyTooLarge
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import EVERYONE, DocumentId, NodeId, Obj, Subject, UserId
from acl.read import MAX_PRINCIPALS, label_objects, people, rules_of, rules_on, whats_of, who_of
from store.engine import snapshot, write
from store.schema import casbin_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acl.decision import What, Who
    from tests.worlds import World

GDPR = Compartment("gdpr")


def who(world: World, user: str) -> Who:
    with snapshot(world.store.engine) as connection:
        return who_of(connection, UserId(user))


def what(world: World, document: DocumentId) -> What:
    with snapshot(world.store.engine) as connection:
        return whats_of(connection, [document])[document]


def behind_our_back(engine: Engine, memberships: Iterable[tuple[str, str]]) -> None:
    """Write memberships into the table itself, past every check."""
    rows = [{"ptype": "g", "v0": member, "v1": group} for member, group in memberships]
    with write(engine) as connection:
        connection.execute(insert(casbin_rule), rows)


# --- who ----------------------------------------------------------------------------------------


def test_a_user_is_himself_everyone_and_all_groups_above_him(world: World) -> None:
    anna = world.user("anna", groups=["payroll"], clearance=Level.CONFIDENTIAL, compartments=["gdpr"])
    world.user("bert", groups=["sales"])
    world.nest("payroll", "finance")
    world.nest("finance", "staff")
    world.nest("sales", "staff")
    found = who(world, anna)
    assert found.principals == {anna, EVERYONE, "group:payroll", "group:finance", "group:staff"}
    assert found.clearance == Level.CONFIDENTIAL
    assert found.compartments == {GDPR}


def test_a_user_without_groups_is_himself_and_everyone(world: World) -> None:
    """AZ-06."""
    anna = world.user("anna")
    assert who(world, anna).principals == {anna, EVERYONE}


@pytest.mark.parametrize(
    "name", ["user:nobody", "", "anna", "USER:anna", "user:anna ", "group:finance", "role:everyone"]
)
def test_who_is_not_in_the_table_is_nobody(world: World, name: str) -> None:
    """AZ-06: not even everyone."""
    world.user("anna", groups=["finance"], clearance=Level.RESTRICTED)
    found = who(world, name)
    assert (found.principals, found.clearance, found.compartments) == (frozenset(), Level.PUBLIC, frozenset())


def test_who_is_not_active_is_nobody(world: World) -> None:
    """AZ-06."""
    anna = world.user("anna", groups=["finance"], clearance=Level.RESTRICTED, compartments=["gdpr"])
    assert EVERYONE in who(world, anna).principals
    world.deactivate(anna)
    found = who(world, anna)
    assert (found.principals, found.clearance, found.compartments) == (frozenset(), Level.PUBLIC, frozenset())


def test_a_circle_written_behind_our_back_ends(world: World) -> None:
    """AZ-20: it neither hangs nor grants what its groups do not."""
    anna = world.user("anna", groups=["a"])
    behind_our_back(world.store.engine, [("group:a", "group:b"), ("group:b", "group:c"), ("group:c", "group:a")])
    assert who(world, anna).principals == {anna, EVERYONE, "group:a", "group:b", "group:c"}


def test_a_chain_written_behind_our_back_is_read_to_its_end(world: World) -> None:
    """A deny further up than the limit of writes must not be lost, as Casbin's own role manager loses it."""
    anna = world.user("anna", groups=["0"])
    behind_our_back(world.store.engine, [(f"group:{n}", f"group:{n + 1}") for n in range(100)])
    assert len(who(world, anna).principals) == 103


def test_more_groups_than_a_decision_reads_is_an_error_and_no_part_of_them(world: World) -> None:
    """A deny could be among those left out."""
    anna = world.user("anna")
    behind_our_back(world.store.engine, [(anna, f"group:{n}") for n in range(MAX_PRINCIPALS - 1)])
    assert len(who(world, anna).principals) == MAX_PRINCIPALS + 1  # himself and everyone with them
    behind_our_back(world.store.engine, [(anna, "group:one-more")])
    with pytest.raises(PolicyTooLarge, match="user:anna"):
        who(world, anna)
    assert who(world, world.user("bert")).principals


def test_a_membership_of_another_does_not_rub_off(world: World) -> None:
    anna, bert = world.user("anna", groups=["a"]), world.user("bert", groups=["b"])
    assert who(world, anna).principals & who(world, bert).principals == {EVERYONE}


def test_the_directory_holds_everybody(world: World) -> None:
    anna = world.user("anna", full_name="Anna Ash", email="anna@ash.example", phone="+44 20 7946 0001")
    bert = world.user("bert")
    world.deactivate(bert)
    with snapshot(world.store.engine) as connection:
        rows: list[tuple[object, ...]] = [tuple(row) for row in people(connection)]
    assert rows == [(anna, "Anna Ash", "anna@ash.example", "+44 20 7946 0001"), (bert, "Bert", "", "")]


# --- rules --------------------------------------------------------------------------------------


@pytest.fixture
def ruled(world: World) -> World:
    world.user("anna", groups=["finance"])
    world.user("bert")
    world.allow("user:anna", "doc:1")
    world.allow("group:finance", "coll:a", "*")
    world.deny("role:everyone", "doc:2")
    world.allow("user:anna", "doc:1", "write")
    world.allow("user:bert", "doc:3")
    world.allow("group:sales", "coll:b")
    return world


def lines(world: World, user: str, action: str, objects: list[str] | None = None) -> list[str]:
    with snapshot(world.store.engine) as connection:
        caller = who_of(connection, UserId(user))
        if objects is None:
            found = rules_of(connection, caller, action)  # type: ignore[arg-type]  # unknown actions too
        else:
            found = rules_on(connection, caller, action, map(Obj, objects))  # type: ignore[arg-type]  # same
    return [str(rule) for rule in found]


def test_the_rules_of_a_caller_are_those_on_him_and_his_groups_for_the_action(ruled: World) -> None:
    assert lines(ruled, "user:anna", "read") == [
        "user:anna, doc:1, read, allow",
        "group:finance, coll:a, *, allow",
        "role:everyone, doc:2, read, deny",
    ]
    assert lines(ruled, "user:anna", "write") == ["group:finance, coll:a, *, allow", "user:anna, doc:1, write, allow"]
    assert lines(ruled, "user:bert", "read") == ["role:everyone, doc:2, read, deny", "user:bert, doc:3, read, allow"]


def test_nobody_has_rules(ruled: World) -> None:
    """AZ-06."""
    assert lines(ruled, "user:nobody", "read") == []
    ruled.deactivate(UserId("user:anna"))
    assert lines(ruled, "user:anna", "read") == []


@pytest.mark.parametrize("action", ["fly", "", "*", "Read", "g"])
def test_an_unknown_action_has_no_rules(ruled: World, action: str) -> None:
    assert lines(ruled, "user:anna", action) == []


def test_the_rules_on_some_objects_are_those_of_the_caller_that_speak_of_them(ruled: World) -> None:
    everything = lines(ruled, "user:anna", "read")
    assert lines(ruled, "user:anna", "read", ["doc:1", "coll:a", "doc:2", "doc:3", "coll:b"]) == everything
    assert lines(ruled, "user:anna", "read", ["doc:2"]) == ["role:everyone, doc:2, read, deny"]
    assert lines(ruled, "user:anna", "read", ["doc:3", "coll:b"]) == []
    assert lines(ruled, "user:anna", "read", []) == []


def test_a_membership_is_no_rule(world: World) -> None:
    behind_our_back(world.store.engine, [(world.user("anna"), "group:a")])
    assert lines(world, "user:anna", "read") == []


# --- what ---------------------------------------------------------------------------------------


@pytest.fixture
def nested(world: World) -> tuple[World, dict[str, NodeId]]:
    """A collection with three folders in each other: the middle one cuts inheritance."""
    coll = world.collection("a", Label(Level.INTERNAL))
    outer = world.folder(coll, "outer", Label(Level.CONFIDENTIAL, frozenset({GDPR})))
    cut = world.folder(outer, "cut", inherit=False)
    inner = world.folder(cut, "inner")
    return world, {"coll": coll, "outer": outer, "cut": cut, "inner": inner}


def test_rules_reach_a_document_from_everything_above_it(nested: tuple[World, dict[str, NodeId]]) -> None:
    world, nodes = nested
    anna = world.user("anna")
    doc = world.document(nodes["outer"], "text", owner=anna)
    found = what(world, doc)
    assert found.scopes == {
        "root:all", nodes["coll"], nodes["outer"], doc, "owner:anna", "label:confidential", "label:gdpr",
    }  # fmt: skip
    assert found.path == (nodes["outer"], nodes["coll"])
    assert found.live


def test_a_cut_keeps_rules_from_above_out_but_neither_labels_nor_root_nor_owner(
    nested: tuple[World, dict[str, NodeId]],
) -> None:
    world, nodes = nested
    doc = world.document(nodes["inner"], "text", owner=UserId("user:anna"))
    found = what(world, doc)
    assert found.scopes == {
        "root:all", nodes["inner"], nodes["cut"], doc, "owner:anna", "label:confidential", "label:gdpr",
    }  # fmt: skip
    assert found.label == Label(Level.CONFIDENTIAL, frozenset({GDPR}))
    assert found.path == (nodes["inner"], nodes["cut"], nodes["outer"], nodes["coll"])  # where it lies is not cut


def test_the_label_of_a_document_is_the_highest_along_its_path_with_all_compartments(world: World) -> None:
    coll = world.collection("a", Label(Level.CONFIDENTIAL, frozenset({GDPR})))
    folder = world.folder(coll, "f", Label(Level.INTERNAL, frozenset({Compartment("pci")})))
    own = Label(Level.PUBLIC, frozenset({Compartment("hipaa")}))
    assert str(what(world, world.document(folder, "text", label=own)).label) == "confidential+gdpr+hipaa+pci"
    raised = world.document(folder, "text", label=Label(Level.RESTRICTED))
    assert str(what(world, raised).label) == "restricted+gdpr+pci"
    assert str(what(world, world.document(coll, "text")).label) == "confidential+gdpr"
    assert str(what(world, world.document(world.collection("b"), "text", label=own)).label) == "public+hipaa"


def test_a_document_without_an_owner_is_nobodys(world: World) -> None:
    found = what(world, world.document(world.collection("a"), "text"))
    assert not any(scope.startswith("owner:") for scope in found.scopes)


@pytest.mark.parametrize("state", ["draft", "deleted"])
def test_what_is_not_live_says_so(world: World, state: str) -> None:
    coll = world.collection("a")
    assert not what(world, world.document(coll, "text", state=state)).live  # type: ignore[arg-type]  # from the table
    assert what(world, world.document(coll, "text")).live


def test_a_document_that_is_not_there_is_not_in_the_result(world: World) -> None:
    doc = world.document(world.collection("a"), "text")
    with snapshot(world.store.engine) as connection:
        assert whats_of(connection, [doc, DocumentId("doc:none"), doc]).keys() == {doc}
        assert whats_of(connection, []) == {}


def test_a_document_without_a_label_cannot_be(world: World) -> None:
    """AZ-07: missing is refused where it is written, so that nothing has to guess."""
    doc = world.document(world.collection("a"), "text")
    with pytest.raises(Exception, match=r"NOT NULL|NotNull"), write(world.store.engine) as connection:
        connection.execute(text("UPDATE document SET level = NULL WHERE id = :id"), {"id": doc})


def test_folders_in_a_circle_behind_our_back_are_an_error(world: World) -> None:
    """AZ-20."""
    coll = world.collection("a")
    one = world.folder(coll, "one")
    two = world.folder(one, "two")
    doc = world.document(two, "text")
    assert what(world, doc).path == (two, one, coll)
    with write(world.store.engine) as connection:
        connection.execute(text("UPDATE node SET parent_id = :two WHERE id = :one"), {"one": one, "two": two})
    with pytest.raises(PolicyTooLarge, match="circle"):
        what(world, doc)


def test_a_label_stands_for_its_level_and_each_compartment() -> None:
    assert label_objects(Label(Level.CONFIDENTIAL, frozenset({GDPR}))) == {"label:confidential", "label:gdpr"}
    assert label_objects(PUBLIC) == {"label:public"}
    assert label_objects(Label()) == {"label:restricted"}


def test_what_one_document_is_covered_by_does_not_rub_off_on_another(world: World) -> None:
    one = world.document(world.collection("a", Label(Level.RESTRICTED)), "text", owner=UserId("user:anna"))
    other = world.document(world.collection("b"), "text", label=Label(Level.INTERNAL, frozenset({GDPR})))
    with snapshot(world.store.engine) as connection:
        both = whats_of(connection, [one, other])
    assert both == {one: what(world, one), other: what(world, other)}
    assert both[one].scopes & both[other].scopes == {"root:all"}


def test_a_subject_of_a_decision_is_named_as_the_table_names_it(world: World) -> None:
    anna = world.user("anna", groups=["Finance"])
    assert Subject("group:Finance") in who(world, anna).principals
    assert Subject("group:finance") not in who(world, anna).principals
