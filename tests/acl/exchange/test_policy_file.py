"""The policy as a file: every line is checked, all of it holds or none, and what is written is read back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from acl.admin.change import policy_change
from acl.admin.edits import AddRule, Edit, JoinGroup, LeaveGroup, OpenBreakGlass, RemoveRule, apply
from acl.admin.groups import join_group
from acl.errors import BadFile
from acl.exchange.faults import MAX_CHARACTERS
from acl.exchange.policy_file import Line, export_policy, plan_policy, read_policy
from acl.names import Obj, Subject, UserId
from audit.ledger import Ledger
from store.engine import snapshot
from store.folder import create, open_store
from tests.acl.changes import Open, tables
from tests.acl.small_worlds import settle, small_worlds
from tests.worlds import ADMIN, World, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.deciders.oracle import SmallWorld
    from store.folder import Store

ANNA, STAFF, ALL = Subject("user:anna"), Subject("group:staff"), Subject("group:all")
READ = AddRule(STAFF, Obj("coll:a"), "read")
DENY = AddRule(ANNA, Obj("coll:a"), "*", "deny")


def says(*lines: str) -> list[Edit]:
    return [line.says for line in read_policy("\n".join(lines))]


def make(store: Store, edits: list[Edit]) -> None:
    with policy_change(store.engine, Ledger(store.engine, store.keys.audit), ADMIN) as change:
        for edit in edits:
            apply(change, edit)


def exported(store: Store) -> str:
    with snapshot(store.engine) as connection:
        return export_policy(connection)


def faults_of(raised: pytest.ExceptionInfo[BadFile]) -> list[str]:
    first, *faults = str(raised.value).splitlines()
    assert first == "nothing was imported"
    return faults


# --- one file -----------------------------------------------------------------------------------


def test_a_file_says_rules_and_memberships_by_line() -> None:
    text = "# who may read\n\np, group:staff, coll:a, read, allow\n\ng, user:anna, group:staff\n"
    assert read_policy(text) == [Line(3, READ), Line(5, JoinGroup(ANNA, STAFF))]
    assert read_policy("") == read_policy("# nothing\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "p, group:staff, coll:a, read, allow\np, user:anna, coll:a, *, deny",
        "p,group:staff,coll:a,read,allow\np,user:anna,coll:a,*,deny\n",
        "p, group:staff, coll:a, read, allow\r\np, user:anna, coll:a, *, deny\r\n",
        "p, group:staff, coll:a, read, allow\rp, user:anna, coll:a, *, deny\r",
        "\ufeffp, group:staff, coll:a, read, allow\n p ,\tuser:anna, coll:a , *, deny \n",
        'p, "group:staff", "coll:a", read, allow\n  # a comment, "of its own\n"p","user:anna","coll:a","*","deny"\n',
    ],
)
def test_quotes_blanks_and_line_ends_are_as_they_come(text: str) -> None:
    assert [line.says for line in read_policy(text)] == [READ, DENY]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("p, group:staff, coll:a, read", "it has no effect: write allow or deny at its end"),
        ("p, group:staff, coll:a, read, Deny", "'Deny' is no effect: write allow or deny"),
        ("p, group:staff, coll:a, read, ", "'' is no effect"),
        ("p, group:staff, coll:a, Read, deny", "'Read' is no action"),
        ("p, group:staff, coll:a, delete, deny", "'delete' is no action"),
        ("p, group:staff, coll:a, read, allow, x", "it has 6 columns, not 5"),
        ("p, group:staff, coll:a", "it has 3 columns, not 5"),
        ("p", "it has 1 columns, not 5"),
        ("g, user:anna", "it has 2 columns, not 3: write g, MEMBER, GROUP"),
        ("g, user:anna, group:staff, domain:x", "it has 4 columns, not 3"),
        ("g2, user:anna, group:staff", "'g2' is no kind of line"),
        ("P, group:staff, coll:a, read, allow", "'P' is no kind of line"),
        ("alice, data1, read", "'alice' is no kind of line"),
        ("p, alice, coll:a, read, allow", "'alice' is not a name here"),
        ("p, coll:a, coll:a, read, allow", "'coll:a' is not a name here"),
        ("p, group:staff, data1, read, allow", "'data1' is not a name here"),
        ("p, group:staff, coll:*, read, allow", "'coll:*' is not a name here"),
        ('p, group:staff, "coll:a,b", read, allow', "'coll:a,b' is not a name here"),
        ("p, group:st\x00aff, coll:a, read, allow", "'group:st\\x00aff' is not a name here"),
        ("p, gr\u043eup:staff, coll:a, read, allow", "is not a name here"),  # a Cyrillic letter
        ("p, =cmd, coll:a, read, allow", "'=cmd' is not a name here"),
        ("g, role:everyone, group:staff", "'role:everyone' is not a name here"),
        ("g, user:anna, role:admin", "'role:admin' is not a name here"),
        ('p, "group:staff, coll:a, read, allow', "its quotes do not match"),
        ('p, "group:staff"x, coll:a, read, allow', "its quotes do not match"),
        ("p, role:break-glass.1, coll:a, read, allow", "role of emergency access"),
        (f"p, group:{'x' * 5_000}, coll:a, read, allow", "it has 5,030 characters"),
        ("p" + "," * 900, "it has 901 columns, not 5"),
        ("g, user:anna, group:staff", "it says what line 1 says"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(line: str, says: str) -> None:
    with pytest.raises(BadFile) as raised:
        read_policy(f"g, user:anna, group:staff\n\n{line}\n# and so on\n")
    (fault,) = faults_of(raised)
    assert fault.startswith("line 3: ")
    assert says in fault
    assert len(fault) < 1_300


def test_all_wrong_lines_are_named_at_once() -> None:
    with pytest.raises(BadFile) as raised:
        read_policy("\n".join(["p, x"] * 7 + ["g, user:anna, group:staff"] + ["p, x"] * 18))
    faults = faults_of(raised)
    assert [fault.partition(":")[0] for fault in faults[:20]] == [f"line {n}" for n in [*range(1, 8), *range(9, 22)]]
    assert faults[20:] == ["and 5 more"]


@pytest.mark.parametrize(
    "text", ["," * 1_000_000, "\x00" * 1_000_000, '"' * 1_000_001, "p," * 500_000, "[" * 100_000, "9" * 1_000_000]
)
def test_a_hostile_file_is_one_short_error(text: str) -> None:
    with pytest.raises(BadFile) as raised:
        read_policy(text)
    assert len(str(raised.value)) < 200


def test_a_file_that_is_far_too_long_is_not_looked_at() -> None:
    with pytest.raises(BadFile, match="8,000,001 characters"):
        read_policy("#" * (MAX_CHARACTERS + 1))
    assert read_policy("#" * MAX_CHARACTERS) == []


# --- as things stand ----------------------------------------------------------------------------


@pytest.fixture
def office(world: World) -> World:
    world.user("anna")
    world.collection("a")
    return world


def test_what_a_file_adds_is_added_and_a_second_time_changes_nothing(office: World) -> None:
    text = "p, group:staff, coll:a, read, allow\ng, user:anna, group:staff\n"
    edits = plan_policy(office.store.engine, text)
    assert edits == [READ, JoinGroup(ANNA, STAFF)]
    make(office.store, edits)
    assert plan_policy(office.store.engine, text) == plan_policy(office.store.engine, text, replace=True) == []


def test_only_a_file_that_replaces_removes_what_it_does_not_say(office: World) -> None:
    make(office.store, [READ, JoinGroup(ANNA, STAFF), JoinGroup(STAFF, ALL)])
    text = "p, user:anna, coll:a, *, deny\ng, group:staff, group:all\n"
    assert plan_policy(office.store.engine, text) == [DENY]
    removed = [LeaveGroup(ANNA, STAFF), RemoveRule(STAFF, Obj("coll:a"), "read")]
    edits = plan_policy(office.store.engine, text, replace=True)
    assert edits == [*removed, DENY]
    make(office.store, edits)
    assert exported(office.store) == "g, group:staff, group:all\np, user:anna, coll:a, *, deny\n"


def test_planning_changes_nothing(office: World) -> None:
    before = tables(office.store.engine)
    plan_policy(office.store.engine, "p, group:staff, coll:a, read, allow\n", replace=True)
    with pytest.raises(BadFile):
        plan_policy(office.store.engine, "p, group:staff, coll:a, read, allow\ng, user:bert, group:staff\n")
    assert tables(office.store.engine) == before


def test_what_makes_no_sense_as_things_stand_is_named_by_its_line(office: World) -> None:
    make(office.store, [JoinGroup(STAFF, ALL)])
    text = """
g, group:all, group:top
g, group:top, group:staff
p, user:bert, coll:a, read, allow
p, group:staff, coll:none, read, allow
g, user:bert, group:staff
g, group:x, group:x
"""
    with pytest.raises(BadFile) as raised:
        plan_policy(office.store.engine, text)
    assert [fault[:30] for fault in sorted(faults_of(raised))] == [
        "line 3: group:top in group:sta",
        "line 4: there is no user user:",
        "line 5: there is no coll:none:",
        "line 6: there is no user user:",
        "line 7: group:x in group:x: gr",
    ]


def test_a_chain_of_more_than_thirty_two_is_named_where_it_becomes_too_long(office: World, change: Open) -> None:
    with change() as c:
        for number in range(20):
            join_group(c, f"group:{number}", f"group:{number + 1}")
    lines = [f"g, group:{number}, group:{number + 1}" for number in range(20, 33)]
    with pytest.raises(BadFile) as raised:
        plan_policy(office.store.engine, "\n".join(lines))
    (fault,) = faults_of(raised)
    assert fault.startswith("line 13: group:32 in group:33")
    assert len(plan_policy(office.store.engine, "\n".join(lines[:-1]))) == 12


def test_a_file_that_replaces_may_turn_a_nesting_round(office: World) -> None:
    make(office.store, [JoinGroup(STAFF, ALL)])
    text = "g, group:all, group:staff\n"
    with pytest.raises(BadFile, match="circle"):
        plan_policy(office.store.engine, text)
    make(office.store, plan_policy(office.store.engine, text, replace=True))
    assert exported(office.store) == text


def test_an_emergency_access_is_neither_written_nor_removed(office: World) -> None:
    make(office.store, [OpenBreakGlass(UserId(ANNA), Obj("coll:a"), 60), READ])
    assert exported(office.store) == "p, group:staff, coll:a, read, allow\n"
    assert plan_policy(office.store.engine, exported(office.store), replace=True) == []


# --- there and back -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    root: Path = tmp_path_factory.mktemp("pair")
    stores = [open_store(create(root / name, embedder="hash_embed@1"), "file:master.key", owner=True) for name in "ab"]
    for store in stores:
        hurry(store)
    yield stores[0], stores[1]
    for store in stores:
        store.engine.dispose()


@settings(max_examples=40)
@given(small=small_worlds())
def test_what_is_written_is_read_back_to_the_byte(pair: tuple[Store, Store], small: SmallWorld) -> None:
    here, there = pair
    settle(small, here)
    settle(dataclasses.replace(small, members=frozenset(), rules=()), there)
    text = exported(here)
    assert exported(there) == ""
    assert text
    gone = [line for line in text.splitlines() if "doc:d" in line and line.split(", ")[2] not in small.documents]
    kept = "".join(f"{line}\n" for line in text.splitlines() if line not in gone)  # a rule on nothing is refused
    make(there, plan_policy(there.engine, kept))
    assert exported(there) == kept
    assert plan_policy(there.engine, kept, replace=True) == []
    assert plan_policy(here.engine, text, replace=True) == []
