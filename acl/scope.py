"""The Scope: everything that a reader may reach, in the form that an index can filter by.

It is made from the same rows that the decision reads, so that filter and decision cannot drift apart.
It narrows the search; it permits nothing. `retrieval.permit` decides each hit again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acl.read import objects_of, who_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.decision import Principal
    from acl.labels import Compartment, Level
    from acl.names import Action, NodeId, Obj


@dataclass(frozen=True, slots=True)
class Scope:
    """What an index may look at for one reader and one action. Made by `scope_of` alone.

    A document is inside when one of its objects is in `allow`, none is in `deny`, its level is at most
    `clearance`, its compartments are all in `compartments`, and it lies below `within`, if that is set.
    An empty `allow` has nothing inside.
    """

    principal: Principal
    allow: frozenset[Obj]
    deny: frozenset[Obj]
    clearance: Level
    compartments: frozenset[Compartment]
    within: NodeId | None  # a collection to stay in; it narrows, whatever the rules say


def scope_of(connection: Connection, principal: Principal, action: Action, *, within: NodeId | None = None) -> Scope:
    """Read what a principal may reach. Nobody, or a user without rules, gets a scope with nothing inside."""
    who = who_of(connection, principal.user)
    allow, deny = objects_of(connection, who, action)
    return Scope(
        principal=principal,
        allow=allow,
        deny=deny,
        clearance=who.clearance,
        compartments=who.compartments,
        within=within,
    )
