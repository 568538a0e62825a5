"""Collections and folders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from acl.admin.nodes import (
    add_collection,
    ensure_folder,
    move_document,
    move_node,
    own_label,
    path_of,
    set_inheritance,
    set_label,
    set_owner,
)
from acl.errors import AlreadyThere, BadName, BadRule, NestingTooDeep, PolicyError, UnknownName
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from acl.read import whats_of
from store.engine import snapshot
from store.schema import node, outbox, policy_state
from tests.acl.changes import GDPR, Open, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from acl.admin.change import Change
    from acl.decision import What
    from store.folder import Store
    from tests.worlds import World


def test_a_collection_is_made_once(store: Store, change: Open) -> None:
    label = Label(Level.CONFIDENTIAL, frozenset({GDPR}))
    with change() as c:
        add_collection(c, NodeId("coll:a"), "A", label)
    with snapshot(store.engine) as connection:
        assert own_label(connection, NodeId("coll:a")) == label
        assert own_label(connection, NodeId("coll:b")) is None
    with pytest.raises(AlreadyThere, match="coll:a"), change() as c:
        add_collection(c, NodeId("coll:a"), "A", PUBLIC)
    with snapshot(store.engine) as connection:
        assert own_label(connection, NodeId("coll:a")) == label


@pytest.mark.parametrize("name", ["a", "folder:a", "doc:a", "root:all", "coll:", "coll:a/b", "coll:a b", "coll:*"])
def test_a_collection_needs_a_collection_name(change: Open, name: str) -> None:
    with pytest.raises(BadName), change() as c:
        add_collection(c, NodeId(name), "A", PUBLIC)


def test_a_folder_is_made_once_for_each_place(store: Store, change: Open) -> None:
    with change() as c:
        add_collection(c, NodeId("coll:a"), "A", PUBLIC)
        one = ensure_folder(c, NodeId("coll:a"), "f")
        inner = ensure_folder(c, one, "f")
        again = ensure_folder(c, NodeId("coll:a"), "f", label=Label(Level.RESTRICTED), inherit=False)
        other = ensure_folder(c, NodeId("coll:a"), "F")
    assert again == one
    assert len({one, inner, other}) == 3
    with snapshot(store.engine) as connection:
        assert own_label(connection, one) == PUBLIC  # label and cut are for a new one
        assert connection.scalars(select(node.c.inherit)).all() == [True] * 4


def test_a_folder_needs_something_above_it(change: Open) -> None:
    with pytest.raises(UnknownName, match="coll:none"), change() as c:
        ensure_folder(c, NodeId("coll:none"), "f")


@pytest.mark.parametrize("name", ["", "..", "a/b", "'; DROP TABLE node; --", "\u202egpj.exe", "x" * 255])
def test_a_folder_may_have_any_display_name(change: Open, name: str) -> None:
    with change() as c:
        add_collection(c, NodeId("coll:a"), "A", PUBLIC)
        folder = ensure_folder(c, NodeId("coll:a"), name)
        assert ensure_folder(c, NodeId("coll:a"), name) == folder
    assert folder.startswith("folder:")


def test_a_folder_only_raises_what_lies_above(world: World) -> None:
    coll = world.collection("a", Label(Level.CONFIDENTIAL, frozenset({GDPR})))
    doc = world.document(world.folder(coll, "f", PUBLIC, inherit=False), "text")
    with snapshot(world.store.engine) as connection:
        assert whats_of(connection, [doc])[doc].label == Label(Level.CONFIDENTIAL, frozenset({GDPR}))


# --- what moves and changes -----------------------------------------------------------------------

A, B = NodeId("coll:a"), NodeId("coll:b")
PCI = Compartment("pci")


@dataclass(frozen=True)
class Tree:
    """Collections a and b; in a: outer with inner in it, and side; a document in inner."""

    world: World
    outer: NodeId
    inner: NodeId
    side: NodeId
    paper: DocumentId

    @property
    def what(self) -> What:
        with snapshot(self.world.store.engine) as connection:
            return whats_of(connection, [self.paper])[self.paper]

    def lines(self) -> list[tuple[str, int, int]]:
        """Give the lines of the outbox: the place, the epoch, the attempts."""
        with snapshot(self.world.store.engine) as connection:
            rows = connection.execute(select(outbox).order_by(outbox.c.id)).all()
        return [(row.target, row.epoch, row.attempts) for row in rows]

    def epoch(self) -> int:
        with snapshot(self.world.store.engine) as connection:
            epoch: int = connection.scalars(select(policy_state.c.epoch)).one()
            return epoch


@pytest.fixture
def tree(world: World) -> Tree:
    a = world.collection("a", Label(Level.INTERNAL))
    world.collection("b", Label(Level.CONFIDENTIAL))
    outer = world.folder(a, "outer")
    inner = world.folder(outer, "inner", Label(Level.PUBLIC, frozenset({GDPR})))
    side = world.folder(a, "side")
    world.user("anna")
    return Tree(world, outer, inner, side, world.document(inner, "text"))


def test_a_folder_moves_with_all_that_lies_in_it(tree: Tree, change: Open) -> None:
    with change() as c:
        move_node(c, tree.outer, B)
    assert tree.what.path == (tree.inner, tree.outer, B)
    assert tree.what.label == Label(Level.CONFIDENTIAL, frozenset({GDPR}))
    assert {"coll:b", tree.outer, tree.inner} <= tree.what.scopes
    assert Obj("coll:a") not in tree.what.scopes
    assert tree.lines() == [(tree.outer, tree.epoch(), 0)]
    assert c.done == [["node moved", tree.outer, B]]


def test_a_folder_moves_up_and_down_in_its_collection(tree: Tree, change: Open) -> None:
    with change() as c:
        move_node(c, tree.inner, A)
    assert [*tree.what.path] == [tree.inner, A]
    with change() as c:
        move_node(c, tree.outer, tree.inner)  # what lay above it lies in it now
        assert path_of(c.connection, tree.outer) == [tree.outer, tree.inner, A]
    with change() as c:
        move_node(c, tree.inner, tree.side)
    assert [*tree.what.path] == [tree.inner, tree.side, A]


@pytest.mark.parametrize(
    ("folder", "parent"), [("outer", "outer"), ("outer", "inner"), ("inner", "inner")], ids=lambda name: name
)
def test_a_folder_is_not_put_into_itself(tree: Tree, change: Open, folder: str, parent: str) -> None:
    """A circle has no top: nothing that lies in it could be decided on."""
    before = tables(tree.world.store.engine)
    with pytest.raises(NestingTooDeep, match="into itself"), change() as c:
        move_node(c, getattr(tree, folder), getattr(tree, parent))
    assert tables(tree.world.store.engine) == before


def test_a_collection_stays_at_the_top(tree: Tree, change: Open) -> None:
    for parent in (B, tree.inner):
        with pytest.raises(BadRule, match="stays at the top"), change() as c:
            move_node(c, A, parent)


def test_a_name_is_taken_once_in_each_place(tree: Tree, change: Open) -> None:
    with change() as c:
        other = ensure_folder(c, tree.outer, "side")
    before = tables(tree.world.store.engine)
    with pytest.raises(AlreadyThere, match="of this name"), change() as c:
        move_node(c, other, A)
    with pytest.raises(AlreadyThere, match="of this name"), change() as c:
        move_node(c, tree.side, tree.outer)
    assert tables(tree.world.store.engine) == before
    with change() as c:
        move_node(c, other, tree.inner)
        move_node(c, tree.side, tree.outer)


def test_a_folder_that_is_there_already_is_not_moved(tree: Tree, change: Open) -> None:
    before = tables(tree.world.store.engine)
    with change() as c:
        move_node(c, tree.inner, tree.outer)
    assert tables(tree.world.store.engine) == before


def test_inheritance_is_cut_and_restored_and_the_label_holds_through_it(tree: Tree, change: Open) -> None:
    before = tree.what
    with change() as c:
        set_inheritance(c, tree.outer, inherit=False)
    assert tree.what.scopes == before.scopes - {Obj(A)}
    assert (tree.what.label, tree.what.path) == (before.label, before.path)
    with change() as c:
        set_inheritance(c, tree.outer, inherit=True)
    assert tree.what == before
    epoch = tree.epoch()
    assert tree.lines() == [(tree.outer, epoch - 1, 0), (tree.outer, epoch, 0)]


def test_inheritance_that_is_so_already_changes_nothing(tree: Tree, change: Open) -> None:
    before = tables(tree.world.store.engine)
    with change() as c:
        set_inheritance(c, tree.outer, inherit=True)
    assert tables(tree.world.store.engine) == before


def test_a_folders_label_is_set_whole_and_can_only_raise_what_lies_in_it(tree: Tree, change: Open) -> None:
    with change() as c:
        set_label(c, tree.inner, Label(Level.RESTRICTED, frozenset({PCI})))
        assert own_label(c.connection, tree.inner) == Label(Level.RESTRICTED, frozenset({PCI}))
    assert tree.what.label == Label(Level.RESTRICTED, frozenset({PCI}))  # gdpr went with the old label
    assert Obj("label:gdpr") not in tree.what.scopes
    assert Obj("label:pci") in tree.what.scopes
    with change() as c:
        set_label(c, tree.inner, PUBLIC)
    assert tree.what.label == Label(Level.INTERNAL)  # that of the collection
    assert [target for target, _, _ in tree.lines()] == [tree.inner] * 2


def test_a_documents_label_is_its_own_and_can_only_raise(tree: Tree, change: Open) -> None:
    with change() as c:
        set_label(c, tree.paper, Label(Level.CONFIDENTIAL, frozenset({PCI})))
        assert own_label(c.connection, tree.paper) == Label(Level.CONFIDENTIAL, frozenset({PCI}))
        assert own_label(c.connection, tree.inner) == Label(Level.PUBLIC, frozenset({GDPR}))
    assert tree.what.label == Label(Level.CONFIDENTIAL, frozenset({GDPR, PCI}))
    with change() as c:
        set_label(c, tree.paper, PUBLIC)
    assert tree.what.label == Label(Level.INTERNAL, frozenset({GDPR}))
    assert [target for target, _, _ in tree.lines()] == [tree.paper] * 2


def test_a_document_moves_and_keeps_its_own_label(tree: Tree, change: Open) -> None:
    with change() as c:
        set_label(c, tree.paper, Label(Level.PUBLIC, frozenset({PCI})))
        move_document(c, tree.paper, B)
    assert tree.what.path == (B,)
    assert tree.what.label == Label(Level.CONFIDENTIAL, frozenset({PCI}))
    assert [target for target, _, _ in tree.lines()] == [tree.paper] * 2


def test_an_owner_is_set_and_taken_away(tree: Tree, change: Open) -> None:
    before = tree.what
    with change() as c:
        set_owner(c, tree.paper, UserId("user:anna"))
    assert tree.what.scopes == before.scopes | {Obj("owner:anna")}
    with change() as c:
        set_owner(c, tree.paper, None)
    assert tree.what == before
    assert [target for target, _, _ in tree.lines()] == [tree.paper] * 2


NOBODY, NOTHING, NOWHERE = UserId("user:nobody"), DocumentId("doc:none"), NodeId("folder:none")
REFUSED: dict[str, tuple[Callable[[Change, Tree], None], type[PolicyError]]] = {
    "move a folder that is not there": (lambda c, t: move_node(c, NOWHERE, t.outer), UnknownName),
    "move a folder to where nothing is": (lambda c, t: move_node(c, t.inner, NOWHERE), UnknownName),
    "move a folder into a document": (lambda c, t: move_node(c, t.inner, NodeId(t.paper)), UnknownName),
    "move a document as a folder": (lambda c, t: move_node(c, NodeId(t.paper), B), UnknownName),
    "cut inheritance nowhere": (lambda c, _: set_inheritance(c, NOWHERE, inherit=False), UnknownName),
    "label nowhere": (lambda c, _: set_label(c, NOWHERE, PUBLIC), UnknownName),
    "label nothing": (lambda c, _: set_label(c, NOTHING, PUBLIC), UnknownName),
    "label the root": (lambda c, _: set_label(c, NodeId("root:all"), PUBLIC), UnknownName),
    "move a document that is not there": (lambda c, t: move_document(c, NOTHING, t.outer), UnknownName),
    "move a document to where nothing is": (lambda c, t: move_document(c, t.paper, NOWHERE), UnknownName),
    "move a folder as a document": (lambda c, t: move_document(c, DocumentId(t.inner), B), UnknownName),
    "own nothing": (lambda c, _: set_owner(c, NOTHING, UserId("user:anna")), UnknownName),
    "own by nobody": (lambda c, t: set_owner(c, t.paper, NOBODY), UnknownName),
    "own by a group": (lambda c, t: set_owner(c, t.paper, UserId("group:staff")), BadName),
    "own by an owner": (lambda c, t: set_owner(c, t.paper, UserId("owner:anna")), BadName),
}


@pytest.mark.parametrize(("refused", "error"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing(
    tree: Tree, change: Open, refused: Callable[[Change, Tree], None], error: type[PolicyError]
) -> None:
    before = tables(tree.world.store.engine)
    with pytest.raises(error), change() as c:
        refused(c, tree)
    assert tables(tree.world.store.engine) == before


def test_a_document_that_is_deleted_neither_moves_nor_changes_hands(tree: Tree, change: Open) -> None:
    tree.world.set_state(tree.paper, "deleted")
    with pytest.raises(UnknownName), change() as c:
        move_document(c, tree.paper, B)
    with pytest.raises(UnknownName), change() as c:
        set_owner(c, tree.paper, None)
    tree.world.set_state(tree.paper, "draft")
    with change() as c:
        move_document(c, tree.paper, B)
        set_owner(c, tree.paper, None)


def test_a_line_is_due_when_the_change_holds_and_not_before(tree: Tree, change: Open) -> None:
    """In the same transaction: there is no change without its line, and no line without its change."""

    def move_and_fail(c: Change) -> None:
        move_node(c, tree.outer, B)
        assert c.connection.scalar(select(outbox.c.target)) == tree.outer
        move_node(c, NOWHERE, B)

    with pytest.raises(UnknownName), change() as c:
        move_and_fail(c)
    assert tree.lines() == []
    with change() as c:
        move_node(c, tree.outer, B)
    with snapshot(tree.world.store.engine) as connection:
        due = connection.scalars(select(outbox.c.next_at)).one()
    assert due <= datetime.now(UTC)
