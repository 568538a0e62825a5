"""The report on an incident: how far it reached, what is stopped, who is to be told by when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from acl.admin.change import unnamed
from acl.admin.gate import refusal_recorded
from acl.admin.rules import has_line
from acl.names import EVERYONE
from audit.errors import ChainBroken
from audit.ledger import Event, verify
from egress.incident.allowed import audits, require_reader
from egress.incident.blast import blast_of
from egress.incident.incidents import one_incident
from egress.incident.tasks import tasks_of
from store.engine import snapshot
from store.schema import stop, users

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.incident.blast import Blast
    from egress.incident.incidents import Incident
    from egress.incident.tasks import Task


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose questions an incident concerns."""

    pseudonym: str  # as the trail has him
    user: str | None  # who that is, for who may know
    questions: int


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of an incident at a time."""

    incident: Incident
    target: str = field(repr=False)  # of the incident; a person by his pseudonym
    at: datetime
    verified: bool
    trail: str  # what the verification of the trail said
    blast: Blast
    people: tuple[Person, ...]
    tasks: tuple[Task, ...]
    stopped: tuple[str, ...]  # what of it is stopped now, by the kill switch
    withheld: bool  # whether a rule keeps everybody from what it is about now

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON."""
        return {**_of_incident(self), **_of_blast(self), "tasks": [task.to_json(self.at) for task in self.tasks]}


def report(engine: Engine, ledger: Ledger, by: UserId, id_: str) -> Report:
    """Verify the trail, read how far an incident reached, and leave a record that somebody has looked.

    Who manages the whole sees pseudonyms; who may audit it sees names as well.

    Raises:
        NotAllowed: He may neither manage nor audit the whole.
        NoSuchIncident: There is none of this id.
        StoreDown, AuditDown: There is no report.
    """
    with refusal_recorded(ledger, by, what="incident"), snapshot(engine) as connection:
        require_reader(connection, by)
        incident = one_incident(connection, id_)
        named = audits(connection, by)
    verified, told = _verified(engine)
    with snapshot(engine) as connection:
        made = Report(
            incident=incident,
            target=unnamed(incident.target, ledger.pseudonym),
            at=datetime.now(UTC),
            verified=verified,
            trail=told,
            blast=(blast := blast_of(connection, ledger, incident)),
            people=_people(connection, ledger, blast, named=named),
            tasks=tuple(tasks_of(connection, incident.name, done=True)),
            stopped=_stopped(connection, incident),
            withheld=has_line(connection, "p", EVERYONE, incident.target, "read", "deny"),
        )
    ledger.commit(Event("incident.reported", by, id_, {"questions": blast.questions, "named": named}))
    return made


def _verified(engine: Engine) -> tuple[bool, str]:
    try:
        verified = verify(engine)
    except ChainBroken as error:
        return False, str(error)
    return True, f"{verified.records} records verify; the last is {verified.head}"


def _people(connection: Connection, ledger: Ledger, blast: Blast, *, named: bool) -> tuple[Person, ...]:
    known: dict[str, str] = {}
    if named:
        known = {ledger.pseudonym(user): user for user in connection.scalars(select(users.c.id))}
    return tuple(Person(who, known.get(who), many) for who, many in blast.people.most_common())


def _stopped(connection: Connection, incident: Incident) -> tuple[str, ...]:
    held = stop.c.target.in_((incident.target, "all:all")) & stop.c.lifted_at.is_(None)
    return tuple(sorted(set(connection.scalars(select(stop.c.target).where(held)))))


def _of_incident(report: Report) -> dict[str, Json]:
    incident = report.incident
    return {
        "incident": incident.id,
        "kind": incident.kind.value,
        "target": incident.target,
        "reason": incident.reason,
        "since": _iso(incident.since),
        "opened_at": _iso(incident.opened_at),
        "closed_at": _iso(incident.closed_at),
        "closing": incident.closing,
        "at": _iso(report.at),
        "stopped": list(report.stopped),
        "withheld": report.withheld,
        "trail_verifies": report.verified,
        "trail": report.trail,
    }


def _of_blast(report: Report) -> dict[str, Json]:
    blast = report.blast
    sent = [
        {"provider": to.provider, "contract_version": to.version, "model": to.model, "questions": many}
        for to, many in blast.sent_to.most_common()
    ]
    people = [{"pseudonym": one.pseudonym, "user": one.user, "questions": one.questions} for one in report.people]
    return {
        "questions": blast.questions,
        "answered": blast.answered,
        "left": blast.left,
        "characters_left": blast.characters,
        "first_at": _iso(blast.first_at),
        "last_at": _iso(blast.last_at),
        "people": people,
        "labels": dict(blast.labels.most_common()),
        "sent_to": sent,
        "documents": dict(blast.documents.most_common()),
        "redactions": dict(blast.redactions.most_common()),
        "applications": dict(blast.applications.most_common()),
        "acts": dict(blast.acts.most_common()),
        "prompt_hashes": list(blast.hashes),
        "prompt_hashes_left_out": sum(blast.sent_to.values()) - len(blast.hashes),
        "unreadable_records": blast.unreadable,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
