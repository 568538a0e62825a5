"""The brakes over HTTP: what is stopped and started again, and the quotas."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from acl.admin.gate import refusal_recorded
from api.body import OneMeaning
from api.caller import Asked, Body, Calling, Id
from egress.brakes.lifting import ask_to_lift
from egress.brakes.quotas import KIND, NAME, Quotas, quotas_in_force, require_setter, set_quotas
from egress.brakes.stops import MOST_REASON, parse_target, stop, stops_for, unknown
from egress.brakes.usage import usage
from egress.contract.forms import to_json, validated
from egress.contract.register import current
from store.engine import snapshot

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.chain import Json
    from egress.brakes.stops import Stop
    from egress.brakes.usage import Used

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


class QuotasIn(Body):
    """The quotas that are to hold."""

    quotas: dict[str, Any] = Field(
        description="All limits, in the form of `GET /api/v1/quotas`; `ntk quota schema` prints its JSON schema."
    )
    version: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="Change nothing unless this version holds; 0 is the default."
    )


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


@router.get("/quotas")
def get_quotas(caller: Calling) -> JSONResponse:
    """Show the quotas that hold, with their version, for an administrator of the whole."""
    with refusal_recorded(caller.ledger, caller.user, what="quotas"), snapshot(caller.engine) as connection:
        require_setter(connection, caller.user)
        return JSONResponse(quotas_to_json(connection))


@router.put("/quotas")
def put_quotas(body: QuotasIn, caller: Calling) -> JSONResponse:
    """Let other quotas hold, from the next request on; for an administrator of the whole."""
    quotas = validated(Quotas, body.quotas, "quotas")
    made = set_quotas(caller.engine, caller.ledger, caller.user, quotas, version=body.version)
    return JSONResponse({"version": made.version})


@router.get("/quotas/usage")
def get_usage(caller: Calling) -> JSONResponse:
    """List what is used of the quotas, by whom, for an administrator of the whole."""
    with refusal_recorded(caller.ledger, caller.user, what="quotas"), snapshot(caller.engine) as connection:
        found = usage(connection, caller.user, datetime.now(UTC))
    caller.read("quotas")
    return JSONResponse({"items": [used_to_json(one) for one in found], "next": None})


def quotas_to_json(connection: Connection) -> dict[str, Json]:
    """Give the quotas that hold, and their version; 0 where the default holds."""
    kept = current(connection, KIND, NAME)
    return {"version": kept.version if kept else 0, "quotas": to_json(quotas_in_force(connection))}


def used_to_json(one: Used) -> dict[str, Json]:
    """Give what is used of a quota as JSON values."""
    return {
        "measure": one.measure,
        "window": one.window,
        "per": one.per,
        "whose": one.whose,
        "level": one.level,
        "used": one.used,
        "most": one.most,
        "until": one.until.isoformat(timespec="seconds"),
    }


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
