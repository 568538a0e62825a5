"""A stand-in for the API: it streams to the page what a test tells it to, and keeps what the page sent."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId
from api.ask import EVENT_STREAM, to_json
from api.pages import router
from egress.contract.provider import Kind
from egress.extractive import MODEL, NOTES
from egress.route import Route
from egress.types import Citation, Reply
from retrieval.types import ChunkId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import ASGIApp

PROMPT: Final = "Question: who approves travel for USER_7F3K2Q?\n\n[1] Ask USER_7F3K2Q at PHONE_K2P8DD."
_TRAVEL: Final = Citation(
    number=1,
    title="Travel policy",
    excerpt="Marta Holm approves travel. Her number is +44 20 7946 0123.",
    document=DocumentId("doc:travel"),
    chunk=ChunkId("5b0c"),
    start=840,
    end=899,
)
_EXPENSES: Final = Citation(
    number=2,
    title="Expenses",
    excerpt="Receipts are handed in within 30 days.",
    document=DocumentId("doc:expenses"),
    chunk=ChunkId("77aa"),
    start=0,
    end=38,
)
_SENT: Final = Reply(
    outcome="answered",
    answer="Marta Holm approves travel [1].\nReceipts arrive within 30 days [2]. See also [9].",
    citations=(_TRAVEL, _EXPENSES),
    route=Route(rule="confidential with a DPA", provider="Northwind"),
    model="nw-2",
    redactions={"USER": 2, "PHONE": 1},
    label=Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")})),
    prompt=PROMPT,
    warnings=(),
    conversation="c-1",
    audit_id="6f1c1f0e-3c5b",
)
_STAYED: Final = replace(
    _SENT,
    route=Route(rule="trade secrets stay"),
    model=MODEL,
    label=Label(Level.RESTRICTED, frozenset({Compartment("trade-secret.falcon")})),
    warnings=NOTES,
)
_REFUSED: Final = replace(
    _SENT,
    outcome="nothing",
    answer="Nothing that you may read answers this.",
    citations=(),
    route=None,
    model=None,
    redactions={},
    label=PUBLIC,
    prompt=None,
)
REPLY: Final = to_json(_SENT)
LOCAL: Final = to_json(_STAYED)
NOTHING: Final = to_json(_REFUSED)
WAITING: Final = to_json(
    replace(
        _SENT,
        outcome="waiting",
        answer="A second person has to approve what would be sent for this. Nothing was sent yet.",
        citations=(),
        route=Route(rule="gdpr may go to Northwind once a second person has approved the exact bytes",
                    provider="Northwind", approve=True),
        model=None,
        request="7d0c6a52-0f5e-4c7e-9a43-1f0e6f4a9b10",
    )
)  # fmt: skip
OWN: Final = to_json(replace(_STAYED, route=Route(rule="trade secrets stay", provider="own", kind=Kind.LOCAL)))
CITATIONS: Final[list[dict[str, Any]]] = REPLY["citations"]


def standing(state: str = "waiting", **changes: Any) -> dict[str, Any]:
    """Say how it stands with the request of `WAITING`."""
    now = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    times = {"asked_at": now.isoformat(), "expires_at": (now + timedelta(days=3)).isoformat()}
    return {"request": WAITING["request"], "state": state, "question": "Who approves travel?", **times, **changes}


def reply_of(texts: tuple[str, ...]) -> dict[str, Any]:
    """Give a reply that holds these texts wherever it can hold text."""
    citations = [CITATIONS[0] | {"number": n, "title": t, "excerpt": t, "document": t} for n, t in enumerate(texts, 1)]
    everything = "\n".join(texts)
    route = {"decision": everything, "provider": everything, "model": everything, "rule": everything}
    return REPLY | {
        "answer": everything, "citations": citations, "prompt": everything, "warnings": list(texts), "route": route,
        "label": everything, "audit_id": everything, "redactions": dict.fromkeys(texts, 2) | {"constructor": 3},
    }  # fmt: skip


def event(name: str, data: object) -> bytes:
    """Write an event as UTF-8. The API writes ASCII alone; whoever re-encodes it on the way need not."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def whole(reply: dict[str, Any]) -> bytes:
    """Write the stream of an answer, in pieces that cut words and markers."""
    pieces = [reply["answer"][i : i + 9] for i in range(0, len(reply["answer"]), 9)]
    deltas = b"".join(event("delta", {"text": piece}) for piece in pieces)
    return event("stage", {"stage": "searching"}) + deltas + event("done", reply)


def problem(status: int, code: str = "some-code", detail: str = "Some detail.") -> bytes:
    """Write problem details."""
    it = {"type": f"/errors/{code}", "title": f"Title of {status}", "status": status, "detail": detail, "code": code}
    return json.dumps(it).encode()


@dataclass
class StandIn:
    """What is to be answered, and what was asked."""

    body: bytes = whole(REPLY)
    status: int = 200
    media_type: str = EVENT_STREAM
    cut: int = 7  # bytes in a piece
    emergency: list[dict[str, str]] = field(default_factory=list)  # what is open
    requests: list[dict[str, Any]] = field(default_factory=list)  # one's own
    answers: list[tuple[int, bytes]] = field(default_factory=list)  # to POST …/answer, in turn
    api: dict[str, Any] = field(default_factory=dict)  # what a path answers: JSON, or a status with a body
    called: list[str] = field(default_factory=list)  # method and path of all but questions and looks at oneself
    user: str = "user:anna"  # who has signed in
    held: bool = False  # keep the stream open after the body
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    deserted: threading.Event = field(default_factory=threading.Event)

    def other(self, method: str, path: str) -> Response:
        """Answer anything but a question."""
        self.called.append(f"{method} {path}")
        asked = f"{method} /{path}"
        if asked in self.api:
            made = self.api[asked]
            status, body = made if isinstance(made, tuple) else (200, made)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return Response(content, status, media_type="application/json")
        if path == "requests":
            return Response(json.dumps({"items": self.requests, "next": None}))
        if path.endswith("/answer") and self.answers:
            status, body = self.answers.pop(0)
            return Response(body, status, {"Retry-After": "90"} if status == 429 else None)
        for one in self.requests:
            if path == f"requests/{one['request']}":
                return Response(json.dumps(one))
        return Response(problem(404, "not-found"), 404)

    async def answer(self, request: Request) -> Response:
        """Answer a question, whatever it is."""
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("authorization"))
        return StreamingResponse(self._stream(), status_code=self.status, media_type=self.media_type)

    async def _stream(self) -> AsyncIterator[bytes]:
        try:
            for start in range(0, len(self.body), self.cut):
                yield self.body[start : start + self.cut]
                await asyncio.sleep(0)
            if self.held:
                await asyncio.Event().wait()
        finally:
            if self.held:
                self.deserted.set()


def stand_in_app() -> FastAPI:
    """Build the page in front of whatever `app.state.service` answers."""
    app = FastAPI()
    app.include_router(router)

    @app.post("/api/v1/ask")
    async def ask(request: Request) -> Response:
        service: StandIn = request.app.state.service
        return await service.answer(request)

    @app.get("/api/v1/me")
    async def me(request: Request) -> dict[str, Any]:
        service: StandIn = request.app.state.service
        return {"user": service.user, "name": "Anna Berg", "application": "app:http", "emergency": service.emergency}

    @app.api_route("/api/v1/{path:path}", methods=["GET", "POST"])
    async def other(request: Request, path: str) -> Response:
        service: StandIn = request.app.state.service
        return service.other(request.method, path)

    return app


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application on loopback, at a free port; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it listens already: nobody has to wait for the start
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()
