"""To write down that somebody stands for a point of the gate that nothing can measure, or does so no longer."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from acl.admin.authority import Actor
from acl.admin.gate import refusal_recorded
from acl.errors import NotAllowed
from egress.contract.evidence import Evidence, attested, record
from egress.contract.facts import facts_of, subject
from egress.contract.records import APPLICATION, manages, none_of
from egress.errors import BadEvidence
from store.engine import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.contract.facts import Facts


@dataclass(frozen=True, slots=True)
class Attestation:
    """What somebody stands for, and with which document."""

    point: str  # one that may be attested
    document: Mapping[str, Json]  # from `document_at`
    named: str  # who stands for it
    until: datetime  # from `end_of`


def attest(engine: Engine, ledger: Ledger, actor: UserId, application: str, told: Attestation) -> Evidence:
    """Keep an attestation.

    Args:
        engine: Where the records are.
        ledger: Gets the point, the end and the hash of the document.
        actor: Who writes it down.
        application: Its name, without `app:`.
        told: What is attested.

    Raises:
        NotAllowed: He does not manage the application.
        NoSuchRecord: It is not registered.
        BadEvidence: The point cannot be attested, there is no name, or the end is past or too far.
        StoreDown, AuditDown: Nothing was written.
    """
    now = datetime.now(UTC)
    with _written(engine, ledger, actor, application) as (connection, facts):
        of = subject(facts, told.point)
        made = attested(told.point, actor, now, document=told.document, named=told.named, until=told.until, of=of)
        record(connection, ledger, actor, application, made)
    return made


def withdraw(engine: Engine, ledger: Ledger, actor: UserId, application: str, point: str) -> None:
    """Let what was attested of a point count no longer; it is kept, like what was measured.

    Raises:
        NotAllowed: He does not manage the application.
        NoSuchRecord: It is not registered.
        BadEvidence: Nothing is attested of this point.
        StoreDown, AuditDown: Nothing was written.
    """
    now = datetime.now(UTC)
    with _written(engine, ledger, actor, application) as (connection, facts):
        if not [one for one in facts.evidence if (one.point, one.origin, one.passed) == (point, "attested", True)]:
            raise BadEvidence(f"nothing is attested of {point!r}")
        gone = Evidence(point, "attested", passed=False, detail={}, made_by=actor, made_at=now, expires_at=now)
        record(connection, ledger, actor, application, gone)


@contextmanager
def _written(engine: Engine, ledger: Ledger, actor: UserId, application: str) -> Iterator[tuple[Connection, Facts]]:
    with refusal_recorded(ledger, actor, what="attest"), write(engine) as connection:
        if not manages(Actor.of(connection, actor), APPLICATION, application):
            raise NotAllowed(f"this is not yours to change: it is for who manages app:{application}")
        facts = facts_of(connection, application)
        if facts.application is None:
            raise none_of(APPLICATION, application)
        yield connection, facts


def end_of(day: str) -> datetime:
    """Give the moment after the last day of something, in UTC.

    Raises:
        BadEvidence: It is no day.
    """
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time.min, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadEvidence(f"{day!r} is no day: write it like 2027-03-31") from error
