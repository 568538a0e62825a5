"""The connection to a model server: what is sent besides the prompt, what is refused unread, and why a call failed.

Nothing but the arguments given here decides what is sent where: no variable of the environment, no proxy, no
redirect, no header of the library's own.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

# The library reads this when it is imported, and would set up logging for the whole process.
os.environ["OPENAI_LOG"] = ""

import httpx2
import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from egress.openai_stream import Refused
from store.address import is_near
from store.cause import cause_of
from store.errors import KeyWithheld, SecretMissing

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

_KEY: Final = re.compile(r"[!-~]*", re.ASCII)
_KEY_HEADER: Final = "Need-To-Know-Key"  # from a call to `_set_headers`, and never sent
_TRY_AGAIN: Final = frozenset({429, 503})  # with a time, they say that the request was not taken


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for a model, and how much to take from it."""

    connect: timedelta = timedelta(seconds=5)
    silence: timedelta = timedelta(seconds=30)  # between two pieces of the answer, and before the first
    total: timedelta = timedelta(seconds=120)  # from the call to the last character, whatever happens between
    characters: int = 20_000  # of the answer
    attempts: int = 3  # the first included; only where the one before was surely not taken


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server understands of the protocol. Some refuse a field that they do not know."""

    store: bool = True  # "store": false, not to keep the answer
    usage: bool = True  # to report tokens at the end of a stream
    cache: bool = False  # "prompt_cache_options": {"mode": "explicit"}, not to keep the prompt in a cache

    def fields(self) -> dict[str, Any]:
        """Give the fields to send along."""
        return {
            **({"store": False} if self.store else {}),
            **({"stream_options": {"include_usage": True}} if self.usage else {}),
            **({"prompt_cache_options": {"mode": "explicit"}} if self.cache else {}),
        }


DEFAULT_DIALECT: Final = Dialect()


class Rejected(Refused):
    """The provider answered with a status that is no success; its body was not read."""

    def __init__(self, status: int, after: int | None) -> None:
        """Keep the status, and after how many seconds to try again."""
        super().__init__(f"answered {status}" + (f"; retry after {after} s" if after is not None else ""))
        self.status, self.after = status, after


class _Client(openai.AsyncOpenAI):
    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """Give none: the library's hold what OPENAI_CUSTOM_HEADERS says, which may even be no header at all."""
        return {}


def checked_url(base_url: str) -> httpx2.URL:
    """Take the base URL of a provider apart.

    Raises:
        ValueError: It is no plain URL, or would have prompts cross a public network in clear.
    """
    url = httpx2.URL(base_url)
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError("a base URL has http or https, a host, a path, and neither user, query nor fragment")
    if url.scheme == "http" and not is_near(url.host):
        raise ValueError("a base URL with http is for this machine or a private address alone: write https")
    return url


def checked_key(key: str) -> str:
    """Give a key that can stand in a header.

    Raises:
        ValueError: It holds a blank or control character. The message does not repeat it.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("the key of the model provider holds a blank or a control character")
    return key


def open_client(url: httpx2.URL, limits: Limits, tls: ssl.SSLContext | None) -> openai.AsyncOpenAI:
    """Make a client with an HTTP client of its own. It sends nothing yet, and nothing twice."""
    silence = limits.silence.total_seconds()
    http = httpx2.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        verify=tls or True,
        timeout=httpx2.Timeout(silence, connect=limits.connect.total_seconds()),
        event_hooks={"request": [_set_headers], "response": [_refuse_unless_stream]},
    )
    return _Client(api_key="set for each request", base_url=url, http_client=http, max_retries=0)


async def begin(
    client: openai.AsyncOpenAI, model: str, said: list[ChatCompletionMessageParam], key: str, dialect: Dialect
) -> openai.AsyncStream[ChatCompletionChunk]:
    """Send a request once, and wait for the head of the answer."""
    body = {"model": model, "stream": True, "messages": said, **dialect.fields(), "temperature": 0}
    # What the library does with a body before it sends it, to write the same, takes longer than all the rest.
    return await client.post(
        "/chat/completions",
        body=body,
        options={"headers": {_KEY_HEADER: key}, "security": {"bearer_auth": True}},
        cast_to=ChatCompletion,
        stream=True,
        stream_cls=openai.AsyncStream[ChatCompletionChunk],
    )


async def _set_headers(request: httpx2.Request) -> None:
    """Send these headers alone; the library's would tell platform, versions, organisation and project."""
    key = request.headers.get(_KEY_HEADER, "")
    request.headers = httpx2.Headers(
        {
            "Host": request.url.netloc.decode("ascii"),
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Content-Length": str(len(request.content)),
            "User-Agent": "need-to-know",
            **({"Authorization": f"Bearer {key}"} if key else {}),
        }
    )


async def _refuse_unless_stream(response: httpx2.Response) -> None:
    """Refuse before a byte of the body is read: it may be endless, or echo the prompt."""
    if response.status_code != 200:
        after = response.headers.get("retry-after", "")
        raise Rejected(response.status_code, int(after) if re.fullmatch(r"[0-9]{1,6}", after) else None)
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        raise Refused("answered 200, but with no event stream")


def wait_before_another(error: Exception) -> float | None:
    """Say after how many seconds a request may be sent again; None: never, since it may have been taken.

    Only what was surely not taken may: nothing was connected, or the provider said so and named a time. An answer
    that does not come, or a connection that breaks once the request is out, may have cost tokens already.
    """
    match error:
        case Rejected(status=status, after=int(after)) if status in _TRY_AGAIN:
            return max(0.1, float(after))
        case _ if never_left(error):
            return None if _is_of_tls(error) else 0.1
        case _:
            return None


def never_left(error: Exception) -> bool:
    """Say whether a request surely did not leave: there was no connection to send it over."""
    match error:
        case openai.APIConnectionError(__cause__=httpx2.ConnectError() | httpx2.ConnectTimeout()):
            return True
        case _:
            return False


def tells_of_failure(error: Exception) -> bool:
    """Say whether an error is a failure of the provider, not of one request or of the key."""
    match error:
        case Rejected(status=status):
            return status in {408, 429} or status < 400 or status >= 500
        case SecretMissing() | KeyWithheld() | concurrent.futures.CancelledError():
            return False
        case _:
            return True


def reason_of(error: Exception, limits: Limits) -> str:
    """Say what went wrong in words of our own."""
    match error:
        case Refused() | SecretMissing() | KeyWithheld():
            words = str(error)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            words = "silent for too long"
        case concurrent.futures.CancelledError():
            words = "the client was closed"
        case TimeoutError():
            words = f"no whole answer within {limits.total.total_seconds():g} s"
        case openai.APIConnectionError() | httpx2.TransportError():
            words = f"the connection failed ({cause_of(error)})"
        case ValueError() | RecursionError() | httpx2.DecodingError():
            words = "malformed answer"
        case _:
            words = f"unexpected failure ({type(error).__name__})"
    return words


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
