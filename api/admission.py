"""What a request must be before anything of it is read: addressed to this service, of one length, not too long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY: Final = 1_000_000  # bytes


class Admission:
    """A middleware that answers for a request that is not admitted; the application does not see it."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        refuse: Callable[[Request, HTTPException], Response],
        longer: Mapping[str, int],
    ) -> None:
        """Prepare.

        Args:
            app: The application.
            hosts: The host names that a request may be addressed to.
            refuse: Makes the answer for a request that is not admitted.
            longer: The paths whose bodies may be longer, and how many bytes these may have.
        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._refuse = refuse
        self._longer = dict(longer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        most = self._longer.get(scope.get("path", ""), MAX_BODY)
        refusal = None if scope["type"] == "lifespan" else refusal_of(Headers(scope=scope), self._hosts, most)
        if refusal is None:
            await self._app(scope, limited(receive, most), send)
        else:
            response = await to_thread.run_sync(self._refuse, Request(scope), refusal)  # it writes a record
            await response(scope, receive, send)


def limited(receive: Receive, most: int) -> Receive:
    """Give a way to receive a body that ends in an error past the limit; its length may not be told before."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise _too_long(most)
        return message

    return counted


def refusal_of(headers: Headers, hosts: Collection[str], most: int) -> HTTPException | None:
    """Say why a request with these headers is not admitted, if it is not.

    Another host's name is refused, so that a page of another site cannot reach a service on loopback by
    pointing its own name there. A length told in two ways is refused, since a proxy in front might believe
    the other one and take the rest of the body for the next request.
    """
    host = re.sub(r":\d{1,5}$", "", headers.get("host", "").lower())
    if host not in hosts:
        return HTTPException(400, "the service has no such host name: start it with --name to add one")
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers and "content-length" in headers:
        return HTTPException(400, "the length of the body is told in two ways")
    if not re.fullmatch(r"\d{1,20}", length, re.ASCII) or int(length) > most:
        return _too_long(most)
    return None


def _too_long(most: int) -> HTTPException:
    return HTTPException(413, f"the body has more than {most:,} bytes")
