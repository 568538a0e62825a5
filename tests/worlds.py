"""Small worlds for tests: people, groups, folders and documents, made through the real parts.

    def test_something(world: World) -> None:
        coll = world.collection("handbook")
        anna = world.user("anna", groups=["finance"])
        doc = world.document(coll, "Hotels are paid up to 180 EUR.")
        world.allow("group:finance", coll)
        assert [snippet.document for snippet in world.find("hotels", anna).snippets] == [doc]

Short names become policy names: user `anna` is `user:anna`, group `finance` is `group:finance`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import delete, event, insert, select, update

from acl.admin.change import policy_change
from acl.admin.groups import join_group
from acl.admin.nodes import add_collection, ensure_folder
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Permit, Principal, Rule, decider
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import EVERYONE, ROOT, DocumentId, NodeId, Obj, Subject, UserId
from acl.read import rules_of, whats_of, who_of
from acl.scope import Scope, scope_of
from retrieval.find import find
from retrieval.permit import Permitted, permit
from retrieval.tags import own_of, tags_of
from retrieval.types import ChunkId, Hit, Point
from store import schema
from store.engine import snapshot, write
from store.rotation import current_key
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from acl.decision import Deny
    from acl.names import Action, Effect
    from audit.ledger import Ledger
    from retrieval.embed import Embed
    from retrieval.find import Index
    from retrieval.homes import KeptIndex
    from store.folder import Store
    from store.keys import Keys

State = Literal["draft", "live", "deleted"]

APP: Final = Obj("app:tests")
ADMIN: Final = "user:admin"  # whom the audit trail names; he need not exist


def put_document(
    connection: Connection,
    keys: Keys,
    node: NodeId,
    texts: Sequence[str],
    *,
    document: str | None = None,
    title: str = "A title",
    owner: str | None = None,
    label: Label = PUBLIC,
    state: State = "live",
    version: int = 1,
    key: DocumentKey | None = None,
) -> DocumentId:
    """Write a document and a chunk for each text, sealed, as the service keeps them."""
    id_ = DocumentId(document or f"doc:{uuid.uuid4().hex}")
    key, current = key or DocumentKey.fresh(id_), current_key(connection)
    connection.execute(
        insert(schema.document).values(
            id=id_,
            node_id=node,
            owner=owner,
            level=int(label.level),
            state=state,
            version=version,
            source_mac=uuid.uuid4().hex * 2,
            content_mac="0" * 64,
            wrapped_key=key.wrapped(keys.documents(current)),
            key_id=current,
            sealed_title=key.seal_title(title),
        )
    )
    for compartment in label.compartments:
        connection.execute(insert(schema.document_compartment).values(document_id=id_, compartment=compartment))
    put_chunks(connection, key, version, texts)
    return id_


def put_chunks(
    connection: Connection, key: DocumentKey, version: int, texts: Sequence[str], *, first: int = 0
) -> list[ChunkId]:
    """Write chunks of one version of a document, numbered from `first` on. The same place has the same id anywhere."""
    places = (f"{key.document}/{version}/{number}" for number in range(first, first + len(texts)))
    ids = [ChunkId(str(uuid.uuid5(uuid.NAMESPACE_URL, place))) for place in places]
    for number, (id_, text) in enumerate(zip(ids, texts, strict=True), start=first):
        sealed = key.seal_chunk(id_, version, text)
        row = {"id": id_, "document_id": key.document, "version": version, "ord": number, "sealed_text": sealed}
        place = {"begins": 0, "ends": len(text), "sealed_headings": key.seal_headings(id_, version, ()), "likeness": ""}
        connection.execute(insert(schema.chunk).values(row | place))
    return ids


def points_of(connection: Connection, keys: Keys, documents: Iterable[DocumentId], embed: Embed) -> list[Point]:
    """Give the points of all chunks of some documents, tagged by what SQL says of them now."""
    points: list[Point] = []
    for id_, what in whats_of(connection, documents).items():
        row = connection.execute(select(schema.document).where(schema.document.c.id == id_)).one()
        key = DocumentKey.unwrap(id_, row.wrapped_key, keys.documents(row.key_id))
        chunks = connection.execute(
            select(schema.chunk).where(schema.chunk.c.document_id == id_).order_by(schema.chunk.c.ord)
        ).all()
        texts = [key.open_chunk(chunk.id, chunk.version, chunk.sealed_text) for chunk in chunks]
        points += [
            Point(ChunkId(chunk.id), id_, chunk.version, vector, text, tags_of(what), own_of(what))
            for chunk, text, vector in zip(chunks, texts, embed(texts), strict=True)
        ]
    return points


def hurry(store: Store) -> None:
    """Let a database acknowledge what is not yet on the disk. PostgreSQL is told so by its URL (tests/postgres.py)."""
    if store.engine.dialect.name != "sqlite":
        return
    store.engine.dispose()
    event.listen(store.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous = OFF"))


@dataclass(frozen=True, slots=True)
class World:
    """A data folder with an index, and short words to fill and ask them."""

    store: Store
    ledger: Ledger
    index: KeptIndex
    embed: Embed

    def user(
        self,
        name: str,
        *,
        groups: Collection[str] = (),
        clearance: Level = Level.INTERNAL,
        compartments: Collection[str] = (),
        full_name: str = "",
        email: str = "",
        phone: str = "",
    ) -> UserId:
        """Make a user, by default cleared for internal and in no group."""
        user = UserId(f"user:{name}")
        held = frozenset(Compartment(compartment) for compartment in compartments)
        with policy_change(self.store.engine, self.ledger, ADMIN) as change:
            add_user(change, Person(user, full_name or name.title(), email, phone, clearance, held))
            for group in groups:
                join_group(change, user, f"group:{group}")
        return user

    def deactivate(self, user: UserId) -> None:
        """Let a user be one no longer."""
        with write(self.store.engine) as connection:
            connection.execute(update(schema.users).where(schema.users.c.id == user).values(active=False))

    def nest(self, group: str, within: str) -> None:
        """Put a group into a group."""
        with policy_change(self.store.engine, self.ledger, ADMIN) as change:
            join_group(change, f"group:{group}", f"group:{within}")

    def collection(self, name: str, label: Label = PUBLIC) -> NodeId:
        """Make a collection."""
        collection = NodeId(f"coll:{name}")
        with policy_change(self.store.engine, self.ledger, ADMIN) as change:
            add_collection(change, collection, name, label)
        return collection

    def folder(self, parent: NodeId, name: str, label: Label = PUBLIC, *, inherit: bool = True) -> NodeId:
        """Make a folder in a collection or folder, or give the one of this name."""
        with policy_change(self.store.engine, self.ledger, ADMIN) as change:
            return ensure_folder(change, parent, name, label=label, inherit=inherit)

    def document(
        self,
        node: NodeId,
        *texts: str,
        title: str = "A title",
        owner: UserId | None = None,
        label: Label = PUBLIC,
        state: State = "live",
    ) -> DocumentId:
        """Make a document with a chunk for each text, and put its points into the index."""
        with write(self.store.engine) as connection:
            id_ = put_document(
                connection, self.store.keys, node, texts, title=title, owner=owner, label=label, state=state
            )
        self.reindex(id_)
        return id_

    def reindex(self, document: DocumentId) -> None:
        """Write a document's points as SQL has them now."""
        with snapshot(self.store.engine) as connection:
            self.index.put(points_of(connection, self.store.keys, [document], self.embed))

    def set_state(self, document: DocumentId, state: State) -> None:
        """Change a document in SQL alone: the index does not hear of it."""
        with write(self.store.engine) as connection:
            connection.execute(update(schema.document).where(schema.document.c.id == document).values(state=state))

    def set_level(self, document: DocumentId, level: Level) -> None:
        """Change a document's own level in SQL alone: the index does not hear of it."""
        with write(self.store.engine) as connection:
            connection.execute(update(schema.document).where(schema.document.c.id == document).values(level=int(level)))

    def allow(self, subject: str, obj: str = ROOT, action: str = "read") -> None:
        """Add a rule that allows."""
        self._rule(subject, obj, action, "allow")

    def deny(self, subject: str, obj: str = ROOT, action: str = "read") -> None:
        """Add a rule that denies."""
        self._rule(subject, obj, action, "deny")

    def allow_everyone(self, obj: str = ROOT) -> None:
        """Let every active user read."""
        self.allow(EVERYONE, obj)

    def withdraw(self, subject: str, obj: str = ROOT) -> None:
        """Remove all rules of a subject on an object."""
        rule = schema.casbin_rule.c
        with write(self.store.engine) as connection:
            connection.execute(delete(schema.casbin_rule).where(rule.ptype == "p", rule.v0 == subject, rule.v1 == obj))

    def _rule(self, subject: str, obj: str, action: str, effect: Effect) -> None:
        with policy_change(self.store.engine, self.ledger, ADMIN) as change:
            grant(change, Rule(Subject(subject), Obj(obj), action, effect))

    def scope(self, user: UserId, action: Action = "read", *, within: NodeId | None = None) -> Scope:
        """Give what a user may reach."""
        with snapshot(self.store.engine) as connection:
            return scope_of(connection, Principal(user, APP), action, within=within)

    def verdict(self, user: UserId, document: DocumentId, action: Action = "read") -> Permit | Deny:
        """Decide on one document, from all rules of the user."""
        with snapshot(self.store.engine) as connection:
            who = who_of(connection, user)
            decide = decider(who, action, rules_of(connection, who, action))
            return decide(whats_of(connection, [document])[document])

    def permit(self, hits: Sequence[Hit], scope: Scope) -> Permitted:
        """Decide on hits, with the real gate."""
        return permit(hits, scope, engine=self.store.engine, keys=self.store.keys)

    def find(
        self, question: str, user: UserId, *, within: NodeId | None = None, index: Index | None = None
    ) -> Permitted:
        """Ask as a user, through scope, search and permit; by default of the world's own index."""
        scope = self.scope(user, within=within)
        gate = partial(permit, engine=self.store.engine, keys=self.store.keys)
        return find(question, scope, index=index or self.index, embed=self.embed, permit=gate)

    def hits(self, *documents: DocumentId) -> list[Hit]:
        """Give a true hit for each chunk of some documents, as an index without any filter would."""
        with snapshot(self.store.engine) as connection:
            chunk = schema.chunk.c
            rows = connection.execute(
                select(schema.chunk).where(chunk.document_id.in_(documents)).order_by(chunk.document_id, chunk.ord)
            )
            return [Hit(ChunkId(row.id), DocumentId(row.document_id), row.version, 1.0, 0.9) for row in rows]
