"""The audit trail: append-only, hash-chained, written before anything leaves.

A record says what happened with which documents under which rules. It never holds text of a document,
of a question or of an answer, and it names a person by a keyed pseudonym.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from audit.chain import GENESIS, SALT_BYTES, Json, body_hash, canonical, link_hash
from audit.errors import AuditDown, ChainBroken
from store.engine import snapshot, write
from store.envelope import mac
from store.errors import StoreError
from store.schema import audit_head, audit_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection, Engine, Row

PSEUDONYM_DIGITS = 32  # 128 bits of an HMAC

_LOCKED_HEAD: Final = select(audit_head).with_for_update()
_RECORD: Final = insert(audit_record)
_MOVE_HEAD: Final = update(audit_head)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Args:
        kind: What it was, such as `ask.intent`, `ask.answered`, `policy.changed`.
        who: Whom it is attributed to, in clear; the ledger writes the pseudonym.
        request: The id that ties the records of one request together.
        details: Ids, counts, hashes and verdicts; no text of people or documents.
    """

    kind: str
    who: str
    request: str
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """An event as it stands in the trail."""

    seq: int
    body: Mapping[str, Json]
    hash: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification covered: the number of records and the hash of the last."""

    records: int
    head: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The trail of one installation."""

    engine: Engine
    pseudonym_key: bytes = field(repr=False)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def commit(self, event: Event) -> None:
        """Write one record, durably, before returning.

        Raises:
            AuditDown: It cannot be written. The caller must not go on.
        """
        try:
            with write(self.engine) as connection:
                self.append(connection, event)
        except StoreError as error:
            raise AuditDown("the audit record cannot be written; nothing was sent") from error

    def append(self, connection: Connection, *events: Event) -> None:
        """Write records within the caller's transaction: the change and its records, or neither.

        Raises:
            AuditDown: The head was tampered with, so that no record can follow it.
        """
        if not events:
            return
        bodies = [self._body(event) for event in events]
        seq, previous = _locked_head(connection)
        rows = []
        try:
            for number, body in enumerate(bodies, start=seq + 1):
                salt = os.urandom(SALT_BYTES)
                hashed = body_hash(body, salt)
                previous = link_hash(number, previous, hashed)
                rows.append({"seq": number, "hash": previous, "body": body, "salt": salt, "body_hash": hashed})
            connection.execute(_RECORD, rows)
        except (IntegrityError, TypeError, ValueError) as error:
            raise AuditDown("the audit trail does not end where its head says: run ntk audit verify") from error
        connection.execute(_MOVE_HEAD, {"seq": rows[-1]["seq"], "hash": previous})

    def _body(self, event: Event) -> str:
        return canonical(
            {
                **event.details,
                "at": self.clock().astimezone(UTC).isoformat(timespec="microseconds"),
                "kind": event.kind,
                "request": event.request,
                "who": self.pseudonym(event.who),
            }
        )

    def pseudonym(self, who: str) -> str:
        """Give the name under which a person stands in the trail: the same each time, and not reversible."""
        return mac(self.pseudonym_key, who)[:PSEUDONYM_DIGITS]


def _locked_head(connection: Connection) -> tuple[int, str]:
    # The row lock makes writers take turns, so that no two links have the same predecessor. Who waited for it reads
    # the row as the one before him has left it: writes see what was committed meanwhile (store.engine).
    head = connection.execute(_LOCKED_HEAD).one_or_none()
    if head is None:
        # Two that write the first record at once both come here, and one of them finds the other's row in his way.
        # The savepoint keeps what he has changed so far: his record is the second.
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(insert(audit_head).values(id=1, seq=0, hash=GENESIS))
        head = connection.execute(_LOCKED_HEAD).one()
    return head.seq, head.hash


def records(connection: Connection) -> Iterator[Record]:
    """Give all records, oldest first, unverified."""
    for row in connection.execute(select(audit_record).order_by(audit_record.c.seq)):
        yield Record(row.seq, json.loads(row.body), row.hash)


def verify(engine: Engine) -> Verified:
    """Recompute the whole chain.

    It finds every changed, removed, inserted or moved record, and a tail cut off behind the head's
    back. Somebody who can write the database could still replace all of it, head included, by another
    chain that is right in itself.

    Raises:
        ChainBroken: The message names the first record that is not what was written.
    """
    seq, previous = 0, GENESIS
    with snapshot(engine) as connection:
        rows = iter(connection.execute(select(audit_record).order_by(audit_record.c.seq)))
        while (row := _next(rows, seq + 1)) is not None:
            seq += 1
            _check(row, seq, previous)
            previous = row.hash
        head = connection.execute(select(audit_head)).one_or_none()
    _check_head(head, seq, previous)
    return Verified(seq, previous)


def _next(rows: Iterator[Row[tuple[object, ...]]], seq: int) -> Row[tuple[object, ...]] | None:
    try:
        return next(rows, None)
    except DBAPIError as error:  # bytes that are no text, or a damaged page
        raise ChainBroken(f"audit record {seq} cannot be read") from error


def _check(row: Row[tuple[object, ...]], seq: int, previous: str) -> None:
    if row.seq < seq:
        raise ChainBroken(f"audit record {row.seq} was put in")
    if row.seq > seq:
        raise ChainBroken(f"audit record {seq} is missing")
    if not _is_what_was_hashed(row.body, row.salt, row.body_hash):
        raise ChainBroken(f"audit record {seq} was changed: its content is not what was written")
    if link_hash(seq, previous, row.body_hash) != row.hash:
        raise ChainBroken(f"audit record {seq} does not continue the one before it")


def _check_head(head: Row[tuple[object, ...]] | None, seq: int, previous: str) -> None:
    written, hashed = (head.seq, head.hash) if head else (0, GENESIS)
    if isinstance(written, int) and written > seq:
        raise ChainBroken(f"audit record {seq + 1} is missing: {written} were written")
    if isinstance(written, int) and written < seq:
        raise ChainBroken(f"audit record {written + 1} was put in: {written} were written")
    if (written, hashed) != (seq, previous):
        raise ChainBroken(f"the head of the audit trail is not that of record {seq}, the last")


def _is_what_was_hashed(body: object, salt: object, hashed: str) -> bool:
    # SQLite keeps values of any type in any column. The length of the salt matters: salt and body are
    # hashed one after the other, so that the first letters of a body could pass for the end of its salt.
    if not isinstance(body, str) or not isinstance(salt, bytes) or len(salt) != SALT_BYTES:
        return False
    return body_hash(body, salt) == hashed
