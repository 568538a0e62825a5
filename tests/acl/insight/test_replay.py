"""From the records alone the tables can be built again, and what was done behind their back is found."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from acl.admin.breakglass import open_accesses
from acl.admin.change import policy_change
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
    apply,
)
from acl.admin.keys import new_api_key, revoke_api_keys
from acl.errors import BadTrail
from acl.insight.replay import Document, Node, Tables, User, current, differences, replay
from acl.labels import PUBLIC, Label, Level
from acl.names import DocumentId, NodeId, Obj, Subject, UserId
from audit.ledger import Event, Record, records
from store.engine import snapshot, write
from tests.acl.changes import GDPR
from tests.architecture.reading import ROOT, tree
from tests.intake import edges_of
from tests.intake import take_in as ingested
from tests.worlds import ADMIN, World

if TYPE_CHECKING:
    from pathlib import Path

ANNA, BERT = UserId("user:anna"), UserId("user:bert")
A, B, F = NodeId("coll:a"), NodeId("coll:b"), NodeId("folder:f")
STAFF = Subject("group:staff")
SECRET = Label(Level.CONFIDENTIAL, frozenset({GDPR}))


class Nothing:
    """Takes points and wishes, and keeps none."""

    def put(self, points: object) -> None:
        """Do nothing."""

    def keep_only(self, document: object, version: int) -> None:
        """Do nothing."""

    def remove(self, chunks: object) -> None:
        """Do nothing."""


def edit(world: World, *edits: Edit) -> None:
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        for one in edits:
            apply(change, one)


def take_in(world: World, folder: Path) -> None:
    nothing: Any = Nothing()
    assert not ingested(world, folder, A, edges=edges_of(world, index=nothing)).failed


def documents(world: World) -> list[DocumentId]:
    """Name the documents: the one in the collection first, the one in a folder last."""
    with snapshot(world.store.engine) as connection:
        return [DocumentId(name) for name in connection.scalars(text("SELECT id FROM document ORDER BY node_id"))]


def both(world: World) -> tuple[Tables, Tables]:
    """Give what the records make, and what the tables hold."""
    with snapshot(world.store.engine) as connection:
        return replay(records(connection)), current(connection, world.ledger.pseudonym)


@pytest.fixture
def settled(world: World, tmp_path: Path) -> World:
    """A world with a past: each kind of edit, keys, and two documents that were really ingested."""
    folder = tmp_path / "share"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.md").write_text("# One\n\nThe kettle is descaled on Mondays.\n", "utf-8")
    (folder / "deep" / "two.md").write_text("# Two\n\nThe gate closes at ten.\n", "utf-8")
    edit(
        world,
        AddUser(ANNA, "Anna", clearance=SECRET),
        AddUser(BERT, "Bert"),
        AddUser(UserId("user:carl"), "Carl"),
        DescribeUser(ANNA, "Anna B", "anna@staff.example"),
        JoinGroup(Subject(ANNA), STAFF),
        JoinGroup(Subject(BERT), STAFF),
        JoinGroup(STAFF, Subject("group:all")),
        AddCollection(A, "A", PUBLIC),
        AddCollection(B, "B"),
        AddFolder(F, A, "f", SECRET, inherit=False),
    )
    take_in(world, folder)
    one, two = documents(world)
    edit(
        world,
        AddRule(STAFF, Obj(A), "read"),
        AddRule(Subject(ANNA), Obj("owner:anna"), "*"),
        AddRule(Subject(BERT), Obj(A), "read", "deny"),
        SetLabel(one, SECRET),
        SetOwner(one, ANNA),
        SetOwner(two, BERT),
        MoveDocument(two, F),
    )
    (folder / "deep" / "two.md").write_text("# Two\n\nThe gate closes at eleven.\n", "utf-8")
    take_in(world, folder)
    edit(
        world,
        SetActive(BERT, active=False),
        SetActive(UserId("user:carl"), active=False),
        SetActive(UserId("user:carl"), active=True),
        SetClearance(BERT, SECRET),
        LeaveGroup(Subject(BERT), STAFF),
        RemoveRule(Subject(BERT), Obj(A), "read", "deny"),
        MoveFolder(F, B),
        SetInheritance(A, inherit=False),
        SetInheritance(A, inherit=True),
        SetInheritance(B, inherit=False),
        SetLabel(B, Label(Level.INTERNAL)),
        SetOwner(two),
        OpenBreakGlass(ANNA, Obj(two), 60),
        OpenBreakGlass(BERT, Obj("owner:anna"), 60),
    )
    with snapshot(world.store.engine) as connection:
        edit(world, EndBreakGlass(open_accesses(connection, BERT)[0].id))
    with policy_change(world.store.engine, world.ledger, ADMIN) as change:
        revoke_api_keys(change, new_api_key(change, ANNA)[:10])
    world.ledger.commit(Event("ask.intent", ANNA, "1"))
    return world


def test_the_records_make_the_tables(settled: World) -> None:
    recorded, found = both(settled)
    assert recorded == found
    assert differences(recorded, found) == recorded.odd == []
    anna = settled.ledger.pseudonym("user:anna")
    one, two = documents(settled)
    assert recorded.documents[two] == Document(F, "", "public")
    assert recorded.users[f"user:{anna}"] == User(active=True, clearance="confidential+gdpr")
    assert recorded.nodes[F] == Node(B, inherits=False, label="confidential+gdpr")
    assert recorded.documents[one] == Document(A, f"user:{anna}", "confidential+gdpr")
    assert ("p", f"user:{anna}", f"owner:{anna}", "*", "allow") in recorded.rules
    assert (len(recorded.users), len(recorded.rules), len(recorded.documents)) == (3, 7, 2)


def test_a_new_version_is_recorded_where_the_document_lies_and_not_where_its_file_does(settled: World) -> None:
    """The record named the file's folder: after a move, a replay put the next version back into it."""
    two = documents(settled)[1]
    with snapshot(settled.store.engine) as connection:
        taken_in = [record.body["node"] for record in records(connection) if record.body.get("document") == two]
    assert len(taken_in) == 2
    assert taken_in[0] != taken_in[1] == F


def test_a_document_that_was_never_finished_is_in_neither(settled: World) -> None:
    edit(settled, SetLabel(settled.document(A, "text", state="draft"), SECRET))
    recorded, found = both(settled)
    assert recorded == found
    assert len(recorded.documents) == 2
    settled.document(A, "text")  # one that answers, and has no record
    (line,) = differences(*both(settled))
    assert line.startswith("document doc:")


def test_a_replay_names_nobody(settled: World) -> None:
    for tables in both(settled):
        assert "anna" not in repr(tables).lower()
        assert "bert" not in repr(tables).lower()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE users SET active = true WHERE id = 'user:bert'", "active=False"),
        ("UPDATE users SET clearance = 3 WHERE id = 'user:bert'", "restricted+gdpr"),
        ("INSERT INTO user_compartment VALUES ('user:carl', 'pci')", "internal+pci"),
        (
            "INSERT INTO casbin_rule (ptype, v0, v1, v2, v3) VALUES ('p', 'group:x', 'root:all', '*', 'allow')",
            "rule p, group:x, root:all, *, allow: found, not recorded",
        ),
        (
            "DELETE FROM casbin_rule WHERE v0 = 'group:staff' AND ptype = 'p'",
            "rule p, group:staff, coll:a, read, allow: recorded, not found",
        ),
        (
            "INSERT INTO casbin_rule (ptype, v0, v1) VALUES ('g', 'group:x', 'group:staff')",
            "rule g, group:x, group:staff: found, not recorded",
        ),
        (
            "UPDATE node SET inherit = true WHERE id = 'folder:f'",
            "node folder:f: recorded Node(parent='coll:b', inherits=F",
        ),
        ("UPDATE node SET parent_id = 'coll:a' WHERE id = 'folder:f'", "found Node(parent='coll:a'"),
        ("UPDATE node SET level = 0 WHERE id = 'coll:b'", "found Node(parent='', inherits=False, label='public')"),
        ("DELETE FROM node_compartment WHERE node_id = 'folder:f'", "label='confidential'"),
        (
            "INSERT INTO node VALUES ('coll:c', NULL, 'C', true, 0, NULL, NULL)",
            "node coll:c: recorded none, found Node(",
        ),
        ("UPDATE document SET owner = 'user:carl'", "owner='user:"),
        ("UPDATE document SET level = 0", "label='public+gdpr'"),
        ("DELETE FROM document_compartment", "label='confidential')"),
        ("UPDATE document SET node_id = 'coll:a' WHERE node_id = 'folder:f'", "found Document(node='coll:a'"),
        ("UPDATE document SET state = 'deleted'", "found none"),
        ("UPDATE break_glass SET ends_at = '2199-01-01 00:00:00'", "ends='2199-01-01T00:00:00+00:00'"),
        ("UPDATE break_glass SET user_id = 'user:carl'", "emergency access"),
        ("UPDATE policy_state SET epoch = 99", "found 99"),
    ],
)
def test_what_was_done_behind_the_services_back_is_found(settled: World, statement: str, says: str) -> None:
    with write(settled.store.engine) as connection:
        assert connection.execute(text(statement)).rowcount
    lines = differences(*both(settled))
    assert any(says in line for line in lines), lines


def test_what_was_done_without_a_record_is_wondered_at_even_if_the_tables_agree_again(settled: World) -> None:
    with write(settled.store.engine) as connection:
        connection.execute(
            text("INSERT INTO casbin_rule (ptype, v0, v1, v2, v3) VALUES ('p', 'group:x', 'root:all', '*', 'allow')")
        )
    edit(settled, RemoveRule(Subject("group:x"), Obj("root:all"), "*"))
    recorded, found = both(settled)
    assert recorded == found
    (odd,) = recorded.odd
    assert "rule removed" in odd
    assert "group:x" in odd


def body(**values: Any) -> Record:
    return Record(7, {"kind": "policy.changed", "epoch": 1, "changes": [], **values}, "")


def test_a_missing_record_of_a_change_is_wondered_at(settled: World) -> None:
    with snapshot(settled.store.engine) as connection:
        kept = list(records(connection))
    del kept[1]
    assert replay(kept).odd


@pytest.mark.parametrize(
    "record",
    [
        body(changes=[["rule bent", "user:x"]]),
        body(changes=[["rule", "user:x"]]),
        body(changes=[["user active", "user:x", "maybe"]]),
        body(changes=["rule"]),
        body(changes=[[]]),
        body(changes=None),
        body(epoch="1"),
        Record(7, {"kind": "document.ingested", "document": "doc:1", "node": "coll:a"}, ""),
    ],
)
def test_a_record_that_is_not_understood_stops_the_replay_and_is_named(record: Record) -> None:
    """To pass over it would be to say that the tables are as recorded without knowing it."""
    with pytest.raises(BadTrail, match="record 7"):
        replay([record])
    assert replay([body()]) == Tables(epoch=1)
    assert replay([Record(7, {"kind": "ask.intent"}, "")]) == Tables()


def test_every_line_that_a_change_writes_is_one_that_replay_knows() -> None:
    """Who adds a verb adds it there too: a list that begins with a text, given to `done.append` or `_done`."""
    written = {
        value.elts[0].value
        for source in (ROOT / "acl").rglob("*.py")
        for call in ast.walk(tree(str(source.relative_to(ROOT))))
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in ("append", "_done")
        for value in call.args
        if isinstance(value, ast.List) and isinstance(value.elts[0], ast.Constant)
    }
    known = {
        pattern.value.value
        for case in ast.walk(tree("acl/insight/replay.py"))
        if isinstance(case, ast.MatchSequence)
        for pattern in ast.walk(case.patterns[0])
        if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant)
    }
    assert len(written) > 10
    assert written <= known
