"""The fifth decider: Cedar, another language by other people, with an engine of its own.

Groups and containers are entities with parents, a rule is a policy, and Cedar's own forbid wins over its
permit. A cut of inheritance is a parent that is missing. Levels hang on a second hierarchy, of places,
which no cut breaks: each place that has a label forbids itself to whoever is not cleared for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypedDict

import cedarpy

from bench.deciders.service import same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.deciders.oracle import Document, Node, SmallWorld, User
    from bench.deciders.service import Decider, Maker, Parts

_ACTIONS: Final = ("read", "write", "share", "manage", "send", "audit")
_LEVELS: Final = ("public", "internal", "confidential", "restricted")

# `has` and not the attribute alone: of somebody who is not there, an attribute is an error, and a policy
# with an error is passed over, a forbid as well.
_HOUSE_RULES: Final = (
    "forbid(principal, action, resource) unless { principal has active && principal.active };",
    "forbid(principal, action, resource) unless { resource has live && resource.live };",
)


class Uid(TypedDict):
    """An entity by type and id."""

    type: str
    id: str


class Entity(TypedDict):
    """An entity as Cedar's JSON has it."""

    uid: Uid
    attrs: dict[str, object]
    parents: list[Uid]


def cedar_by(*, policies: Callable[[list[str]], list[str]] = same) -> Maker:
    """Give what Cedar says. A mutant changes the policies."""

    def make(world: SmallWorld, _parts: Parts) -> Decider:
        written = cedarpy.PolicySet.from_str("\n".join(policies([*_HOUSE_RULES, *_rules(world), *_clearances(world)])))
        found = [*_actions(), *_people(world), *_containers(world), *_documents(world)]
        entities = cedarpy.Entities.from_json_str(json.dumps(found))

        def decide(user: str, action: str) -> set[str]:
            requests = [_request(user, action, name) for name in world.documents]
            results = cedarpy.is_authorized_batch(requests, written, entities)
            return {name for name, result in zip(world.documents, results, strict=True) if result.allowed}

        return decide

    return make


def _request(user: str, action: str, document: str) -> dict[str, object]:
    return {"principal": _uid(user), "action": Uid(type="Action", id=action), "resource": _uid(document)}


def _rules(world: SmallWorld) -> Iterator[str]:
    for sub, obj, act, effect in world.rules:
        kind = "permit" if effect == "allow" else "forbid"
        yield f'{kind}(principal in {_name(sub)}, action in Action::"{act}", resource in {_name(obj)});'


def _clearances(world: SmallWorld) -> Iterator[str]:
    labelled: dict[str, Node | Document] = {**world.nodes, **world.documents}
    for name, place in labelled.items():
        if place.level or place.compartments:
            held = json.dumps(sorted(place.compartments))
            needed = f"principal.clearance >= {place.level} && principal.compartments.containsAll({held})"
            where = f"resource in {_name(_place(name))}"
            yield f"forbid(principal, action, {where}) unless {{ principal has clearance && {needed} }};"


def _actions() -> Iterator[Entity]:
    everything = Uid(type="Action", id="*")
    yield Entity(uid=everything, attrs={}, parents=[])
    for action in _ACTIONS:
        yield Entity(uid=Uid(type="Action", id=action), attrs={}, parents=[everything])


def _people(world: SmallWorld) -> Iterator[Entity]:
    above: dict[str, list[str]] = {name: ["role:everyone"] for name in world.users}
    for member, group in world.members:
        above.setdefault(member, []).append(group)
    for name, groups in above.items():
        yield _entity(name, groups, _attributes(world.users.get(name)))


def _attributes(user: User | None) -> dict[str, object]:
    if user is None:  # a group, or somebody who is in groups and does not exist
        return {}
    return {"active": user.active, "clearance": user.clearance, "compartments": sorted(user.compartments)}


def _containers(world: SmallWorld) -> Iterator[Entity]:
    for name, node in world.nodes.items():
        yield _entity(name, [node.parent] if node.parent and node.inherit else [], {})
        yield _entity(_place(name), [_place(node.parent)] if node.parent else [], {})


def _documents(world: SmallWorld) -> Iterator[Entity]:
    for name, document in world.documents.items():
        parents = [document.node, "root:all", _place(name), *_labels(world, document)]
        if document.owner:
            parents.append(f"owner:{document.owner.partition(':')[2]}")
        yield _entity(name, parents, {"live": document.state == "live"})
        yield _entity(_place(name), [_place(document.node)], {})


def _labels(world: SmallWorld, document: Document) -> list[str]:
    """Name the labels that a rule can speak of: these are of the whole path together."""
    parts: list[Document | Node] = [document]
    node: str | None = document.node
    while node:
        parts.append(world.nodes[node])
        node = world.nodes[node].parent
    names = {_LEVELS[max(part.level for part in parts)]}.union(*(part.compartments for part in parts))
    return [f"label:{name}" for name in sorted(names)]


def _place(name: str) -> str:
    return f"place:{name}"


def _entity(name: str, parents: list[str], attributes: dict[str, object]) -> Entity:
    return Entity(uid=_uid(name), attrs=attributes, parents=[_uid(parent) for parent in parents])


def _uid(name: str) -> Uid:
    kind, _, id_ = name.partition(":")
    return Uid(type=kind.title(), id=id_)


def _name(name: str) -> str:
    uid = _uid(name)
    return f"{uid['type']}::{json.dumps(uid['id'])}"
