"""What is the caller's own, over HTTP: who he is, and his API keys."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from acl.admin.breakglass import open_accesses
from acl.admin.keys import make_key, revoke_keys, shown
from acl.admin.people import name_of
from api.body import OneMeaning
from api.caller import Body, Calling, Id
from egress.incident.secrets import owners_tasks

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)


class KeyIn(Body):
    """What a key is to be for."""

    application: str | None = Field(
        default=None, max_length=140, description="The application that asks with it, `app:NAME`; else, any door."
    )


@router.get("/me")
def get_me(caller: Calling) -> JSONResponse:
    """Say who the caller is, how he asks, what is open to him in an emergency, and what his documents ask of him."""
    with caller.acting() as actor:
        name = name_of(actor.connection, caller.user)
        opened = open_accesses(actor.connection, caller.user) if actor.who.principals else []
        due = owners_tasks(actor.connection, caller.user) if actor.who.principals else []
    emergency = [{"object": one.object, "ends_at": one.ends_at.isoformat(timespec="seconds")} for one in opened]
    now = datetime.now(UTC)
    return JSONResponse(
        {
            "user": caller.user,
            "name": name,
            "application": caller.principal.application,
            "emergency": emergency,
            "tasks": [task.to_json(now) for task in due],
        }
    )


@router.post("/keys", status_code=201)
def post_keys(caller: Calling, body: KeyIn | None = None) -> JSONResponse:
    """Make an API key for oneself, and show it once."""
    application = body.application if body else None
    key = make_key(caller.engine, caller.ledger, caller.user, caller.user, application)
    return JSONResponse({"key": key, "prefix": shown(key)}, status_code=201)


@router.delete("/keys/{prefix}", status_code=204)
def delete_keys(prefix: Id, caller: Calling) -> Response:
    """Revoke a key by the first ten characters of it: one's own, and anybody's as an administrator of the whole."""
    revoke_keys(caller.engine, caller.ledger, caller.user, prefix)
    return Response(status_code=204)
