"""Why somebody may, or may not: the rule that decides and the way to it, or each piece that is missing.

The verdict is that of `acl.decision` on the same snapshot, never one of this module. What is told beside it
says who has access to what and that a place is there at all. So it is for those who may manage the place;
to all others `explain_to` answers as if there were no such place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import select

from acl.admin.authority import Actor
from acl.admin.nodes import own_label
from acl.decision import Deny, Permit, Rule, What, Who, decider
from acl.errors import UnknownName
from acl.insight.chains import Chain, chains_of, memberships_of
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import ANY_ACTION, ROOT, Action, DocumentId, NodeId, Obj, Subject, UserId, parse_action
from acl.read import EMERGENCY, rules_on, what_at, who_of
from store.schema import casbin_rule, document, node, user_compartment, users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

PlaceId: TypeAlias = NodeId | DocumentId

GOVERNING: Final = frozenset({"manage", "share"})  # actions for which nobody need be cleared


@dataclass(frozen=True, slots=True)
class Place:
    """A collection, a folder or a document on the way, with what it adds itself."""

    id: PlaceId
    name: str  # as people see it; empty for a document, whose title is not for whoever manages it
    label: Label  # its own
    cuts: bool  # rules from above end here


@dataclass(frozen=True, slots=True)
class Ruling:
    """A rule with how its subject comes to be the user, and how its object comes to cover the place."""

    rule: Rule
    chain: Chain  # user:anna, group:payroll, group:people; empty if the user is not what the rule speaks of
    reach: tuple[str, ...]  # coll:staff, folder:wages, doc:1; or label:gdpr, doc:1


@dataclass(frozen=True, slots=True)
class NotActive:
    """The user may do nothing at all."""

    known: bool


@dataclass(frozen=True, slots=True)
class NotLive:
    """The document does not answer: it is a draft, or deleted."""

    state: str


@dataclass(frozen=True, slots=True)
class LevelAbove:
    """The level is above the clearance."""

    level: Level
    clearance: Level
    raised_by: tuple[Place, ...]  # all whose own level is above the clearance


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The user does not hold a compartment."""

    compartment: Compartment
    asked_by: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Denied:
    """A rule denies it, whatever others allow."""

    ruling: Ruling


@dataclass(frozen=True, slots=True)
class KeptOut:
    """A rule on the user that would reach the place, were inheritance not cut between them."""

    ruling: Ruling  # its reach is how it would come here
    cuts: tuple[Place, ...]  # all of them would have to go


@dataclass(frozen=True, slots=True)
class NoRule:
    """No rule allows it to the user."""

    others: tuple[Ruling, ...]  # what allows it here to others, nearest first; no chains
    kept_out: tuple[KeptOut, ...]


Missing: TypeAlias = NotActive | NotLive | LevelAbove | NotHeld | Denied | NoRule


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict, and why. A permit has a ruling and nothing missing, a refusal the reverse."""

    user: UserId
    place: PlaceId
    action: Action
    verdict: Permit | Deny
    path: tuple[Place, ...]  # from the collection down to the place itself
    label: Label  # joined along the path
    clearance: Label  # also of a user who is not active; public for one who is not known
    ruling: Ruling | None
    missing: tuple[Missing, ...]


def may_explain(connection: Connection, actor: UserId, place: PlaceId) -> Permit | Deny:
    """Decide whether somebody may be told about the access of others to a place: he must manage it."""
    return Actor.of(connection, actor).manages(place)


def explain_to(
    connection: Connection, actor: UserId, user: UserId, place: PlaceId, *, action: Action = "read"
) -> Explanation:
    """Explain a verdict to somebody, if he may know.

    Raises:
        BadRule: There is no such action.
        UnknownName: There is no such place, or the actor may not manage it; the words are the same.
    """
    if not may_explain(connection, actor, place):
        raise _no_such_place(place)
    return explain(connection, user, place, action)


def explain(connection: Connection, user: UserId, place: PlaceId, action: Action = "read") -> Explanation:
    """Explain whether a user may do this with a document, or with what lies in a collection or folder.

    It asks nobody whether he may know: see `explain_to`.

    Raises:
        BadRule: There is no such action.
        UnknownName: There is no such place.
    """
    parse_action(action)
    seen = what_at(connection, place)
    if not seen.path:  # it is not there, or is no place
        raise _no_such_place(place)
    what = _decided(seen, action)
    who = who_of(connection, user)
    rules = rules_on(connection, who, action, what.scopes)
    verdict = decider(who, action, rules)(what)

    row = connection.execute(select(users).where(users.c.id == user)).one_or_none()
    chains = chains_of(user, memberships_of(connection, user))
    case = _Case(
        connection=connection,
        # What else is missing to a user who is not active, he will miss when he is.
        who=who if who.principals else _if_active(connection, user, row, frozenset(chains)),
        chains=chains,
        action=action,
        what=what,
        path=_path(connection, place, what),
    )
    return Explanation(
        user=user,
        place=place,
        action=action,
        verdict=verdict,
        path=case.path,
        label=seen.label,
        clearance=Label(case.who.clearance, case.who.compartments),
        ruling=next((case.ruling(rule) for rule in rules if verdict and str(rule) == verdict.rule), None),
        missing=() if verdict else tuple(_missing(case, user=row, active=bool(who.principals))),
    )


def _decided(what: What, action: Action) -> What:
    # As in acl.admin.authority: who manages or shares a place need not be cleared for it, and drafts are managed too.
    return What(what.scopes, PUBLIC, live=True, path=what.path) if action in GOVERNING else what


@dataclass(frozen=True, slots=True)
class _Case:
    connection: Connection
    who: Who
    chains: dict[Subject, Chain]
    action: Action
    what: What
    path: tuple[Place, ...]

    def ruling(self, rule: Rule) -> Ruling:
        ids = [str(place.id) for place in self.path]
        if rule.object in ids:
            reach = ids[ids.index(rule.object) :]
        else:
            reach = [rule.object, *ids] if rule.object == ROOT else [rule.object, ids[-1]]
        return Ruling(rule, self.chains.get(rule.subject, ()), tuple(reach))


def _missing(case: _Case, *, user: Row[tuple[object, ...]] | None, active: bool) -> Iterator[Missing]:
    who, label = case.who, case.what.label
    if not active:
        yield NotActive(known=user is not None)
    if not case.what.live:
        found = select(document.c.state).where(document.c.id == case.path[-1].id)
        yield NotLive(case.connection.scalars(found).one())
    if label.level > who.clearance:
        above = tuple(place for place in case.path if place.label.level > who.clearance)
        yield LevelAbove(label.level, who.clearance, above)
    for compartment in sorted(label.compartments - who.compartments):
        yield NotHeld(compartment, tuple(place for place in case.path if compartment in place.label.compartments))
    rules = rules_on(case.connection, who, case.action, case.what.scopes)
    denies = [rule for rule in rules if rule.effect != "allow"]
    yield from (Denied(case.ruling(rule)) for rule in denies)
    if len(denies) == len(rules):
        yield NoRule(_others(case), tuple(_kept_out(case)))


def _others(case: _Case) -> tuple[Ruling, ...]:
    c = casbin_rule.c
    condition = c.v1.in_(sorted(case.what.scopes)) & c.v2.in_((case.action, ANY_ACTION)) & (c.v3 == "allow")
    lasting = ~c.v0.startswith(EMERGENCY, autoescape=True)  # emergency access is one person's, and ends
    rows = case.connection.execute(select(c.v0, c.v1, c.v2).where(c.ptype == "p", condition, lasting))
    found = [case.ruling(Rule(Subject(sub), Obj(obj), act, "allow")) for sub, obj, act in rows]
    return tuple(sorted(found, key=lambda ruling: (len(ruling.reach), str(ruling.rule))))


def _kept_out(case: _Case) -> Iterator[KeptOut]:
    nodes = [place for place in case.path if place.id in case.what.path]
    for above, place in enumerate(nodes):
        if Obj(place.id) not in case.what.scopes:
            cuts = tuple(below for below in nodes[above + 1 :] if below.cuts)
            for rule in rules_on(case.connection, case.who, case.action, [Obj(place.id)]):
                yield KeptOut(case.ruling(rule), cuts)


def _if_active(
    connection: Connection, user: UserId, row: Row[tuple[object, ...]] | None, principals: frozenset[Subject]
) -> Who:
    held = connection.scalars(select(user_compartment.c.compartment).where(user_compartment.c.user_id == user))
    return Who(
        user=user,
        principals=principals,
        clearance=Level.PUBLIC if row is None else Level(row.clearance),
        compartments=frozenset(Compartment(name) for name in held),
    )


def _path(connection: Connection, place: PlaceId, what: What) -> tuple[Place, ...]:
    rows = {row.id: row for row in connection.execute(select(node).where(node.c.id.in_(what.path)))}
    nodes = [  # the nearest is first in what.path
        Place(node_id, rows[node_id].name, own_label(connection, node_id) or Label(), cuts=not rows[node_id].inherit)
        for node_id in reversed(what.path)
    ]
    if place in rows:
        return tuple(nodes)
    return (*nodes, Place(place, "", own_label(connection, place) or Label(), cuts=False))


def _no_such_place(place: PlaceId) -> UnknownName:
    return UnknownName(f"there is no document, collection or folder {place}, or it is not yours to manage")
