"""What would change for whom: who gains and who loses what by some edits, and by which rule and membership.

    simulate(engine, [AddRule(...), LeaveGroup(...)])

The edits are made in a change that is always undone, and what everybody may do is compared before and after. It is
computed in sets, as a search computes it: each place has a number, each policy object the set of the places that it
covers, and what somebody may do is what his allowing rules cover, less what his denying rules cover, less what he is
not cleared for. That this is what `acl.decision` says of each place one by one, a test holds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from sqlalchemy import select

from acl.admin.change import rehearsal
from acl.admin.edits import (
    AddRule,
    AddUser,
    DescribeUser,
    EndBreakGlass,
    JoinGroup,
    LeaveGroup,
    OpenBreakGlass,
    RemoveRule,
    SetActive,
    SetClearance,
    apply,
)
from acl.decision import Rule
from acl.errors import PolicyError
from acl.insight.chains import chains_of, is_service, memberships
from acl.insight.explain import GOVERNING
from acl.insight.places import Part, Places
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import ANY_ACTION, Action, DocumentId, Effect, Obj, Subject, UserId
from store.schema import casbin_rule, document, user_compartment, users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from acl.admin.edits import Edit
    from acl.insight.chains import Chain

Obstacle: TypeAlias = Literal["not active", "clearance", "label", "denied", "no rule"]

_ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
# These write nothing of what covers a place or labels it, so that it need not be read anew: most of the work.
_MOVES_NOTHING: Final = (
    AddUser,
    DescribeUser,
    SetActive,
    SetClearance,
    JoinGroup,
    LeaveGroup,
    AddRule,
    RemoveRule,
    OpenBreakGlass,
    EndBreakGlass,
)


@dataclass(frozen=True, slots=True)
class Why:
    """What stands in somebody's way before a gain, or after a loss, and not on the other side of the edits."""

    obstacle: Obstacle
    rule: Rule | None = None  # the deny in the way; of "no rule", the one that allows on the other side
    through: tuple[Subject, ...] = ()  # the groups on the way from the person to the rule's subject, this one included


@dataclass(frozen=True, slots=True)
class Line:
    """Some people gain or lose some actions on a place, or on a place and all that lies in it, for one reason."""

    users: tuple[UserId, ...]
    actions: tuple[Action, ...]
    on: Part
    why: Why


@dataclass(frozen=True, slots=True)
class Difference:
    """What edits would change, as of an epoch of the policy."""

    epoch: int
    gained: tuple[Line, ...]
    lost: tuple[Line, ...]


def simulate(engine: Engine, edits: Sequence[Edit], actions: Sequence[Action] = _ACTIONS) -> Difference:
    """Say what edits would change, without changing anything.

    Whoever may ask for this may know of all people and places; documents are named by their ids alone.

    Raises:
        PolicyError: One of the edits makes no sense.
        StoreDown: The database does not answer.
    """
    with rehearsal(engine) as change:
        live = select(document.c.id).where(document.c.state == "live").order_by(document.c.id)
        documents = [DocumentId(id_) for id_ in change.connection.scalars(live)]
        before = _State(change.connection, Places(change.connection, documents, {}))
        for edit in edits:
            apply(change, edit)
        moved = not all(isinstance(edit, _MOVES_NOTHING) for edit in edits)
        places = Places(change.connection, documents, before.places.numbers) if moved else before.places
        after = _State(change.connection, places)
    return Difference(change.epoch - 1, _gained(before, after, actions), _gained(after, before, actions))


def faults(engine: Engine, edits: Iterable[Edit], *, most: int) -> list[tuple[int, PolicyError]]:
    """Say which edits make no sense, by their place in the list; each is tried after those before it that do.

    Nothing is changed. It stops when it has found the most that are wanted.

    Raises:
        StoreDown: The database does not answer.
    """
    found: list[tuple[int, PolicyError]] = []
    with rehearsal(engine) as change:
        for number, edit in enumerate(edits):
            try:
                apply(change, edit)
            except PolicyError as error:
                found.append((number, error))
                if len(found) == most:
                    break
    return found


@dataclass(frozen=True, slots=True)
class _Person:
    user: UserId
    clearance: Label
    chains: Mapping[Subject, Chain]
    rules: Sequence[Rule]  # all that speak of him


class _State:
    """The policy at one moment, with all places and people that it speaks of."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self.places = places
        self._rules: defaultdict[Subject, list[Rule]] = defaultdict(list)
        c = casbin_rule.c
        lines = select(c.v0, c.v1, c.v2, c.v3).where(c.ptype == "p").order_by(c.v0, c.v1, c.v2, c.v3)
        for subject, obj, action, written in connection.execute(lines):
            effect: Effect = "allow" if written == "allow" else "deny"
            self._rules[Subject(subject)].append(Rule(Subject(subject), Obj(obj), action, effect))
        self.people = {person.user: person for person in _people(connection, self._rules)}

    def person(self, user: UserId) -> _Person | None:
        """Give an active user, or a service: it is there also when no rule names it."""
        found = self.people.get(user)
        return _Person(user, PUBLIC, {}, ()) if found is None and is_service(user) else found

    def rules(self, user: UserId, action: Action) -> list[Rule]:
        """Give the rules that speak of a user and an action; none of a user who is not active."""
        person = self.person(user)
        return [] if person is None else [rule for rule in person.rules if rule.action in (action, ANY_ACTION)]

    def cleared(self, person: _Person, action: Action) -> int:
        """Give the set of the places that somebody is cleared for; who manages them need not be."""
        return self.places.all if action in GOVERNING else self.places.labelled_within(person.clearance)

    def reach(self, user: UserId, action: Action) -> int:
        """Give the set of the places where a user may do something."""
        person = self.person(user)
        if person is None:
            return 0
        allowed = denied = 0
        for rule in self.rules(user, action):
            covered = self.places.covered_by(rule.object)
            allowed, denied = (allowed | covered, denied) if rule.effect == "allow" else (allowed, denied | covered)
        return allowed & ~denied & self.cleared(person, action)


def _people(connection: Connection, rules: Mapping[Subject, Sequence[Rule]]) -> Iterator[_Person]:
    """Read all active users, and the services that a rule names."""
    groups = memberships(connection)
    held: defaultdict[str, set[Compartment]] = defaultdict(set)
    for id_, name in connection.execute(select(user_compartment.c.user_id, user_compartment.c.compartment)):
        held[id_].add(Compartment(name))
    active = connection.execute(select(users.c.id, users.c.clearance).where(users.c.active).order_by(users.c.id))
    cleared = [(UserId(id_), Label(Level(level), frozenset(held[id_]))) for id_, level in active]
    services = sorted(name for name in {*rules, *groups} if is_service(name))
    for user, clearance in (*cleared, *((UserId(name), PUBLIC) for name in services)):
        chains = chains_of(user, groups)
        yield _Person(user, clearance, chains, [rule for name in chains for rule in rules.get(name, ())])


def _gained(worse: _State, better: _State, actions: Sequence[Action]) -> tuple[Line, ...]:
    """Give what is reached in one state and not in the other, those who share a reason in one line."""
    found: defaultdict[tuple[Part, Why], defaultdict[UserId, list[Action]]] = defaultdict(lambda: defaultdict(list))
    for user in better.people:
        for action in actions:
            places = better.reach(user, action) & ~worse.reach(user, action)
            for why, of_them in _reasons(user, action, places, worse, better):
                for part in better.places.parts(of_them):
                    found[part, why][user].append(action)
    lines: defaultdict[tuple[Part, Why, tuple[Action, ...]], list[UserId]] = defaultdict(list)
    for (part, why), of_user in found.items():
        for user, done in of_user.items():
            lines[part, why, tuple(done)].append(user)
    made = [Line(tuple(users), done, part, why) for (part, why, done), users in lines.items()]
    return tuple(sorted(made, key=lambda line: (line.on.place, line.users, line.actions, repr(line.why))))


def _reasons(user: UserId, action: Action, places: int, worse: _State, better: _State) -> Iterator[tuple[Why, int]]:
    """Part places by what stands in the way in the worse state: one obstacle each, the first that there is."""
    if not places:
        return
    person = worse.person(user)
    if person is None:
        yield Why("not active"), places
        return
    above = places & worse.places.all & ~worse.cleared(person, action)
    by_clearance = above & worse.cleared(better.people[user], action)  # the same label lets the other clearance by
    yield from _unless_empty(Why("clearance"), by_clearance)
    yield from _unless_empty(Why("label"), above & ~by_clearance)
    places &= ~above
    sides: list[tuple[Obstacle, _State, _State]] = [("denied", worse, better), ("no rule", better, worse)]
    for obstacle, state, other in sides:
        rules = state.rules(user, action)
        there = set(other.rules(user, action))
        # First the rules that speak of him on one side alone: they are what the edits have changed.
        for rule in sorted(rules, key=there.__contains__):
            if (rule.effect == "allow") == (state is better):
                covered = places & state.places.covered_by(rule.object)
                yield from _unless_empty(Why(obstacle, rule, state.people[user].chains[rule.subject][1:]), covered)
                places &= ~covered


def _unless_empty(why: Why, places: int) -> Iterator[tuple[Why, int]]:
    if places:
        yield why, places
