"""Any history of administration: what is listed, decided, found and opened is one, and the records make the tables.

Two administrators change a small world through `acl.admin.gate`, with edits that make sense and edits that do not;
documents come in through the real pipeline, and the index follows when it gets to it. Beside it runs a model, changed
by the rules of this test alone, on which the oracle decides.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update

from acl.admin.change import policy_change
from acl.admin.edits import (
    AddCollection,
    AddFolder,
    AddRule,
    AddUser,
    Edit,
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
)
from acl.admin.gate import CONSOLE, Waiting, administer
from acl.admin.rules import grant
from acl.admin.second import approve
from acl.decision import Rule
from acl.errors import PolicyError
from acl.insight.replay import current, differences, replay
from acl.labels import PUBLIC, Label
from acl.names import ROOT, DocumentId, NodeId, Obj, Subject, UserId
from acl.read import whats_of
from audit.ledger import Ledger, records, verify
from bench.deciders import oracle
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION
from retrieval.tags import drain
from store import schema
from store.engine import snapshot, write
from store.folder import create, open_store
from store.schema import metadata
from tests.acl.changes import tables
from tests.acl.small_edits import NEW_USERS, edits, edits_of_places, sensible
from tests.acl.small_worlds import COLLECTIONS, FOLDERS, GHOST, GROUPS, USERS, WORDS
from tests.intake import take_in
from tests.worlds import World, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acl.scope import Scope
    from retrieval.embed import Embed

FIRST, SECOND = UserId("user:first"), UserId("user:second")
EVERYBODY: Final = [*map(UserId, [*USERS, *NEW_USERS, GHOST]), FIRST, SECOND]
QUESTION: Final = " ".join(WORDS)
LATER: Final = datetime(2999, 1, 1, tzinfo=UTC)  # every line of the outbox is due by then


@dataclasses.dataclass(frozen=True)
class Arena:
    """A data folder with an index, in which one history after the other takes place."""

    world: World
    shares: Path
    seen: Counter[str]

    def clear(self) -> None:
        with snapshot(self.world.store.engine) as connection:
            old = connection.scalars(select(schema.document.c.id)).all()
        for document in old:
            self.world.index.keep_only(DocumentId(document), 0)
        with write(self.world.store.engine) as connection:
            for table in reversed(metadata.sorted_tables):
                if table not in (schema.installation, schema.master_key, schema.policy_state):
                    connection.execute(delete(table))
            connection.execute(update(schema.policy_state).values(epoch=0))
        shutil.rmtree(self.shares, ignore_errors=True)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[Arena]:
    root = tmp_path_factory.mktemp("arena")
    layout = create(root / "data", embedder="hash_embed@1")
    store = open_store(layout, "file:master.key", owner=True)
    index = EdgeIndex(layout.index, DIMENSION)
    hurry(store)
    yield Arena(World(store, Ledger(store.engine, store.keys.audit), index, hash_embed), root / "shares", Counter())
    index.close()
    store.engine.dispose()


class Administration(RuleBasedStateMachine):
    """A policy and its model, changed by the same edits."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        arena.clear()
        self.arena, self.world = arena, arena.world
        self.users: dict[str, oracle.User] = {}
        self.members: set[tuple[str, str]] = set()
        self.nodes: dict[str, oracle.Node] = {}
        self.documents: dict[str, oracle.Document] = {}
        self.lines: set[tuple[str, str, str, str]] = set()
        self.emergencies: list[tuple[str, str, str, str]] = []
        self.words: dict[str, str] = {}  # document -> a word that only its newest version has

    # --- what happens -----------------------------------------------------------------------------

    @initialize(
        joined=st.sets(st.sampled_from([(user, group) for user in USERS for group in GROUPS]), min_size=2, max_size=5),
        granted=st.lists(st.sampled_from([*GROUPS, "role:everyone"]), min_size=1, max_size=3),
        moved=st.booleans(),
    )
    def begin(self, joined: set[tuple[str, str]], granted: list[str], moved: bool) -> None:  # noqa: FBT001 - drawn
        """Settle two administrators, some people, places and grants, and a document that may have moved since."""
        with policy_change(self.world.store.engine, self.world.ledger, CONSOLE) as change:
            grant(change, Rule(Subject(CONSOLE), ROOT, "manage", "allow"))
        administrators = [
            edit
            for user in (FIRST, SECOND)
            for edit in (AddUser(user, "Ada Min"), AddRule(Subject(user), ROOT, "manage"))
        ]
        parents = [*COLLECTIONS, *FOLDERS]
        folders = zip(FOLDERS, parents, strict=False)
        assert self.make(CONSOLE, *administrators)
        assert self.make(
            FIRST,
            *(AddUser(UserId(user), "Some One", clearance=Label()) for user in USERS),
            *(AddCollection(NodeId(name), name, PUBLIC) for name in COLLECTIONS),
            *(AddFolder(NodeId(name), NodeId(parent), name) for name, parent in folders),
            *(JoinGroup(Subject(member), Subject(group)) for member, group in sorted(joined)),
            *(AddRule(Subject(subject), Obj("coll:c0"), "read") for subject in granted),
            AddRule(Subject("role:everyone"), Obj("coll:c1"), "read"),
        )
        self.take_in("coll:c0", 0, "hotel")
        if moved:
            assert self.make(FIRST, *(MoveDocument(DocumentId(id_), NodeId("coll:c1")) for id_ in self.documents))

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """Make an edit, whether it makes sense or not."""
        self.make(FIRST, data.draw(edits(list(map(DocumentId, sorted(self.documents))))))

    @rule(data=st.data(), to=st.sampled_from(COLLECTIONS))
    def move(self, data: st.DataObject, to: str) -> None:
        """Move, label or hand over a place or a document, so that the index is behind."""
        documents = list(map(DocumentId, sorted(self.documents)))
        moves = st.sampled_from([MoveDocument(document, NodeId(to)) for document in documents])
        self.make(FIRST, data.draw(moves | edits_of_places(documents)))

    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        """Remove a membership or a rule that is there."""
        there = sensible(frozenset(self.members), tuple(sorted(self.lines)))
        self.make(FIRST, data.draw(st.sampled_from(there)))

    @rule(data=st.data())
    def edit_several(self, data: st.DataObject) -> None:
        """Make several edits at once: all of them hold, or none."""
        documents = list(map(DocumentId, sorted(self.documents)))
        self.make(FIRST, *data.draw(st.lists(edits(documents), min_size=2, max_size=3)))

    @rule(collection=st.sampled_from(COLLECTIONS), file=st.integers(0, 2), word=st.sampled_from(WORDS))
    def take_in(self, collection: str, file: int, word: str) -> None:
        """Put a document in, or another version of it."""
        folder = self.arena.shares / collection.partition(":")[2]
        folder.mkdir(parents=True, exist_ok=True)
        marker = f"version{len(self.words)}{file}{word}"
        (folder / f"{file}.txt").write_text(f"The {word} of {QUESTION}, {marker}.", "utf-8")
        made = take_in(self.world, folder, NodeId(collection), actor=CONSOLE)
        assert (made.failed, made.added + made.changed <= 1) == ({}, True)
        with snapshot(self.world.store.engine) as connection:
            newest = select(schema.document.c.id, schema.document.c.version)
            versions = {row.id: row.version for row in connection.execute(newest)}
        for document, version in versions.items():
            if document not in self.documents:
                self.documents[document] = oracle.Document(collection, None, 0, frozenset(), "live", version, ())
                self.words[document] = marker
            elif version != self.documents[document].version:
                self.documents[document] = dataclasses.replace(self.documents[document], version=version)
                self.words[document] = marker

    @rule()
    def catch_up(self) -> None:
        """Let the index follow: all is found then that may be read."""
        assert not drain(self.world.store.engine, self.world.index, LATER).failed
        for user in EVERYBODY:
            assert self.found(user) == self.readable(user)

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def what_is_listed_decided_found_and_opened_is_one(self) -> None:
        ids = list(map(DocumentId, sorted(self.documents)))
        with snapshot(self.world.store.engine) as connection:
            whats = whats_of(connection, ids)
        for user in EVERYBODY:
            readable, scope = self.readable(user), self.world.scope(user)
            opened = {snippet.document for snippet in self.world.permit(self.world.hits(*ids), scope).snippets}
            assert {id_ for id_ in ids if lists(scope, whats[id_])} == readable
            assert {id_ for id_ in ids if self.world.verdict(user, id_)} == readable
            assert opened == readable
            found = self.found(user)
            assert found <= readable
            self.arena.seen["behind"] += found != readable
            self.arena.seen["readable"] += len(readable)
            self.arena.seen["hidden"] += len(ids) - len(readable)

    @invariant()
    def the_records_make_the_tables(self) -> None:
        with snapshot(self.world.store.engine) as connection:
            recorded = replay(records(connection))
            found = current(connection, self.world.ledger.pseudonym)
        assert differences(recorded, found) == recorded.odd == []

    def teardown(self) -> None:
        if self.documents:  # else it did not begin
            self.catch_up()
            verify(self.world.store.engine)

    # --- the model --------------------------------------------------------------------------------

    def make(self, actor: UserId, *these: Edit) -> bool:
        """Make edits, with a second administrator if it takes one; the model follows if they hold."""
        engine, ledger = self.world.store.engine, self.world.ledger
        before = policy_in(engine)
        try:
            made = administer(engine, ledger, actor, these, reason="a test")
            if isinstance(made, Waiting):
                assert policy_in(engine) == before
                approve(engine, ledger, SECOND, made.approval)
                self.arena.seen["approved"] += 1
        except PolicyError:
            assert policy_in(engine) == before
            self.arena.seen["refused"] += 1
            return False
        for one in these:
            self.follow(one)
        self.arena.seen["made"] += 1
        return True

    def follow(self, edit: Edit) -> None:  # noqa: C901, PLR0912 - one case for each kind of edit
        match edit:
            case AddUser(user, clearance=label):
                self.users[user] = oracle.User(active=True, **of_user(label))
            case SetActive(user, active):
                self.users[user] = dataclasses.replace(self.users[user], active=active)
            case SetClearance(user, label):
                self.users[user] = dataclasses.replace(self.users[user], **of_user(label))
            case JoinGroup(member, group):
                self.members.add((member, group))
            case LeaveGroup(member, group):
                self.members.remove((member, group))
            case AddCollection(node, label=label):
                self.nodes[node] = oracle.Node(None, inherit=True, **of_place(label))
            case AddFolder(node, parent, label=label, inherit=inherit):
                self.nodes[node] = oracle.Node(parent, inherit=inherit, **of_place(label))
            case MoveFolder(node, parent):
                self.nodes[node] = dataclasses.replace(self.nodes[node], parent=parent)
            case SetInheritance(node, inherit):
                self.nodes[node] = dataclasses.replace(self.nodes[node], inherit=inherit)
            case SetLabel(place, label) if place in self.nodes:
                self.nodes[place] = dataclasses.replace(self.nodes[place], **of_place(label))
            case SetLabel(place, label):
                self.documents[place] = dataclasses.replace(self.documents[place], **of_place(label))
            case MoveDocument(document, to):
                self.documents[document] = dataclasses.replace(self.documents[document], node=to)
            case SetOwner(document, owner):
                self.documents[document] = dataclasses.replace(self.documents[document], owner=owner)
            case AddRule():
                self.lines.add(columns(edit.rule))
            case RemoveRule():
                self.lines.remove(columns(edit.rule))
            case OpenBreakGlass(user, place):
                self.emergencies.append((user, place, "read", "allow"))

    def readable(self, user: UserId) -> set[str]:
        rules = (*self.lines, *self.emergencies)
        small = oracle.SmallWorld(self.users, frozenset(self.members), self.nodes, self.documents, rules)
        return {id_ for id_ in self.documents if oracle.may_read(small, user, id_)}

    def found(self, user: UserId) -> set[str]:
        snippets = self.world.find(QUESTION, user).snippets
        assert all(self.words[snippet.document] in snippet.text for snippet in snippets)
        return {snippet.document for snippet in snippets}


def lists(scope: Scope, what: Any) -> bool:
    """Say whether a document is inside a scope, as the scope's own words have it."""
    is_cleared = what.label.level <= scope.clearance and what.label.compartments <= scope.compartments
    return bool(what.scopes & scope.allow) and not what.scopes & scope.deny and is_cleared and what.live


def of_user(label: Label) -> dict[str, Any]:
    return {"clearance": int(label.level), "compartments": frozenset(map(str, label.compartments))}


def of_place(label: Label) -> dict[str, Any]:
    return {"level": int(label.level), "compartments": frozenset(map(str, label.compartments))}


def columns(line: Rule) -> tuple[str, str, str, str]:
    return (line.subject, line.object, line.action, line.effect)


def policy_in(engine: Any) -> dict[str, list[Any]]:
    """Give the database without what may be written of an attempt: its record, and what waits."""
    left_out = ("audit_record", "audit_head", "approval")
    return {name: rows for name, rows in tables(engine).items() if name not in left_out}


def test_after_any_history_all_ways_to_a_document_agree_and_the_records_make_the_tables(arena: Arena) -> None:
    machine: Any = partial(Administration, arena)
    run_state_machine_as_test(machine, settings=settings(max_examples=30, stateful_step_count=15))
    seen = arena.seen
    # A history in which nothing is made, or nobody may read anything, would agree with nearly anything.
    assert min(seen["made"], seen["refused"], seen["readable"], seen["hidden"]) > 20, seen
    assert min(seen["approved"], seen["behind"]) > 2, seen
