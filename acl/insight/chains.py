"""How somebody comes to be what a rule speaks of: the shortest chain of memberships to each of his groups.

A decision needs to know who somebody is, and `acl.read` tells it; what stands here is for those who ask why.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import literal, select

from acl.admin.breakglass import open_accesses
from acl.errors import PolicyTooLarge
from acl.names import EVERYONE, Subject, UserId
from acl.read import EMERGENCY, MAX_PRINCIPALS, emergency_role
from store.schema import casbin_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

Chain: TypeAlias = tuple[Subject, ...]  # from the user to the subject, both included
Memberships: TypeAlias = "Mapping[Subject, list[Subject]]"  # the groups that each name is in directly, by name


def memberships(connection: Connection) -> Memberships:
    """Read who is in which group, of everybody, and who holds emergency access now."""
    c = casbin_rule.c
    rows = connection.execute(select(c.v0, c.v1).where(c.ptype == "g").order_by(c.v1))
    return _grouped(((row.v0, row.v1) for row in rows), _emergencies(connection))


def memberships_of(connection: Connection, user: UserId) -> Memberships:
    """Read the memberships that lead upwards from one user, and his emergency access."""
    c = casbin_rule.c
    above = select(literal(user).label("name")).cte("above", recursive=True)
    above = above.union(select(c.v1).where(c.ptype == "g", c.v0 == above.c.name))
    lines = select(c.v0, c.v1).where(c.ptype == "g", c.v0.in_(select(above.c.name))).order_by(c.v1)
    rows = connection.execute(lines)
    return _grouped(((row.v0, row.v1) for row in rows), _emergencies(connection, user))


def chains_of(user: UserId, groups: Memberships) -> dict[Subject, Chain]:
    """Give the shortest chain to everything that a user or a service is: of two as short, the first by name.

    Raises:
        PolicyTooLarge: He is in so many groups that no decision on him is made either.
    """
    start = Subject(user)
    found: dict[Subject, Chain] = {start: (start,)}
    edge = [start]
    while edge:  # all chains of one length, in the order of their names, before any that is longer
        reached = []
        for name in edge:
            for group in groups.get(name, ()):
                if group not in found:
                    found[group] = (*found[name], group)
                    reached.append(group)
        edge = reached
    if sum(not name.startswith(EMERGENCY) for name in found) > MAX_PRINCIPALS:
        raise PolicyTooLarge(f"{user} is in {MAX_PRINCIPALS} groups or more")
    return found if is_service(user) else {EVERYONE: (start, EVERYONE), **found}


def is_service(user: str) -> bool:
    """Say whether this is a service, which is not one of role:everyone."""
    return user.startswith("svc:")


def _emergencies(connection: Connection, user: UserId | None = None) -> Iterator[tuple[str, str]]:
    return ((opened.user, emergency_role(opened.id)) for opened in open_accesses(connection, user))


def _grouped(lines: Iterable[tuple[str, str]], emergencies: Iterable[tuple[str, str]]) -> Memberships:
    groups: defaultdict[Subject, list[Subject]] = defaultdict(list)
    for member, group in (*lines, *emergencies):
        groups[Subject(member)].append(Subject(group))
    return groups
