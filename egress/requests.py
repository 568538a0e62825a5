"""Requests that wait until a second person has approved their exact bytes; then they may be sent, once.

What waits is the question with the hits that it was answered from, sealed, beside the bytes as a model would get
them. When it is sent, all gates are passed again, the rights included; only the search is not done again. If the
bytes that come of it are not those that were approved, nothing is sent.

Who approves holds `send`, by a rule, on every document that the prompt quotes, and is cleared for it. So approving can
be delegated by collection, and no administrator sees a text by being one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from acl.admin import approvals
from acl.admin.approvals import Approval, Kind
from acl.admin.authority import Actor
from acl.names import DocumentId, NodeId, UserId
from audit.ledger import Event
from egress.errors import NoSuchRequest, RequestChanged, RequestEnded, StillWaiting
from egress.prompt import digest_of, literal, messages
from retrieval.types import ChunkId, Hit
from store.engine import snapshot, write
from store.envelope import seal, unseal
from store.errors import CannotDecrypt
from store.rotation import SealedColumn, current_key
from store.schema import approval, sending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from acl.admin.change import Change
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.route import Route
    from egress.stages import Found, Ready
    from store.keys import KeyOf

SEND: Final = "send"  # the kind of approval
WAITS: Final = timedelta(days=3)


def requests_sealed(key: KeyOf) -> SealedColumn:
    """Name the column of the requests that wait, by what seals them."""
    return SealedColumn("requests", sending, sending.c.sealed, key, lambda row: _place(row.id))


@dataclass(frozen=True, slots=True)
class Kept:
    """A request that waits: what its bytes are made from anew, and what they were."""

    question: str
    conversation: str
    within: NodeId | None
    about: tuple[str, ...]  # earlier questions that it goes on from
    documents: tuple[DocumentId, ...]  # those that they were answered from
    hits: tuple[Hit, ...]
    delimiter: str
    messages: tuple[tuple[str, str], ...]  # role and content, as they would be sent
    target: str  # provider, model and version of the contract that they would be sent under


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a request of somebody's."""

    id: str
    state: str  # waiting, approved, rejected, expired, sent
    asked_at: datetime
    expires_at: datetime
    question: str | None = None  # as it was asked, as long as it can still be sent


@dataclass(frozen=True, slots=True)
class Requests:
    """Keeps requests that wait in the database."""

    engine: Engine
    key: KeyOf  # `Keys.requests`

    def park(self, found: Found, ready: Ready) -> Approval:
        """Put a request before a second person, who is told all of it beside the literal bytes.

        Raises:
            StoreDown: Nothing waits.
        """
        kept = _to_keep(found, ready)
        payload = {**_facts(found, ready), "prompt_hash": digest_of(kept.messages)}
        with write(self.engine) as connection:
            user = found.ask.principal.user
            asked = approvals.ask(connection, SEND, payload, user, ready.route.rule, waits=WAITS)
            current = current_key(connection)
            sealed = seal(self.key(current), json.dumps(asdict(kept)).encode(), _place(asked.id))
            row = {"id": asked.id, "conversation": kept.conversation, "level": int(ready.label.level)}
            row["key_id"] = current
            connection.execute(insert(sending).values(**row, sealed=sealed, made_at=datetime.now(UTC)))
        return asked

    def open(self, user: UserId, id_: str) -> Kept:
        """Give a request of somebody's that was approved and not sent yet.

        Raises:
            NoSuchRequest: There is none of this id, or it is another's.
            StillWaiting: Nobody has decided.
            RequestEnded: It was rejected, was sent, or has expired.
            CannotDecrypt, StoreDown: It cannot be read.
        """
        with snapshot(self.engine) as connection:
            standing = _standing(connection, user, id_)
            if standing.state == "waiting":
                raise StillWaiting("nobody has decided on this request yet: ask again later")
            if standing.state != "approved":
                raise RequestEnded(f"this request cannot be sent any more: it {_ENDED[standing.state]}; ask anew")
            return self.kept(connection, id_)

    def spend(self, user: UserId, id_: str, kept: Kept, ready: Ready) -> None:
        """Use an approval up, right before its bytes are sent: of all who try, one goes on.

        Raises:
            RequestChanged: What is about to be sent is not what was approved, or it goes elsewhere.
            RequestEnded: It was used, or has expired.
            StoreDown: It is not known; nothing may be sent.
        """
        if digest_of(messages(ready.prompt)) != digest_of(kept.messages) or _target(ready.route) != kept.target:
            raise RequestChanged(
                "documents, rights, names or the contract have changed since it was approved: ask anew"
            )
        now = datetime.now(UTC)
        c = approval.c
        approved = select(c.id).where(
            c.id == id_, c.asked_by == user, c.kind == SEND, c.state == "approved", c.expires_at > now
        )
        once = update(sending).where(sending.c.id.in_(approved), sending.c.used_at.is_(None)).values(used_at=now)
        with write(self.engine) as connection:
            if connection.execute(once).rowcount != 1:
                raise RequestEnded("this request was sent already, or its approval has expired; ask anew")

    def kept(self, connection: Connection, id_: str) -> Kept:
        """Open what waits. To be called for who asked, or who decides."""
        row = connection.execute(select(sending.c.sealed, sending.c.key_id).where(sending.c.id == id_)).one_or_none()
        if row is None or not row.sealed:
            raise NoSuchRequest("there is no such request")
        return _kept(json.loads(unseal(self.key(row.key_id), row.sealed, _place(id_))))

    def standings(self, user: UserId) -> list[Standing]:
        """Give somebody's own requests, the newest first."""
        with snapshot(self.engine) as connection:
            mine = select(approval.c.id).where(approval.c.asked_by == user, approval.c.kind == SEND)
            ids = connection.scalars(mine.order_by(approval.c.asked_at.desc())).all()
            return [self._standing(connection, user, id_) for id_ in ids]

    def standing(self, user: UserId, id_: str) -> Standing:
        """Say how it stands with one of somebody's own requests.

        Raises:
            NoSuchRequest: There is none of this id, or it is another's.
        """
        with snapshot(self.engine) as connection:
            return self._standing(connection, user, id_)

    def _standing(self, connection: Connection, user: UserId, id_: str) -> Standing:
        found = _standing(connection, user, id_)  # it is his, or this raises
        question = self._question(connection, id_) if found.state in ("waiting", "approved") else None
        return Standing(found.id, found.state, found.asked_at, found.expires_at, question)

    def _question(self, connection: Connection, id_: str) -> str | None:
        try:
            return self.kept(connection, id_).question
        except (NoSuchRequest, CannotDecrypt):  # how it stands can be told without it
            return None


_ENDED: Final = {"rejected": "was rejected", "sent": "was sent", "expired": "has expired"}


def sending_kind(requests: Requests) -> Kind:
    """Give the kind of approval that these requests wait for."""

    def approved(change: Change, ledger: Ledger, asked: Approval, by: UserId) -> Mapping[str, Json]:
        if digest_of(requests.kept(change.connection, asked.id).messages) != asked.payload["prompt_hash"]:
            raise CannotDecrypt("the bytes that wait are not those that were asked for")
        details: dict[str, Json] = {"prompt_hash": asked.payload["prompt_hash"], "provider": asked.payload["provider"]}
        ledger.append(change.connection, Event("send.approved", by, asked.id, details))
        return {"approval": asked.id, "state": "approved"}

    def shown(connection: Connection, asked: Approval, *, whole: bool) -> Mapping[str, Json]:
        facts: dict[str, Json] = dict(asked.payload)
        if not whole:
            return facts
        messages = requests.kept(connection, asked.id).messages
        return {**facts, "messages": [{"role": role, "content": content} for role, content in messages]}

    return Kind(SEND, _may_decide, approved, shown)


def _to_keep(found: Found, ready: Ready) -> Kept:
    return Kept(
        question=found.asked.question,
        conversation=found.conversation,
        within=found.scope.within,
        about=found.asked.about,
        documents=found.asked.documents,
        hits=found.permitted.hits,
        delimiter=ready.prompt.delimiter,
        messages=tuple(messages(ready.prompt)),
        target=_target(ready.route),
    )


def _facts(found: Found, ready: Ready) -> dict[str, Json]:
    application, route = found.contracts.application, ready.route
    return {
        "label": str(ready.label),
        "provider": route.provider,
        "kind_of_provider": route.kind.value,
        "model": route.model,
        "contract_version": route.version,
        "application": found.contracts.name,
        "purpose": application.purpose if application else "",
        "documents": sorted({*(excerpt.document for excerpt in ready.chosen), *found.asked.documents}),
        "redactions": ready.redactions,
        "characters": len(literal(ready.prompt)),
    }


def _target(route: Route) -> str:
    return f"{route.provider}/{route.model}/{route.version}"


def _may_decide(connection: Connection, actor: UserId, asked: Approval) -> bool:
    documents: Sequence[str] = asked.payload["documents"]
    approver = Actor.of(connection, actor)
    return bool(documents) and all(approver.holds("send", document) for document in documents)


def _standing(connection: Connection, user: UserId, id_: str) -> Standing:
    c = approval.c
    mine = select(approval, sending.c.used_at).join(sending, sending.c.id == c.id)
    row = connection.execute(mine.where(c.id == id_, c.asked_by == user, c.kind == SEND)).one_or_none()
    if row is None:
        raise NoSuchRequest("there is no such request")
    state = row.state
    if row.used_at is not None:
        state = "sent"
    elif state != "rejected" and row.expires_at <= datetime.now(UTC):
        state = "expired"
    return Standing(row.id, state, row.asked_at, row.expires_at)


def _kept(stored: dict[str, object]) -> Kept:
    values: dict[str, list[object]] = stored  # type: ignore[assignment]  # the lists are those of `Kept`
    return Kept(
        question=str(stored["question"]),
        conversation=str(stored["conversation"]),
        within=NodeId(str(stored["within"])) if stored["within"] else None,
        about=tuple(map(str, values["about"])),
        documents=tuple(DocumentId(str(document)) for document in values["documents"]),
        hits=tuple(_hit(hit) for hit in values["hits"]),
        delimiter=str(stored["delimiter"]),
        messages=tuple((str(message[0]), str(message[1])) for message in values["messages"]),  # type: ignore[index]
        target=str(stored["target"]),
    )


def _hit(stored: object) -> Hit:
    hit: dict[str, float | str] = stored  # type: ignore[assignment]  # as `park` has written it
    return Hit(
        chunk=ChunkId(str(hit["chunk"])),
        document=DocumentId(str(hit["document"])),
        version=int(hit["version"]),
        score=float(hit["score"]),
        similarity=float(hit["similarity"]),
    )


def _place(id_: str) -> bytes:
    return f"{id_}/sending".encode()
