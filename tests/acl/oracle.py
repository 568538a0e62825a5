"""Who may read what, written down a second time from the specification, as plainly as can be.

It shares no code, no table and no type with the program: a mistake would have to be made twice, in two
ways, to agree with itself. What it decides on are the small worlds below, drawn by hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ["public", "internal", "confidential", "restricted"]


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


def subjects(world: SmallWorld, user: str) -> set[str]:
    """List what a user answers to: himself, everyone, every group above him."""
    names = {user, "role:everyone"}
    for _ in world.members:  # a chain has no more links than there are memberships
        names |= {group for member, group in world.members if member in names}
    return names


def may_reach(world: SmallWorld, user: str, name: str) -> bool:
    """Say whether rules, clearance and compartments let a user at a document, were it live."""
    person = world.users.get(user)
    if person is None or not person.active:
        return False
    level, compartments = label(world, name)
    if level > person.clearance or compartments - person.compartments:
        return False
    who, what = subjects(world, user), objects(world, name)
    effects = [eft for sub, obj, act, eft in world.rules if sub in who and obj in what and act in ("read", "*")]
    return "allow" in effects and "deny" not in effects


def may_read(world: SmallWorld, user: str, name: str) -> bool:
    """Say whether a user may read a document."""
    return world.documents[name].state == "live" and may_reach(world, user, name)


def texts(world: SmallWorld, user: str, within: str | None = None) -> set[str]:
    """List the texts that a user may read: of the version that answers, below a node if one is given."""
    return {
        text
        for name, document in world.documents.items()
        if may_read(world, user, name) and (within is None or within in path(world, document.node))
        for version, text in document.chunks
        if version == document.version
    }
