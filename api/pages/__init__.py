"""The pages that people see: rendered here, empty of data, open to anybody who reaches the service.

A page holds no answer and no name. What a reader may see comes later, over the API, with his key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders

from egress.answer import MAX_QUESTION

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Two lines need a word. form-action: without its script the sign-in form would put the key into the address.
# Trusted types: innerHTML throws, so a slip in the script cannot become a hole.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of the page at one of its addresses."""

    path: str
    link: str  # in the navigation
    title: str
    heading: str  # before the sign-in
    lead: str


VIEWS: Final = {
    "chat": View(
        path="/",
        link="Ask",
        title="Need to Know",
        heading="Ask what you need to know.",
        lead="Each answer is built only from documents that you may read. It names its sources, and it shows word for "
        "word what left for a language model.",
    ),
    "approvals": View(
        path="/approvals",
        link="Approvals",
        title="Approvals · Need to Know",
        heading="Be the second person.",
        lead="You see to the letter what would leave, or what would change, and nothing happens until you agree.",
    ),
    "matrix": View(
        path="/matrix",
        link="Matrix",
        title="Matrix · Need to Know",
        heading="See who may get what.",
        lead="Which texts may go to which provider, what its contract has to say for it, and which gates are open.",
    ),
}

_HERE: Final = Path(__file__).parent
_SCRIPTS: Final = (
    "approvals", "chat", "emergency", "gates", "kinds", "matrix", "page", "problem", "reply", "service", "stream",
    "table", "text", "tokens", "waiting",
)  # fmt: skip
_STYLES: Final = ("chat", "desk", "page")
_MEDIA_TYPES: Final = {
    **{f"{name}.js": "text/javascript" for name in _SCRIPTS},
    **{f"{name}.css": "text/css" for name in _STYLES},
    "icon.svg": "image/svg+xml",
}
_templates: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
)

router = APIRouter(include_in_schema=False)


@router.get("/")
def chat() -> HTMLResponse:
    """Show the page with the conversation."""
    return _page("chat")


@router.get("/approvals")
def approvals() -> HTMLResponse:
    """Show the page with what waits for a second person."""
    return _page("approvals")


@router.get("/matrix")
def matrix() -> HTMLResponse:
    """Show the page with the matrix and the gates."""
    return _page("matrix")


def _page(view: str) -> HTMLResponse:
    """Give the one page. It opens with a view, and changes it without losing the key that is in its memory."""
    return HTMLResponse(_templates.get_template("page.html").render(limit=MAX_QUESTION, views=VIEWS, view=view))


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Give one of the page's own files.

    The names are a fixed table, so no path of a request ever reaches the file system.
    """
    if name not in _MEDIA_TYPES:
        raise HTTPException(404)
    return Response((_HERE / "static" / name).read_bytes(), media_type=_MEDIA_TYPES[name])


def security_headers(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that every response of it carries `HEADERS`, whatever it set itself.

    Wrap the finished application. Added with `add_middleware` it would stand inside of the part that
    answers for an unhandled error, and that one response would go out without them.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, send_guarded)

    return guarded
