"""One decision: may this reader do this with this document? Casbin says so, from the caller's rules alone.

Casbin evaluates every rule that it holds, so it gets just the rules of one caller that speak of the document,
in an enforcer that is built for one decision transaction and thrown away. Nothing is cached, so nothing is stale.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import casbin

from acl.names import ACTIONS, ANY_ACTION, Action, Effect, NodeId, Obj, Subject, UserId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acl.labels import Compartment, Label, Level

MODEL: Final = """
[request_definition]
r = who, what, act

[policy_definition]
p = sub, obj, act, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = covers(r.what, p.obj) && permits(r.act, p.act) && holds(r.who, p.sub) && cleared(r.who, r.what)
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom the credentials belong to, and the application that he asks through. It carries no rights."""

    user: UserId
    application: Obj
    key: str | None = field(default=None, repr=False)  # the hash of the key that he came with, if it was one


@dataclass(frozen=True, slots=True)
class Who:
    """A user with everything that a rule or a clearance can refer to, as of one snapshot."""

    user: UserId
    principals: frozenset[Subject]  # himself, role:everyone, all groups above him; empty: not active or not known
    clearance: Level
    compartments: frozenset[Compartment]


@dataclass(frozen=True, slots=True)
class What:
    """A document as rules see it: the objects that cover it, its label, whether it is there at all."""

    scopes: frozenset[Obj]
    label: Label
    live: bool
    path: tuple[NodeId, ...] = ()  # all nodes above it, nearest first; it says where, not who may


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of policy."""

    subject: Subject
    object: Obj
    action: str
    effect: Effect

    def __str__(self) -> str:
        """Show as in a policy file."""
        return f"{self.subject}, {self.object}, {self.action}, {self.effect}"


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes."""

    rule: str  # the grant that let it through; goes into the audit record


@dataclass(frozen=True, slots=True)
class Deny:
    """No. It is false, so that a forgotten `match` is safe."""

    reason: str  # for the log and the audit record, never for the caller

    def __bool__(self) -> Literal[False]:
        return False


def decider(who: Who, action: Action, rules: Iterable[Rule]) -> Callable[[What], Permit | Deny]:
    """Build the throw-away enforcer of one caller, one action and one set of rules."""
    enforcer, policy = _enforcer()
    lines = defaultdict[Obj, list[tuple[int, list[str]]]](list)
    for place, rule in enumerate(rules):
        lines[rule.object].append((place, _line(rule)))

    def decide(what: What) -> Permit | Deny:
        # Rules on other objects cover nothing here; Casbin would find that out one by one, for each document.
        policy[:] = [line for _, line in sorted(line for obj in what.scopes for line in lines.get(obj, ()))]
        allowed, rule = enforcer.enforce_ex(who, what, action)
        if allowed and rule:
            return Permit(", ".join(rule))
        return Deny(_reason(who, what, rule))

    return decide


def _model() -> casbin.Model:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    return model


# Parsed here, once. Casbin parses for each decision, and is at that most of the time; and in threads that parse side
# by side, Python 3.11 raises SystemError now and then.
_MATCHER: Final = _model()["m"]["m"].value
_PARSED: Final = casbin.Enforcer._get_expression(_MATCHER).ast_parsed_value  # noqa: SLF001 - it has no other way


class _Enforcer(casbin.Enforcer):  # type: ignore[misc]  # Casbin ships no annotations
    """Evaluates the matcher as it was parsed."""

    def _get_expression(self, expr: str, functions: Any = None) -> Any:
        if expr != _MATCHER:
            raise ValueError("this is not the matcher of the model")
        expression = super()._get_expression("", functions)
        expression.ast_parsed_value = _PARSED
        return expression


def _enforcer() -> tuple[casbin.Enforcer, list[list[str]]]:
    """Give an enforcer without rules, and the list that its rules go into."""
    model = _model()
    enforcer = _Enforcer(model)
    enforcer.add_function("covers", _covers)
    enforcer.add_function("permits", _permits)
    enforcer.add_function("holds", _holds)
    enforcer.add_function("cleared", _cleared)
    return enforcer, model["p"]["p"].policy


def _line(rule: Rule) -> list[str]:
    # Casbin passes over an effect that it does not know, and a "Deny" would be lost: what does not allow, denies.
    return [rule.subject, rule.object, rule.action, "allow" if rule.effect == "allow" else "deny"]


def _covers(what: What, obj: Obj) -> bool:
    return obj in what.scopes


def _permits(wanted: str, ruled: str) -> bool:
    return wanted in ACTIONS and ruled in (wanted, ANY_ACTION)  # "*" is not for what nobody has thought of


def _holds(who: Who, subject: Subject) -> bool:
    return subject in who.principals


def _cleared(who: Who, what: What) -> bool:
    return what.live and what.label.level <= who.clearance and what.label.compartments <= who.compartments


def _reason(who: Who, what: What, rule: list[str]) -> str:
    if rule:
        return f"denied by {', '.join(rule)}"
    if not who.principals:
        return "the user is unknown or not active"
    if not what.live:
        return "the document is not live"
    if not _cleared(who, what):
        return f"not cleared for {what.label}"
    return "no rule allows it"
