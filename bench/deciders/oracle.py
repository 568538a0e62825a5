"""Who may do what, written down a second time from the specification, as plainly as can be.

It shares no code, no table and no type with the program: a mistake would have to be made twice, in two
ways, to agree with itself. What it decides on are worlds of the types below, drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

LEVELS = ["public", "internal", "confidential", "restricted"]
ACTIONS = ["read", "write", "share", "manage", "send", "audit"]


@dataclass(frozen=True)
class User:
    active: bool
    clearance: int
    compartments: frozenset[str]


@dataclass(frozen=True)
class Node:
    parent: str | None
    inherit: bool
    level: int
    compartments: frozenset[str]


@dataclass(frozen=True)
class Document:
    node: str
    owner: str | None
    level: int
    compartments: frozenset[str]
    state: str
    version: int
    chunks: tuple[tuple[int, str], ...]  # version and text


@dataclass(frozen=True)
class SmallWorld:
    users: dict[str, User]
    members: frozenset[tuple[str, str]]
    nodes: dict[str, Node]
    documents: dict[str, Document]
    rules: tuple[tuple[str, str, str, str], ...]  # subject, object, action, effect


def path(world: SmallWorld, node: str | None) -> list[str]:
    """List a node and all nodes above it."""
    nodes = []
    while node is not None:
        nodes.append(node)
        node = world.nodes[node].parent
    return nodes


def label(world: SmallWorld, name: str) -> tuple[int, frozenset[str]]:
    """Levels and compartments may only be raised on the way down; a cut of inheritance does not matter."""
    parts: list[Document | Node] = [world.documents[name]]
    parts += [world.nodes[node] for node in path(world, world.documents[name].node)]
    return max(part.level for part in parts), frozenset(c for part in parts for c in part.compartments)


def objects(world: SmallWorld, name: str) -> set[str]:
    """List what covers a document: containers up to the first cut, and what no cut keeps out."""
    document = world.documents[name]
    level, compartments = label(world, name)
    covering = {name, "root:all", "label:" + LEVELS[level]} | {"label:" + c for c in compartments}
    if document.owner:
        covering.add("owner:" + document.owner.removeprefix("user:"))
    for node in path(world, document.node):
        covering.add(node)
        if not world.nodes[node].inherit:
            break
    return covering


@lru_cache
def subjects(members: frozenset[tuple[str, str]], user: str) -> frozenset[str]:
    """List what a user answers to: himself, everyone, every group above him."""
    names = {user, "role:everyone"}
    for _ in members:  # a chain has no more links than there are memberships
        names |= {group for member, group in members if member in names}
    return frozenset(names)


def refusal(world: SmallWorld, user: str, action: str, name: str) -> str:
    """Say why a user may not do this with a document; if he may, say nothing."""
    person = world.users.get(user)
    if person is None or not person.active:
        return "inactive user" if person else "unknown user"
    if action not in ACTIONS:
        return "unknown action"
    level, compartments = label(world, name)
    if level > person.clearance or compartments - person.compartments:
        return "clearance" if level > person.clearance else "compartment"
    who, what = subjects(world.members, user), objects(world, name)
    effects = {eft for sub, obj, act, eft in world.rules if sub in who and obj in what and act in (action, "*")}
    if effects != {"allow"}:
        return "denied" if effects else "no rule"
    return "" if world.documents[name].state == "live" else "not live"


def may_reach(world: SmallWorld, user: str, name: str) -> bool:
    """Say whether rules, clearance and compartments let a user read a document, were it live."""
    return refusal(world, user, "read", name) in ("", "not live")


def may_read(world: SmallWorld, user: str, name: str) -> bool:
    """Say whether a user may read a document."""
    return refusal(world, user, "read", name) == ""


def texts(world: SmallWorld, user: str, within: str | None = None) -> set[str]:
    """List the texts that a user may read: of the version that answers, below a node if one is given."""
    return {
        text
        for name, document in world.documents.items()
        if may_read(world, user, name) and (within is None or within in path(world, document.node))
        for version, text in document.chunks
        if version == document.version
    }
