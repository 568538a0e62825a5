"""`ntk place`: collections, folders and documents, where they are and how they are labelled."""

from __future__ import annotations

from typing import Annotated

import typer

from api import show
from api.commands.common import DATA, As, AsJson, AtEpoch, Data, Reason, desk, every
from api.commands.people import Compartments, label_of

place_app = typer.Typer(help="Collections, folders and documents.", no_args_is_help=True)

Place = Annotated[str, typer.Argument(help="coll:NAME, folder:ID or doc:ID")]
Level = Annotated[str, typer.Argument(help="public, internal, confidential or restricted.")]


@place_app.command("add")
def place_add(
    name: Annotated[str, typer.Argument(help="coll:NAME for a collection, or the name of a folder.")],
    within: Annotated[str | None, typer.Option("--in", help="coll:NAME or folder:ID that a folder is in.")] = None,
    level: Annotated[str | None, typer.Option(help="public, internal, confidential or restricted.")] = None,
    compartments: Compartments = None,
    cut: Annotated[bool, typer.Option("--cut", help="Rules from above do not reach what lies in the folder.")] = False,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Make a collection, or a folder in one. A collection needs a level; a folder has that of what it is in."""
    from acl.admin.edits import AddCollection, AddFolder, Edit
    from acl.admin.nodes import new_folder_id
    from acl.names import NodeId, parse_name

    if within is None:
        if level is None:
            raise typer.BadParameter("a collection needs --level")
        node = NodeId(parse_name(name, frozenset({"coll"})))
        edit: Edit = AddCollection(node, name.partition(":")[2], label_of(level, compartments))
    else:
        node = new_folder_id()
        edit = AddFolder(node, NodeId(within), name, label_of(level or "public", compartments), not cut)
    with desk(data, as_user) as at:
        at.make([edit], f"Made {node}.", {"place": node}, json=json)


@place_app.command("list")
def place_list(
    within: Annotated[
        str | None, typer.Argument(metavar="[PLACE]", help="coll:NAME or folder:ID; else the top.")
    ] = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """List the collections that you manage, or the folders right in a place."""
    from acl.insight.listing import nodes
    from acl.names import NodeId

    parent = NodeId(within) if within else None
    with desk(data, as_user) as at, at.looking() as actor:
        found = list(every(lambda after: nodes(actor, parent=parent, after=after or "")))
    values = [
        {
            "place": one.node,
            "name": one.name,
            "label": str(one.label),
            "holds": str(one.effective),
            "inherit": one.inherits,
        }
        for one in found
    ]
    show.table(values, json=json)


@place_app.command("move")
def place_move(
    place: Annotated[str, typer.Argument(help="folder:ID or doc:ID")],
    to: Annotated[str, typer.Argument(help="coll:NAME or folder:ID")],
    reason: Reason = "",
    epoch: AtEpoch = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Put a folder, with all that lies in it, or a document somewhere else."""
    from acl.admin.edits import Edit, MoveDocument, MoveFolder
    from acl.names import DocumentId, NodeId, parse_name

    parse_name(place, frozenset({"folder", "doc"}))
    document = place.startswith("doc:")
    edit: Edit = MoveDocument(DocumentId(place), NodeId(to)) if document else MoveFolder(NodeId(place), NodeId(to))
    with desk(data, as_user) as at:
        said = f"{place} is in {to}."
        at.make([edit], said, {"place": place, "in": to}, json=json, reason=reason, epoch=epoch)


@place_app.command("label")
def place_label(
    place: Place,
    level: Level,
    compartments: Compartments = None,
    reason: Reason = "",
    epoch: AtEpoch = None,
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Set the own label of a place. What is above it can only be raised by it."""
    from acl.admin.edits import SetLabel
    from acl.names import NodeId, parse_name

    label = label_of(level, compartments)
    edit = SetLabel(NodeId(parse_name(place, frozenset({"coll", "folder", "doc"}))), label)
    with desk(data, as_user) as at:
        value = {"place": place, "label": str(label)}
        at.make([edit], f"{place} is labelled {label}.", value, json=json, reason=reason, epoch=epoch)


@place_app.command("inherit")
def place_inherit(
    place: Annotated[str, typer.Argument(help="coll:NAME or folder:ID")],
    cut: Annotated[
        bool, typer.Option("--cut", help="Cut the rules from above off, in place of letting them in.")
    ] = False,
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Let the rules from above reach what lies here, or cut them off. Labels are never cut off."""
    from acl.admin.edits import SetInheritance
    from acl.names import NodeId, parse_name

    edit = SetInheritance(NodeId(parse_name(place, frozenset({"coll", "folder"}))), not cut)
    with desk(data, as_user) as at:
        said = f"{place} {'is cut off from' if cut else 'inherits'} the rules above it."
        at.make([edit], said, {"place": place, "inherit": not cut}, json=json, reason=reason)


@place_app.command("owner")
def place_owner(
    document: Annotated[str, typer.Argument(help="doc:ID")],
    owner: Annotated[str, typer.Argument(help="user:ID; leave it away for nobody.")] = "",
    reason: Reason = "",
    as_user: As = None,
    data: Data = DATA,
    json: AsJson = False,
) -> None:
    """Say who owns a document: the rules on owner:ID cover it then."""
    from acl.admin.edits import SetOwner
    from acl.names import DocumentId, UserId, parse_name

    edit = SetOwner(DocumentId(parse_name(document, frozenset({"doc"}))), UserId(owner) if owner else None)
    with desk(data, as_user) as at:
        said = f"{document} is owned by {owner or 'nobody'}."
        at.make([edit], said, {"document": document, "owner": owner or None}, json=json, reason=reason)
