"""What two people decide: whatever lets somebody at what is restricted, or lets the one who asks at anything.

What tightens, a deny, a higher label, a right withdrawn, is never held up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, union_all

from acl.admin.edits import (
    AddRule,
    AddUser,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    OpenBreakGlass,
    ReleaseDocument,
    RemoveRule,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
)
from acl.admin.nodes import own_label, subtree
from acl.admin.people import clearance_of
from acl.labels import PUBLIC, Label, Level, covers
from acl.names import ROOT
from acl.read import closure, what_at
from store.schema import casbin_rule, document, document_compartment, node, node_compartment

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.names import DocumentId, NodeId, Subject

_LEVELS_OF_ALL = frozenset(level.name.lower() for level in Level if level < Level.RESTRICTED)


def is_sensitive(label: Label) -> bool:
    """Say whether a label is one that two people decide on: restricted, or of a compartment."""
    return label.level == Level.RESTRICTED or bool(label.compartments)


def reason_for_two(connection: Connection, edit: Edit) -> str:  # noqa: C901, PLR0911 - the table of what is delicate
    """Say why an edit needs a second person; empty if it needs none. To be asked before it is applied."""
    match edit:
        case ReleaseDocument(held):
            return f"it lets {held} out of quarantine"
        case OpenBreakGlass(_, place):
            return f"it opens {place} in an emergency"
        case AddUser(user, clearance=label) if is_sensitive(label):
            return f"it clears {user} for {label}"
        case SetClearance(user, label) if is_sensitive(label) and not covers(clearance_of(connection, user), label):
            return f"it clears {user} for {label}"
        case SetActive(user, active=True) if is_sensitive(clearance_of(connection, user)):
            return f"it lets {user} in, who is cleared for {clearance_of(connection, user)}"
        case AddRule(_, place, _, "allow") | RemoveRule(_, place, _, "deny") if _is_sensitive_at(connection, place):
            return f"it lets somebody at {place}"
        case JoinGroup(member, group):
            opened = _sensitive_of(connection, group, "allow")
            return f"it lets {member} at {opened}" if opened else ""
        case LeaveGroup(member, group):
            kept = _sensitive_of(connection, group, "deny")
            return f"it frees {member} of a deny on {kept}" if kept else ""
        case MoveFolder(place) | SetInheritance(place) | MoveDocument(place) | SetOwner(place):
            return f"{place} holds what is restricted" if _holds_sensitive(connection, place) else ""
        case SetLabel(place, label) if not covers(label, own_label(connection, place) or PUBLIC):
            return f"it lowers the label of {place}" if _holds_sensitive(connection, place) else ""
    return ""


def _is_sensitive_at(connection: Connection, place: str) -> bool:
    kind, _, name = place.partition(":")
    if kind == "label":
        return name not in _LEVELS_OF_ALL
    return place == ROOT or is_sensitive(what_at(connection, place).label)


def _sensitive_of(connection: Connection, group: Subject, effect: str) -> str:
    """Give a restricted place that a rule of a group, or of one above it, speaks of; empty if there is none."""
    c = casbin_rule.c
    above = closure(connection, group)
    spoken_of = select(c.v1).where(c.ptype == "p", c.v0.in_(sorted(above)), c.v3 == effect).distinct().order_by(c.v1)
    return next((place for place in connection.scalars(spoken_of).all() if _is_sensitive_at(connection, place)), "")


def _holds_sensitive(connection: Connection, place: NodeId | DocumentId) -> bool:
    """Say whether a place, or anything that lies in it, is restricted."""
    if is_sensitive(what_at(connection, place).label) or place.startswith("doc:"):
        return is_sensitive(what_at(connection, place).label)
    below = subtree(place)
    lying = select(document.c.id).where(document.c.node_id.in_(select(below.c.id)))
    found = union_all(
        select(node.c.id).where(node.c.id.in_(select(below.c.id)), node.c.level == int(Level.RESTRICTED)),
        select(node_compartment.c.node_id).where(node_compartment.c.node_id.in_(select(below.c.id))),
        lying.where(document.c.level == int(Level.RESTRICTED)),
        select(document_compartment.c.document_id).where(document_compartment.c.document_id.in_(lying)),
    )
    return connection.execute(found.limit(1)).first() is not None
