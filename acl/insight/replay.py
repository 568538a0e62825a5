"""Replay: the policy built again from its audit records alone, and compared with the tables.

Every change of the policy is recorded in the transaction that makes it. So the records, from the first to the last,
make the tables; where they do not, somebody has changed a table behind the service's back, or a record is missing.
`audit.ledger.verify` says whether the records are what was written; this says whether they are what holds.

People stand here by their pseudonyms, as in the trail: a replay names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sqlalchemy import select

from acl.admin.change import unnamed
from acl.errors import BadTrail
from acl.labels import Compartment, Label, Level
from store.schema import (
    break_glass,
    casbin_rule,
    document,
    document_compartment,
    node,
    node_compartment,
    policy_state,
    user_compartment,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Column, Connection, Table

    from audit.ledger import Record


@dataclass(frozen=True, slots=True)
class User:
    """A line of `users`, with the compartments."""

    active: bool
    clearance: str  # a label, as it is shown


@dataclass(frozen=True, slots=True)
class Node:
    """A line of `node`, with the compartments."""

    parent: str
    inherits: bool
    label: str


@dataclass(frozen=True, slots=True)
class Document:
    """A line of `document` that answers, with the compartments."""

    node: str
    owner: str
    label: str


@dataclass(frozen=True, slots=True)
class Emergency:
    """A line of `break_glass`."""

    user: str
    object: str
    ends: str  # to the second


Row = TypeVar("Row", User, Node, Emergency)
Rule: TypeAlias = tuple[str, ...]  # p, subject, object, action, effect; or g, member, group


@dataclass(slots=True)
class Tables:
    """All that the policy is, by name; people by pseudonym.

    Two of them are equal when the policy is the same. `odd` is not compared: it lists what a replay wondered at.
    """

    epoch: int = 0
    users: dict[str, User] = field(default_factory=dict)
    rules: set[Rule] = field(default_factory=set)
    nodes: dict[str, Node] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    emergencies: dict[str, Emergency] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list, compare=False)


def replay(records: Iterable[Record]) -> Tables:
    """Build the tables from the records of changes and ingestions, oldest first. Other records are passed over.

    A record that takes away what none has given, or gives what is there, is noted in `odd`: the tables may agree
    in the end, and yet something was done that has no record.

    Raises:
        BadTrail: A record says something that this version does not know.
    """
    tables = Tables()
    for record in records:
        match record.body:
            case {"kind": "policy.changed", "epoch": int(epoch), "changes": [*lines]}:
                if epoch != tables.epoch + 1:
                    tables.odd.append(f"record {record.seq} makes epoch {epoch}, after {tables.epoch}")
                tables.epoch = epoch
                for line in lines:
                    _do(tables, record.seq, line)
            case {
                "kind": "document.ingested",
                "document": str(id_),
                "node": str(place),
                "owner": str(owner),
                "label": str(label),
            }:
                tables.documents[id_] = Document(place, owner, label)
            case {"kind": "document.held" | "document.removed", "document": str(id_)}:
                tables.documents.pop(id_, None)
            case {"kind": "policy.changed" | "document.ingested" | "document.held" | "document.removed"}:
                raise BadTrail(f"record {record.seq} lacks what a replay needs")
    return tables


def current(connection: Connection, pseudonym: Callable[[str], str]) -> Tables:
    """Read the same from the tables. Documents that no version of has answered yet are left out: no record has them."""
    of_users = _labels(connection, users, users.c.clearance, user_compartment)
    of_nodes = _labels(connection, node, node.c.level, node_compartment)
    of_documents = _labels(connection, document, document.c.level, document_compartment)

    def named(part: str | None) -> str:
        return unnamed(part or "", pseudonym)

    rule, rules = casbin_rule.c, set()
    for ptype, *parts in connection.execute(select(rule.ptype, rule.v0, rule.v1, rule.v2, rule.v3)):
        rules.add((ptype, *map(named, parts[: 2 if ptype == "g" else 4])))
    return Tables(
        epoch=connection.scalars(select(policy_state.c.epoch)).one(),
        users={
            named(row.id): User(row.active, of_users[row.id])
            for row in connection.execute(select(users.c.id, users.c.active))
        },
        rules=rules,
        nodes={
            row.id: Node(row.parent_id or "", row.inherit, of_nodes[row.id])
            for row in connection.execute(select(node.c.id, node.c.parent_id, node.c.inherit))
        },
        documents={
            row.id: Document(row.node_id, named(row.owner), of_documents[row.id])
            for row in connection.execute(
                select(document.c.id, document.c.node_id, document.c.owner).where(document.c.state == "live")
            )
        },
        emergencies={
            row.id: Emergency(named(row.user_id), named(row.object), row.ends_at.isoformat(timespec="seconds"))
            for row in connection.execute(select(break_glass))
        },
    )


def differences(recorded: Tables, found: Tables) -> list[str]:
    """Say where the tables are not what the records make, one line for each; none if they agree."""
    lines = [] if recorded.epoch == found.epoch else [f"epoch: recorded {recorded.epoch}, found {found.epoch}"]
    lines += _different("user", recorded.users, found.users)
    lines += _different("node", recorded.nodes, found.nodes)
    lines += _different("document", recorded.documents, found.documents)
    lines += _different("emergency access", recorded.emergencies, found.emergencies)
    lines += [f"rule {', '.join(rule)}: recorded, not found" for rule in sorted(recorded.rules - found.rules)]
    lines += [f"rule {', '.join(rule)}: found, not recorded" for rule in sorted(found.rules - recorded.rules)]
    return lines


def _do(tables: Tables, seq: int, line: object) -> None:  # noqa: C901, PLR0912 - one case for each verb
    """Do one line of a change again."""
    odd = f"record {seq}: {line}"
    match line:
        case ["user", str(user), str(clearance)]:
            _note(tables, odd, user in tables.users)
            tables.users[user] = User(active=True, clearance=clearance)
        case ["user active", str(user), "yes" | "no" as active]:
            _alter(tables, tables.users, user, odd, active=active == "yes")
        case ["user cleared", str(user), str(clearance)]:
            _alter(tables, tables.users, user, odd, clearance=clearance)
        case ["member", str(member), str(group)]:
            _add(tables, ("g", member, group), odd)
        case ["member removed", str(member), str(group)]:
            _remove(tables, ("g", member, group), odd)
        case ["rule", str(subject), str(object_), str(action), str(effect)]:
            _add(tables, ("p", subject, object_, action, effect), odd)
        case ["rule removed", str(subject), str(object_), str(action), str(effect)]:
            _remove(tables, ("p", subject, object_, action, effect), odd)
        case ["node", str(id_), str(parent), str(label), "inherits" | "cut" as inherits]:
            _note(tables, odd, id_ in tables.nodes)
            tables.nodes[id_] = Node(parent, inherits == "inherits", label)
        case ["node moved", str(id_), str(parent)]:
            _alter(tables, tables.nodes, id_, odd, parent=parent)
        case ["node inherits", str(id_), "yes" | "no" as inherits]:
            _alter(tables, tables.nodes, id_, odd, inherits=inherits == "yes")
        case ["labelled", str(place), str(label)] if place.startswith("doc:"):
            _alter_document(tables, place, label=label)
        case ["labelled", str(place), str(label)]:
            _alter(tables, tables.nodes, place, odd, label=label)
        case ["document moved", str(id_), str(place)]:
            _alter_document(tables, id_, node=place)
        case ["owned", str(id_), str(owner)]:
            _alter_document(tables, id_, owner=owner)
        case ["user described" | "key" | "key revoked" | "approved" | "released" | "rejected", *_]:
            pass  # a name, a key and a consent give no right; what was let out has a record once it answers
        case ["break-glass opened", str(id_), str(user), str(place), str(ends)]:
            _note(tables, odd, id_ in tables.emergencies)
            tables.emergencies[id_] = Emergency(user, place, ends)
        case ["break-glass ended", str(id_), str(ends)]:
            _alter(tables, tables.emergencies, id_, odd, ends=ends)
        case _:
            raise BadTrail(f"record {seq} says {line!r}, which a replay does not know")


def _add(tables: Tables, rule: Rule, odd: str) -> None:
    _note(tables, odd, rule in tables.rules)
    tables.rules.add(rule)


def _remove(tables: Tables, rule: Rule, odd: str) -> None:
    _note(tables, odd, rule not in tables.rules)
    tables.rules.discard(rule)


def _alter(tables: Tables, rows: dict[str, Row], name: str, odd: str, **values: Any) -> None:
    _note(tables, odd, name not in rows)
    if name in rows:
        rows[name] = replace(rows[name], **values)


def _alter_document(tables: Tables, name: str, **values: str) -> None:
    # A document that no record has taken in yet is a draft; the record that takes it in tells all of it.
    if name in tables.documents:
        tables.documents[name] = replace(tables.documents[name], **values)


def _note(tables: Tables, line: str, is_odd: bool) -> None:  # noqa: FBT001 - said at the call by a comparison
    if is_odd:
        tables.odd.append(line)


def _labels(connection: Connection, table: Table, level: Column[int], held: Table) -> dict[str, str]:
    compartments: dict[str, set[Compartment]] = {}
    for id_, compartment in connection.execute(select(held)):
        compartments.setdefault(id_, set()).add(Compartment(compartment))
    rows = connection.execute(select(table.c.id, level))
    return {id_: str(Label(Level(number), frozenset(compartments.get(id_, ())))) for id_, number in rows}


def _different(kind: str, recorded: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(recorded.keys() | found.keys()):
        if recorded.get(name) != found.get(name):
            yield f"{kind} {name}: recorded {_shown(recorded.get(name))}, found {_shown(found.get(name))}"


def _shown(row: object) -> str:
    return "none" if row is None else repr(row)
