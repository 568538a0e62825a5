"""What two people decide, over HTTP: what waits for a second person, the quarantine, and emergency access."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from acl.admin.breakglass import MOST_MINUTES, none_open, open_accesses
from acl.admin.edits import EndBreakGlass, OpenBreakGlass
from acl.admin.gate import administer, refusal_recorded
from acl.admin.second import approval_for, approvals_for, approve, reject, to_json
from acl.errors import NotAllowed
from acl.insight.listing import Page
from acl.names import ROOT, Obj, parse_name
from api.body import OneMeaning
from api.caller import Body, Calling, Id, Listed, Nothing, made, page
from api.quarantine import held
from api.quarantine import to_json as held_to_json

if TYPE_CHECKING:
    from api.wiring import House

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)


class QuarantineQuery(Listed):
    """Which documents in quarantine are to be listed."""

    collection: str | None = Field(default=None, max_length=140, description="Only those of this collection, by name.")
    after: str = Field(
        default="", max_length=140, pattern=r"^[A-Za-z0-9:]*$", description="The `next` of the page before."
    )


class BreakGlassIn(Body):
    """Emergency access that somebody asks for, for himself."""

    object: str = Field(max_length=140, description="The place: `coll:NAME`, `folder:ID` or `doc:ID`.")
    minutes: int = Field(ge=1, le=MOST_MINUTES, description="How long it is to be open.")
    reason: str = Field(
        min_length=1, max_length=500, pattern=r"^[^\x00]*$", description="Why; a second person reads it."
    )


@router.get("/approvals")
def get_approvals(caller: Calling) -> JSONResponse:
    """List what waits for a second person and the caller has asked for, or may decide on; the oldest first."""
    with caller.acting() as actor:
        connection, kinds = actor.connection, caller.kinds
        found = approvals_for(connection, caller.user, kinds)
        items = [to_json(connection, asked, kinds, whole=False) for asked in found]
    return JSONResponse({"items": items, "next": None})


@router.get("/approvals/{id}")
def get_approval(id: Id, caller: Calling) -> JSONResponse:  # noqa: A002 - the name in the path
    """Show what waits, or what became of it, to who asked for it or may decide on it."""
    with refusal_recorded(caller.ledger, caller.user, what="approval"), caller.acting() as actor:
        asked = approval_for(actor.connection, caller.user, id, caller.kinds)
        return JSONResponse(to_json(actor.connection, asked, caller.kinds))


@router.post("/approvals/{id}/approve")
def post_approve(id: Id, caller: Calling, _body: Nothing | None = None) -> JSONResponse:  # noqa: A002 - the name in the path
    """Agree, as a second person, to what waits; it holds from the next request on."""
    agreed = approve(caller.engine, caller.ledger, caller.user, id, caller.kinds)
    return JSONResponse(dict(agreed.came))


@router.post("/approvals/{id}/reject", status_code=204)
def post_reject(id: Id, caller: Calling, _body: Nothing | None = None) -> Response:  # noqa: A002 - the name in the path
    """Say no, as a second person, to what waits."""
    reject(caller.engine, caller.ledger, caller.user, id, caller.kinds)
    return Response(status_code=204)


@router.get("/quarantine")
def get_quarantine(query: Annotated[QuarantineQuery, Query()], request: Request, caller: Calling) -> JSONResponse:
    """List what is in quarantine and the caller may decide on, by id: where, why, never its text.

    The edits `release-document` and `reject-document` decide.
    """
    house: House = request.app.state.house
    found = sorted(held(house, caller.user, query.collection), key=attrgetter("document"))
    rest = [row for row in found if row.document > query.after]
    items = rest[: query.limit]
    return page(Page(tuple(items), items[-1].document if len(rest) > len(items) else None), held_to_json)


@router.post("/break-glass", status_code=202)
def post_break_glass(body: BreakGlassIn, caller: Calling) -> JSONResponse:
    """Ask for access to a place in an emergency, for oneself. It waits for a second person."""
    place = Obj(parse_name(body.object, frozenset({"coll", "folder", "doc"})))
    edit = OpenBreakGlass(caller.user, place, body.minutes)
    return made(administer(caller.engine, caller.ledger, caller.user, [edit], reason=body.reason))


@router.get("/break-glass")
def get_break_glass(caller: Calling) -> JSONResponse:
    """List the emergency access that is open: one's own, and everybody's for an administrator of the whole."""
    with caller.acting() as actor:
        opened = open_accesses(actor.connection, None if actor.manages(ROOT) else caller.user)
    items = [
        {"id": one.id, "user": one.user, "object": one.object, "ends_at": one.ends_at.isoformat(timespec="seconds")}
        for one in opened
    ]
    return JSONResponse({"items": items, "next": None})


@router.delete("/break-glass/{id}")
def delete_break_glass(id: Id, caller: Calling) -> JSONResponse:  # noqa: A002 - the name in the path
    """End an emergency access before its time: one's own, or at a place that one manages."""
    try:
        return made(administer(caller.engine, caller.ledger, caller.user, [EndBreakGlass(id)]))
    except NotAllowed as error:
        raise none_open() from error
