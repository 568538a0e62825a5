"""Random worlds for the five deciders, and how one is put into a database.

They are larger than what hypothesis draws, and nested deeper than Casbin's own role manager looks. A seed
gives the same world everywhere.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert

from bench.deciders.oracle import ACTIONS, LEVELS, Document, Node, SmallWorld, User
from store import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Table

USERS: Final = tuple(f"user:u{n}" for n in range(12))
GHOST: Final = "user:ghost"  # is in no table, but rules and memberships may name it
GROUPS: Final = tuple(f"group:g{n}" for n in range(14))
FOLDERS: Final = tuple(f"folder:f{n}" for n in range(10))
DOCUMENTS: Final = tuple(f"doc:d{n}" for n in range(25))
COMPARTMENTS: Final = ("gdpr", "pci", "trade-secret.x")
ASKERS: Final = (*USERS, GHOST)
ASKED: Final = (*ACTIONS, "fly")  # what nobody has thought of is allowed to nobody, by no "*" either

_NARROW: Final = 26  # rules
_BROADLY: Final = 14  # rules
# "Deny" cannot be written through the service, nor past the CHECK of the table: it stands for a row that
# somebody forced in. Casbin passes over it; here it denies.
_EFFECTS: Final = ("allow",) * 12 + ("deny",) * 7 + ("Deny",)
_BROAD: Final = ("allow",) * 9 + ("deny",)
_MANY: Final = ("role:everyone",) * 3 + GROUPS
_DEEPEST: Final = 13  # memberships from a user to the top of the chain of groups


def random_world(seed: int) -> SmallWorld:
    """Draw a world: rules of every kind on every kind of object, some broad grants, some people out of office."""
    rng = random.Random(seed)
    collections = [f"coll:c{n}" for n in range(rng.randint(2, 4))]
    nodes = _nodes(rng, collections)
    return SmallWorld(
        users={name: _user(rng) for name in USERS},
        members=_members(rng),
        nodes=nodes,
        documents={name: _document(rng, [*nodes]) for name in DOCUMENTS},
        rules=_rules(rng, collections),
    )


def _user(rng: random.Random) -> User:
    held = frozenset(rng.sample(COMPARTMENTS, rng.choice([1, 2, 3, 3, 3])))
    return User(active=rng.random() < 0.9, clearance=rng.choice([0, 1, 2, 3, 3, 3, 3]), compartments=held)


def _members(rng: random.Random) -> frozenset[tuple[str, str]]:
    """Put groups into later groups: one long chain, and a few short cuts. No circles, which writes refuse."""
    deepest = rng.choice([3, 6, _DEEPEST, _DEEPEST])
    drawn = {(GROUPS[n], GROUPS[n + 1]) for n in range(deepest - 1)}
    drawn |= {(user, GROUPS[0]) for user in rng.sample(ASKERS, 4)}
    for _ in range(14):
        drawn.add((rng.choice(ASKERS), rng.choice(GROUPS)))
    for _ in range(rng.choice([0, 0, 4])):
        low, high = sorted(rng.sample(range(len(GROUPS)), 2))
        drawn.add((GROUPS[low], GROUPS[high]))
    return frozenset(drawn)


def _nodes(rng: random.Random, collections: list[str]) -> dict[str, Node]:
    drawn: dict[str, Node] = {}
    for name in (*collections, *FOLDERS):
        drawn[name] = Node(
            parent=None if name in collections else rng.choice([*drawn]),
            inherit=rng.random() < 0.75,
            level=_level(rng),
            compartments=_compartments(rng),
        )
    return drawn


def _document(rng: random.Random, nodes: list[str]) -> Document:
    return Document(
        node=rng.choice(nodes),
        owner=rng.choice([None, *USERS]),
        level=_level(rng),
        compartments=_compartments(rng),
        state=rng.choice(["live"] * 8 + ["draft", "deleted"]),
        version=1,
        chunks=(),
    )


def _level(rng: random.Random) -> int:
    return rng.choice([0] * 14 + [1, 1, 2, 3])


def _compartments(rng: random.Random) -> frozenset[str]:
    return frozenset(rng.sample(COMPARTMENTS, rng.choice([0] * 20 + [1, 2])))


def _rules(rng: random.Random, collections: list[str]) -> tuple[tuple[str, str, str, str], ...]:
    containers = ["root:all", *collections, *FOLDERS]
    objects = [*containers, *DOCUMENTS, *_owners(), *_labels(), "provider:p"]
    subjects = [*ASKERS, *GROUPS, *GROUPS, "role:everyone", "role:other", "svc:x"]
    narrow = [
        (rng.choice(subjects), rng.choice(objects), rng.choice([*ACTIONS, "*"]), rng.choice(_EFFECTS))
        for _ in range(_NARROW)
    ]
    # Without broad grants nearly every verdict would be a refusal.
    broad = [
        (rng.choice(_MANY), rng.choice(containers), rng.choice(["read", "*", "*"]), rng.choice(_BROAD))
        for _ in range(_BROADLY)
    ]
    rules = [*dict.fromkeys([*narrow, *broad])]
    rng.shuffle(rules)
    return tuple(rules)


def _owners() -> list[str]:
    return [f"owner:{user.partition(':')[2]}" for user in USERS]


def _labels() -> list[str]:
    return [f"label:{name}" for name in (*LEVELS, *COMPARTMENTS)]


def settle(connection: Connection, world: SmallWorld) -> None:
    """Make the database hold this world and no other. It must not check constraints, for the sake of "Deny"."""
    tables = (schema.casbin_rule, schema.document_compartment, schema.document, schema.node_compartment,
              schema.node, schema.user_compartment, schema.users)  # fmt: skip
    for table in tables:
        connection.execute(delete(table))
    for table, rows in _rows(world).items():
        if rows:
            connection.execute(insert(table), rows)


def _rows(world: SmallWorld) -> dict[Table, list[dict[str, object]]]:
    """Give the rows of each table, parents before children."""
    users, nodes, documents = world.users.items(), world.nodes.items(), world.documents.items()
    lines = [*(("p", *rule) for rule in world.rules), *(("g", *pair, "", "") for pair in sorted(world.members))]
    return {
        schema.users: [{"id": id_, "name": id_, "active": u.active, "clearance": u.clearance} for id_, u in users],
        schema.user_compartment: _held("user_id", users),
        schema.node: [
            {"id": id_, "parent_id": node.parent, "name": id_, "inherit": node.inherit, "level": node.level}
            for id_, node in nodes
        ],
        schema.node_compartment: _held("node_id", nodes),
        schema.document: [_document_row(id_, document) for id_, document in documents],
        schema.document_compartment: _held("document_id", documents),
        schema.casbin_rule: [dict(zip(("ptype", "v0", "v1", "v2", "v3"), line, strict=True)) for line in lines],
    }


def _held(key: str, holders: Iterable[tuple[str, User | Node | Document]]) -> list[dict[str, object]]:
    return [{key: id_, "compartment": name} for id_, holder in holders for name in sorted(holder.compartments)]


def _document_row(id_: str, document: Document) -> dict[str, object]:
    return {
        "id": id_,
        "node_id": document.node,
        "owner": document.owner,
        "level": document.level,
        "state": document.state,
        "version": document.version,
        "source_mac": id_,
        "content_mac": "",
        "wrapped_key": b"",  # nobody reads a text here
        "sealed_title": b"",
    }
