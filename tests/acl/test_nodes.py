"""Collections and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from acl.errors import AlreadyThere, BadName, UnknownName
from acl.labels import PUBLIC, Label, Level
from acl.names import NodeId
from acl.nodes import add_collection, ensure_folder, own_label
from acl.read import whats_of
from store.engine import snapshot
from store.schema import node
from tests.acl.changes import GDPR, Open

if TYPE_CHECKING:
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
