"""The client of any model server that speaks the OpenAI chat protocol.

An answer is whole and well-formed, or there is none. A request is sent again only where it was surely not
taken; all that a call does has one deadline, and ends at once when its caller says so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

import httpx2
import stamina
from stamina.instrumentation import set_on_retry_hooks

from egress.breaker import Breaker
from egress.errors import ModelDown
from egress.openai_client import (
    DEFAULT_DIALECT,
    DEFAULT_LIMITS,
    Dialect,
    Limits,
    Rejected,
    begin,
    checked_key,
    checked_url,
    never_left,
    open_client,
    reason_of,
    tells_of_failure,
    wait_before_another,
)
from egress.openai_stream import BYTES_PER_CHARACTER, Refused, Reply, Unusable, lines
from egress.prompt import messages
from egress.types import Draft
from egress.usage import usage_of
from store.errors import SecretMissing

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

    from openai.types.chat import ChatCompletionMessageParam
    from stamina.instrumentation import RetryDetails

    from egress.breaker import Outcome
    from egress.types import RedactedPrompt

__all__ = ["DEFAULT_DIALECT", "DEFAULT_LIMITS", "Dialect", "Key", "Limits", "OpenAiModel"]

_log = logging.getLogger("ntk")
_FOR_THE_REST: Final = 0.05  # seconds
_BETWEEN_LOOKS: Final = 0.25  # seconds between two calls of `proceed`


def _tell(details: RetryDetails) -> None:
    """Log that a request is sent again, in words of our own."""
    reason = reason_of(details.caused_by, DEFAULT_LIMITS)
    _log.info("a request to a model is sent again in %.1f s: %s", details.wait_for, reason)


# The library's own hook would write a warning without a reason, or hand the error to whatever monitoring is installed.
set_on_retry_hooks([_tell])


class Key(Protocol):
    """A key that may change, such as `store.key_ring.HeldKey`."""

    def __call__(self) -> str:
        """Give the key as it is now; what it raises of `store.errors` ends the call."""
        ...

    def forget(self, used: str) -> None:
        """Take note that the provider refused this key."""
        ...


class OpenAiModel:
    """One model of one provider, with its own HTTP client. Safe to share between threads; close it in the end.

    The calls run on an event loop in a thread of its own, because only there one deadline holds for
    everything: name lookup, handshake, headers and an answer that drips in byte by byte.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        key: str | Key,
        *,
        limits: Limits = DEFAULT_LIMITS,
        dialect: Dialect = DEFAULT_DIALECT,
        tls: ssl.SSLContext | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        """Prepare the client; nothing is sent yet.

        Args:
            base_url: Up to and with the version, such as https://llm.example/v1; http for a near address alone.
            model: The name that the provider gives to the model.
            key: Sent as a bearer token to this provider alone; empty for a server that wants none. What can be
                called is called for each request, so that a key may change.
            limits: When to give up.
            dialect: What the server understands.
            tls: Trusts the organisation's own authority; by default that of the system.
            breaker: Shared by the models of one provider; by default one of its own.

        Raises:
            ValueError: The URL is none that may be sent to, or the key holds a blank or control character.
        """
        url = checked_url(base_url)
        self._host, self._model, self._limits, self._dialect = url.host, model, limits, dialect
        self._key: Key = _Fixed(checked_key(key)) if isinstance(key, str) else key
        self._breaker = breaker or Breaker()
        self._openai = open_client(url, limits, tls)
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

    def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:
        """Send the prompt and wait for the whole answer.

        Args:
            prompt: What to send.
            proceed: As `egress.types.Llm` says; the connection is closed when it raises.

        Raises:
            ModelDown: There is no whole, well-formed answer in time. The message is for operators; it
                holds nothing of the prompt, the answer or the key.
        """
        if self._loop.is_closed():
            raise ModelDown(f"model provider {self._host}: the client is closed", sent=False)
        if proceed:
            proceed()
        if seconds := self._breaker.begin():
            told = f"model provider {self._host}: failed again and again; tried again in {seconds} s"
            raise ModelDown(told, sent=False)
        outcome: Outcome = "nothing learnt"
        call = _Call(prompt)
        asked = asyncio.run_coroutine_threadsafe(self._ask(call), self._loop)
        try:
            draft = self._awaited(asked, proceed)
        except _Failed as error:
            outcome, reason = error.outcome, str(error)
        else:
            outcome = "worked"
            return draft
        finally:
            asked.cancel()
            self._breaker.end(outcome)
        # Raised outside of the handler: the foreign error, which may quote prompt, answer or key, is no part of it.
        raise ModelDown(f"model provider {self._host}: {reason}", sent=call.left)

    def _awaited(self, asked: concurrent.futures.Future[Draft], proceed: Callable[[], None] | None) -> Draft:
        # The deadline is kept on the loop; the second more is for a loop that lost its thread in a fork.
        until = time.monotonic() + self._limits.total.total_seconds() + 1
        while not asked.done() and (left := until - time.monotonic()) > 0:
            concurrent.futures.wait([asked], min(left, _BETWEEN_LOOKS) if proceed else left)
            if proceed and not asked.done():
                proceed()
        try:
            return asked.result(0)
        except Exception as error:  # noqa: BLE001  a foreign server can make its parser raise anything
            failed = _Failed(reason_of(error, self._limits))
            failed.outcome = _learnt(error)
        raise failed

    async def _ask(self, call: _Call) -> Draft:
        async with asyncio.timeout(self._limits.total.total_seconds()) as deadline:
            key = await self._current_key()
            try:
                return await self._send(call, key, deadline)
            except Rejected as error:
                if error.status not in {401, 403}:
                    raise
                refused = error
            await asyncio.to_thread(self._key.forget, key)
            renewed = await self._current_key()
            # A provider asks who calls before it takes a request; so nothing was taken, and a rotated key may go.
            if refused.status != 401 or renewed == key:
                raise refused
            return await self._send(call, renewed, deadline)

    async def _current_key(self) -> str:
        if isinstance(self._key, _Fixed):
            return self._key()
        # In a thread: a secrets manager may take its time, and the loop serves other calls.
        key = await asyncio.to_thread(self._key)
        try:
            return checked_key(key)
        except ValueError as error:
            raise SecretMissing(str(error)) from None

    async def _send(self, call: _Call, key: str, deadline: asyncio.Timeout) -> Draft:
        def wait(error: Exception) -> float | bool:
            seconds, until = wait_before_another(error), deadline.when()
            # Nobody waits for what the deadline would cut off.
            in_time = seconds is not None and until is not None and self._loop.time() + seconds < until
            return seconds if seconds is not None and in_time else False

        async for attempt in stamina.retry_context(wait, attempts=self._limits.attempts, timeout=None):
            with attempt:
                before, call.left = call.left, True  # until it is known that it did not
                try:
                    stream = await begin(self._openai, self._model, _as_sent(call.prompt), key, self._dialect)
                except Exception as error:
                    call.left = before or not never_left(error)
                    raise
        # Past the head nothing is tried again: the request was taken, and has cost tokens.
        most = self._limits.characters
        # The library's own reader replaces bad UTF-8, ignores a missing end and takes lines of any length.
        received = lines(stream.response.aiter_bytes(), most * BYTES_PER_CHARACTER)
        async with stream, contextlib.aclosing(received):
            reply = await _read(received, Reply(most))
        text = reply.whole_text()
        usage = usage_of(call.prompt.system + call.prompt.user, text, reply.usage)
        return Draft(text, reply.model or self._model, usage=usage)

    async def _shut_down(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self._openai.close()


@dataclass(slots=True)
class _Call:
    """A call under way."""

    prompt: RedactedPrompt
    left: bool = False  # whether the prompt may have left, in whatever try


class _Fixed:
    """A key that never changes."""

    def __init__(self, key: str) -> None:
        self._value = key

    def __call__(self) -> str:
        return self._value

    def forget(self, used: str) -> None:
        """Keep it: there is no other."""


class _Failed(Exception):
    """A call that came to no answer, in words of our own."""

    outcome: Outcome = "failed"


def _learnt(error: Exception) -> Outcome:
    if isinstance(error, Unusable):
        return "worked"
    return "failed" if tells_of_failure(error) else "nothing learnt"


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
