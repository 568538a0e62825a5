"""The application factory: routes, limits, and how errors are shown."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api import ask, brakes, deciding, files, incidents, intake, matrix, own, pages, policy, records
from api.admission import Admission
from api.ending import warning
from api.errors import ERRORS, BadRequest, NotReady, NotSignedIn, problem, report
from api.gangway import Gangway
from api.purging import purging
from api.tidying import tidying
from api.wiring import require_whole_index
from audit.ledger import Event
from egress.errors import PolicyBehind, QuotaExceeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.wiring import House

PROBLEM: Final = "application/problem+json"
HEADERS: Final[Mapping[type[Exception], dict[str, str]]] = {
    NotSignedIn: {"WWW-Authenticate": "Bearer"},
    PolicyBehind: {"Retry-After": "1"},  # seconds
}
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def create_app(house: House, hosts: Sequence[str] = LOOPBACK) -> ASGIApp:
    """Build the service on an open installation.

    Args:
        house: Open, and closed by the caller after the service has stopped.
        hosts: The host names that a request may be addressed to.
    """

    @asynccontextmanager
    async def warm(_app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(house.embed, ["warm"])  # the first question should not pay for the model
        purge, warn = purging(house), warning(house.store.engine)

        def beside() -> None:
            house.intake.finish()
            purge()
            warn()

        # Other processes change the policy beside this one; what comes in is tidied beside it.
        with house.retagger.following(also=beside), tidying(house.index, house.intake.edges.require_room):
            yield

    # Without redirects from one spelling of a path to another, which would have the key sent twice.
    app = FastAPI(title="Need to Know", openapi_url=None, redirect_slashes=False, lifespan=warm)
    app.state.house = house
    app.state.gangway = Gangway()
    app.add_middleware(Admission, hosts=hosts, refuse=_on_http, longer=intake.LONGER)
    for routes in (ask, policy, files, deciding, brakes, incidents, intake, matrix, own, records, pages):
        app.include_router(routes.router)
    app.add_api_route("/healthz", _healthz)
    app.add_api_route("/readyz", _readyz)
    for error in (*ERRORS, Exception):
        app.add_exception_handler(error, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    return pages.security_headers(_quiet(app))


def _quiet(app: ASGIApp) -> ASGIApp:
    """Swallow an error that was answered and reported: the server would print its text, whatever that holds."""

    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception:
            if scope["type"] != "http":
                raise

    return quiet


async def _healthz() -> dict[str, str]:  # async: it must not wait for a thread while models are slow
    """Say that the process is alive; nothing else is looked at."""
    return {"status": "alive"}


def _readyz(request: Request) -> dict[str, str]:
    """Say whether database and index answer, and the index holds all that is in the database."""
    house: House = request.app.state.house
    try:
        require_whole_index(house)
    except Exception as error:
        raise NotReady("the database or the index does not answer, or the index is not whole") from error
    return {"status": "ready"}


def _shown(body: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body, status_code=int(body["status"]), media_type=PROBLEM, headers=headers)


def _on_error(_request: Request, error: Exception) -> JSONResponse:
    report(error)
    headers = HEADERS.get(type(error))
    if isinstance(error, QuotaExceeded):
        headers = {"Retry-After": str(error.retry_after)}  # seconds
    return _shown(problem(error), headers)


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with a request, without repeating what it held; a refused question leaves a record."""
    if not isinstance(error, RequestValidationError):
        raise TypeError("registered for RequestValidationError")
    _record_malformed(request)
    errors = [{"at": ".".join(map(str, item["loc"]))[:100], "problem": item["msg"]} for item in error.errors()]
    body = problem(BadRequest("; ".join(f"{item['at']}: {item['problem']}" for item in errors)))
    return _shown({**body, "errors": errors})


def _on_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError("registered for HTTPException")
    if request.url.path.startswith(ask.router.prefix):
        _record_malformed(request)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": error.detail,
    }
    return _shown({**body, "code": f"http-{error.status_code}"}, dict(error.headers or {}))


def _record_malformed(request: Request) -> None:
    house: House = request.app.state.house
    house.ledger.commit(Event("request.malformed", "nobody", str(uuid.uuid4()), {"path": request.url.path[:200]}))
