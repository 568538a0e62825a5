"""What an edit gives a user himself: nobody raises himself alone, not by a rule, a group, a move or a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

from sqlalchemy import select

from acl.admin.edits import (
    AddRule,
    Edit,
    JoinGroup,
    LeaveGroup,
    MoveDocument,
    MoveFolder,
    RemoveRule,
    SetActive,
    SetClearance,
    SetInheritance,
    SetLabel,
    SetOwner,
    apply,
)
from acl.admin.nodes import subtree
from acl.names import Action, DocumentId, NodeId, Obj
from acl.read import nodes_at, rules_of, what_at, whats_of, who_of
from store.schema import document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from acl.admin.change import Change
    from acl.decision import What, Who
    from acl.names import UserId

_ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
_AT_ONCE: Final = 5_000  # documents in one statement; SQLite takes 32,766 parameters


@dataclass(frozen=True, slots=True)
class Reach:
    """What a user may do, as of one moment, in sets: the form in which much can be compared at once."""

    who: Who
    allowed: frozenset[tuple[str, Obj]]  # action and object
    denied: frozenset[tuple[str, Obj]]

    @classmethod
    def of(cls, connection: Connection, user: UserId) -> Reach:
        who = who_of(connection, user)
        rules = [(action, rule) for action in _ACTIONS for rule in rules_of(connection, who, action)]
        allowed = frozenset((action, rule.object) for action, rule in rules if rule.effect == "allow")
        return cls(who, allowed, frozenset((action, rule.object) for action, rule in rules if rule.effect != "allow"))

    def at(self, whats: Mapping[str, What]) -> frozenset[tuple[str, str, bool]]:
        """Give what rules let him do at some places: action, place, and whether he is cleared for it as well.

        What he is not cleared for counts too: a rule that he gave himself would wait for a higher clearance.
        """
        return frozenset(
            (action, place, cleared)
            for place, what in whats.items()
            for action in _ACTIONS
            if self._covers(self.allowed, action, what) and not self._covers(self.denied, action, what)
            for cleared in ((False, True) if self._is_cleared_for(what) else (False,))
        )

    def differs_on(self, other: Reach) -> frozenset[Obj]:
        """Give the objects of which the rules of two moments speak differently."""
        return frozenset(obj for _, obj in (self.allowed ^ other.allowed) | (self.denied ^ other.denied))

    def is_cleared_for_more_than(self, other: Reach) -> bool:
        return self.who.clearance > other.who.clearance or not self.who.compartments <= other.who.compartments

    def _is_cleared_for(self, what: What) -> bool:
        return what.label.level <= self.who.clearance and what.label.compartments <= self.who.compartments

    @staticmethod
    def _covers(rules: frozenset[tuple[str, Obj]], action: str, what: What) -> bool:
        return any((action, scope) in rules for scope in what.scopes)


def apply_and_see(change: Change, edit: Edit, user: UserId) -> str:
    """Apply an edit, and say what it lets a user at that he could not reach before; empty if nothing.

    Raises:
        PolicyError: As `apply`.
    """
    connection = change.connection
    before = Reach.of(connection, user)
    if not _can_concern(edit, before.who):
        apply(change, edit)
        return ""
    top = _moved(edit)
    held = before.at(_whats(connection, top)) if top else frozenset()
    apply(change, edit)
    after = Reach.of(connection, user)
    if after.is_cleared_for_more_than(before):
        return f"it clears {user}, who asks for it, for more"
    spoken_of: dict[str, What] = {obj: what_at(connection, obj) for obj in after.differs_on(before)}
    gained = after.at(spoken_of) - before.at(spoken_of)
    if top:
        gained |= after.at(_whats(connection, top)) - held
    return next((f"it gives {user}, who asks for it, {action} on {place}" for action, place, _ in sorted(gained)), "")


def _can_concern(edit: Edit, who: Who) -> bool:
    """Say whether an edit can change what a user may do: most edits of a long list speak of others."""
    match edit:
        case AddRule(subject) | RemoveRule(subject) | JoinGroup(subject) | LeaveGroup(subject):
            return subject in who.principals
        case SetClearance(user) | SetActive(user):
            return user == who.user
    return _moved(edit) is not None


def _moved(edit: Edit) -> NodeId | DocumentId | None:
    """Give the place that an edit covers with other rules, or labels otherwise, with all that lies in it."""
    match edit:
        case MoveFolder(place) | SetInheritance(place) | SetLabel(place) | MoveDocument(place) | SetOwner(place):
            return place
    return None


def _whats(connection: Connection, top: NodeId | DocumentId) -> dict[str, What]:
    """Read a place, and all that lies in it, as rules see them."""
    if top.startswith("doc:"):
        return {str(id_): what for id_, what in whats_of(connection, [DocumentId(top)]).items()}
    below = subtree(top)
    lying = select(document.c.id).where(document.c.node_id.in_(select(below.c.id)), document.c.state != "deleted")
    nodes = nodes_at(connection, [NodeId(id_) for id_ in connection.scalars(select(below.c.id))])
    documents = [DocumentId(id_) for id_ in connection.scalars(lying)]
    parts = (documents[start : start + _AT_ONCE] for start in range(0, len(documents), _AT_ONCE))
    found = {str(id_): what for id_, what in nodes.items()}
    return found | {str(id_): what for part in parts for id_, what in whats_of(connection, part).items()}
