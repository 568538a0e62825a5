"""Changes of the policy: each one locked, checked, recorded and counted in one transaction.

    with policy_change(engine, ledger, actor) as change:
        add_user(change, Person(...))
        grant(change, Rule(...))

All of the block holds from the next request on, or none of it.
"""

from __future__ import annotations

import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, literal, select, update

from acl.errors import AlreadyThere, BadPerson, BadRule, NestingTooDeep, UnknownName
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import (
    ACTIONS,
    ANY_ACTION,
    EVERYONE,
    OBJECT_KINDS,
    SUBJECT_KINDS,
    NodeId,
    Subject,
    UserId,
    parse_name,
)
from audit.ledger import Event
from store.engine import write
from store.schema import casbin_rule, node, node_compartment, policy_state, user_compartment, users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from acl.decision import Rule
    from audit.ledger import Ledger

MAX_NESTING: Final = 32  # edges from a user to the topmost group
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


@dataclass(frozen=True, slots=True)
class Change:
    """An open change: the transaction, and what was done in it so far."""

    connection: Connection
    done: list[list[str]] = field(default_factory=list)


@contextmanager
def policy_change(engine: Engine, ledger: Ledger, actor: str) -> Iterator[Change]:
    """Change the policy. Administrators take turns; the epoch and the audit record go with the change.

    Raises:
        PolicyError: Something in the block is wrong; nothing of it holds.
        StoreDown, AuditDown: The change or its record cannot be written; nothing of it holds.
    """
    with write(engine) as connection:
        epoch = connection.scalars(select(policy_state.c.epoch).with_for_update()).one() + 1
        change = Change(connection)
        yield change
        if change.done:
            connection.execute(update(policy_state).values(epoch=epoch))
            changes = [[_unnamed(part, ledger) for part in line] for line in change.done]
            details = {"epoch": epoch, "changes": changes}
            ledger.append(connection, Event("policy.changed", actor, str(uuid.uuid4()), details))


def _unnamed(part: str, ledger: Ledger) -> str:
    # The trail is never rewritten, so it must name a person by his pseudonym alone, as an owner too.
    kind, _, id_ = part.partition(":")
    return f"{kind}:{ledger.pseudonym(f'user:{id_}')}" if kind in ("user", "owner") and id_ else part


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
    for compartment in sorted(person.compartments):
        change.connection.execute(insert(user_compartment).values(user_id=person.id, compartment=compartment))
    change.done.append(["user", person.id, str(Label(person.clearance, person.compartments))])


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
        _require_user(change.connection, member)
    if _has(change.connection, "g", member, group):
        return
    _check_nesting(change.connection, member, group)  # first, so that a caller who goes on leaves no circle behind
    change.connection.execute(insert(casbin_rule).values(ptype="g", v0=member, v1=group))
    change.done.append(["member", member, group])


def add_collection(change: Change, collection: NodeId, name: str, label: Label) -> None:
    """Make a collection: the top of a tree of folders.

    Raises:
        BadName, AlreadyThere: The name is no collection name, or is taken.
    """
    parse_name(collection, frozenset({"coll"}))
    if node_label(change.connection, collection) is not None:
        raise AlreadyThere(f"there is a collection {collection} already")
    _add_node(change, collection, None, name, label)


def ensure_folder(change: Change, parent: NodeId, name: str, *, label: Label = PUBLIC, inherit: bool = True) -> NodeId:
    """Give the folder of this name below a node, and make it if it is not there.

    The label and the inheritance are for a new folder. What lies above can only be raised by it:
    the label of a document is the highest along its path.

    Raises:
        UnknownName: There is no such node to be above it.
    """
    found = change.connection.scalar(select(node.c.id).where(node.c.parent_id == parent, node.c.name == name))
    if found:
        return NodeId(found)
    if node_label(change.connection, parent) is None:
        raise UnknownName(f"there is no collection or folder {parent}")
    folder = NodeId(f"folder:{uuid.uuid4().hex}")
    _add_node(change, folder, parent, name, label, inherit=inherit)
    return folder


def grant(change: Change, rule: Rule) -> None:
    """Add a rule, allow or deny. A rule that is there already stays one rule.

    Raises:
        BadName, BadRule, UnknownName: A part of it does not exist.
    """
    parse_name(rule.subject, SUBJECT_KINDS)
    parse_name(rule.object, OBJECT_KINDS)
    if rule.action not in ACTIONS | {ANY_ACTION}:
        raise BadRule(f"{rule.action!r} is no action: write one of {', '.join(sorted(ACTIONS))} or *")
    if rule.effect not in ("allow", "deny"):
        raise BadRule(f"{rule.effect!r} is no effect: write allow or deny")
    if rule.subject.startswith("user:"):
        _require_user(change.connection, rule.subject)
    if _has(change.connection, "p", rule.subject, rule.object, rule.action, rule.effect):
        return
    change.connection.execute(
        insert(casbin_rule).values(ptype="p", v0=rule.subject, v1=rule.object, v2=rule.action, v3=rule.effect)
    )
    change.done.append(["rule", rule.subject, rule.object, rule.action, rule.effect])


def require_subject(connection: Connection, subject: str) -> Subject:
    """Check that a subject of a rule exists: a user, role:everyone, or a group with a member.

    Raises:
        BadName, UnknownName: It does not.
    """
    parse_name(subject, SUBJECT_KINDS)
    if subject.startswith("user:"):
        _require_user(connection, subject)
    elif subject != EVERYONE and not connection.scalar(
        select(literal(1)).where(casbin_rule.c.ptype == "g", casbin_rule.c.v1 == subject).limit(1)
    ):
        raise UnknownName(
            f"nobody is in {subject}: add members with ntk group join user:ID {subject}, or check the name"
        )
    return Subject(subject)


def node_label(connection: Connection, node_id: NodeId) -> Label | None:
    """Give the label set on a collection or folder itself, None if there is no such node."""
    level = connection.scalar(select(node.c.level).where(node.c.id == node_id))
    if level is None:
        return None
    held = connection.scalars(select(node_compartment.c.compartment).where(node_compartment.c.node_id == node_id))
    return Label(Level(level), frozenset(Compartment(name) for name in held))


def _add_node(
    change: Change, node_id: NodeId, parent: NodeId | None, name: str, label: Label, *, inherit: bool = True
) -> None:
    change.connection.execute(
        insert(node).values(id=node_id, parent_id=parent, name=name, inherit=inherit, level=int(label.level))
    )
    for compartment in sorted(label.compartments):
        change.connection.execute(insert(node_compartment).values(node_id=node_id, compartment=compartment))
    change.done.append(["node", node_id, parent or "", str(label), "inherits" if inherit else "cut"])


def _require_user(connection: Connection, user: str) -> None:
    if not connection.scalar(select(users.c.id).where(users.c.id == user)):
        raise UnknownName(f"there is no user {user}: make one with ntk user add")


def _has(connection: Connection, *values: str) -> bool:
    columns = (casbin_rule.c.ptype, casbin_rule.c.v0, casbin_rule.c.v1, casbin_rule.c.v2, casbin_rule.c.v3)
    same = [column == value for column, value in zip(columns, values, strict=False)]
    return connection.scalar(select(casbin_rule.c.id).where(*same)) is not None


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
