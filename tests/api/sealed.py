"""An installation in which something of every kind is sealed, and what it says when it is opened."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from acl.names import NodeId
from api.wiring import open_store_at
from egress.requests import Kept, Requests
from ingest.points import kept_of
from redaction.types import Identity, Kind, Mention
from redaction.vault import Vault
from store.engine import snapshot, write
from store.envelope import seal
from store.rotation import current_key
from store.schema import approval, node, sending
from tests.worlds import hurry, put_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acl.names import DocumentId
    from redaction.types import Token
    from store.folder import Store

ANNA = "user:anna"
JANE = Mention(Identity(Kind.USER, "user:jane"), "Jane Doe")
COLLECTION = NodeId("coll:sealed")


@dataclass
class Filled:
    """What was sealed."""

    documents: dict[DocumentId, str] = field(default_factory=dict)  # with their texts
    conversations: dict[str, Token] = field(default_factory=dict)  # with the token of JANE
    requests: list[str] = field(default_factory=list)
    pseudonym: str = ""


def fill(data: Path, *, documents: int, conversations: int, requests: int) -> Filled:
    """Seal so many of each kind."""
    filled = Filled()
    with open_store_at(data) as opened:
        store = opened.store
        hurry(store)
        with write(store.engine) as connection:
            connection.execute(
                insert(node).values(id=COLLECTION, parent_id=None, name="sealed", inherit=False, level=0)
            )
            for number in range(documents):
                text = f"The lamp of pier {number} is green."
                filled.documents[put_document(connection, store.keys, COLLECTION, [text])] = text
        vault = Vault(store.engine, store.keys.tokens)
        for _ in range(conversations):
            begun = vault.enter(None, ANNA)
            filled.conversations[begun] = vault.issue(begun, ANNA)([JANE])[JANE]
        filled.requests = [_park(store, f"Who signs number {number}?") for number in range(requests)]
        filled.pseudonym = opened.ledger.pseudonym(ANNA)
    return filled


def _park(store: Store, question: str) -> str:
    id_, now = str(uuid.uuid4()), datetime.now(UTC)
    kept = Kept(question, "", None, (), (), (), "--", (("user", question),), "acme/small/1")
    asked = {"id": id_, "kind": "send", "payload": "{}", "digest": "0" * 64, "asked_by": ANNA, "reason": ""}
    with write(store.engine) as connection:
        key_id = current_key(connection)
        sealed = seal(store.keys.requests(key_id), json.dumps(asdict(kept)).encode(), f"{id_}/sending".encode())
        ends = now + timedelta(days=3)
        connection.execute(insert(approval).values(**asked, asked_at=now, expires_at=ends, state="waiting"))
        connection.execute(
            insert(sending).values(id=id_, conversation="", level=1, sealed=sealed, key_id=key_id, made_at=now)
        )
    return id_


def opens(data: Path, filled: Filled) -> bool:
    """Open all of it, in a data folder that is opened anew."""
    with open_store_at(data) as opened:
        return opens_in(opened.store, filled) and opened.ledger.pseudonym(ANNA) == filled.pseudonym


def opens_in(store: Store, filled: Filled, some: Sequence[str] | None = None) -> bool:
    """Open what was sealed, of the conversations only some if they are given; as a service does that runs already."""
    vault, requests = Vault(store.engine, store.keys.tokens), Requests(store.engine, store.keys.requests)
    with snapshot(store.engine) as connection:
        texts = {kept.document: kept.text for kept in kept_of(connection, [*filled.documents], store.keys)}
        questions = [requests.kept(connection, id_).question for id_ in filled.requests]
        parked = connection.scalars(select(sending.c.id)).all()
    told = {begun: vault.recall(begun, ANNA).surfaces for begun in some or filled.conversations}
    return (
        all(texts[document].endswith(text) for document, text in filled.documents.items())
        and all(question.startswith("Who signs number") for question in questions)
        and len(parked) == len(filled.requests)
        and all(surfaces == {filled.conversations[begun]: "Jane Doe"} for begun, surfaces in told.items())
    )
