"""Who may change what. Casbin says so: the actions `manage` and `share` on what an edit touches.

    manage on root:all      people, groups, collections; and everything below: the administrator of the whole
    manage on a place       its rules, labels and folders; but give away only what oneself holds there
    share on a place        let others do there what oneself may do there

Managing shows no text, so the label of a place does not gate it: an administrator may manage what he may not
read. What he may not do is to let himself in; `acl.admin.gate` sees to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, true

from acl.admin.edits import (
    AddFolder,
    AddRule,
    Edit,
    EndBreakGlass,
    MoveDocument,
    MoveFolder,
    OpenBreakGlass,
    RejectDocument,
    ReleaseDocument,
    RemoveRule,
    SetInheritance,
    SetLabel,
    SetOwner,
)
from acl.admin.nodes import own_label
from acl.decision import Deny, What, Who, decider
from acl.errors import NotAllowed
from acl.labels import PUBLIC, Label, Level, covers
from acl.names import ACTIONS, ANY_ACTION, EVERYONE, ROOT, Action, UserId
from acl.read import rules_on, what_at, whats_at, who_of
from store.schema import break_glass, casbin_rule, users

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from acl.decision import Permit

ALL_ACTIONS: Final = tuple(sorted(ACTIONS))


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who wants to change the policy, as of one transaction."""

    connection: Connection
    who: Who

    @classmethod
    def of(cls, connection: Connection, user: UserId) -> Actor:
        return cls(connection, who_of(connection, user))

    def manages(self, place: str) -> Permit | Deny:
        """Decide whether he manages a place, whatever its label."""
        return self._governs("manage", place)

    def managed(self, places: Iterable[str]) -> frozenset[str]:
        """Give those of some places that he manages, decided on together: the same that `manages` says of each."""
        whats = whats_at(self.connection, places)
        covering = {obj for what in whats.values() for obj in what.scopes}
        decide = decider(self.who, "manage", rules_on(self.connection, self.who, "manage", covering))
        # Managing is not gated by the label, so each place counts as one that everybody is cleared for.
        return frozenset(place for place, what in whats.items() if decide(What(what.scopes, PUBLIC, live=True)))

    def shares(self, place: str) -> Permit | Deny:
        """Decide whether he may let others do at a place what he may do there."""
        return self.manages(place) or self._governs("share", place)

    def holds(self, action: str, place: str) -> Permit | Deny:
        """Decide whether he himself may do something at a place; `*` is everything."""
        if action != ANY_ACTION:
            return self._decide(self.who, action, place)
        verdicts = [self._decide(self.who, one, place) for one in ALL_ACTIONS]
        return next((verdict for verdict in verdicts if not verdict), verdicts[0])

    def _governs(self, action: Action, place: str) -> Permit | Deny:
        label = what_at(self.connection, place).label
        cleared = Who(self.who.user, self.who.principals, Level.RESTRICTED, label.compartments)
        return self._decide(cleared, action, place)

    def _decide(self, who: Who, action: str, place: str) -> Permit | Deny:
        what = what_at(self.connection, place)
        if action not in ACTIONS or not what.scopes:
            return Deny("there is no such action or place")
        known: Action = action  # type: ignore[assignment]  # one of ACTIONS, which are the values of Action
        rules = rules_on(self.connection, who, known, what.scopes)
        return decider(who, known, rules)(What(what.scopes, what.label, live=True))  # drafts are managed too


def may_make(actor: Actor, edit: Edit) -> Permit | Deny:  # noqa: C901, PLR0911, PLR0912 - the table of who may do what
    """Decide whether somebody may make an edit."""
    administers = actor.manages(ROOT)
    if administers:
        return administers
    match edit:
        case OpenBreakGlass(_, place):
            return actor.manages(place)
        case EndBreakGlass(id_):
            return actor.manages(_opened_at(actor.connection, id_))
        case AddFolder(_, parent):
            return actor.manages(parent) or actor.holds("write", parent)
        case MoveFolder(place, to) | MoveDocument(place, to):
            return actor.manages(to) and _may_loosen(actor, place, "read")
        case SetInheritance(place):
            return _may_loosen(actor, place, "read")
        case SetLabel(place, label) if not covers(label, own_label(actor.connection, place) or Label()):
            return _may_loosen(actor, place, "read")
        case SetLabel(place):
            return actor.manages(place)
        case ReleaseDocument(held) | RejectDocument(held):
            return actor.manages(held) or actor.holds("write", held)
        case SetOwner(document):
            return _may_loosen(actor, document, ANY_ACTION)
        case AddRule(_, place, action, "allow"):
            return actor.shares(place) and actor.holds(action, place)
        case RemoveRule(_, place, action, "deny"):
            return _may_loosen(actor, place, action)
        case AddRule(_, place) | RemoveRule(_, place):
            return actor.manages(place)
    return administers


def may_ask(actor: Actor, edit: Edit) -> bool:
    """Say whether somebody may put an edit before a second person that he could not make himself.

    Everybody may ask for emergency access, for himself, and end it.
    """
    if not actor.who.principals:
        return False
    match edit:
        case OpenBreakGlass(user):
            return user == actor.who.user
        case EndBreakGlass(id_):
            opened = select(break_glass.c.id).where(break_glass.c.id == id_, break_glass.c.user_id == actor.who.user)
            return actor.connection.scalar(opened) is not None
    return False


def require_administrator(actor: Actor) -> None:
    """Refuse everybody but an administrator of the whole what tells of all people and places.

    Raises:
        NotAllowed: He is none.
    """
    if not actor.manages(ROOT):
        raise NotAllowed("this tells of all people and places: it is for who may manage root:all")


def administrators(connection: Connection) -> frozenset[UserId]:
    """Read the active people who manage everything."""
    c = casbin_rule.c
    rules = connection.execute(
        select(c.v0, c.v3).where(c.ptype == "p", c.v1 == ROOT, c.v2.in_(("manage", ANY_ACTION)))
    ).all()
    allowed, denied = ([row.v0 for row in rules if (row.v3 == "allow") == wanted] for wanted in (True, False))
    return _people_below(connection, allowed) - _people_below(connection, denied)


def _people_below(connection: Connection, subjects: Sequence[str]) -> frozenset[UserId]:
    """Read the active users that some subjects stand for: themselves, or members however deep."""
    c = casbin_rule.c
    below = select(c.v0.label("name")).where(c.ptype == "g", c.v1.in_(subjects)).cte("below", recursive=True)
    below = below.union(select(c.v0).where(c.ptype == "g", c.v1 == below.c.name))
    named = users.c.id.in_(select(below.c.name)) | users.c.id.in_(subjects)
    everybody = EVERYONE in subjects
    found = select(users.c.id).where(users.c.active, true() if everybody else named)
    return frozenset(UserId(id_) for id_ in connection.scalars(found))


def _may_loosen(actor: Actor, place: str, action: str) -> Permit | Deny:
    # What lets others in gives them something, and nobody gives what he has not.
    return actor.manages(place) and actor.holds(action, place)


def _opened_at(connection: Connection, id_: str) -> str:
    return connection.scalar(select(break_glass.c.object).where(break_glass.c.id == id_)) or ""
