from __future__ import annotations

import dataclasses
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select, text, update

from acl.errors import PolicyTooLarge
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from acl.read import MAX_PRINCIPALS
from retrieval.permit import permit
from retrieval.types import ChunkId
from store import schema
from store.engine import open_engine, write
from store.envelope import new_key
from store.errors import CannotDecrypt, StoreDown
from store.sealed import DocumentKey
from tests.worlds import put_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acl.scope import Scope
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from tests.worlds import World

ANNA = UserId("user:anna")
NOT_THERE = "the index names a chunk that is not there"
OTHER_VERSION = "the index has another version"


@pytest.fixture
def coll(world: World) -> NodeId:
    """A collection that anna may read, with her and it in place."""
    world.user("anna", groups=["staff"], clearance=Level.CONFIDENTIAL)
    coll = world.collection("a")
    world.allow("group:staff", coll)
    return coll


def texts(permitted: Permitted) -> list[str]:
    return [snippet.text for snippet in permitted.snippets]


def ask(world: World, hits: Sequence[Hit], scope: Scope | None = None) -> Permitted:
    return world.permit(hits, scope or world.scope(ANNA))


def test_a_hit_becomes_a_snippet_with_text_and_label_from_sql(world: World, coll: NodeId) -> None:
    label = Label(Level.INTERNAL)
    doc = world.document(coll, "The boiler is old.", title="On heating", label=label)
    (hit,) = world.hits(doc)
    permitted = ask(world, [hit])
    (snippet,) = permitted.snippets
    assert (snippet.title, snippet.text, snippet.label) == ("On heating", "The boiler is old.", label)
    assert (snippet.chunk, snippet.document, snippet.similarity) == (hit.chunk, doc, hit.similarity)
    assert snippet.rule == f"group:staff, {coll}, read, allow"
    assert permitted.hits == (hit,)
    assert permitted.dropped == {}


def test_the_order_of_the_hits_is_kept(world: World, coll: NodeId) -> None:
    hits = world.hits(*(world.document(coll, f"text {number}") for number in range(5)))
    assert ask(world, hits).hits == tuple(hits)
    assert ask(world, hits[::-1]).hits == tuple(hits[::-1])


def test_the_epoch_is_that_of_the_policy_that_decided(world: World, coll: NodeId) -> None:
    before = ask(world, []).epoch
    world.allow("group:other", coll)
    assert ask(world, []).epoch == before + 1


def test_no_hits_become_no_snippets(world: World, coll: NodeId) -> None:
    permitted = ask(world, [])
    assert (permitted.snippets, permitted.hits, permitted.dropped) == ((), (), {})


# --- what is dropped ----------------------------------------------------------------------------


def test_what_no_rule_allows_is_dropped_and_counted(world: World, coll: NodeId) -> None:
    mine, other = world.document(coll, "mine"), world.document(world.collection("b"), "theirs", "and this")
    permitted = ask(world, world.hits(mine, other))
    assert texts(permitted) == ["mine"]
    assert permitted.dropped == {"no rule allows it": 2}


def test_a_deny_a_level_and_a_compartment_drop_a_hit(world: World, coll: NodeId) -> None:
    mine = world.document(coll, "mine")
    denied = world.document(coll, "denied")
    world.deny(ANNA, denied)
    above = world.document(coll, "above", label=Label(Level.RESTRICTED))
    apart = world.document(coll, "apart", label=Label(Level.PUBLIC, frozenset({Compartment("gdpr")})))
    permitted = ask(world, world.hits(mine, denied, above, apart))
    assert texts(permitted) == ["mine"]
    assert permitted.dropped == {
        f"denied by {ANNA}, {denied}, read, deny": 1,
        "not cleared for restricted": 1,
        "not cleared for public+gdpr": 1,
    }


@pytest.mark.parametrize("state", ["draft", "deleted"])
def test_what_is_not_live_is_dropped(world: World, coll: NodeId, state: str) -> None:
    """FT-03: the index may still hold it."""
    doc, other = world.document(coll, "text"), world.document(coll, "other")
    hits = world.hits(doc, other)
    assert len(ask(world, hits).snippets) == 2
    world.set_state(doc, state)  # type: ignore[arg-type]  # from the table
    permitted = ask(world, hits)
    assert texts(permitted) == ["other"]
    assert permitted.dropped == {"the document is not live": 1}


def test_an_old_version_is_dropped_and_the_new_one_answers(world: World, coll: NodeId) -> None:
    """FT-03: an old text must not appear under the permissions of a new one."""
    doc = world.document(coll, "the old text")
    old = world.hits(doc)
    with write(world.store.engine) as connection:
        row = connection.execute(select(schema.document).where(schema.document.c.id == doc)).one()
        key = DocumentKey.unwrap(doc, row.wrapped_key, world.store.keys.documents(row.key_id))
        put_chunks(connection, key, 2, ["the new text"])
    both = world.hits(doc)
    assert texts(ask(world, both)) == ["the old text"]  # the new one is written, and does not answer yet
    with write(world.store.engine) as connection:
        connection.execute(update(schema.document).values(version=2))
    permitted = ask(world, both)
    assert texts(permitted) == ["the new text"]
    assert permitted.dropped == {OTHER_VERSION: 1}
    assert ask(world, old).snippets == ()


def test_a_hit_with_another_version_than_its_chunk_is_dropped(world: World, coll: NodeId) -> None:
    (hit,) = world.hits(world.document(coll, "text"))
    for version in (0, 2, -1):
        assert ask(world, [dataclasses.replace(hit, version=version)]).dropped == {OTHER_VERSION: 1}


def test_a_hit_does_not_borrow_the_rights_of_another_document(world: World, coll: NodeId) -> None:
    """A forged tag: the chunk of a hidden document under the name of one that may be read."""
    mine, secret = world.document(coll, "mine"), world.document(world.collection("b"), "secret")
    (hidden,) = world.hits(secret)
    for name in (mine, DocumentId("doc:none"), DocumentId("")):
        permitted = ask(world, [dataclasses.replace(hidden, document=name)])
        assert permitted.snippets == ()
        assert permitted.dropped == {NOT_THERE: 1}
    assert ask(world, [hidden]).dropped == {"no rule allows it": 1}


@pytest.mark.parametrize("chunk", ["00000000-0000-4000-8000-000000000000", "", "' OR 1=1 --", "%"])
def test_a_chunk_that_is_not_there_is_dropped(world: World, coll: NodeId, chunk: str) -> None:
    (hit,) = world.hits(world.document(coll, "text"))
    permitted = ask(world, [dataclasses.replace(hit, chunk=ChunkId(chunk)), hit])
    assert texts(permitted) == ["text"]
    assert permitted.dropped == {NOT_THERE: 1}


def test_what_lies_outside_of_the_collection_asked_is_dropped(world: World, coll: NodeId) -> None:
    folder = world.folder(coll, "f", inherit=False)
    world.allow("group:staff", folder)
    other = world.collection("b")
    world.allow("group:staff", other)
    docs = [world.document(node, str(node)) for node in (coll, folder, other)]
    hits = world.hits(*docs)
    assert set(texts(ask(world, hits))) == {coll, folder, other}
    within = ask(world, hits, world.scope(ANNA, within=coll))
    assert set(texts(within)) == {coll, folder}  # a cut of inheritance does not move the folder out
    assert within.dropped == {"it lies outside of the collection asked": 1}
    assert texts(ask(world, hits, world.scope(ANNA, within=folder))) == [folder]
    assert ask(world, hits, world.scope(ANNA, within=NodeId("coll:none"))).snippets == ()


# --- rights that change -------------------------------------------------------------------------


def test_a_right_withdrawn_since_the_search_began_is_not_honoured(world: World, coll: NodeId) -> None:
    """AZ-08, FT-17: the scope of the search is old, the decision is not."""
    hits = world.hits(world.document(coll, "text"))
    scope = world.scope(ANNA)
    assert texts(ask(world, hits, scope)) == ["text"]
    world.withdraw("group:staff", coll)
    permitted = ask(world, hits, scope)
    assert permitted.snippets == ()
    assert permitted.dropped == {"no rule allows it": 1}


def test_a_deny_added_since_the_search_began_holds(world: World, coll: NodeId) -> None:
    """FT-17."""
    hits = world.hits(world.document(coll, "text"))
    scope = world.scope(ANNA)
    world.deny("role:everyone", "root:all")
    assert ask(world, hits, scope).snippets == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET active = false",
        "UPDATE users SET clearance = 0",
        "DELETE FROM users",
        "DELETE FROM casbin_rule WHERE ptype = 'g'",
        "UPDATE node SET level = 3",
        "INSERT INTO node_compartment SELECT id, 'gdpr' FROM node",
        "UPDATE document SET level = 3",
        "INSERT INTO document_compartment SELECT id, 'gdpr' FROM document",
        "UPDATE document SET node_id = (SELECT id FROM node WHERE id <> node_id)",
        "UPDATE document SET state = 'deleted'",
        "DELETE FROM chunk",
    ],
)
def test_whatever_tightens_between_search_and_gate_holds(world: World, coll: NodeId, statement: str) -> None:
    """AZ-08, FT-17."""
    world.collection("elsewhere")
    hits = world.hits(world.document(coll, "text", label=Label(Level.INTERNAL)))
    scope = world.scope(ANNA)
    assert texts(ask(world, hits, scope)) == ["text"]
    with write(world.store.engine) as connection:
        connection.execute(text(statement))
    assert ask(world, hits, scope).snippets == ()


def test_a_right_given_since_the_search_began_is_honoured(world: World, coll: NodeId) -> None:
    other = world.collection("b")
    hits = world.hits(world.document(other, "text"))
    scope = world.scope(ANNA)
    assert ask(world, hits, scope).snippets == ()
    world.allow(ANNA, other)
    assert texts(ask(world, hits, scope)) == ["text"]


def test_a_forged_scope_permits_nothing(world: World, coll: NodeId) -> None:
    """The scope narrows; of its promises nothing is believed but who asks."""
    secret = world.document(world.collection("b"), "secret", label=Label(Level.RESTRICTED))
    root = world.scope(world.user("root", clearance=Level.RESTRICTED))
    wide = dataclasses.replace(world.scope(ANNA), allow=frozenset({Obj(secret)}), clearance=Level.RESTRICTED)
    for scope in (wide, root):
        assert ask(world, world.hits(secret), scope).snippets == ()
    world.allow("user:root", secret)
    assert texts(ask(world, world.hits(secret), root)) == ["secret"]


def test_two_readers_get_each_his_own(world: World, coll: NodeId) -> None:
    bert = world.user("bert")
    other = world.collection("b")
    world.allow(bert, other)
    hits = world.hits(world.document(coll, "for anna"), world.document(other, "for bert"))
    assert texts(ask(world, hits)) == ["for anna"]
    assert texts(ask(world, hits, world.scope(bert))) == ["for bert"]


# --- when something fails -----------------------------------------------------------------------


def test_a_database_that_does_not_answer_gives_no_snippets(world: World, coll: NodeId) -> None:
    """AZ-06: an error is never read as an empty set of denies."""
    hits, scope = world.hits(world.document(coll, "text")), world.scope(ANNA)
    for table in ("users", "casbin_rule", "node", "document", "chunk", "document_compartment", "policy_state"):
        with write(world.store.engine) as connection:
            connection.execute(text(f"ALTER TABLE {table} RENAME TO hidden"))
        with pytest.raises(StoreDown):
            ask(world, hits, scope)
        with write(world.store.engine) as connection:
            connection.execute(text(f"ALTER TABLE hidden RENAME TO {table}"))
    assert texts(ask(world, hits, scope)) == ["text"]


def test_a_database_that_fails_halfway_gives_no_snippets(world: World, coll: NodeId) -> None:
    hits, scope = world.hits(world.document(coll, "text")), world.scope(ANNA)
    statements = 0
    broken_at = 0

    def count(*_args: object) -> None:
        nonlocal statements
        statements += 1
        if statements == broken_at:
            raise sqlite3.OperationalError("disk I/O error")

    engine = open_engine(world.store.engine.url)
    event.listen(engine, "before_cursor_execute", count)
    assert texts(permit(hits, scope, engine=engine, keys=world.store.keys)) == ["text"]
    needed = statements
    assert needed >= 8
    for broken_at in range(1, needed + 1):  # noqa: B007 - `count` reads it
        statements = 0
        with pytest.raises((StoreDown, sqlite3.OperationalError)):
            permit(hits, scope, engine=engine, keys=world.store.keys)
    engine.dispose()


def test_one_value_that_does_not_open_gives_no_snippets_at_all(world: World, coll: NodeId) -> None:
    hits = world.hits(world.document(coll, "one"), world.document(coll, "two"))
    scope = world.scope(ANNA)
    with pytest.raises(CannotDecrypt):
        permit(hits, scope, engine=world.store.engine, keys=replace(world.store.keys, documents=lambda _id: new_key()))
    with write(world.store.engine) as connection:  # a chunk's text in the place of another's
        rows = connection.execute(select(schema.chunk).order_by(schema.chunk.c.id)).all()
        of_one = schema.chunk.c.id == rows[0].id
        connection.execute(update(schema.chunk).where(of_one).values(sealed_text=rows[1].sealed_text))
    with pytest.raises(CannotDecrypt):
        ask(world, hits, scope)
    assert len(ask(world, [hit for hit in hits if hit.chunk == rows[1].id], scope).snippets) == 1


def test_a_text_that_is_not_permitted_is_not_even_opened(world: World, coll: NodeId) -> None:
    """What is damaged and hidden must not tell that it is there, by an error."""
    mine, hidden = world.document(coll, "mine"), world.document(world.collection("b"), "hidden")
    hits = world.hits(mine, hidden)
    with write(world.store.engine) as connection:
        connection.execute(update(schema.chunk).where(schema.chunk.c.document_id == hidden).values(sealed_text=b""))
    assert texts(ask(world, hits)) == ["mine"]


def test_a_policy_that_is_too_large_gives_no_snippets(world: World, coll: NodeId) -> None:
    hits, scope = world.hits(world.document(coll, "text")), world.scope(ANNA)
    rows = [{"ptype": "g", "v0": ANNA, "v1": f"group:{number}"} for number in range(MAX_PRINCIPALS)]
    with write(world.store.engine) as connection:
        connection.execute(schema.casbin_rule.insert(), rows)
    with pytest.raises(PolicyTooLarge):
        ask(world, hits, scope)


def test_everything_is_read_in_one_snapshot(world: World, coll: NodeId) -> None:
    """FT-17: a policy from before a change and documents from after it were never true together."""
    hits, scope = world.hits(world.document(coll, "text")), world.scope(ANNA)
    begun = 0

    def count(_connection: object) -> None:
        nonlocal begun
        begun += 1

    engine = open_engine(world.store.engine.url)
    event.listen(engine, "begin", count)
    permit(hits, scope, engine=engine, keys=world.store.keys)
    engine.dispose()
    assert begun == 1
