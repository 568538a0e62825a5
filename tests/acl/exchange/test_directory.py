"""People and groups from a directory file: what it may change, what it may not, and what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from acl.admin.change import policy_change
from acl.admin.edits import AddUser, DescribeUser, Edit, JoinGroup, LeaveGroup, SetActive, apply
from acl.admin.groups import MAX_NESTING, join_group
from acl.errors import BadFile
from acl.exchange.directory import plan_directory
from acl.exchange.directory_file import Form, export_directory, read_directory
from acl.labels import Label, Level
from acl.names import Subject, UserId
from audit.ledger import Ledger
from store import schema
from store.engine import snapshot, write
from store.folder import create, open_store
from tests.acl.changes import Open, tables
from tests.worlds import ADMIN, World, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.folder import Store

ANNA, BERT, CARL = UserId("user:anna"), UserId("user:bert"), UserId("user:carl")
STAFF, ALL, HAND = Subject("group:staff"), Subject("group:all"), Subject("group:by-hand")
HEADER = "userName,displayName,email,phone,active,groups\n"
CSV = f"""{HEADER}anna,Anna Berg,anna@staff.example,+44 20 7946 0001,true,staff;all
bert@staff.example,"Berg, Bert",,,false,
"""


def user(name: str, **values: Any) -> dict[str, Any]:
    return {"userName": name, "displayName": name.title(), **values}


def group(name: str, *members: str, **values: Any) -> dict[str, Any]:
    return {"displayName": name, "members": [{"value": member} for member in members], **values}


def scim(*resources: Any) -> str:
    return json.dumps({"totalResults": len(resources), "Resources": resources})


SCIM = scim(
    {
        "id": "2819c223",
        "userName": "anna",
        "name": {"givenName": "Anna", "familyName": "Berg"},
        "emails": [{"value": "old@staff.example"}, {"value": "anna@staff.example", "primary": True}],
        "phoneNumbers": [{"value": "+44 20 7946 0001", "type": "work"}],
        "groups": [{"value": "e9e30dba", "display": "all"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "1"},
    },
    {"id": "902c246b", "userName": "bert@staff.example", "displayName": "Berg, Bert", "active": False},
    {"id": "e9e30dba", "displayName": "staff", "members": [{"value": "2819c223", "type": "User"}]},
)


def make(store: Store, edits: Any) -> None:
    with policy_change(store.engine, Ledger(store.engine, store.keys.audit), ADMIN) as change:
        for edit in edits:
            apply(change, edit)


def planned(world: World, text: str, form: Form = "csv", **options: Any) -> list[Edit]:
    return list(plan_directory(world.store.engine, read_directory(text, form), **options).edits)


def exported(store: Store, form: Form) -> str:
    with snapshot(store.engine) as connection:
        return export_directory(connection, form)


def faults_of(text: str, form: Form = "csv") -> list[str]:
    with pytest.raises(BadFile) as raised:
        read_directory(text, form)
    assert len(str(raised.value)) < 8_000
    first, *faults = str(raised.value).splitlines()
    assert first == "nothing was imported"
    return faults


# --- what a file asks for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (CSV, "csv"),
        ("\ufeff" + CSV.replace("\n", "\r\n"), "csv"),
        (
            (
                "ACTIVE,Phone,groups,email,name,id\n\n"
                "True,+44 20 7946 0001,group:staff ; all,anna@staff.example, Anna Berg ,user:anna\n"
                ' false ,,,,"Berg, Bert",bert\n'
            ),
            "csv",
        ),
        (SCIM.replace("e9e30dba", "other", 1), "scim"),
        (json.dumps(json.loads(SCIM.replace("e9e30dba", "other", 1))["Resources"]), "scim"),
    ],
)
def test_new_people_are_made_and_join_their_groups(world: World, text: str, form: Form) -> None:
    edits = planned(world, text, form)
    assert edits == [
        AddUser(ANNA, "Anna Berg", "anna@staff.example", "+44 20 7946 0001", Label(Level.INTERNAL)),
        AddUser(BERT, "Berg, Bert"),
        SetActive(BERT, active=False),
        JoinGroup(Subject(ANNA), ALL),
        JoinGroup(Subject(ANNA), STAFF),
    ]
    make(world.store, edits)
    assert planned(world, text, form) == []


def test_planning_changes_nothing(world: World) -> None:
    before = tables(world.store.engine)
    assert planned(world, CSV)
    assert tables(world.store.engine) == before


@pytest.fixture
def office(world: World) -> World:
    """Anna, Bert and Carl; Anna and Bert are staff, Anna is in a group that no directory knows."""
    world.user("anna", groups=["staff", "by-hand"], email="anna@staff.example", phone="+44 20 7946 0001")
    world.user("bert", groups=["staff"])
    world.user("carl")
    return world


def test_a_person_is_described_as_in_the_file_and_what_the_file_does_not_tell_stays(office: World) -> None:
    described = DescribeUser(ANNA, "Anna Berg", "anna@staff.example", "+44 20 7946 0001")
    assert planned(office, "id,name\nanna,Anna Berg\nbert,Bert\n") == [described]
    assert planned(office, scim(user("anna", displayName="Anna Berg")), "scim") == [described]
    without = DescribeUser(ANNA, "Anna", "", "+44 20 7946 0001")
    assert planned(office, "id,name,email\nanna,Anna,\n") == [without]
    assert planned(office, scim(user("anna", emails=[])), "scim") == [without]


def test_who_is_put_out_in_the_directory_is_put_out_here(office: World) -> None:
    assert planned(office, "id,name,active\nbert,Bert,false\n") == [SetActive(BERT, active=False)]
    assert planned(office, scim(user("bert", active=False)), "scim") == [SetActive(BERT, active=False)]
    assert planned(office, "id,name,active\nbert,Bert,true\n") == []


def test_who_was_put_out_here_is_let_in_only_if_that_is_asked_for(office: World) -> None:
    """Somebody who was put out after an incident must not be back with the next import."""
    make(office.store, [SetActive(BERT, active=False)])
    directory = read_directory("id,name\nbert,Bert\n", "csv")
    plan = plan_directory(office.store.engine, directory)
    assert plan.edits == ()
    assert plan.left[0] == "line 2: user:bert is not active here, and stays so"
    assert plan_directory(office.store.engine, directory, let_in=True).edits == (SetActive(BERT, active=True),)


def test_who_is_gone_is_put_out_only_if_the_file_is_said_to_be_whole(office: World) -> None:
    directory = read_directory("id,name,groups\nanna,Anna,staff\n", "csv")
    plan = plan_directory(office.store.engine, directory)
    assert plan.edits == ()
    assert plan.left == tuple(f"user:{name} is not in the file, and stays active" for name in ("bert", "carl"))
    assert plan_directory(office.store.engine, directory, is_whole=True).edits == (
        SetActive(BERT, active=False),
        SetActive(CARL, active=False),
        LeaveGroup(Subject(BERT), STAFF),
    )


def test_people_leave_the_groups_that_the_directory_manages_and_no_others(office: World) -> None:
    text = "id,name,groups\nanna,Anna,\nbert,Bert,staff\n"
    assert planned(office, text) == [LeaveGroup(Subject(ANNA), STAFF)]
    assert planned(office, text.replace("staff", "all"), manages=[STAFF]) == [
        LeaveGroup(Subject(ANNA), STAFF),
        LeaveGroup(Subject(BERT), STAFF),
        JoinGroup(Subject(BERT), ALL),
    ]
    assert planned(office, "id,name\nanna,Anna\nbert,Bert\n") == []
    with pytest.raises(BadFile, match="tells no groups"):
        planned(office, "id,name\nanna,Anna\n", manages=[STAFF])


def test_a_group_with_a_resource_has_those_members_and_no_others(office: World, change: Open) -> None:
    with change() as c:
        join_group(c, HAND, STAFF)
    text = scim(user("anna"), group("staff", "anna", "carl", "group:all"))
    assert planned(office, text, "scim") == [
        LeaveGroup(HAND, STAFF),
        LeaveGroup(Subject(BERT), STAFF),
        JoinGroup(Subject(CARL), STAFF),
        JoinGroup(ALL, STAFF),
    ]
    assert planned(office, scim(user("anna"), group("staff")), "scim")[:2] == [
        LeaveGroup(HAND, STAFF),
        LeaveGroup(Subject(ANNA), STAFF),
    ]


def test_groups_may_be_turned_round(office: World, change: Open) -> None:
    with change() as c:
        join_group(c, STAFF, ALL)
    make(office.store, planned(office, scim(group("staff", "group:all"), group("all")), "scim"))
    with snapshot(office.store.engine) as connection:
        rows = connection.execute(schema.casbin_rule.select().where(schema.casbin_rule.c.v0 == ALL)).all()
    assert [row.v1 for row in rows] == [STAFF]


# --- what is wrong with a file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: there is no column userName"),
        ("id\nanna\n", "line 1: there is no column displayName"),
        ("id,name,clearance\nanna,Anna,3\n", "line 1: 'clearance': a directory clears nobody for anything"),
        ("id,name,Compartments\nanna,Anna,gdpr\n", "line 1: 'Compartments': a directory clears nobody"),
        ("id,name,grups\nanna,Anna,x\n", "line 1: 'grups' is no column"),
        ("id,userName,name\nanna,anna,Anna\n", "line 1: 'userName': there are two columns for it"),
        ("id,name\nanna\n", "line 2: it has 1 columns, and the header 2"),
        ("id,name\nanna,Anna,x\n", "line 2: it has 3 columns, and the header 2"),
        ("id,name\n,Anna\n", "line 2, user: 'user:' is not a name here"),
        ("id,name\n\nanna berg,Anna\n", "line 3, user: 'user:anna berg' is not a name here"),
        ("id,name\ngroup:anna,Anna\n", "line 2, user: 'user:group:anna' is not a name here"),
        ("id,name\na@b@c.example,Anna\n", "line 2, user: 'a@b@c.example' is no user name"),
        ("id,name\nanna@,Anna\n", "line 2, user: 'anna@' is no user name"),
        ("id,name\nanna@a.example,Anna\nanna@b.example,Anna\n", "line 3: user:anna is taken: line 2 is user:anna"),
        ("id,name\nanna,Anna\nAnna,Anna\n", "line 3: user:Anna is taken: line 2 is user:anna"),
        ('id,name\nanna,"An\x00na"\n', r"line 2, name: it has the sign '\x00' in it"),
        ('id,name\nanna,"An\nna"\nbert,"Bert\u202e"\n', r"line 2, name: it has the sign '\n' in it"),
        ('id,name\nanna,"An\nna"\nbert,"Bert\u202e"\n', r"line 4, name: it has the sign '\u202e' in it"),
        ("id,name\nanna,=1+1\n", "line 2, name: '=1+1' is a formula"),
        ("id,name,phone\nanna,Anna,+44|cmd\n", "line 2, phone: '+44|cmd' is a formula"),
        ("id,name,email\nanna,Anna,@SUM(1)\n", "line 2, email: '@SUM(1)' is a formula"),
        (f"id,name\nanna,{'x' * 201}\n", "line 2, name: it has 201 characters: at most 200"),
        (f"id,name\n{'x' * 400},Anna\n", "line 2, user: it has 400 characters"),
        ("id,name,active\nanna,Anna,maybe\n", "line 2, active: 'maybe' is neither true nor false"),
        ("id,name,active\nanna,Anna,\n", "line 2, active: '' is neither true nor false"),
        ("id,name,groups\nanna,Anna,staff;All People\n", "line 2, groups: 'group:All People' is not a name here"),
        ("id,name,groups\nanna,Anna,user:bert\n", "line 2, groups: 'group:user:bert' is not a name here"),
        ('id,name\nanna,"Anna\n', "line 2: it is no CSV"),
        ('id,name\nanna,"An"na\n', "line 2: it is no CSV"),
        ("id" + ",x" * 1_000_000, "line 1: the header has 1,000,001 columns"),
        ("id,name\n" + "x," * 1_000_000, "line 2: it has 1,000,001 columns, and the header 2"),
        ("id,name\nanna," + "x" * 1_000_000, "line 2: it is no CSV: field larger than field limit"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_named_by_line_and_field(text: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults_of(text)), faults_of(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: it is no JSON"),
        ("{", "line 1: it is no JSON"),
        ("[\n{]", "line 2: it is no JSON"),
        ("[" * 100_000, "the file: it is no JSON, or nested too deep"),
        ('{"a":' * 100_000, "the file: it is no JSON, or nested too deep"),
        ("[" + "9" * 100_000 + "]", "the file: it is no JSON, or nested too deep"),
        ("[NaN]", "the file: NaN is no number"),
        (
            '[{"userName": "anna", "active": true, "active": false}]',
            "the file: an object names the same attribute twice",
        ),
        ("{}", "the file: it is neither a list of resources nor a list response"),
        ('{"totalResults": 3, "Resources": []}', "the file: it has 0 resources of 3"),
        ("[1, null, []]", "record 2: it is neither a user, with userName, nor a group"),
        (scim({"id": "1"}), "record 1: it is neither a user, with userName, nor a group"),
        (scim(user("anna"), user("anna", clearance=3)), "record 2: clearance: a directory clears nobody for anything"),
        (scim(user("anna", **{"urn:x:1.0:Compartments": []})), "record 1: compartments: a directory clears nobody"),
        (scim({"userName": 7}), "record 1: userName is no text"),
        (scim(user("anna"), user("anna@staff.example")), "record 2: user:anna is taken: record 1 is user:anna"),
        (scim(user("anna"), user("ANNA")), "record 2: user:ANNA is taken: record 1 is user:anna"),
        (scim(user("anna", displayName="A\x00")), r"record 1, name: it has the sign '\x00' in it"),
        (scim(user("anna", displayName="\ud800")), r"record 1, name: it has the sign '\ud800' in it"),
        (scim({"userName": "anna", "name": "Anna"}), "record 1: name is no object"),
        (scim(user("anna", emails="x")), "record 1, email: emails is no list of objects"),
        (scim(user("anna", emails=[{"value": 1}])), "record 1, email: value is no text"),
        (scim(user("anna", active="True")), "record 1, active: 'True' is neither true nor false"),
        (scim(user("anna", active=1)), "record 1, active: '1' is neither true nor false"),
        (scim(user("anna", groups=[{"display": "All People"}])), "record 1, groups: 'group:All People' is not a name"),
        (scim(group("All People")), "record 1, displayName: 'group:All People' is not a name here"),
        (scim(group("staff"), group("staff")), "record 2, displayName: group:staff has a resource already"),
        (scim(group("staff", "no body")), "record 1, members: 'user:no body' is not a name here"),
        (scim(group("staff") | {"members": {"value": "anna"}}), "record 1, members: members is no list of objects"),
    ],
)
def test_what_is_wrong_with_a_scim_file_is_named_by_record_and_field(text: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults_of(text, "scim")), faults_of(text, "scim")


def test_all_faults_are_named_at_once() -> None:
    text = "id,name,active,groups\n" + "a b,=x,no,c d\n" * 9
    faults = faults_of(text)
    assert [fault.partition(":")[0] for fault in faults[:3]] == ["line 2, name", "line 2, active", "line 2, user"]
    assert len(faults) == 21
    assert faults[-1].startswith("and ")


def test_what_makes_no_sense_as_things_stand_is_named_by_its_place(office: World) -> None:
    faults = []
    for text, form in [
        ("id,name\nAnna,Anna\ncarl,42\n", "csv"),
        ("id,name,email\ncarl,Carl,nowhere\n", "csv"),
        (scim(user("carl"), group("staff", "nobody")), "scim"),
        (scim(group("staff", "group:all"), group("all", "group:staff")), "scim"),
    ]:
        with pytest.raises(BadFile) as raised:
            planned(office, text, form)  # type: ignore[arg-type]  # a table of texts
        faults += str(raised.value).splitlines()[1:]
    assert [fault[:60] for fault in faults] == [
        "line 2: there is user:anna, which differs from user:Anna in case alone"[:60],
        "line 3: the name of user:carl has no letter: write the full name"[:60],
        "line 2: the e-mail address of user:carl is none: write it as NAME@HOST"[:60],
        "record 2: there is no user user:nobody: make one with ntk user add"[:60],
        "record 1: group:all in group:staff: groups would be in a circle, or nes"[:60],
    ]


def test_a_directory_cannot_nest_groups_deeper_than_a_policy_can(office: World) -> None:
    chain = [group(f"g{number + 1}", f"group:g{number}") for number in range(MAX_NESTING + 1)]
    assert len(planned(office, scim(*chain[:-1]), "scim")) == MAX_NESTING
    with pytest.raises(BadFile, match="nested more than 32 deep"):
        planned(office, scim(*chain), "scim")


# --- there and back ---------------------------------------------------------------------------------


def test_csv_is_written_so_that_no_spreadsheet_runs_it(office: World) -> None:
    make(
        office.store, [DescribeUser(CARL, "=cmd|' /C calc'!A0", "-x@staff.example"), DescribeUser(BERT, "'t Hooft, B")]
    )
    assert exported(office.store, "csv") == (
        f"{HEADER}"
        "anna,Anna,anna@staff.example,+44 20 7946 0001,true,by-hand;staff\n"
        'bert,"\'t Hooft, B",,,true,staff\n'
        "carl,'=cmd|' /C calc'!A0,'-x@staff.example,,true,\n"
    )
    assert planned(office, exported(office.store, "csv"), is_whole=True) == []


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    root = tmp_path_factory.mktemp("pair")
    stores = [open_store(create(root / name, embedder="hash_embed@1"), "file:master.key", owner=True) for name in "ab"]
    for store in stores:
        hurry(store)
    yield stores[0], stores[1]
    for store in stores:
        store.engine.dispose()


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and any(map(str.isalpha, name))
)
emails = st.sampled_from(["", "a@b.example", "=x@y.example", "+1@b.example"])
phones = st.sampled_from(["", "+44 20 7946 0001", "(0) 12345", "=12345"])
drawn_people = st.lists(st.tuples(names, emails, phones, st.booleans()), min_size=1, max_size=4)
drawn_groups = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=6)
drawn_nesting = st.sets(st.sampled_from([(0, 1), (0, 2), (1, 2)]), max_size=2)


@settings(max_examples=40)
@given(people=drawn_people, members=drawn_groups, nesting=drawn_nesting)
def test_what_is_written_is_read_back_to_the_byte(
    pair: tuple[Store, Store], people: Any, members: set[tuple[int, int]], nesting: set[tuple[int, int]]
) -> None:
    for store in pair:
        with write(store.engine) as connection:
            connection.execute(delete(schema.casbin_rule))
            connection.execute(delete(schema.users))
    here, there = pair
    made: list[Edit] = [
        edit
        for number, (name, email, phone, active) in enumerate(people)
        for edit in (
            AddUser(UserId(f"user:u{number}"), name, email, phone),
            SetActive(UserId(f"user:u{number}"), active),
        )
    ]
    joined = {(f"user:u{number}", f"group:g{into}") for number, into in members if number < len(people)}
    joined |= {(f"group:g{inner}", f"group:g{outer}") for inner, outer in nesting}
    make(here, [*made, *(JoinGroup(Subject(member), Subject(into)) for member, into in sorted(joined))])
    forms: list[Form] = ["csv", "scim"]
    for form in forms:  # the second adds the nesting, of which CSV knows nothing
        text = exported(here, form)
        make(there, plan_directory(there.engine, read_directory(text, form)).edits)
        assert exported(there, form) == text
        assert plan_directory(here.engine, read_directory(text, form), is_whole=True).edits == ()
