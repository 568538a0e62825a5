"""The second decider: Casbin as its manual has it, one enforcer over all rules, with role managers.

The service does not use it so: it would take seconds for each decision at a million rules, and its role
manager stops at ten levels in silence. Here it runs with 100, on a policy that is never reloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import casbin
from casbin.rbac.default_role_manager import RoleManager

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.deciders.oracle import SmallWorld
    from bench.deciders.service import Decider, Maker, Parts

MODEL: Final = """
[request_definition]
r = who, what, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _
g2 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = (p.act == r.act || p.act == "*") && g2(r.what, p.obj) && g(r.who, p.sub) && cleared(r.who, r.what, r.act)
"""
MAX_HIERARCHY: Final = 100

_ACTIONS: Final = frozenset({"read", "write", "share", "manage", "send", "audit"})
_LEVELS: Final = ("public", "internal", "confidential", "restricted")


def full_casbin_by(*, model: str = MODEL, max_hierarchy: int = MAX_HIERARCHY, odd_effects_deny: bool = True) -> Maker:
    """Give one enforcer for a whole world. Other arguments make mutants.

    Args:
        model: The text of the model.
        max_hierarchy: So many levels of groups and folders are followed, and no more.
        odd_effects_deny: An effect that Casbin does not know becomes a deny. It would pass over it.
    """

    def make(world: SmallWorld, _parts: Parts) -> Decider:
        rules = [(*rule, eft if eft == "allow" or not odd_effects_deny else "deny") for *rule, eft in world.rules]
        enforcer = _enforcer(world, rules, model, max_hierarchy)
        return lambda user, action: {name for name in world.documents if enforcer.enforce(user, name, action)}

    return make


def _enforcer(world: SmallWorld, rules: Iterable[tuple[str, ...]], model: str, max_hierarchy: int) -> casbin.Enforcer:
    parsed = casbin.Model()
    parsed.load_model_from_text(model)
    parsed["p"]["p"].policy.extend(map(list, rules))
    parsed["g"]["g"].policy.extend(map(list, _memberships(world)))
    parsed["g"]["g2"].policy.extend(map(list, _places(world)))
    enforcer = casbin.Enforcer(parsed)
    for kind in ("g", "g2"):
        enforcer.set_named_role_manager(kind, RoleManager(max_hierarchy))
    enforcer.build_role_links()
    enforcer.add_function("cleared", lambda who, what, act: act in _ACTIONS and _cleared(world, who, what))
    return enforcer


def _memberships(world: SmallWorld) -> Iterator[tuple[str, str]]:
    yield from sorted(world.members)
    yield from ((user, "role:everyone") for user in world.users)


def _places(world: SmallWorld) -> Iterator[tuple[str, str]]:
    """Link a document to its folder and each folder to the one above it, unless it cuts inheritance."""
    for name, node in world.nodes.items():
        if node.parent and node.inherit:
            yield name, node.parent
    for name, document in world.documents.items():
        level, compartments = _label(world, name)
        yield name, document.node
        yield name, "root:all"  # no cut keeps out this one, nor owner and label
        yield name, f"label:{_LEVELS[level]}"
        yield from ((name, f"label:{compartment}") for compartment in compartments)
        if document.owner:
            yield name, document.owner.replace("user:", "owner:", 1)


def _cleared(world: SmallWorld, who: str, what: str) -> bool:
    person, document = world.users.get(who), world.documents[what]
    if person is None or not person.active or document.state != "live":
        return False
    level, compartments = _label(world, what)
    return level <= person.clearance and compartments <= person.compartments


def _label(world: SmallWorld, name: str) -> tuple[int, frozenset[str]]:
    document = world.documents[name]
    level, compartments, above = document.level, document.compartments, world.nodes[document.node]
    while True:
        level, compartments = max(level, above.level), compartments | above.compartments
        if above.parent is None:
            return level, compartments
        above = world.nodes[above.parent]
