"""Five deciders never disagree; and a decider that was broken on purpose is found out.

What they are and what counts as a decision stands in `bench/deciders/__init__.py`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from acl.labels import PUBLIC, Compartment, Level
from acl.names import ACTIONS, EVERYONE, ROOT, Obj, Subject
from bench.deciders import DECIDERS, QUICK, compare_in, differential, oracle
from bench.deciders.cedar import cedar_by
from bench.deciders.full_casbin import MODEL, full_casbin_by
from bench.deciders.service import enforcer_by, filter_by, open_parts
from bench.deciders.worlds import ASKED, COMPARTMENTS, random_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acl.decision import Rule, What, Who
    from acl.scope import Scope
    from bench.deciders.service import Maker, Parts

REFUSALS = {
    "unknown user", "inactive user", "unknown action", "clearance", "compartment", "denied", "no rule", "not live",
}  # fmt: skip


def test_five_deciders_agree_on_200_000_decisions() -> None:
    """AZ-01, AZ-06, AZ-20."""
    outcome = differential(QUICK, seed=1)
    assert outcome.disagreements == 0, "\n".join(map(str, outcome.shown))
    assert outcome.decisions >= 200_000
    assert len(DECIDERS) == 5
    # Worlds in which nearly everything is refused, or for one reason alone, would agree with nearly anything.
    assert 0.1 < outcome.allowed < 0.9
    assert outcome.reasons.keys() == {"", *REFUSALS}
    assert min(outcome.reasons.values()) > 0.01 * outcome.decisions


def test_a_seed_gives_one_world_and_another_seed_another() -> None:
    assert random_world(7) == random_world(7)
    assert random_world(7) != random_world(8)


def test_the_worlds_are_nested_deeper_than_casbin_looks_and_hold_every_kind_of_rule() -> None:
    worlds = [random_world(seed) for seed in range(20)]
    rules = [rule for world in worlds for rule in world.rules]
    assert {rule[0].partition(":")[0] for rule in rules} == {"user", "group", "role", "svc"}
    kinds = {"root", "coll", "folder", "doc", "owner", "label", "provider"}
    assert {rule[1].partition(":")[0] for rule in rules} == kinds
    assert {rule[2] for rule in rules} == {*ACTIONS, "*"}
    assert {rule[3] for rule in rules} == {"allow", "deny", "Deny"}
    assert set(ASKED) == {*ACTIONS, "fly"}
    assert max(chain(world.members) for world in worlds) > 10
    assert any(not node.inherit for world in worlds for node in world.nodes.values())


def chain(members: frozenset[tuple[str, str]]) -> int:
    """Give the edges of the longest way upwards."""
    height = 0
    reached = {group for _, group in members}
    while reached:
        height += 1
        reached = {group for member, group in members if member in reached}
    return height


# --- mutants ------------------------------------------------------------------------------------


def without_denies(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.effect == "allow"]


def without_odd_effects(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.effect in ("allow", "deny")]


def without_groups(who: Who) -> Who:
    return dataclasses.replace(who, principals=who.principals & {Subject(who.user), EVERYONE})


def of_every_clearance(who: Who) -> Who:
    return dataclasses.replace(who, clearance=Level.RESTRICTED)


def of_every_compartment(who: Who) -> Who:
    return dataclasses.replace(who, compartments=frozenset(map(Compartment, COMPARTMENTS)))


def always_active(who: Who) -> Who:
    return dataclasses.replace(who, principals=who.principals | {Subject(who.user), EVERYONE})


def always_live(what: What) -> What:
    return dataclasses.replace(what, live=True)


def never_cut(what: What) -> What:
    return dataclasses.replace(what, scopes=what.scopes | {Obj(node) for node in what.path})


def never_labelled(what: What) -> What:
    return dataclasses.replace(what, label=PUBLIC)


def without_owner(what: What) -> What:
    return dataclasses.replace(what, scopes=frozenset(obj for obj in what.scopes if not obj.startswith("owner:")))


def allowed_everything(scope: Scope) -> Scope:
    return dataclasses.replace(scope, allow=frozenset({ROOT}))


def denied_nothing(scope: Scope) -> Scope:
    return dataclasses.replace(scope, deny=frozenset())


def cleared_for_every_level(scope: Scope) -> Scope:
    return dataclasses.replace(scope, clearance=Level.RESTRICTED)


def cleared_for_every_compartment(scope: Scope) -> Scope:
    return dataclasses.replace(scope, compartments=frozenset(map(Compartment, COMPARTMENTS)))


def without_forbids(policies: list[str]) -> list[str]:
    return [policy for policy in policies if not policy.startswith("forbid(principal in")]


def without(clause: str) -> str:
    assert clause in MODEL
    return MODEL.replace(clause, "")


MUTANTS: dict[str, tuple[str, Maker]] = {
    "a decision without denies": ("enforcer", enforcer_by(rules=without_denies)),
    'a decision that passes over "Deny"': ("enforcer", enforcer_by(rules=without_odd_effects)),
    "a decision without groups": ("enforcer", enforcer_by(who=without_groups)),
    "a decision without clearance": ("enforcer", enforcer_by(who=of_every_clearance)),
    "a decision without compartments": ("enforcer", enforcer_by(who=of_every_compartment)),
    "a decision on who is not active": ("enforcer", enforcer_by(who=always_active)),
    "a decision on what is not live": ("enforcer", enforcer_by(what=always_live)),
    "a decision that no folder cuts": ("enforcer", enforcer_by(what=never_cut)),
    "a decision without labels": ("enforcer", enforcer_by(what=never_labelled)),
    "a decision without owners": ("enforcer", enforcer_by(what=without_owner)),
    "a filter that needs no grant": ("filter", filter_by(scope=allowed_everything)),
    "a filter without denies": ("filter", filter_by(scope=denied_nothing)),
    "a filter without clearance": ("filter", filter_by(scope=cleared_for_every_level)),
    "a filter without compartments": ("filter", filter_by(scope=cleared_for_every_compartment)),
    "Casbin with its own ten levels": ("full casbin", full_casbin_by(max_hierarchy=10)),
    'Casbin that passes over "Deny"': ("full casbin", full_casbin_by(odd_effects_deny=False)),
    "Casbin without a deny clause": ("full casbin", full_casbin_by(model=without(" && !some(where (p.eft == deny))"))),
    "Casbin without clearance": ("full casbin", full_casbin_by(model=without(" && cleared(r.who, r.what, r.act)"))),
    "Cedar without forbids": ("cedar", cedar_by(policies=without_forbids)),
}


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    with open_parts() as opened:
        yield opened


@pytest.mark.parametrize(("decider", "mutant"), MUTANTS.values(), ids=MUTANTS)
def test_a_broken_decider_is_found_out(parts: Parts, decider: str, mutant: Maker) -> None:
    pair = {"oracle": DECIDERS["oracle"], decider: mutant}
    assert any(compare_in(parts, seed, pair).disagreements for seed in range(30))


def test_a_disagreement_says_what_it_takes_to_see_it_again(parts: Parts) -> None:
    pair = {"oracle": DECIDERS["oracle"], "filter": filter_by(scope=denied_nothing)}
    found = compare_in(parts, 0, pair)
    first = found.shown[0]
    assert str(first) == (
        f"world 0: {first.user} {first.action} {first.document}: allowed by filter; the oracle refuses: denied"
    )
    assert oracle.refusal(random_world(0), first.user, first.action, first.document) == "denied"
