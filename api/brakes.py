"""The brakes over HTTP: what is stopped and started again, and the quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from api.body import OneMeaning
from api.caller import Asked, Body, Calling, Id
from egress.brakes.lifting import ask_to_lift
from egress.brakes.stops import MOST_REASON, parse_target, stop, stops_for, unknown
from store.engine import snapshot

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.chain import Json
    from egress.brakes.stops import Stop

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)


class StopIn(Body):
    """What is to be stopped, at once."""

    target: str = Field(max_length=140, description="`user:ID`, `app:NAME`, `provider:NAME`, or `all`.")
    reason: str = Field(
        min_length=1, max_length=MOST_REASON, pattern=r"^[^\x00]*$", description="Why; administrators read it."
    )


class LiftIn(Body):
    """Why something may start again."""

    reason: str = Field(
        min_length=1, max_length=MOST_REASON, pattern=r"^[^\x00]*$", description="Why; a second person reads it."
    )


class StopsQuery(Asked):
    """Which stops are to be listed."""

    lifted: bool = Field(default=False, description="Also those that are in force no longer.")


@router.post("/stops", status_code=201)
def post_stop(body: StopIn, caller: Calling) -> JSONResponse:
    """Stop a person, an application, a provider or everything: with the next statement, in every worker."""
    made = stop(caller.engine, caller.ledger, caller.user, parse_target(body.target), body.reason)
    with snapshot(caller.engine) as connection:
        warnings: list[Json] = [*warnings_of(connection, made)]
    return JSONResponse({**stop_to_json(made), "warnings": warnings}, status_code=201)


@router.get("/stops")
def get_stops(query: Annotated[StopsQuery, Query()], caller: Calling) -> JSONResponse:
    """List what is stopped and the caller might have stopped, the oldest first."""
    with caller.acting() as actor:
        found = stops_for(actor.connection, caller.user, lifted=query.lifted)
    return JSONResponse({"items": [stop_to_json(made) for made in found], "next": None})


@router.post("/stops/{id}/lift", status_code=202)
def post_lift(id: Id, body: LiftIn, caller: Calling) -> JSONResponse:  # noqa: A002 - the name in the path
    """Ask for a stop to be lifted. It waits for a second person, who did not make it."""
    asked = ask_to_lift(caller.engine, caller.ledger, caller.user, id, body.reason)
    expires_at = asked.expires_at.isoformat(timespec="seconds")
    told = {"approval": asked.id, "reasons": list(asked.reasons), "expires_at": expires_at}
    return JSONResponse(told, status_code=202)


def warnings_of(connection: Connection, made: Stop) -> list[str]:
    """Give what somebody should know of a stop that he has just made."""
    return [f"nothing is registered as {made.target}: is this its name?"] if unknown(connection, made.target) else []


def stop_to_json(made: Stop) -> dict[str, Json]:
    """Give a stop as JSON values."""
    return {
        "id": made.id,
        "target": made.target,
        "reason": made.reason,
        "made_by": made.made_by,
        "made_at": made.made_at.isoformat(timespec="seconds"),
        "lifted_by": made.lifted_by,
        "lifted_at": None if made.lifted_at is None else made.lifted_at.isoformat(timespec="seconds"),
    }
