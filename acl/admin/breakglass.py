"""Emergency access: for one person, to one place, for a time, with a reason, agreed to by a second person.

It is a rule on a role that the person holds until the end. It gives what a grant gives and no more: a deny
wins over it, and so does the label of what he is not cleared for.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from acl.admin.people import require_user
from acl.admin.rules import grant, withdraw
from acl.decision import Rule
from acl.errors import BadEdit, UnknownName
from acl.names import Obj, Subject, UserId
from acl.read import emergency_role, what_at
from store.schema import break_glass, casbin_rule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.admin.change import Change

MOST_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Opened:
    """An emergency access that is open."""

    id: str
    user: UserId
    object: Obj
    ends_at: datetime


def open_access(change: Change, user: UserId, place: Obj, minutes: int) -> None:
    """Let a user read a place until some minutes from now.

    Raises:
        BadEdit: The time is none that can be given.
        UnknownName: The user or the place is not there.
    """
    require_user(change.connection, user)
    check_minutes(minutes)
    if not what_at(change.connection, place).scopes:
        raise UnknownName(f"there is no {place}")
    _forget_ended(change)
    id_, now = str(uuid.uuid4()), datetime.now(UTC)
    ends = now + timedelta(minutes=minutes)
    values = {"id": id_, "user_id": user, "object": place, "starts_at": now, "ends_at": ends}
    change.connection.execute(insert(break_glass).values(values))
    grant(change, Rule(emergency_role(id_), place, "read", "allow"))
    change.done.append(["break-glass opened", id_, user, place, ends.isoformat(timespec="seconds")])


def check_minutes(minutes: int) -> None:
    """Check that emergency access can be given for so long.

    Raises:
        BadEdit: It cannot.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise BadEdit(f"emergency access is for 1 to {MOST_MINUTES} minutes, and ends then by itself")


def end_access(change: Change, id_: str) -> None:
    """End an emergency access before its time.

    Raises:
        UnknownName: None of this id is open.
    """
    now = datetime.now(UTC)
    is_open = break_glass.c.id == id_, break_glass.c.ends_at > now
    if not change.connection.execute(update(break_glass).where(*is_open).values(ends_at=now)).rowcount:
        raise none_open()
    change.done.append(["break-glass ended", id_, now.isoformat(timespec="seconds")])


def open_accesses(connection: Connection, user: UserId | None = None) -> list[Opened]:
    """Give what is open now, of one user or of everybody, the one that ends first in front."""
    c = break_glass.c
    now = datetime.now(UTC)
    rows = select(break_glass).where(c.starts_at <= now, c.ends_at > now).order_by(c.ends_at, c.id)
    mine = rows if user is None else rows.where(c.user_id == user)
    return [Opened(row.id, UserId(row.user_id), Obj(row.object), row.ends_at) for row in connection.execute(mine)]


def none_open() -> UnknownName:
    """Give the error for an id under which no emergency access is open, or another's: the words are the same."""
    return UnknownName("no emergency access of this id is open")


def _forget_ended(change: Change) -> None:
    # Nobody holds the role any more, so these rules give nothing. They would only fill the table.
    ended = change.connection.scalars(select(break_glass.c.id).where(break_glass.c.ends_at <= datetime.now(UTC)))
    roles = [emergency_role(id_) for id_ in ended]
    c = casbin_rule.c
    rows = change.connection.execute(select(c.v0, c.v1, c.v2, c.v3).where(c.ptype == "p", c.v0.in_(roles))).all()
    for subject, obj, action, effect in rows:
        withdraw(change, Rule(Subject(subject), Obj(obj), action, effect))
