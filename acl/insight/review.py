"""The access review: what each person reaches in each collection, and why, for somebody to say that it is right.

It is computed for everybody at once, from the same rows as the decisions: a person is held against the kinds
of documents (see `land`), not against each. `tests/acl/insight/test_review.py` holds it against the decision.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import select

from acl.decision import Rule
from acl.insight.chains import Chain, Memberships, chains_of, is_service, memberships
from acl.insight.explain import GOVERNING
from acl.insight.land import land_of
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import ANY_ACTION, Action, NodeId, Obj, Subject, UserId, parse_action
from store.schema import casbin_rule, policy_state, user_compartment, users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from acl.insight.land import Ground, Kind, Land

Extent: TypeAlias = Literal["all", "part", "none"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A verdict, in the words of the decision, and how the rule's subject comes to be the person."""

    permitted: bool
    words: str
    chain: Chain = ()  # empty where no rule decides


@dataclass(frozen=True, slots=True)
class Apart:
    """So many live documents that lie right in a place, and on which the verdict is another than on the place."""

    documents: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Line:
    """What one person reaches in a collection, or in a folder of it that differs from what is above it."""

    person: UserId  # or a service, svc:…, which has no name
    name: str
    active: bool
    clearance: Label
    collection: NodeId
    place: NodeId  # the collection itself, or the folder
    path: tuple[str, ...]  # names, from the collection down to the place
    label: Label
    extent: Extent  # of the place with all that lies below it
    here: Reason  # on the place itself, and so on each document right in it that is not apart
    apart: tuple[Apart, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """The lines by person, collection and path, and the epoch of the policy that they are of.

    A folder without a line is as the nearest one above it that has a line, but for single documents in it that
    the person is not cleared for.
    """

    action: Action
    epoch: int
    everything: bool  # also the persons and collections without any access
    lines: tuple[Line, ...]


def review(connection: Connection, action: Action = "read", *, everything: bool = False) -> Review:
    """List what everybody may do this with; by default without the collections where a person reaches nothing.

    Raises:
        BadRule: There is no such action.
        PolicyTooLarge: Somebody is in too many groups, so that no decision on him is made either.
    """
    parse_action(action)
    c = casbin_rule.c
    wanted = (c.ptype == "p") & c.v2.in_((action, ANY_ACTION))
    rows = connection.execute(select(c.v0, c.v1, c.v2, c.v3).where(wanted).order_by(c.id))
    rules = [Rule(Subject(sub), Obj(obj), act, effect) for sub, obj, act, effect in rows]
    land = land_of(connection, frozenset(rule.object for rule in rules), cleared=action in GOVERNING)
    lines = tuple(_lines(_people(connection, rules), land, everything=everything))
    epoch = connection.scalars(select(policy_state.c.epoch)).one()
    return Review(action, epoch, everything, lines)


# --- who there is -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Person:
    id: UserId
    name: str
    active: bool
    clearance: Label
    chains: Mapping[Subject, Chain]
    # The rules on him by object. Where several speak of a document, the number says which one Casbin names.
    allows: Mapping[Obj, tuple[int, Rule]]
    denies: Mapping[Obj, tuple[int, Rule]]

    def reason(self, kind: Kind) -> Reason:
        if not self.active:
            return Reason(permitted=False, words="the user is unknown or not active")
        if not _clears(self.clearance, kind):
            return Reason(permitted=False, words=f"not cleared for {kind.label}")
        denies = [self.denies[obj] for obj in kind.scopes & self.denies.keys()]
        if denies:
            _, rule = min(denies, key=_number)
            return Reason(permitted=False, words=f"denied by {rule}", chain=self.chains[rule.subject])
        allows = [self.allows[obj] for obj in kind.scopes & self.allows.keys()]
        if allows:
            _, rule = max(allows, key=_number)
            return Reason(permitted=True, words=str(rule), chain=self.chains[rule.subject])
        return Reason(permitted=False, words="no rule allows it")


def _people(connection: Connection, rules: Sequence[Rule]) -> Iterator[_Person]:
    by_subject: defaultdict[Subject, list[tuple[int, Rule]]] = defaultdict(list)
    for number, rule in enumerate(rules):
        by_subject[rule.subject].append((number, rule))
    groups = memberships(connection)
    held: defaultdict[str, frozenset[Compartment]] = defaultdict(frozenset)
    for id_, name in connection.execute(select(user_compartment.c.user_id, user_compartment.c.compartment)):
        held[id_] |= {Compartment(name)}
    for row in connection.execute(select(users).order_by(users.c.id)).all():
        clearance = Label(Level(row.clearance), held[row.id])
        yield _person(UserId(row.id), row.name, clearance, groups, by_subject, active=row.active)
    # A service has no row: what it may do stands in the policy alone, and is reviewed like a person's.
    for service in sorted(name for name in {*by_subject, *groups} if is_service(name)):
        yield _person(UserId(service), "", PUBLIC, groups, by_subject, active=True)


def _person(
    id_: UserId,
    name: str,
    clearance: Label,
    groups: Memberships,
    by_subject: Mapping[Subject, Sequence[tuple[int, Rule]]],
    *,
    active: bool,
) -> _Person:
    chains = chains_of(id_, groups)
    numbered = sorted((pair for subject in chains for pair in by_subject.get(subject, ())), key=_number)
    return _Person(
        id=id_,
        name=name,
        active=active,
        clearance=clearance,
        chains=chains,
        # Casbin names the first rule that denies, and of those that allow the last.
        allows={pair[1].object: pair for pair in numbered if pair[1].effect == "allow"},
        denies={pair[1].object: pair for pair in reversed(numbered) if pair[1].effect != "allow"},
    )


def _clears(clearance: Label, kind: Kind) -> bool:
    return kind.label.level <= clearance.level and kind.label.compartments <= clearance.compartments


def _number(pair: tuple[int, Rule]) -> int:
    return pair[0]


# --- the lines --------------------------------------------------------------------------------


def _lines(people: Iterable[_Person], land: Land, *, everything: bool) -> Iterator[Line]:
    by_object: defaultdict[Obj, set[Kind]] = defaultdict(set)
    for kind in land.kinds:
        for obj in kind.scopes:
            by_object[obj].add(kind)
    cleared: dict[Label, frozenset[Kind]] = {}
    for person in people:
        if person.clearance not in cleared:
            cleared[person.clearance] = frozenset(kind for kind in land.kinds if _clears(person.clearance, kind))
        below = cleared[person.clearance] if person.active else frozenset()
        allowed = below.intersection(set().union(*(by_object[obj] for obj in person.allows)))
        allowed = allowed.difference(*(by_object[obj] for obj in person.denies))
        yield from _lines_of(person, land, _Reach(below, allowed), everything=everything)


@dataclass(frozen=True, slots=True)
class _Reach:
    cleared: frozenset[Kind]
    allowed: frozenset[Kind]

    def extent(self, place: Ground) -> Extent:
        if place.kinds.isdisjoint(self.allowed):
            return "none"
        return "all" if place.kinds <= self.allowed else "part"

    def apart(self, place: Ground) -> frozenset[Kind]:
        """Give the kinds of the documents right in a place on which the verdict is another than on the place."""
        return place.own - self.allowed if place.kind in self.allowed else place.own & self.allowed

    def differs(self, place: Ground, parent: Ground) -> bool:
        """Say whether a folder needs a line. Documents above the clearance alone, it has nearly everywhere."""
        here = place.kind in self.allowed
        return here != (parent.kind in self.allowed) or not self.cleared.isdisjoint(self.apart(place))


def _lines_of(person: _Person, land: Land, reach: _Reach, *, everything: bool) -> Iterator[Line]:
    for collection, (_, *folders) in land.collections.items():
        top = land.places[collection]
        extent = reach.extent(top)
        if everything or extent != "none":
            yield _line(person, top, collection, reach)
        for place in (land.places[id_] for id_ in folders if extent == "part"):  # else it is one and the same below
            if place.parent and reach.differs(place, land.places[place.parent]):
                yield _line(person, place, collection, reach)


def _line(person: _Person, place: Ground, collection: NodeId, reach: _Reach) -> Line:
    apart: Counter[Reason] = Counter()
    for kind in reach.apart(place):
        apart[person.reason(kind)] += place.documents[kind]
    return Line(
        person=person.id,
        name=person.name,
        active=person.active,
        clearance=person.clearance,
        collection=collection,
        place=place.id,
        path=place.path,
        label=place.label,
        extent=reach.extent(place),
        here=person.reason(place.kind),
        apart=tuple(Apart(number, reason) for reason, number in sorted(apart.items(), key=lambda item: item[0].words)),
    )
