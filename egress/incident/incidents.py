"""Incidents: opened, which stops what is about to go wrong, and closed, with what was learnt.

    open_incident(engine, ledger, by, Kind.PROVIDER_BREACH, "provider:acme", since, "they wrote to us")

What an incident stops stays so when it is closed: to start it again takes a second person.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from acl.admin.change import unnamed
from acl.admin.edits import AddRule
from acl.admin.gate import administer, refusal_recorded
from acl.admin.people import require_user
from acl.errors import UnknownName
from acl.names import EVERYONE, Obj, UserId, parse_name
from acl.read import what_at
from audit.ledger import Event
from egress.brakes.stops import ALL, put_stop
from egress.errors import BadIncident, BadRecord, NoSuchIncident
from egress.incident.allowed import require_manager
from egress.incident.blast import providers_reached
from egress.incident.clock import duties_to, first_duty
from egress.incident.tasks import Task, provider_named, put_task
from store.engine import snapshot, write
from store.schema import incident as incidents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Engine, Row

    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.incident.clock import Duty

MOST_REASON: Final = 500  # characters
_STOPPED: Final = frozenset({"provider", "app", "user", "all"})  # what the kill switch stops
_WITHHELD: Final = frozenset({"doc", "coll"})  # what nobody may read for the time being


class Kind(StrEnum):
    """What went wrong."""

    LEAKED_KEY = "leaked-key"
    PROVIDER_BREACH = "provider-breach"
    WRONG_PERMISSION = "wrong-permission"
    INJECTED_DOCUMENT = "injected-document"
    OTHER = "other"


# What an incident of each kind may be about.
TARGETS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.LEAKED_KEY: _STOPPED,
    Kind.PROVIDER_BREACH: frozenset({"provider", "all"}),
    Kind.WRONG_PERMISSION: frozenset({"doc", "coll", "user", "app", "all"}),
    Kind.INJECTED_DOCUMENT: frozenset({"doc", "coll", "all"}),
    Kind.OTHER: _STOPPED | _WITHHELD,
}


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that went wrong, or may have."""

    id: str
    kind: Kind
    target: str  # provider:…, app:…, user:…, doc:…, coll:… or all:all
    reason: str
    since: datetime  # from when on
    opened_by: str
    opened_at: datetime  # the clock of notification begins here
    closed_by: str | None = None
    closed_at: datetime | None = None
    closing: str | None = None  # why, and what was learnt

    @property
    def name(self) -> str:
        """What its tasks belong to."""
        return f"incident:{self.id}"


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of opening an incident."""

    incident: Incident
    stopped: str | None  # by the kill switch
    withheld: str | None  # from everybody, by a rule
    tasks: tuple[Task, ...]


def parse_target(kind: Kind, text: str) -> str:
    """Give what an incident is about; `all` is everything.

    Raises:
        BadName: It is no name.
        BadIncident: An incident of this kind is about something else.
    """
    target = ALL if text in ("all", ALL) else parse_name(text, _STOPPED | _WITHHELD)
    if target.partition(":")[0] not in TARGETS[kind]:
        fits = ", ".join(sorted(TARGETS[kind]))
        raise BadIncident(f"{kind} is not about {target}: it is about {fits} (all: everything)")
    return target


def open_incident(
    engine: Engine, ledger: Ledger, by: UserId, kind: Kind, target: str, *, since: datetime, reason: str
) -> Opened:
    """Stop what an incident is about, write the incident down, and who is to be told by when.

    A provider, an application, a person or everything is stopped by the kill switch; a document or a collection is
    withheld from everybody by a rule that denies. Both hold from the next request on.

    Args:
        engine: Where everything is.
        ledger: Gets a line for each part; the reason stays out of it.
        by: Who opens it.
        kind: What went wrong.
        target: What it is about, as `parse_target` gives it.
        since: From when on things may have gone wrong; not in the future.
        reason: What is known.

    Raises:
        NotAllowed: He does not manage the whole.
        BadIncident: It begins in the future.
        UnknownName: There is no such person, document or collection.
        StoreDown, AuditDown: No incident was opened. A document may be withheld all the same.
    """
    now = datetime.now(UTC)
    if since > now + timedelta(minutes=5):  # clocks differ
        raise BadIncident("it begins in the future: name a time from which on things may have gone wrong")
    opened = Incident(str(uuid.uuid4()), kind, target, reason[:MOST_REASON], since, by, now)
    with refusal_recorded(ledger, by, what="incident"):
        with snapshot(engine) as connection:
            require_manager(connection, by)
            _require_there(connection, target)
        withheld = _withhold(engine, ledger, by, opened)
        with write(engine) as connection:
            require_manager(connection, by)
            tasks = _write_down(connection, ledger, opened, withheld=withheld is not None)
        if not target.startswith("provider:"):
            # All is stopped already: to read the trail takes seconds where it is long.
            with snapshot(engine) as connection:
                reached = providers_reached(connection, ledger, opened)
            with write(engine) as connection:
                tasks += _written(connection, ledger, opened, _duties(connection, opened, reached))
    stopped = target if _is_stopped(target) else None
    return Opened(opened, stopped, withheld, tuple(sorted(tasks, key=lambda task: task.due_at)))


def close_incident(engine: Engine, ledger: Ledger, by: UserId, id_: str, reason: str) -> Incident:
    """Close an incident. What it stopped stays stopped.

    Raises:
        NotAllowed: He does not manage the whole.
        NoSuchIncident: None of this id is open.
        BadIncident: There is no reason.
    """
    if not reason.strip():
        raise BadIncident("say why it is closed, and what was learnt")
    with refusal_recorded(ledger, by, what="incident"), write(engine) as connection:
        require_manager(connection, by)
        still = incidents.c.id == id_, incidents.c.closed_at.is_(None)
        closed = {"closed_by": by, "closed_at": datetime.now(UTC), "closing": reason[:MOST_REASON]}
        if not connection.execute(update(incidents).where(*still).values(closed)).rowcount:
            raise NoSuchIncident("no incident of this id is open")
        ledger.append(connection, Event("incident.closed", by, id_, {}))
        return one_incident(connection, id_)


def one_incident(connection: Connection, id_: str) -> Incident:
    """Give an incident, open or closed.

    Raises:
        NoSuchIncident: There is none of this id.
    """
    row = connection.execute(select(incidents).where(incidents.c.id == id_)).one_or_none()
    if row is None:
        raise NoSuchIncident("there is no incident of this id")
    return _incident(row)


def all_incidents(connection: Connection, *, closed: bool = False) -> list[Incident]:
    """Give the incidents that are open, and those that are closed on request; the oldest first."""
    rows = select(incidents).order_by(incidents.c.opened_at, incidents.c.id)
    found = connection.execute(rows if closed else rows.where(incidents.c.closed_at.is_(None)))
    return [_incident(row) for row in found]


def moment_of(text: str) -> datetime:
    """Read a day, or a time, of which nothing else is said in UTC.

    Raises:
        BadIncident: It is none.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadIncident(f"{text!r} is no time: write 2026-11-20, or 2026-11-20T08:30") from error
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _write_down(connection: Connection, ledger: Ledger, opened: Incident, *, withheld: bool) -> list[Task]:
    """Stop what an incident is about and write it down, all together."""
    if _is_stopped(opened.target):
        put_stop(connection, ledger, opened.opened_by, opened.target, f"incident {opened.id}: {opened.reason}")
    connection.execute(insert(incidents).values(_row(opened)))
    told: dict[str, Json] = {"kind_of": opened.kind.value, "target": unnamed(opened.target, ledger.pseudonym)}
    told |= {"since": opened.since.isoformat(timespec="seconds"), "withheld": withheld}
    ledger.append(connection, Event("incident.opened", opened.opened_by, opened.id, told))
    kind, _, name = opened.target.partition(":")
    about = [name] if kind == "provider" else []
    return _written(connection, ledger, opened, [first_duty(opened.opened_at), *_duties(connection, opened, about)])


def _is_stopped(target: str) -> bool:
    return target.partition(":")[0] in _STOPPED


def _withhold(engine: Engine, ledger: Ledger, by: UserId, opened: Incident) -> str | None:
    if opened.target.partition(":")[0] not in _WITHHELD:
        return None
    rule = AddRule(EVERYONE, Obj(opened.target), "read", "deny")
    administer(engine, ledger, by, [rule], reason=f"incident {opened.id}")
    return opened.target


def _duties(connection: Connection, opened: Incident, names: Iterable[str]) -> list[Duty]:
    records = []
    for name in sorted(names):
        with suppress(BadRecord):  # a record that cannot be read stops nothing from being stopped
            records += [found] if (found := provider_named(connection, name)) else []
    return list(duties_to(records, opened.opened_at, opened.since))


def _written(connection: Connection, ledger: Ledger, opened: Incident, duties: Iterable[Duty]) -> list[Task]:
    return [
        put_task(connection, ledger, opened.opened_by, duty.kind, opened.name, detail=duty.detail, due_at=duty.due_at)
        for duty in duties
    ]


def _require_there(connection: Connection, target: str) -> None:
    # Providers and applications are stopped whether or not they are registered: a stop too many does no harm.
    kind = target.partition(":")[0]
    if kind == "user":
        require_user(connection, UserId(target))
    if kind in _WITHHELD and not what_at(connection, target).scopes:
        raise UnknownName(f"there is no {target}")


def _row(opened: Incident) -> dict[str, Any]:
    return {name: getattr(opened, name) for name in ("id", "target", "reason", "since", "opened_by", "opened_at")} | {
        "kind": opened.kind.value
    }


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        kind=Kind(row.kind),
        target=row.target,
        reason=row.reason,
        since=row.since,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        closing=row.closing,
    )
