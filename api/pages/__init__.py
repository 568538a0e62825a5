"""The pages that people see: rendered here, empty of data, open to anybody who reaches the service.

A page holds no answer and no name. What a reader may see comes later, over the API, with his key.
"""

from __future__ import annotations

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

_HERE: Final = Path(__file__).parent
_SCRIPTS: Final = (
    "chat", "emergency", "page", "problem", "reply", "service", "stream", "text", "tokens", "waiting",
)  # fmt: skip
_STYLES: Final = ("chat", "page")
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
    """Show the chat page."""
    return HTMLResponse(_templates.get_template("chat.html").render(limit=MAX_QUESTION))


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
