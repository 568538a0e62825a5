"""Whether a model server is there, answers in time, and has the models that it is to have.

The list of models is all that is asked for: no prompt is sent, and nothing is computed.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx2
from pydantic import BaseModel, Field

from egress.errors import ModelDown
from egress.openai_client import Limits, Rejected, checked_key, checked_url, reason_of
from egress.openai_stream import Refused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

_WITHIN: Final = timedelta(seconds=5)
_MOST_BYTES: Final = 1_000_000  # a vendor's list of some hundred models has a tenth of that
_NAME: Final = re.compile(r"[A-Za-z0-9._:/@+-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Health:
    """A server that answered."""

    host: str
    models: tuple[str, ...]  # in order; names of strange form are left out
    took: timedelta

    def lacks(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Name the models that are to be there and are not."""
        return tuple(name for name in wanted if name not in self.models)


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model] = Field(max_length=10_000)


def healthy(base_url: str, key: str = "", *, within: timedelta = _WITHIN, tls: ssl.SSLContext | None = None) -> Health:
    """Ask a model server for its models.

    Args:
        base_url: Up to and with the version, as for `OpenAiModel`.
        key: Sent as a bearer token; empty for a server that wants none.
        within: For everything, name lookup included.
        tls: Trusts the organisation's own authority; by default that of the system.

    Raises:
        ModelDown: It gives no usable list in time. The message holds nothing of the key, or of what came.
        ValueError: The URL is none that may be sent to, or the key holds a blank or control character.
    """
    url, key, began = checked_url(base_url), checked_key(key), time.monotonic()
    replies: queue.SimpleQueue[tuple[str, ...] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            replies.put(_names(url, key, within, tls))
        except Exception as error:  # noqa: BLE001 - a foreign server can make its parser raise anything
            replies.put(error)

    # In a thread that may be left behind: the system gives no way to limit how long a name is looked up.
    threading.Thread(target=ask, name=f"health {url.host}", daemon=True).start()
    try:
        reply = replies.get(timeout=within.total_seconds())
    except queue.Empty:
        reply = TimeoutError()
    if isinstance(reply, Exception):
        raise ModelDown(f"model provider {url.host}: {reason_of(reply, Limits(total=within))}")
    return Health(url.host, reply, timedelta(seconds=time.monotonic() - began))


def _names(url: httpx2.URL, key: str, within: timedelta, tls: ssl.SSLContext | None) -> tuple[str, ...]:
    client = httpx2.Client(
        trust_env=False,
        follow_redirects=False,
        verify=tls or True,
        timeout=within.total_seconds(),
        event_hooks={"request": [_Headers(key)]},
    )
    with client, client.stream("GET", f"{str(url).rstrip('/')}/models") as response:
        if response.status_code != 200:
            raise Rejected(response.status_code, None)
        body = b""
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MOST_BYTES:
                raise Refused("the list of its models is too long")
    models = _Models.model_validate_json(body).data
    return tuple(sorted({model.id for model in models if _NAME.fullmatch(model.id)}))


@dataclass(frozen=True, slots=True)
class _Headers:
    """Sends these headers alone."""

    key: str

    def __call__(self, request: httpx2.Request) -> None:
        headers: dict[str, Any] = {
            "Host": request.url.netloc.decode("ascii"),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "need-to-know",
        }
        request.headers = httpx2.Headers(headers | ({"Authorization": f"Bearer {self.key}"} if self.key else {}))
