"""Collections and folders, and what lies in them: places, labels, inheritance, owners.

What tightens holds with the next request, since the second gate reads it from here. The tags in the index
follow: a change leaves a line in `outbox` for each place whose tags it made stale.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from acl.admin.people import require_user
from acl.errors import AlreadyThere, BadRule, NestingTooDeep, UnknownName
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, UserId, parse_name
from store.schema import document, document_compartment, node, node_compartment, outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import CTE, Column, Connection, Row, Table

    from acl.admin.change import Change


def add_collection(change: Change, collection: NodeId, name: str, label: Label) -> None:
    """Make a collection: the top of a tree of folders.

    Raises:
        BadName, AlreadyThere: The name is no collection name, or is taken.
    """
    parse_name(collection, frozenset({"coll"}))
    if own_label(change.connection, collection) is not None:
        raise AlreadyThere(f"there is a collection {collection} already")
    _add_node(change, collection, None, name, label)


def add_folder(
    change: Change, folder: NodeId, parent: NodeId, name: str, *, label: Label = PUBLIC, inherit: bool = True
) -> None:
    """Make a folder in a collection or folder.

    What lies above can only be raised by its label: the label of a document is the highest along its path.

    Raises:
        BadName: It is no folder name.
        UnknownName: There is no such node to be above it.
        AlreadyThere: The name is taken.
    """
    parse_name(folder, frozenset({"folder"}))
    _node(change.connection, parent)
    taken = select(node.c.id).where((node.c.id == folder) | (node.c.parent_id == parent) & (node.c.name == name))
    if change.connection.scalar(taken):
        raise AlreadyThere(f"there is a folder {folder}, or one named {name!r} in {parent}, already")
    _add_node(change, folder, parent, name, label, inherit=inherit)


def ensure_folder(change: Change, parent: NodeId, name: str, *, label: Label = PUBLIC, inherit: bool = True) -> NodeId:
    """Give the folder of this name in a collection or folder, and make it if it is not there.

    Raises:
        UnknownName: There is no such node to be above it.
    """
    found = change.connection.scalar(select(node.c.id).where(node.c.parent_id == parent, node.c.name == name))
    if found:
        return NodeId(found)
    folder = new_folder_id()
    add_folder(change, folder, parent, name, label=label, inherit=inherit)
    return folder


def new_folder_id() -> NodeId:
    """Give a fresh name for a folder."""
    return NodeId(f"folder:{uuid.uuid4().hex}")


def move_node(change: Change, folder: NodeId, parent: NodeId) -> None:
    """Put a folder, with all that lies in it, into another collection or folder.

    Raises:
        UnknownName: One of them is not there.
        BadRule: It is a collection, which is the top of its tree.
        NestingTooDeep: The new place lies in the folder itself.
        AlreadyThere: The new place has a folder of this name.
    """
    row = _node(change.connection, folder)
    if row.parent_id is None:
        raise BadRule(f"{folder} is a collection, and stays at the top: move the folders in it")
    if folder in path_of(change.connection, parent):
        raise NestingTooDeep(f"{parent} lies in {folder}: a folder cannot be put into itself")
    if parent == row.parent_id:
        return
    taken = select(node.c.id).where(node.c.parent_id == parent, node.c.name == row.name)
    if change.connection.scalar(taken):
        raise AlreadyThere(f"{parent} has a folder of this name already")
    change.connection.execute(update(node).where(node.c.id == folder).values(parent_id=parent))
    _done(change, folder, ["node moved", folder, parent])


def set_inheritance(change: Change, node_id: NodeId, *, inherit: bool) -> None:
    """Let the rules from above reach what lies here, or cut them off. Labels are never cut off.

    Raises:
        UnknownName: There is no such collection or folder.
    """
    if _node(change.connection, node_id).inherit != inherit:
        change.connection.execute(update(node).where(node.c.id == node_id).values(inherit=inherit))
        _done(change, node_id, ["node inherits", node_id, "yes" if inherit else "no"])


def set_label(change: Change, place: NodeId | DocumentId, label: Label) -> None:
    """Set a collection's, folder's or document's own label. What lies above it can only be raised by it.

    Raises:
        UnknownName: There is no such place.
    """
    if own_label(change.connection, place) is None:
        raise UnknownName(f"there is no {place}")
    table, key = _labelled(place)
    change.connection.execute(update(table).where(table.c.id == place).values(level=int(label.level)))
    change.connection.execute(delete(key.table).where(key == place))
    for compartment in sorted(label.compartments):
        change.connection.execute(insert(key.table).values({key.name: place, "compartment": compartment}))
    _done(change, place, ["labelled", place, str(label)])


def move_document(change: Change, document_id: DocumentId, to: NodeId) -> None:
    """Put a document into another collection or folder.

    Raises:
        UnknownName: One of them is not there.
    """
    _document(change.connection, document_id)
    _node(change.connection, to)
    change.connection.execute(update(document).where(document.c.id == document_id).values(node_id=to))
    _done(change, document_id, ["document moved", document_id, to])


def set_owner(change: Change, document_id: DocumentId, owner: UserId | None) -> None:
    """Say who owns a document: the rules on `owner:ID` cover it then.

    Raises:
        BadName, UnknownName: The document or the user is not there.
    """
    _document(change.connection, document_id)
    if owner is not None:
        require_user(change.connection, parse_name(owner, frozenset({"user"})))
    change.connection.execute(update(document).where(document.c.id == document_id).values(owner=owner))
    _done(change, document_id, ["owned", document_id, owner or ""])


def own_label(connection: Connection, place: NodeId | DocumentId) -> Label | None:
    """Give the label set on a collection, folder or document itself, None if there is no such place."""
    table, key = _labelled(place)
    level = connection.scalar(select(table.c.level).where(table.c.id == place))
    if level is None:
        return None
    held = connection.scalars(select(key.table.c.compartment).where(key == place))
    return Label(Level(level), frozenset(Compartment(name) for name in held))


def placings_of(
    connection: Connection, documents: Sequence[DocumentId]
) -> dict[DocumentId, tuple[NodeId, UserId | None, Label]]:
    """Give what decides on documents besides the rules: where each lies, who owns it, its own label."""
    held: defaultdict[str, frozenset[Compartment]] = defaultdict(frozenset)
    of = document_compartment.c
    for row in connection.execute(select(of.document_id, of.compartment).where(of.document_id.in_(documents))):
        held[row.document_id] |= {Compartment(row.compartment)}
    c = document.c
    rows = connection.execute(select(c.id, c.node_id, c.owner, c.level).where(c.id.in_(documents)))
    return {DocumentId(row.id): (NodeId(row.node_id), row.owner, Label(Level(row.level), held[row.id])) for row in rows}


def _labelled(place: NodeId | DocumentId) -> tuple[Table, Column[str]]:
    """Give the table that a place stands in, and the column that its compartments name it by."""
    is_document = place.startswith("doc:")
    return (document, document_compartment.c.document_id) if is_document else (node, node_compartment.c.node_id)


def subtree(*tops: str) -> CTE:
    """Give the query, with a column `id`, of collections and folders with all folders in them."""
    below = select(node.c.id).where(node.c.id.in_(tops)).cte("below", recursive=True)
    return below.union(select(node.c.id).where(node.c.parent_id == below.c.id))


def path_of(connection: Connection, node_id: NodeId) -> list[NodeId]:
    """Give a collection or folder and all above it, nearest first.

    Raises:
        UnknownName: There is no such collection or folder.
    """
    path = [NodeId(_node(connection, node_id).id)]
    while parent := _node(connection, path[-1]).parent_id:
        path.append(NodeId(parent))
    return path


def _node(connection: Connection, node_id: NodeId) -> Row[tuple[object, ...]]:
    row = connection.execute(select(node).where(node.c.id == node_id)).one_or_none()
    if row is None:
        raise UnknownName(f"there is no collection or folder {node_id}")
    return row


def _document(connection: Connection, document_id: DocumentId) -> None:
    if not connection.scalar(select(document.c.id).where(document.c.id == document_id, document.c.state != "deleted")):
        raise UnknownName(f"there is no document {document_id}")


def _done(change: Change, place: NodeId | DocumentId, line: list[str]) -> None:
    row = {"target": place, "epoch": change.epoch, "attempts": 0, "next_at": datetime.now(UTC)}
    change.connection.execute(insert(outbox).values(row))
    change.done.append(line)


def _add_node(
    change: Change, node_id: NodeId, parent: NodeId | None, name: str, label: Label, *, inherit: bool = True
) -> None:
    change.connection.execute(
        insert(node).values(id=node_id, parent_id=parent, name=name, inherit=inherit, level=int(label.level))
    )
    for compartment in sorted(label.compartments):
        change.connection.execute(insert(node_compartment).values(node_id=node_id, compartment=compartment))
    change.done.append(["node", node_id, parent or "", str(label), "inherits" if inherit else "cut"])
