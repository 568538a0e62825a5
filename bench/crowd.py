"""Databases of rules to measure on: a crowd of any size, and in it a corner of the tree that two callers read.

The corner and the callers are the same whatever the size, so that what differs between two databases is the
number of rules that do not concern the caller. The crowd is made by the database itself, from numbers.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, String, case, cast, insert, literal, null, select, text

from acl.decision import Principal
from acl.labels import Compartment, Label, Level
from acl.names import EVERYONE, DocumentId, NodeId, Obj, Subject, UserId
from retrieval.types import ChunkId, Hit
from store import schema
from store.rotation import current_key
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine, Table

    from store.keys import Keys

RULES_A_SUBJECT: Final = 10
_COLLECTIONS: Final = 20
_GDPR: Final = Compartment("gdpr")
_CHAIN: Final = 5  # groups above each other
_WORDS: Final = "Whoever travels for the company books through the travel desk, two weeks ahead where he can. " * 6


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody to decide for: how many subjects he stands for, and how many rules speak of these."""

    name: str
    principals: int  # himself, everyone, and the groups above him
    rules: int

    @property
    def user(self) -> UserId:
        return UserId(f"user:{self.name}")

    @property
    def principal(self) -> Principal:
        return Principal(self.user, Obj("app:bench"))

    @property
    def groups(self) -> list[Subject]:
        return [Subject(f"group:{self.name}-{number}") for number in range(self.principals - 2)]


@dataclass(frozen=True, slots=True)
class Corner:
    """The part of the tree that the callers read: 4 collections, 40 folders up to three deep, 200 documents."""

    nodes: tuple[NodeId, ...]
    hits: tuple[Hit, ...]  # one chunk of each document

    @property
    def objects(self) -> list[Obj]:
        return [Obj(name) for name in (*self.nodes, *(hit.document for hit in self.hits))]


def fill(engine: Engine, keys: Keys, rules: int, callers: Sequence[Caller]) -> Corner:
    """Fill an empty database with a crowd that has so many rules, and with the callers' own beside them."""
    with engine.connect().execution_options(ntk_write=True) as connection, connection.begin():
        corner = _corner(connection, keys)
        _crowd(connection, rules)
        for caller in callers:
            _caller(connection, caller, corner)
        connection.execute(insert(schema.policy_state).values(id=1, epoch=0))
    if engine.dialect.name == "postgresql":  # as its autovacuum does; SQLite has none, and nobody runs it there
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE casbin_rule, users, node, document, chunk"))
    return corner


# --- the corner ---------------------------------------------------------------------------------


def _corner(connection: Connection, keys: Keys) -> Corner:
    collections = [NodeId(f"coll:corner-{number}") for number in range(4)]
    nodes = [_node(collection, None, Level.INTERNAL) for collection in collections]
    for number in range(40):
        parent = collections[number % 4] if number < 12 else NodeId(f"folder:corner-{number - 12}")
        nodes.append(_node(NodeId(f"folder:corner-{number}"), parent, Level.PUBLIC))
    connection.execute(insert(schema.node), nodes)
    hits = [_document(connection, keys, number) for number in range(200)]
    return Corner(tuple(NodeId(str(node["id"])) for node in nodes), tuple(hits))


def _node(id_: NodeId, parent: NodeId | None, level: Level) -> dict[str, object]:
    return {"id": id_, "parent_id": parent, "name": id_, "inherit": True, "level": int(level)}


def _document(connection: Connection, keys: Keys, number: int) -> Hit:
    document = DocumentId(f"doc:corner-{number}")
    key, current = DocumentKey.fresh(document), current_key(connection)
    chunk = ChunkId(str(uuid.UUID(int=number)))
    connection.execute(
        insert(schema.document).values(
            id=document,
            node_id=f"folder:corner-{number % 40}",
            owner=f"user:crowd-{number}",
            level=int(Level.CONFIDENTIAL if number % 4 == 0 else Level.INTERNAL),
            state="live",
            version=1,
            source_mac=f"corner-{number}",
            content_mac="",
            wrapped_key=key.wrapped(keys.documents(current)),
            key_id=current,
            sealed_title=key.seal_title(f"Rules of travel {number}"),
        )
    )
    if number % 10 == 0:
        connection.execute(insert(schema.document_compartment).values(document_id=document, compartment=_GDPR))
    sealed = key.seal_chunk(chunk, 1, _WORDS)
    connection.execute(
        insert(schema.chunk).values(
            id=chunk,
            document_id=document,
            version=1,
            ord=0,
            sealed_text=sealed,
            sealed_headings=key.seal_headings(chunk, 1, ()),
            begins=0,
            ends=len(_WORDS),
            likeness="",
        )
    )
    return Hit(chunk, document, 1, 1.0, 1.0)


# --- the callers --------------------------------------------------------------------------------


def _caller(connection: Connection, caller: Caller, corner: Corner) -> None:
    cleared = Label(Level.CONFIDENTIAL, frozenset({_GDPR}))
    connection.execute(
        insert(schema.users).values(id=caller.user, name=caller.name, active=True, clearance=int(cleared.level))
    )
    connection.execute(insert(schema.user_compartment).values(user_id=caller.user, compartment=_GDPR))
    lines = [*_memberships(caller), *_rules(caller, corner)]
    connection.execute(insert(schema.casbin_rule), lines)


def _memberships(caller: Caller) -> Iterator[dict[str, str]]:
    """Put a caller into his groups, which stand in chains of five above him."""
    for number, group in enumerate(caller.groups):
        member = caller.groups[number - 1] if number % _CHAIN else caller.user
        yield {"ptype": "g", "v0": member, "v1": group, "v2": "", "v3": ""}


def _rules(caller: Caller, corner: Corner) -> Iterator[dict[str, str]]:
    """Spread a caller's rules over his subjects: up to a third of them on the corner, the rest elsewhere.

    All collections of the corner are among them, so he may read every document of it.
    """
    subjects = [*caller.groups, caller.user, EVERYONE]
    inside = min(caller.rules // 3, 3 * len(corner.objects))
    for number in range(caller.rules):
        if number < inside:
            obj, effect = corner.objects[number % len(corner.objects)], "allow"
        else:
            obj, effect = Obj(f"doc:crowd-{number}"), "deny" if number % 20 == 0 else "allow"
        yield {"ptype": "p", "v0": subjects[number % len(subjects)], "v1": obj, "v2": "read", "v3": effect}


# --- the crowd ----------------------------------------------------------------------------------


def _crowd(connection: Connection, rules: int) -> None:
    """Make subjects with ten rules each, and the tree that these speak of: a document for each subject.

    Two subjects in three are groups, nested in each other; a third are users, each in two groups.
    """
    subjects = max(rules // RULES_A_SUBJECT, 1)
    folders = max(subjects // 5, 2 * RULES_A_SUBJECT)
    number = _numbers(subjects)
    _tree(connection, folders)
    _users(connection, number)
    _documents(connection, number, folders)
    _own_rules(connection, rules, subjects, folders)
    _nesting(connection, number)


def _numbers(count: int) -> ColumnElement[int]:
    """Give the column of a table of the numbers below `count`."""
    numbers = select(literal(0).label("n")).cte("numbers", recursive=True)
    return numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < count - 1)).c.n


def _named(prefix: str, number: ColumnElement[int]) -> ColumnElement[str]:
    return literal(prefix, String).concat(cast(number, String))


def _subject(number: ColumnElement[int]) -> ColumnElement[str]:
    return case((number % 3 == 0, _named("user:crowd-", number)), else_=_named("group:crowd-", number))


def _tree(connection: Connection, folders: int) -> None:
    top = 5 * _COLLECTIONS  # five folders in each collection, five in each folder
    for kind, count in (("coll", _COLLECTIONS), ("folder", folders)):
        number = _numbers(count)
        in_collection = _named("coll:crowd-", number % _COLLECTIONS)
        in_folder = _named("folder:crowd-", (number - top) // 5)
        parent = null() if kind == "coll" else case((number < top, in_collection), else_=in_folder)
        id_ = _named(f"{kind}:crowd-", number)
        _insert(connection, schema.node, id=id_, parent_id=parent, name=id_, inherit=literal(value=True), level=0)


def _users(connection: Connection, number: ColumnElement[int]) -> None:
    chosen = select(_subject(number), _named("Person ", number), literal(value=True), literal(1)).where(number % 3 == 0)
    connection.execute(insert(schema.users).from_select(["id", "name", "active", "clearance"], chosen))


def _documents(connection: Connection, number: ColumnElement[int], folders: int) -> None:
    # Their texts are read by nobody here: they make the tables as large as they would be.
    id_ = _named("doc:crowd-", number)
    _insert(
        connection, schema.document,
        id=id_, node_id=_named("folder:crowd-", number % folders), owner=_subject(number), level=1, state="live",
        version=1, source_mac=id_, content_mac="", wrapped_key=bytes(60), sealed_title=bytes(60),
    )  # fmt: skip
    _insert(connection, schema.chunk, id=id_, document_id=id_, version=1, ord=0, sealed_text=bytes(600),
            sealed_headings=bytes(60), begins=0, ends=600, likeness="")  # fmt: skip


def _own_rules(connection: Connection, rules: int, subjects: int, folders: int) -> None:
    number = _numbers(rules)
    owner, slot = number // RULES_A_SUBJECT, number % RULES_A_SUBJECT
    obj = case(
        (slot == 0, _named("coll:corner-", owner % 4)),  # everybody's collections: thousands of rules on each
        ((slot == 1) & (owner % RULES_A_SUBJECT == 0), literal("label:internal", String)),
        (slot < 5, _named("folder:crowd-", number * 1_009 % folders)),
        (slot < 9, _named("doc:crowd-", number * 1_009 % max(subjects, RULES_A_SUBJECT))),
        else_=_named("owner:crowd-", owner),
    )
    action = case((slot == 9, "*"), (slot == 8, "write"), else_="read")
    effect = case((number % 20 == 5, "deny"), else_="allow")
    _insert(connection, schema.casbin_rule, ptype="p", v0=_subject(owner), v1=obj, v2=action, v3=effect)


def _nesting(connection: Connection, number: ColumnElement[int]) -> None:
    in_group = case((number % 3 == 0, _named("group:crowd-", number + 1)), else_=_named("group:unit-", number // 30))
    _insert(connection, schema.casbin_rule, ptype="g", v0=_subject(number), v1=in_group, v2="", v3="")
    above = case((number % 3 == 0, _named("group:crowd-", number + 2)), else_=_named("group:area-", number // 300))
    _insert(connection, schema.casbin_rule, ptype="g", v0=_subject(number), v1=above, v2="", v3="")


def _insert(connection: Connection, table: Table, **values: object) -> None:
    """Insert a row for each number that the values are made from; what is no expression is the same in all."""
    columns = [value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)
               for name, value in values.items()]  # fmt: skip
    connection.execute(insert(table).from_select(list(values), select(*columns)))
