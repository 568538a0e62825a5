"""How files come in without being in the way of questions: few at once, in threads of their own, not on the disk."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, Event, fail_after, move_on_after, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import Request

Given = TypeVar("Given")

FILES: Final = 12  # in memory at once, of all that send some
BYTES: Final = 150_000_000  # in memory at once; one file may have 50 MB
_PATIENCE: Final = timedelta(seconds=100)
_SILENCE: Final = timedelta(seconds=30)
_WHOLE: Final = timedelta(minutes=10)  # for all pieces of a file


class Gangway:
    """What those share who send files. Questions have the threads of the framework to themselves."""

    def __init__(
        self, files: int = FILES, most: int = BYTES, *, patience: timedelta = _PATIENCE, silence: timedelta = _SILENCE
    ) -> None:
        """Prepare.

        Args:
            files: So many may be in memory at once; who sends another, waits.
            most: So many bytes of them.
            patience: How long he waits before he is sent away.
            silence: How long nothing may come of a file.
        """
        self._files, self._bytes = files, most
        self._queue: deque[tuple[int, Event]] = deque()
        self._threads = CapacityLimiter(files + 4)  # and some for what is short
        self._patience = patience.total_seconds()
        self._silence = silence.total_seconds()

    async def aside(self, do: Callable[[], Given]) -> Given:
        """Do something that takes its time in a thread, and give what comes of it."""
        return await to_thread.run_sync(do, limiter=self._threads)

    @asynccontextmanager
    async def room(self, size: int) -> AsyncIterator[None]:
        """Have room in memory for one more file, of so many bytes at most.

        Raises:
            HTTPException: There is none for a while; it says when to come again.
        """
        place = size, Event()
        self._queue.append(place)
        self._let_in()
        try:
            with move_on_after(self._patience):
                await place[1].wait()
            if not place[1].is_set():
                raise HTTPException(503, "too many files are coming in at once", {"Retry-After": "5"})
            yield
        finally:
            if place[1].is_set():
                self._files, self._bytes = self._files + 1, self._bytes + size
            else:
                self._queue.remove(place)
            self._let_in()

    def _let_in(self) -> None:
        """Let in, in their order, those for whom there is room. All this is done on one event loop."""
        while self._queue and self._files > 0 and self._bytes >= self._queue[0][0]:
            size, event = self._queue.popleft()
            self._files, self._bytes = self._files - 1, self._bytes - size
            event.set()

    async def body(self, request: Request) -> bytes:
        """Read the body of a request into memory. How long it may be was settled at its admission.

        Raises:
            HTTPException: It does not come, or not to its end.
        """
        parts = list[bytes]()
        pieces = request.stream()
        try:
            with fail_after(_WHOLE.total_seconds()):
                while True:
                    with fail_after(self._silence):
                        parts.append(await anext(pieces))
        except StopAsyncIteration:
            return b"".join(parts)
        except TimeoutError:
            raise HTTPException(408, "the file does not come: send it again") from None
        except ClientDisconnect:
            raise HTTPException(400, "the connection ended before the file did: send it again") from None
