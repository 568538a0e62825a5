"""What stands in a policy, page by page, for whoever may know it.

An administrator of the whole sees all. Who manages single places sees the rules on them, and the collections and
folders among them. Everybody else sees nothing, which looks like a policy that is empty.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from sqlalchemy import or_, select, true

from acl.admin.nodes import subtree
from acl.decision import Rule
from acl.labels import Compartment, Label, Level
from acl.names import ROOT, NodeId, Obj, Subject, UserId
from acl.read import Paths, rules_of
from store.schema import casbin_rule, document, node, user_compartment
from store.schema import users as directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Select

    from acl.admin.authority import Actor

_AT_ONCE: Final = 500  # rows that are read, and decided on, in one go
_Item = TypeVar("_Item")
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item, _Key]):
    """A piece of a list, and behind what the next piece begins; None if nothing comes any more."""

    items: tuple[_Item, ...]
    next: _Key | None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule, with its number in the list."""

    number: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class UserLine:
    """A person of the directory."""

    user: UserId
    name: str
    email: str
    phone: str
    active: bool
    clearance: Label


@dataclass(frozen=True, slots=True)
class Membership:
    """That a user or a group is in a group, with its number in the list."""

    number: int
    member: Subject
    group: Subject


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A collection or folder."""

    node: NodeId
    parent: NodeId | None  # None also where it is not for the reader to know
    name: str
    label: Label  # its own
    effective: Label  # joined along the whole path: what holds for whatever lies here
    inherits: bool  # whether rules from above reach what lies here


def rules(
    actor: Actor, *, subject: Subject | None = None, obj: Obj | None = None, after: int = 0, limit: int = 100
) -> Page[RuleLine, int]:
    """List the rules on what somebody manages, the oldest first.

    Args:
        actor: Who wants to know.
        subject: Only the rules that name this subject.
        obj: Only the rules that name this object.
        after: The number of the rule that was seen last.
        limit: At most so many; one or more.
    """
    c = casbin_rule.c
    wanted = select(c.id, c.v0, c.v1, c.v2, c.v3).where(c.ptype == "p", *_equal({c.v0: subject, c.v1: obj}))
    if not actor.manages(ROOT):
        wanted = wanted.where(_may_be_managed(actor, c.v1))
    found = _seen(actor, wanted, c.id, after, c.v1)
    lines = (RuleLine(row.id, Rule(Subject(row.v0), Obj(row.v1), row.v2, row.v3)) for row in found)
    return _page(lines, limit, lambda line: line.number)


def users(actor: Actor, *, after: str = "", limit: int = 100) -> Page[UserLine, UserId]:
    """List the directory by id, for an administrator of the whole."""
    if not actor.manages(ROOT):
        return Page((), None)
    found = _page(_rows(actor, select(directory), directory.c.id, after), limit, lambda row: UserId(row.id))
    held = _compartments(actor, [row.id for row in found.items])
    lines = (
        UserLine(UserId(row.id), row.name, row.email, row.phone, row.active, Label(Level(row.clearance), held[row.id]))
        for row in found.items
    )
    return Page(tuple(lines), found.next)


def groups(actor: Actor, *, group: Subject | None = None, after: int = 0, limit: int = 100) -> Page[Membership, int]:
    """List who is directly in which group, or in one, for an administrator of the whole."""
    if not actor.manages(ROOT):
        return Page((), None)
    c = casbin_rule.c
    wanted = select(c.id, c.v0, c.v1).where(c.ptype == "g", *_equal({c.v1: group}))
    lines = (Membership(row.id, Subject(row.v0), Subject(row.v1)) for row in _rows(actor, wanted, c.id, after))
    return _page(lines, limit, lambda line: line.number)


def nodes(actor: Actor, *, parent: NodeId | None = None, after: str = "", limit: int = 100) -> Page[NodeLine, NodeId]:
    """List the folders right in a place that somebody manages, by id; without a place, what is topmost for him.

    Topmost are the collections; for who manages single places, those that lie in no other place of his.
    """
    whole = actor.manages(ROOT)
    if parent is None and not whole:
        rows = _topmost(actor, after)
    elif parent is None or whole or actor.manages(parent):
        rows = _seen(actor, select(node).where(node.c.parent_id == parent), node.c.id, after, node.c.id)
    else:
        rows = iter(())
    found = _page(rows, limit, lambda row: NodeId(row.id))
    paths = Paths(actor.connection, [NodeId(row.id) for row in found.items])
    lines = (
        NodeLine(id_, parent, row.name, paths.own_label(id_), paths.label(id_), row.inherit)
        for id_, row in ((NodeId(row.id), row) for row in found.items)
    )
    return Page(tuple(lines), found.next)


def _topmost(actor: Actor, after: str) -> Iterator[Row[Any]]:
    """Give the collections and folders that somebody manages while he does not manage what they lie in."""
    spoken_of = {rule.object for rule in rules_of(actor.connection, actor.who, "manage")}
    wanted = select(node)
    if not any(obj.startswith(("root:", "label:")) for obj in spoken_of):
        # Whatever else covers a place covers what lies in it, or stops at a cut with a rule of its own.
        wanted = wanted.where(node.c.id.in_(sorted(spoken_of)))
    for rows in _batches(actor, wanted, node.c.id, after):
        managed = actor.managed({row.id for row in rows} | {row.parent_id for row in rows if row.parent_id})
        yield from (row for row in rows if row.id in managed and row.parent_id not in managed)


def _may_be_managed(actor: Actor, place: Column[str]) -> ColumnElement[bool]:
    """Give a condition that lets through all places that somebody manages, and few others: to be decided on.

    Without it, who manages one folder would have to wait for decisions on all rules of the house.
    """
    named = sorted({rule.object for rule in rules_of(actor.connection, actor.who, "manage") if rule.effect == "allow"})
    if any(obj.startswith(("root:", "label:")) for obj in named):
        return true()
    below = select(subtree(*named).c.id)
    owners = [f"user:{obj.partition(':')[2]}" for obj in named if obj.startswith("owner:")]
    lying = select(document.c.id).where(or_(document.c.node_id.in_(below), document.c.owner.in_(owners)))
    return or_(place.in_(named), place.in_(below), place.in_(lying))


def _seen(actor: Actor, wanted: Select[Any], key: Column[Any], after: object, place: Column[str]) -> Iterator[Row[Any]]:
    """Give those rows that speak of a place which somebody manages."""
    if actor.manages(ROOT):
        yield from _rows(actor, wanted, key, after)
        return
    for rows in _batches(actor, wanted, key, after):
        managed = actor.managed({getattr(row, place.name) for row in rows})
        yield from (row for row in rows if getattr(row, place.name) in managed)


def _rows(actor: Actor, wanted: Select[Any], key: Column[Any], after: object) -> Iterator[Row[Any]]:
    for rows in _batches(actor, wanted, key, after):
        yield from rows


def _batches(actor: Actor, wanted: Select[Any], key: Column[Any], after: object) -> Iterator[Sequence[Row[Any]]]:
    ordered = wanted.order_by(key).limit(_AT_ONCE)
    while rows := actor.connection.execute(ordered.where(key > after)).all():
        yield rows
        after = getattr(rows[-1], key.name)


def _page(found: Iterable[_Item], limit: int, key: Callable[[_Item], _Key]) -> Page[_Item, _Key]:
    items = tuple(islice(found, limit + 1))
    return Page(items[:limit], key(items[limit - 1]) if len(items) > limit else None)


def _equal(wanted: dict[Column[str], str | None]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in wanted.items() if value is not None]


def _compartments(actor: Actor, ids: Sequence[str]) -> defaultdict[str, frozenset[Compartment]]:
    held: defaultdict[str, frozenset[Compartment]] = defaultdict(frozenset)
    c = user_compartment.c
    for id_, name in actor.connection.execute(select(c.user_id, c.compartment).where(c.user_id.in_(ids))):
        held[id_] |= {Compartment(name)}
    return held
