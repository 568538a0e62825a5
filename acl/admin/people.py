"""People: who there is, what he is cleared for, whether he is active."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, literal, select, update

from acl.errors import AlreadyThere, BadPerson, UnknownName
from acl.labels import Compartment, Label, Level
from acl.names import EVERYONE, SUBJECT_KINDS, Subject, UserId, parse_name
from store.schema import casbin_rule, user_compartment, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.admin.change import Change

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_MIN_DIGITS: Final = 5  # of a phone number


@dataclass(frozen=True, slots=True)
class Person:
    """A user with what the directory knows of him and what he is cleared for."""

    id: UserId
    name: str
    email: str = ""
    phone: str = ""
    clearance: Level = Level.INTERNAL
    compartments: frozenset[Compartment] = frozenset()


def add_user(change: Change, person: Person) -> None:
    """Make a user. He may read nothing until a rule says so.

    Raises:
        BadName, AlreadyThere: The name is no user name, or is taken.
        BadPerson: He could not be recognised in a text by his name, e-mail address or phone number.
    """
    parse_name(person.id, frozenset({"user"}))
    _check_person(person)
    if change.connection.scalar(select(users.c.id).where(users.c.id == person.id)):
        raise AlreadyThere(f"there is a user {person.id} already")
    change.connection.execute(
        insert(users).values(
            id=person.id,
            name=person.name,
            email=person.email,
            phone=person.phone,
            active=True,
            clearance=int(person.clearance),
        )
    )
    _hold(change.connection, person.id, person.compartments)
    change.done.append(["user", person.id, str(Label(person.clearance, person.compartments))])


def describe(change: Change, person: Person) -> None:
    """Change a user's name, e-mail address and phone number. What he is cleared for stays.

    Raises:
        UnknownName: There is no such user.
        BadPerson: He could not be recognised in a text by what is given.
    """
    require_user(change.connection, person.id)
    _check_person(person)
    values = {"name": person.name, "email": person.email, "phone": person.phone}
    change.connection.execute(update(users).where(users.c.id == person.id).values(values))
    change.done.append(["user described", person.id])


def set_active(change: Change, user: UserId, *, active: bool) -> None:
    """Let a user in, or out: one who is not active holds nothing, and his keys open nothing.

    Raises:
        UnknownName: There is no such user.
    """
    require_user(change.connection, user)
    same = users.c.id == user, users.c.active != active
    if change.connection.execute(update(users).where(*same).values(active=active)).rowcount:
        change.done.append(["user active", user, "yes" if active else "no"])


def set_clearance(change: Change, user: UserId, label: Label) -> None:
    """Say up to which level, and in which compartments, a user is cleared.

    Raises:
        UnknownName: There is no such user.
    """
    require_user(change.connection, user)
    change.connection.execute(update(users).where(users.c.id == user).values(clearance=int(label.level)))
    change.connection.execute(delete(user_compartment).where(user_compartment.c.user_id == user))
    _hold(change.connection, user, label.compartments)
    change.done.append(["user cleared", user, str(label)])


def clearance_of(connection: Connection, user: str) -> Label:
    """Read what a user is cleared for; of nobody, what is public."""
    level = connection.scalar(select(users.c.clearance).where(users.c.id == user))
    held = connection.scalars(select(user_compartment.c.compartment).where(user_compartment.c.user_id == user))
    return Label(Level(level or 0), frozenset(map(Compartment, held)))


def name_of(connection: Connection, user: str) -> str:
    """Read the full name of a user; of nobody, an empty one."""
    return connection.scalar(select(users.c.name).where(users.c.id == user)) or ""


def _hold(connection: Connection, user: UserId, compartments: frozenset[Compartment]) -> None:
    for compartment in sorted(compartments):
        connection.execute(insert(user_compartment).values(user_id=user, compartment=compartment))


def _check_person(person: Person) -> None:
    # Redaction looks for these in every text: what matches nothing would let the person through in clear.
    if not any(letter.isalpha() for letter in person.name):
        raise BadPerson(f"the name of {person.id} has no letter: write the full name")
    if person.email and not _EMAIL.fullmatch(person.email):
        raise BadPerson(f"the e-mail address of {person.id} is none: write it as NAME@HOST alone, or leave it away")
    if person.phone and sum(digit.isdecimal() for digit in person.phone) < _MIN_DIGITS:
        raise BadPerson(
            f"the phone number of {person.id} has fewer than {_MIN_DIGITS} digits: write all, or leave it away"
        )


def require_subject(connection: Connection, subject: str) -> Subject:
    """Check that a subject of a rule exists: a user, role:everyone, or a group with a member.

    Raises:
        BadName, UnknownName: It does not.
    """
    parse_name(subject, SUBJECT_KINDS)
    if subject.startswith("user:"):
        require_user(connection, subject)
    elif subject != EVERYONE and not connection.scalar(
        select(literal(1)).where(casbin_rule.c.ptype == "g", casbin_rule.c.v1 == subject).limit(1)
    ):
        raise UnknownName(
            f"nobody is in {subject}: add members with ntk group join user:ID {subject}, or check the name"
        )
    return Subject(subject)


def require_user(connection: Connection, user: str) -> None:
    """Check that there is a user.

    Raises:
        UnknownName: There is none of this name.
    """
    if not connection.scalar(select(users.c.id).where(users.c.id == user)):
        raise UnknownName(f"there is no user {user}: make one with ntk user add")
