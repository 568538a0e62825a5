"""A running server, as the command line talks to it: one address, one key, and nothing from the environment beside it.

The key is sent to that address alone: no redirect, no proxy, and no plain HTTP to another machine. What is asked is
such that it may be asked twice, so it is asked again where the connection broke or the server was busy.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError

from api.errors import ERRORS, BadServer, NoAnswer, NotSignedIn
from ingest.types import is_shown, shown
from store.cause import cause_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from httpx2 import Response

Answer = TypeVar("Answer", bound=BaseModel)

_KEY: Final = re.compile(r"[!-~]+", re.ASCII)
_LONGEST: Final = 16_000_000  # bytes of an answer
_CONNECT, _WRITE, _READ = 5.0, 60.0, 1800.0  # seconds; a large file is read and embedded before there is an answer
_WAITS: Final = (0.5, 1.0, 2.0, 4.0)  # seconds before each further attempt
_LONGEST_WAIT: Final = 30  # seconds that a server may ask for
_CLASSES: Final = {row.code: error for error, row in ERRORS.items()}
_AGAIN: Final = "what was told is done; run it again to go on"


class Server:
    """A server and a key for it. Several threads may use it at once; close it in the end."""

    def __init__(
        self, url: str, key: str, *, tls: ssl.SSLContext | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: The address of the service, such as https://ntk.example.
            key: An API key of whoever gives the command.
            tls: Trusts the organisation's own authority; by default that of the system.
            sleep: Waits so many seconds.

        Raises:
            BadServer: It is no such address, or one to which the key would travel in clear.
            NotSignedIn: There is no key, or it cannot be one.
        """
        self.url = _address(url)
        if not key:
            raise NotSignedIn(
                f"{self.url} has the documents, and wants to know who you are: set NTK_KEY to your API key"
            )
        if not _KEY.fullmatch(key):
            raise NotSignedIn("NTK_KEY holds a blank or a control character: set it to your API key")
        self._sleep = sleep
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {key}", "User-Agent": "need-to-know", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(_READ, connect=_CONNECT, write=_WRITE),
            verify=tls or True,
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self, method: str, path: str, body: BaseModel | None = None, query: Mapping[str, str | int] | None = None
    ) -> tuple[int, bytes]:
        """Ask something, and give the status and the body of the answer.

        Raises:
            NoAnswer: There is none that can be used.
            Exception: The server says no; it is the error that it names.
        """
        content = None if body is None else json.dumps(body.model_dump(mode="json")).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self._asked(method, path, content, headers, query)

    def send(self, to: str, data: bytes, **headers: str) -> bytes:
        """Send a file, and give the body of the answer.

        Args:
            to: Where to.
            data: Its content.
            headers: What is said of it; any text.

        Raises:
            NoAnswer: There is no answer that can be used.
            Exception: The server says no; it is the error that it names.
        """
        said = {f"Ntk-{name.title()}": quote(text, safe="/=.") for name, text in headers.items()}
        _, answer = self._asked("PUT", to, data, {**said, "Content-Type": "application/octet-stream"}, None)
        return answer

    def read(self, form: type[Answer], body: bytes) -> Answer:
        """Read an answer in the form that it should have.

        Raises:
            NoAnswer: It has another.
        """
        try:
            return form.model_validate_json(body)
        except ValidationError:
            raise self._none("it answers as no Need to Know of this version does") from None

    def _asked(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        query: Mapping[str, str | int] | None,
    ) -> tuple[int, bytes]:
        for wait in (*_WAITS, None):
            try:
                with self._client.stream(
                    method, f"{self.url}{path}", content=content, headers=dict(headers), params=query
                ) as response:
                    body = self._whole(response)
            except httpx2.TimeoutException:
                why, again = "it is silent for too long", None
            except httpx2.TransportError as error:
                why, again = cause_of(error), wait
            else:
                again = _later(response)
                if again is None or wait is None:
                    return response.status_code, self._accepted(response, body)
            if again is None:
                break
            self._sleep(again)
        # Out here it has no context: a library's words may quote a header, key and all.
        raise self._none(why)

    def _whole(self, response: Response) -> bytes:
        body = bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > _LONGEST:
                raise self._none(f"its answer is larger than {_LONGEST // 1_000_000} MB")
        return bytes(body)

    def _accepted(self, response: Response, body: bytes) -> bytes:
        """Give the body of a yes; raise what a no says.

        Raises:
            NoAnswer: It is neither.
            Exception: The error that the server names.
        """
        if response.is_success:
            return body
        if response.is_redirect:
            raise BadServer(f"{self.url} sends elsewhere: name the address of the service itself with --server")
        detail, code = _problem(body)
        if code == "not-signed-in":
            raise NotSignedIn(f"{self.url} takes no such key: set NTK_KEY to an API key of yours that works")
        if error := _CLASSES.get(code):
            raise error(detail)
        raise self._none(f"it says {response.status_code}{f': {detail}' if detail else ''}")

    def _none(self, why: str) -> NoAnswer:
        return NoAnswer(f"{self.url} gives no usable answer ({why}): {_AGAIN}")


def _address(url: str) -> str:
    """Check an address, and give it without a slash at its end.

    Raises:
        BadServer: It is none, or one to which a key would travel in clear.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        parsed = httpx2.URL("")
    is_host = re.fullmatch(rb"[A-Za-z0-9._:-]+", parsed.raw_host)
    if parsed.scheme not in {"http", "https"} or not is_host or parsed.userinfo or parsed.query or parsed.fragment:
        raise BadServer("--server is no address: write https://HOST, with neither user, query nor fragment")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise BadServer(f"http://{parsed.host} would get your key in clear: write https, or use it on its own machine")
    return str(parsed).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _later(response: Response) -> float | None:
    """Give the seconds after which a busy server wants to be asked again, if it is one."""
    after = response.headers.get("retry-after", "")
    if response.status_code != 503 or not re.fullmatch(r"[0-9]{1,4}", after):
        return None
    return float(min(int(after), _LONGEST_WAIT))


def _problem(body: bytes) -> tuple[str, str]:
    """Read what is said and the code in a body of the type application/problem+json, of whoever sent it."""
    try:
        said: Any = json.loads(body)
        detail, code = said["detail"], said["code"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", ""
    if not isinstance(detail, str) or not isinstance(code, str):
        return "", ""
    return (detail if is_shown(detail) else shown(detail))[:2000], code
