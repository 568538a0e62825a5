"""Incidents, what is to be done, and what is purged, over HTTP; and how the command line shows the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import AwareDatetime, Field, Strict

from acl.admin.gate import refusal_recorded
from acl.names import UserId, parse_name
from api.body import OneMeaning
from api.caller import Asked, Body, Calling, Id, Nothing
from api.errors import BadRequest
from egress.incident.allowed import require_manager, require_reader
from egress.incident.incidents import Kind, all_incidents, close_incident, open_incident, parse_target
from egress.incident.report import report
from egress.incident.tasks import ask_for_purge, finish, tasks_of
from egress.incident.written import markdown
from egress.retention import purge, purge_person
from store.engine import snapshot

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from api.wiring import House
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.incident.incidents import Incident, Opened
    from egress.incident.tasks import Task
    from egress.retention import Purged
    from redaction.keeping import Keeping

RUNBOOKS: Final = PurePosixPath("deploy/runbooks")
_OTHERWISE: Final = "docs/how-to/handle-an-incident.md"
_REASON: Final = Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$", description="Why.")
_Time = Annotated[AwareDatetime, Strict(strict=False)]

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)


# --- for every door -------------------------------------------------------------------------------


def now_is() -> datetime:
    """Give the time by which something is overdue."""
    return datetime.now(UTC)


def runbook_of(kind: Kind) -> str:
    """Give the page that says what to do next, from the top of the repository."""
    return _OTHERWISE if kind is Kind.OTHER else str(RUNBOOKS / f"{kind}.md")


def incident_to_json(incident: Incident) -> dict[str, Json]:
    """Give an incident as JSON shows it."""
    return {
        "incident": incident.id,
        "kind": incident.kind.value,
        "target": incident.target,
        "reason": incident.reason,
        "since": incident.since.isoformat(timespec="seconds"),
        "opened_by": incident.opened_by,
        "opened_at": incident.opened_at.isoformat(timespec="seconds"),
        "closed_by": incident.closed_by,
        "closed_at": incident.closed_at.isoformat(timespec="seconds") if incident.closed_at else None,
        "closing": incident.closing,
        "runbook": runbook_of(incident.kind),
    }


def opened_to_json(opened: Opened) -> dict[str, Json]:
    """Give what came of opening an incident as JSON shows it."""
    now = opened.incident.opened_at
    return {
        **incident_to_json(opened.incident),
        "stopped": opened.stopped,
        "withheld": opened.withheld,
        "tasks": [task.to_json(now) for task in opened.tasks],
    }


def incidents_for(engine: Engine, ledger: Ledger, by: UserId, *, closed: bool) -> list[Incident]:
    """Give the incidents to who may know of them.

    Raises:
        NotAllowed: He may neither manage nor audit the whole.
    """
    with refusal_recorded(ledger, by, what="incident"), snapshot(engine) as connection:
        require_reader(connection, by)
        return all_incidents(connection, closed=closed)


def tasks_for(engine: Engine, ledger: Ledger, by: UserId, *, done: bool) -> list[Task]:
    """Give what is to be done to who may know of it.

    Raises:
        NotAllowed: He may neither manage nor audit the whole.
    """
    with refusal_recorded(ledger, by, what="task"), snapshot(engine) as connection:
        require_reader(connection, by)
        return tasks_of(connection, done=done)


def purged_for(
    engine: Engine, ledger: Ledger, by: UserId, keeping: Keeping, *, user: str | None = None, dry_run: bool = False
) -> Purged:
    """Purge what has ended, or all that is kept of one person's questions, for who manages the whole.

    Raises:
        NotAllowed: He does not.
        BadName: The person is no name.
        BadRequest: One person's cannot only be counted.
    """
    with refusal_recorded(ledger, by, what="purge"), snapshot(engine) as connection:
        require_manager(connection, by)
    if user is None:
        return purge(engine, ledger, keeping, by, dry_run=dry_run)
    if dry_run:
        raise BadRequest("what is kept of one person is deleted, not counted: leave the dry run away")
    return purge_person(engine, ledger, UserId(parse_name(user, frozenset({"user"}))), by)


# --- over HTTP ------------------------------------------------------------------------------------


class IncidentIn(Body):
    """Something that went wrong, or may have."""

    kind: Literal["leaked-key", "provider-breach", "wrong-permission", "injected-document", "other"] = Field(
        description="What went wrong."
    )
    target: str = Field(
        max_length=140,
        description="What it is about: `provider:NAME`, `app:NAME`, `user:ID`, `doc:ID`, `coll:NAME`, or `all`.",
    )
    since: _Time = Field(description="From when on things may have gone wrong.")
    reason: str = _REASON


class ClosingIn(Body):
    """The end of an incident."""

    reason: str = _REASON


class IncidentsQuery(Asked):
    """Which incidents are to be listed."""

    closed: bool = Field(default=False, description="Also those that are closed.")


class ReportQuery(Asked):
    """In which form a report is wanted."""

    form: Literal["json", "markdown"] = Field(
        default="json", description="`markdown` answers what GDPR, Article 33 (3), asks, and names nobody who asked."
    )


class TasksQuery(Asked):
    """Which tasks are to be listed."""

    done: bool = Field(default=False, description="Also what was done.")


class ProviderPurgeIn(Body):
    """What a provider is to be asked to delete."""

    provider: str = Field(max_length=120, description="Its name, alone.")
    since: _Time = Field(description="What it was sent from then on.")


class PurgeIn(Body):
    """What is to be purged: all that has ended."""

    user: str | None = Field(
        default=None, max_length=140, description="All that is kept of this person's questions, `user:ID`, instead."
    )
    dry_run: bool = Field(default=False, description="Only count it.")


@router.post("/incidents", status_code=201)
def post_incident(body: IncidentIn, caller: Calling) -> JSONResponse:
    """Open an incident, for who manages the whole: stop what it is about, and write down who is to be told by when."""
    kind = Kind(body.kind)
    target = parse_target(kind, body.target)
    opened = open_incident(
        caller.engine, caller.ledger, caller.user, kind, target, since=body.since, reason=body.reason
    )
    return JSONResponse(opened_to_json(opened), status_code=201)


@router.get("/incidents")
def get_incidents(query: Annotated[IncidentsQuery, Query()], caller: Calling) -> JSONResponse:
    """List the incidents that are open, the oldest first, for who may manage or audit the whole."""
    found = incidents_for(caller.engine, caller.ledger, caller.user, closed=query.closed)
    return JSONResponse({"items": [incident_to_json(one) for one in found], "next": None})


@router.get("/incidents/{id}")
def get_incident(id: Id, query: Annotated[ReportQuery, Query()], caller: Calling) -> Response:  # noqa: A002 - the name in the path
    """Report how far an incident reached, out of the trail, which is verified first; names are for who may audit."""
    made = report(caller.engine, caller.ledger, caller.user, id)
    if query.form == "markdown":
        return PlainTextResponse(markdown(made), media_type="text/markdown")
    return JSONResponse(made.to_json())


@router.post("/incidents/{id}/close")
def post_incident_close(id: Id, body: ClosingIn, caller: Calling) -> JSONResponse:  # noqa: A002 - the name in the path
    """Close an incident, for who manages the whole. What it stopped stays so until two people start it again."""
    return JSONResponse(incident_to_json(close_incident(caller.engine, caller.ledger, caller.user, id, body.reason)))


@router.get("/tasks")
def get_tasks(query: Annotated[TasksQuery, Query()], caller: Calling) -> JSONResponse:
    """List what is to be done outside of the service, and what is overdue, that which is due first in front."""
    now = now_is()
    found = tasks_for(caller.engine, caller.ledger, caller.user, done=query.done)
    return JSONResponse({"items": [task.to_json(now) for task in found], "next": None})


@router.post("/tasks/{id}/done")
def post_task_done(id: Id, caller: Calling, _body: Nothing | None = None) -> JSONResponse:  # noqa: A002 - the name in the path
    """Write down that a task was done, for who manages the whole."""
    return JSONResponse(finish(caller.engine, caller.ledger, caller.user, id).to_json(now_is()))


@router.post("/purge")
def post_purge(body: PurgeIn, request: Request, caller: Calling) -> JSONResponse:
    """Purge what has ended, for who manages the whole, and say how much it was, by kind and level."""
    house: House = request.app.state.house
    keeping = house.settings.retention.keeping()
    purged = purged_for(caller.engine, caller.ledger, caller.user, keeping, user=body.user, dry_run=body.dry_run)
    return JSONResponse(purged.to_json())


@router.post("/purge/provider", status_code=201)
def post_provider_purge(body: ProviderPurgeIn, caller: Calling) -> JSONResponse:
    """Write down, for who manages the whole, that a provider is to be asked to delete what it keeps."""
    task = ask_for_purge(caller.engine, caller.ledger, caller.user, body.provider, body.since)
    return JSONResponse(task.to_json(now_is()), status_code=201)
