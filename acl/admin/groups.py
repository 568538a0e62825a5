"""Groups: who is in which, nested up to 32 deep. A group is there when it has a member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, literal, select

from acl.admin.people import require_user
from acl.admin.rules import has_line, line_of
from acl.errors import NestingTooDeep, UnknownName
from acl.names import parse_name
from store.schema import casbin_rule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.admin.change import Change

MAX_NESTING: Final = 32  # edges from a user to the topmost group


def join_group(change: Change, member: str, group: str) -> None:
    """Put a user or a group into a group.

    Raises:
        BadName: One of them is no name of its kind.
        UnknownName: The user does not exist.
        NestingTooDeep: It would make a circle, or a chain of more than 32 memberships.
    """
    parse_name(member, frozenset({"user", "group"}))
    parse_name(group, frozenset({"group"}))
    if member.startswith("user:"):
        require_user(change.connection, member)
    if has_line(change.connection, "g", member, group):
        return
    _check_nesting(change.connection, member, group)  # first, so that a caller who goes on leaves no circle behind
    change.connection.execute(insert(casbin_rule).values(ptype="g", v0=member, v1=group))
    change.done.append(["member", member, group])


def leave_group(change: Change, member: str, group: str) -> None:
    """Take a user or a group out of a group.

    Raises:
        UnknownName: It is not in it.
    """
    if not change.connection.execute(delete(casbin_rule).where(*line_of("g", member, group, "", ""))).rowcount:
        raise UnknownName(f"{member} is not in {group}")
    change.done.append(["member removed", member, group])


def _check_nesting(connection: Connection, member: str, group: str) -> None:
    # Casbin's own role manager stops at ten silently and loses denies; here the write is refused instead.
    above, below = _chains(connection, group, upwards=True), _chains(connection, member, upwards=False)
    if member in above or max(above.values()) + 1 + max(below.values()) > MAX_NESTING:
        raise NestingTooDeep(
            f"{member} in {group}: groups would be in a circle, or nested more than {MAX_NESTING} deep"
        )


def _chains(connection: Connection, start: str, *, upwards: bool) -> dict[str, int]:
    """Give each name that memberships lead to with the edges of the longest chain, up to one more than the limit."""
    near, far = (casbin_rule.c.v0, casbin_rule.c.v1) if upwards else (casbin_rule.c.v1, casbin_rule.c.v0)
    walk = select(literal(start).label("name"), literal(0).label("edges")).cte("walk", recursive=True)
    walk = walk.union(
        select(far, walk.c.edges + 1).where(
            casbin_rule.c.ptype == "g", near == walk.c.name, walk.c.edges <= MAX_NESTING
        )
    )
    longest = select(walk.c.name, func.max(walk.c.edges).label("edges")).group_by(walk.c.name)
    return {row.name: row.edges for row in connection.execute(longest)}
