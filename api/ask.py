"""The ask door: what comes in, who asks, what goes out as JSON or as a stream of events."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from acl.decision import Principal  # noqa: TC001 - FastAPI reads the annotation
from api.auth import principal_of
from api.body import OneMeaning
from api.caller import Id, Nothing  # noqa: TC001 - FastAPI reads the annotations
from api.errors import problem, report
from egress.answer import answer, answer_approved, new_ask_id
from egress.brakes.counters import headers
from egress.types import Ask
from retrieval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from egress.answer import Edges
    from egress.requests import Standing
    from egress.types import Reply

EVENT_STREAM: Final = "text/event-stream"
MAX_EPOCH: Final = 2**63 - 1  # what the database can count to

router = APIRouter(prefix="/api/v1", route_class=OneMeaning)


class AskIn(BaseModel):
    """A question. Who asks stands in the credentials alone; a body cannot name anybody."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: str = Field(max_length=100_000)  # the flow refuses far earlier, with a message and a record
    conversation: Annotated[UUID, Field(strict=False)] | None = None
    collection: str | None = Field(default=None, max_length=140)
    min_epoch: int | None = Field(default=None, ge=0, le=MAX_EPOCH)


@router.post("/ask")
def post_ask(body: AskIn, request: Request, principal: Annotated[Principal, Depends(principal_of)]) -> Response:
    """Answer a question from what the asker may read, with citations.

    With `Accept: text/event-stream`, the checked answer comes as events: `stage`, `delta`, `done`, `error`.
    """
    ask = to_ask(body, principal, address_of(request))
    edges: Edges = request.app.state.house.answering
    if EVENT_STREAM in request.headers.get("accept", ""):
        return StreamingResponse(_events(ask, edges), media_type=EVENT_STREAM)
    return shown(answer(ask, edges))


@router.get("/requests")
def get_requests(request: Request, principal: Annotated[Principal, Depends(principal_of)]) -> JSONResponse:
    """List one's own requests that waited, or wait, for a second person; the newest first."""
    edges: Edges = request.app.state.house.answering
    items = [standing_to_json(standing) for standing in edges.requests.standings(principal.user)]
    return JSONResponse({"items": items, "next": None})


@router.get("/requests/{id}")
def get_request(id: Id, request: Request, principal: Annotated[Principal, Depends(principal_of)]) -> JSONResponse:  # noqa: A002 - the name in the path
    """Say how it stands with one of one's own requests: waiting, approved, rejected, expired, sent."""
    edges: Edges = request.app.state.house.answering
    return JSONResponse(standing_to_json(edges.requests.standing(principal.user, id)))


@router.post("/requests/{id}/answer")
def post_answer(
    id: Id,  # noqa: A002 - the name in the path
    request: Request,
    principal: Annotated[Principal, Depends(principal_of)],
    _body: Nothing | None = None,
) -> Response:
    """Send a request that a second person has approved, once, and give its answer.

    All rights are decided on anew. If what would be sent is no longer what was approved, nothing is sent.
    """
    edges: Edges = request.app.state.house.answering
    return shown(answer_approved(Ask(principal, "", new_ask_id(), address=address_of(request)), id, edges))


def shown(reply: Reply) -> JSONResponse:
    """Give a reply as a response: 202 with the place of the request where a second person has to approve it."""
    counted = headers(reply.standings)
    if reply.request is None:
        return JSONResponse(to_json(reply), headers=counted)
    place = {"Location": f"/api/v1/requests/{reply.request}"}
    return JSONResponse(to_json(reply), status_code=202, headers={**counted, **place})


def address_of(request: Request) -> str:
    """Give the address of the client, as the connection has it: no header can claim another."""
    return request.client.host if request.client else "unknown"


def standing_to_json(standing: Standing) -> dict[str, Any]:
    """Give how it stands with a request as JSON values."""
    return {
        "request": standing.id,
        "state": standing.state,
        "asked_at": standing.asked_at.isoformat(timespec="seconds"),
        "expires_at": standing.expires_at.isoformat(timespec="seconds"),
        "question": standing.question,
    }


def to_ask(body: AskIn, principal: Principal, address: str) -> Ask:
    """Turn a request into a question of the flow."""
    conversation = str(body.conversation) if body.conversation else None
    return Ask(principal, body.question, new_ask_id(), conversation, body.collection, body.min_epoch, address)


def to_json(reply: Reply) -> dict[str, Any]:
    """Give a reply as the interface shows it."""
    route = reply.route
    decision = "none" if route is None else "approve" if reply.request else "provider" if route.leaves else "local"
    return {
        "answer": reply.answer,
        "citations": [
            {
                "number": citation.number,
                "title": citation.title,
                "excerpt": citation.excerpt,
                "document": citation.document,
                "chunk": citation.chunk,
                "start": citation.start,
                "end": citation.end,
                "headings": list(citation.headings),
                "date": citation.dated.date().isoformat() if citation.dated else None,
            }
            for citation in reply.citations
        ],
        "outcome": reply.outcome,
        "route": {
            "decision": decision,
            "provider": route.provider if route else None,
            "model": reply.model,
            "rule": route.rule if route else "",
        },
        "redactions": dict(reply.redactions),
        "label": str(reply.label),
        "prompt": reply.prompt,
        "left": route is not None and route.leaves and reply.outcome == "answered",
        "request": reply.request,
        "warnings": list(reply.warnings),
        "understood_as": reply.understood_as,
        "conversation": reply.conversation,
        "audit_id": reply.audit_id,
    }


def _events(ask: Ask, edges: Edges) -> Iterator[str]:
    """Stream a reply. Nothing is shown before the whole of it was checked: half an answer cannot be taken back."""
    yield _event("stage", {"stage": "searching"})
    try:
        reply = answer(ask, edges)
    except Exception as error:  # noqa: BLE001 - the response has begun: every failure must end in an event
        report(error)
        yield _event("error", problem(error))
        return
    for piece in _pieces(reply.answer):
        yield _event("delta", {"text": piece})
    yield _event("done", to_json(reply))


def _event(name: str, data: dict[str, Any]) -> str:
    # ASCII JSON holds no line break of any kind, so no text can end the event or begin another.
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=True)}\n\n"


def _pieces(text: str) -> Iterator[str]:
    """Cut a text after each sentence; the pieces together are the text."""
    cuts = [0, *(end for _, end in sentences(text)), len(text)]
    for start, end in pairwise(cuts):
        if end > start:
            yield text[start:end]
