"""The client of any model server that speaks the OpenAI chat protocol.

Nothing but the arguments given here decides what is sent where: no variable of the environment, no
proxy, no redirect, no header of the library's own. An answer is whole and well-formed, or there is
none.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

# The library reads this when it is imported, and would set up logging for the whole process.
os.environ["OPENAI_LOG"] = ""

import httpx2
import openai

from egress.errors import ModelDown
from egress.openai_stream import BYTES_PER_CHARACTER, Refused, Reply, lines
from egress.prompt import messages
from egress.types import Draft
from store.cause import cause_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

    from openai.types.chat import ChatCompletionMessageParam

    from egress.types import RedactedPrompt

_FOR_THE_REST: Final = 0.05  # seconds
_KEY: Final = re.compile(r"[!-~]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for a model, and how much to take from it."""

    connect: timedelta = timedelta(seconds=5)
    silence: timedelta = timedelta(seconds=30)  # between two pieces of the answer, and before the first
    total: timedelta = timedelta(seconds=120)  # from the call to the last character, whatever happens between
    characters: int = 20_000  # of the answer


DEFAULT_LIMITS: Final = Limits()


class _Client(openai.AsyncOpenAI):
    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """Give none: the library's hold what OPENAI_CUSTOM_HEADERS says, which may even be no header at all."""
        return {}


class OpenAiModel:
    """One model of one provider, with its own HTTP client. Safe to share between threads; close it in the end.

    The calls run on an event loop in a thread of its own, because only there one deadline holds for
    everything: name lookup, handshake, headers and an answer that drips in byte by byte.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str,
        *,
        limits: Limits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare the client; nothing is sent yet.

        Args:
            base_url: Up to and with the version, such as https://llm.example/v1.
            model: The name that the provider gives to the model.
            api_key: Sent as a bearer token to this provider alone; empty for a server that wants none.
            limits: When to give up.
            tls: Trusts the organisation's own authority; by default that of the system.

        Raises:
            ValueError: The URL is no plain http or https URL, or the key holds a blank or control character.
        """
        url = httpx2.URL(base_url)
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
            raise ValueError("a base URL has http or https, a host, a path, and neither user, query nor fragment")
        if not _KEY.fullmatch(api_key):
            raise ValueError("the key of the model provider holds a blank or a control character")
        self._host, self._model, self._key, self._limits = url.host, model, api_key, limits
        silence = limits.silence.total_seconds()
        self._http = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            verify=tls or True,
            timeout=httpx2.Timeout(silence, connect=limits.connect.total_seconds()),
            event_hooks={"request": [self._set_headers], "response": [self._refuse_unless_stream]},
        )
        self._openai = _Client(api_key="set for each request", base_url=url, http_client=self._http, max_retries=0)
        _ = self._openai.chat.completions  # imported at first use, which must not eat into a deadline
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"model {url.host}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Give the model itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the model."""
        self.close()

    def close(self) -> None:
        """Give up what is under way, close the connections and end the thread."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def complete(self, prompt: RedactedPrompt) -> Draft:
        """Send the prompt once and wait for the whole answer.

        Raises:
            ModelDown: There is no whole, well-formed answer in time. The message is for operators; it
                holds nothing of the prompt, the answer or the key. Nothing is sent twice.
        """
        if self._loop.is_closed():
            raise ModelDown(f"model provider {self._host}: the client is closed")
        asked = asyncio.run_coroutine_threadsafe(self._ask(prompt), self._loop)
        try:
            # The deadline is kept on the loop; the second more is for a loop that lost its thread in a fork.
            return asked.result(self._limits.total.total_seconds() + 1)
        except Exception as error:  # noqa: BLE001  a foreign server can make its parser raise anything
            reason = self._reason(error)
        finally:
            asked.cancel()
        # Raised outside of the handler: the foreign error, which may quote prompt, answer or key, is no part of it.
        raise ModelDown(f"model provider {self._host}: {reason}")

    async def _ask(self, prompt: RedactedPrompt) -> Draft:
        async with asyncio.timeout(self._limits.total.total_seconds()):
            stream = await self._openai.chat.completions.create(
                model=self._model, messages=_as_sent(prompt), stream=True, store=False, temperature=0
            )
            most = self._limits.characters
            # The library's own reader replaces bad UTF-8, ignores a missing end and takes lines of any length.
            received = lines(stream.response.aiter_bytes(), most * BYTES_PER_CHARACTER)
            async with stream, contextlib.aclosing(received):
                reply = await _read(received, Reply(most))
            return Draft(reply.whole_text(), reply.model or self._model)

    async def _set_headers(self, request: httpx2.Request) -> None:
        """Send these headers alone; the library's would tell platform, versions, organisation and project."""
        request.headers = httpx2.Headers(
            {
                "Host": request.url.netloc.decode("ascii"),
                "Accept": "text/event-stream",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "Content-Length": str(len(request.content)),
                "User-Agent": "need-to-know",
                **({"Authorization": f"Bearer {self._key}"} if self._key else {}),
            }
        )

    async def _refuse_unless_stream(self, response: httpx2.Response) -> None:
        """Refuse before a byte of the body is read: it may be endless, or echo the prompt."""
        if response.status_code != 200:
            after = response.headers.get("retry-after", "")
            later = f"; retry after {int(after)} s" if re.fullmatch(r"[0-9]{1,6}", after) else ""
            raise Refused(f"answered {response.status_code}{later}")
        if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
            raise Refused("answered 200, but with no event stream")

    def _reason(self, error: Exception) -> str:
        """Say what went wrong in words of our own."""
        match error:
            case Refused():
                words = str(error)
            case openai.APITimeoutError() | httpx2.TimeoutException():
                words = "silent for too long"
            case concurrent.futures.CancelledError():
                words = "the client was closed"
            case TimeoutError():
                words = f"no whole answer within {self._limits.total.total_seconds():g} s"
            case openai.APIConnectionError() | httpx2.TransportError():
                words = f"the connection failed ({cause_of(error)})"
            case ValueError() | RecursionError() | httpx2.DecodingError():
                words = "malformed answer"
            case _:
                words = f"unexpected failure ({type(error).__name__})"
        return words

    async def _shut_down(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self._openai.close()


async def _read(received: AsyncGenerator[bytes], reply: Reply) -> Reply:
    async for line in received:
        reply.read(line)
        if reply.done:
            break
    # The connection can be used again once the rest is read; the answer does not depend on it.
    with contextlib.suppress(TimeoutError, httpx2.HTTPError, Refused):
        async with asyncio.timeout(_FOR_THE_REST):
            async for _ in received:
                pass
    return reply


def _as_sent(prompt: RedactedPrompt) -> list[ChatCompletionMessageParam]:
    (_, system), (_, user) = messages(prompt)
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]
