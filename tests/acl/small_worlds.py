"""Small random worlds, and how they are put into a data folder by the real parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from sqlalchemy import delete, insert, text

from acl.admin.change import policy_change
from acl.admin.groups import join_group
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Rule
from acl.labels import Compartment, Label, Level
from acl.names import NodeId, Obj, Subject, UserId
from audit.ledger import Ledger
from bench.deciders.oracle import LEVELS, Document, Node, SmallWorld, User
from store import schema
from store.engine import write
from store.schema import metadata
from store.sealed import DocumentKey
from tests.worlds import ADMIN, put_chunks, put_document

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.admin.change import Change
    from store.folder import Store
    from store.keys import Keys

USERS: Final = [f"user:u{n}" for n in range(3)]
GHOST: Final = "user:ghost"  # is in no table
GROUPS: Final = [f"group:g{n}" for n in range(4)]
COLLECTIONS: Final = ["coll:c0", "coll:c1"]
FOLDERS: Final = [f"folder:f{n}" for n in range(3)]
DOCUMENTS: Final = [f"doc:d{n}" for n in range(5)]
COMPARTMENTS: Final = ["gdpr", "trade-secret.x"]
WORDS: Final = ["boiler", "hotel", "ladder", "pump"]

levels = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3])
few_compartments = st.sampled_from(
    [*[frozenset[str]()] * 6, frozenset(COMPARTMENTS[:1]), frozenset(COMPARTMENTS[1:]), frozenset(COMPARTMENTS)]
)

users = st.builds(
    User,
    active=st.sampled_from([True, True, True, True, False]),
    clearance=st.sampled_from([0, 1, 2, 3, 3, 3]),
    compartments=st.frozensets(st.sampled_from(COMPARTMENTS)),
)
# Any rule at all, and broad grants among them: without these, nearly every verdict would be a refusal.
any_rules = st.tuples(
    st.sampled_from([*USERS, *GROUPS, *GROUPS, "role:everyone", "role:everyone", "role:other", "svc:x"]),
    st.sampled_from(
        ["root:all", *COLLECTIONS, *FOLDERS, *DOCUMENTS, "provider:p"]
        + [f"owner:{user.removeprefix('user:')}" for user in USERS]
        + [f"label:{name}" for name in [*LEVELS, *COMPARTMENTS]]
    ),
    st.sampled_from(["read", "read", "*", "write", "manage"]),
    st.sampled_from(["allow", "deny"]),
)
broad_grants = st.tuples(
    st.sampled_from([*GROUPS, "role:everyone"]),
    st.sampled_from(["root:all", *COLLECTIONS, *FOLDERS]),
    st.sampled_from(["read", "*"]),
    st.just("allow"),
)
rules = st.lists(any_rules | broad_grants, min_size=3, max_size=10)
members = st.tuples(st.sampled_from([*USERS, *USERS, *GROUPS]), st.sampled_from(GROUPS)).filter(
    lambda pair: pair[0] in USERS or pair[0] < pair[1]  # groups are in later groups alone: no circles
)


@st.composite
def nodes(draw: st.DrawFn) -> dict[str, Node]:
    """Draw collections, and folders below what was drawn before."""
    drawn: dict[str, Node] = {}
    for name in [*COLLECTIONS, *FOLDERS]:
        drawn[name] = Node(
            parent=None if name in COLLECTIONS else draw(st.sampled_from(sorted(drawn))),
            inherit=draw(st.sampled_from([True, True, False])),
            level=draw(levels),
            compartments=draw(few_compartments),
        )
    return drawn


@st.composite
def small_worlds(draw: st.DrawFn) -> SmallWorld:
    """Draw a world: a few of everything, with every kind of rule on every kind of object."""
    documents = {}
    for name in DOCUMENTS[: draw(st.integers(1, len(DOCUMENTS)))]:
        version = draw(st.integers(1, 2))
        versions = draw(st.lists(st.integers(1, 2), min_size=1, max_size=2))
        documents[name] = Document(
            node=draw(st.sampled_from([*COLLECTIONS, *FOLDERS])),
            owner=draw(st.sampled_from([None, *USERS])),
            level=draw(levels),
            compartments=draw(few_compartments),
            state=draw(st.sampled_from(["live", "live", "live", "live", "draft", "deleted"])),
            version=version,
            chunks=tuple(
                (of, f"The {' '.join(draw(st.lists(st.sampled_from(WORDS), max_size=4)))} of {name}, part {n}, {of}.")
                for n, of in enumerate(versions)
            ),
        )
    return SmallWorld(
        users={name: draw(users) for name in USERS},
        members=draw(st.frozensets(members, min_size=2, max_size=8)),
        nodes=draw(nodes()),
        documents=documents,
        rules=tuple(draw(rules)),
    )


def settle(world: SmallWorld, store: Store) -> None:
    """Make a data folder hold this world and no other."""
    with write(store.engine) as connection:
        for table in reversed(metadata.sorted_tables):
            if table not in (schema.installation, schema.master_key, schema.policy_state):
                connection.execute(delete(table))
    with policy_change(store.engine, Ledger(store.engine, store.keys.audit), ADMIN) as change:
        _settle_policy(change, world)
        _settle_nodes(change.connection, world)
        for name, document in world.documents.items():
            _settle_document(change.connection, name, document, store.keys)


def _settle_policy(change: Change, world: SmallWorld) -> None:
    for name, user in world.users.items():
        held = frozenset(map(Compartment, user.compartments))
        add_user(change, Person(UserId(name), name, clearance=Level(user.clearance), compartments=held))
        if not user.active:
            change.connection.execute(text("UPDATE users SET active = false WHERE id = :id"), {"id": name})
    for member, group in sorted(world.members):
        join_group(change, member, group)
    for subject, obj, action, effect in world.rules:
        grant(change, Rule(Subject(subject), Obj(obj), action, "deny" if effect == "deny" else "allow"))


def _settle_nodes(connection: Connection, world: SmallWorld) -> None:
    for name, node in world.nodes.items():
        row = {"id": name, "parent_id": node.parent, "name": name, "inherit": node.inherit, "level": node.level}
        connection.execute(insert(schema.node).values(row))
        for compartment in node.compartments:
            connection.execute(insert(schema.node_compartment).values(node_id=name, compartment=compartment))


def _settle_document(connection: Connection, name: str, document: Document, keys: Keys) -> None:
    key = DocumentKey.fresh(name)
    put_document(
        connection,
        keys,
        NodeId(document.node),
        [],
        document=name,
        owner=document.owner,
        label=Label(Level(document.level), frozenset(map(Compartment, document.compartments))),
        state=document.state,  # type: ignore[arg-type]  # the oracle's worlds know plain text alone
        version=document.version,
        key=key,
    )
    for number, (version, chunk) in enumerate(document.chunks):
        put_chunks(connection, key, version, [chunk], first=number)
