"""What is said to a Qdrant server: an end to every wait, an answer that is whole, or none.

Nothing but the values of a `Server` decides what is sent where: no variable of the environment, no proxy, no redirect.
What is asked and told is such that it may be said twice, so it is said again where the connection broke or the server
was busy; one that was silent for too long is not asked again. Whatever goes wrong becomes `IndexDown`, in words of our
own: those of a server or a library may hold anything, the key too.
"""

from __future__ import annotations

import math
import re
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
import httpx
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from retrieval.errors import IndexDown
from store.cause import cause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from retrieval.qdrant_server import Limits, Server

_T = TypeVar("_T")
_OLDEST: Final = (1, 19)  # the first that counts words inside a filter; before, hidden texts move the scores of others
_WAITS: Final = (0.1, 0.5)  # seconds before each further attempt
_BUSY: Final = frozenset({429, 502, 503})
_LONGEST: Final = 64_000_000  # bytes of an answer


class Calls:
    """The connections to a server. Several threads may use them at once; close them in the end."""

    def __init__(self, server: Server, sleep: Callable[[float], None] = time.sleep) -> None:
        """Prepare; nothing is sent yet.

        Args:
            server: Which one.
            sleep: Waits so many seconds.

        Raises:
            IndexDown: The file of the authority cannot be read.
        """
        self._server = server
        self._sleep = sleep
        self._client = _client(server)

    def close(self) -> None:
        """Give the connections up."""
        self._client.close()

    def ask(self, call: Callable[[QdrantClient, int], _T]) -> _T:
        """Ask something; the call is given how many seconds it has.

        Raises:
            IndexDown: There is no whole answer in time.
        """
        return self._say(call, self._server.limits.search)

    def tell(self, call: Callable[[QdrantClient, int], _T]) -> _T:
        """Have something written; the call is given how many seconds it has.

        Raises:
            IndexDown: It is not certain that it was.
        """
        return self._say(call, self._server.limits.write)

    def require_version(self) -> None:
        """Refuse a server that is too old.

        Raises:
            IndexDown: It is, or is no Qdrant server, or does not answer.
        """
        version = str(self.ask(lambda client, _: client.info()).version)
        numbers = re.match(r"(\d{1,4})\.(\d{1,4})\b", version)
        if numbers is None:
            raise IndexDown(f"the index server {self._server.place} does not say which version of Qdrant it is")
        if (int(numbers[1]), int(numbers[2])) < _OLDEST:
            raise IndexDown(
                f"the index server {self._server.place} is Qdrant {numbers[0]}, and hidden documents would move the "
                f"order of others: renew it, to {_OLDEST[0]}.{_OLDEST[1]} at least"
            )

    def _say(self, call: Callable[[QdrantClient, int], _T], limit: timedelta) -> _T:
        for wait in (*_WAITS, None):
            try:
                return call(self._client, math.ceil(limit.total_seconds()))
            except IndexDown:
                raise
            except Exception as error:  # noqa: BLE001 - a foreign server can make its client raise anything
                why, may_pass = _why(error)
            if wait is None or not may_pass:
                break
            self._sleep(wait)
        # Raised out here, without a context: the foreign error may quote a question, or a header, key and all.
        raise IndexDown(f"the index server {self._server.place} gives no usable answer: {why}")


def _client(server: Server) -> QdrantClient:
    address = server.address
    try:
        authority = server.authority.read_bytes() if server.authority else None
        context = ssl.create_default_context(cafile=server.authority) if server.authority else True
    except OSError as error:  # ssl.SSLError is one
        raise IndexDown(f"the certificates in {server.authority} cannot be read: {error.strerror}") from error
    connections = httpx.Limits(max_connections=64, max_keepalive_connections=16)
    transport = httpx.HTTPTransport(verify=context, trust_env=False, limits=connections)
    return QdrantClient(
        url=str(address).rstrip("/"),
        port=443 if address.scheme == "https" else 80,  # where the URL names none
        prefer_grpc=server.grpc_port is not None,
        grpc_port=server.grpc_port or 6334,
        grpc_options={"grpc.enable_http_proxy": 0, "grpc.enable_retries": 0, "root_certificates": authority},
        timeout=math.ceil(server.limits.write.total_seconds()),
        # As a header of ours: the client's own parameter warns where a key goes to a private address without TLS.
        headers={"api-key": server.key} if server.key else {},
        check_compatibility=False,  # it would ask in a thread of its own, and print; see `require_version`
        limits=connections,
        transport=_Bounded(transport, server.limits),
        trust_env=False,
        follow_redirects=False,
    )


class _Bounded(httpx.BaseTransport):
    """Gives up on an answer that is late as a whole or too large, however steadily it comes."""

    def __init__(self, inner: httpx.BaseTransport, limits: Limits) -> None:
        self._inner = inner
        self._limits = limits

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        limit = self._limits.write if "wait" in request.url.params else self._limits.search
        seconds, connect = limit.total_seconds(), self._limits.connect.total_seconds()
        request.headers["accept-encoding"] = "identity"
        request.extensions["timeout"] = {"connect": connect, "read": seconds, "write": seconds, "pool": connect}
        end = time.monotonic() + seconds
        response = self._inner.handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise httpx.DecodingError("the answer is packed, and may be of any size")
        body = _Until(response.stream, end)
        return httpx.Response(response.status_code, headers=response.headers, stream=body)

    def close(self) -> None:
        self._inner.close()


class _Until(httpx.SyncByteStream):
    def __init__(self, stream: Any, end: float) -> None:
        self._stream = stream
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        left = _LONGEST
        for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise httpx.DecodingError("the answer is too large")
            if time.monotonic() > self._end:
                raise httpx.ReadTimeout("the answer takes too long")
            yield piece

    def close(self) -> None:
        self._stream.close()


def _why(error: Exception) -> tuple[str, bool]:
    """Say what went wrong in words of our own, and whether it may pass by itself."""
    match error:
        case ResponseHandlingException(source=source) if isinstance(source, Exception):
            return _why_none(source)
        case UnexpectedResponse(status_code=int(status)):
            return _why_not(status), status in _BUSY
        case ResourceExhaustedResponse():
            return _why_not(429), True
        case grpc.RpcError():
            return _why_no_call(error)
        case _:
            return f"what it says is no answer ({type(error).__name__})", False


def _why_none(source: Exception) -> tuple[str, bool]:
    """Say why there was no answer over HTTP."""
    match source:
        case httpx.TimeoutException():
            return "it is silent for too long", False
        case httpx.TransportError():
            return cause_of(source), True
        case _:
            return f"what it says is no answer ({type(source).__name__})", False


def _why_not(status: int) -> str:
    """Say what a status means."""
    match status:
        case 401 | 403:
            return "it refuses the key"
        case 404:
            return "it has no such collection"
        case _ if 300 <= status < 400:
            return "it sends elsewhere: name the address of the server itself"
        case _:
            return f"it says {status}"


def _why_no_call(error: grpc.RpcError) -> tuple[str, bool]:
    """Say why a call over gRPC failed."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    match code:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return "it is silent for too long", False
        case grpc.StatusCode.UNAVAILABLE:
            return "it cannot be reached", True
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return _why_not(429), True
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return _why_not(401), False
        case grpc.StatusCode.NOT_FOUND:
            return _why_not(404), False
        case _:
            return f"it says {code.name}", False
