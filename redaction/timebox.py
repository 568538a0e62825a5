"""Work that is given up when it takes too long.

Python cannot stop a thread, so what hangs goes on in the background; the caller does not. So many at most:
what hangs for every call would fill the memory with threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from redaction.errors import TookTooLong

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

Result = TypeVar("Result")
_AT_ONCE: Final = threading.BoundedSemaphore(64)


def within(limit: timedelta, work: Callable[[], Result]) -> Result:
    """Do some work and give its result, or raise what it raises.

    Raises:
        TookTooLong: It takes longer than that, or too much other work hangs already.
    """
    if not _AT_ONCE.acquire(blocking=False):
        raise TookTooLong("too much work hangs already")
    thread = _Thread(work)
    thread.start()
    thread.join(limit.total_seconds())
    if thread.is_alive():
        raise TookTooLong(f"it took longer than {limit.total_seconds():g} s")
    return thread.result()


class _Thread(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="timebox", daemon=True)  # a process must be able to end although it hangs
        self._work = work
        self._done: list[Result] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._done.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            self._error = error
        finally:
            _AT_ONCE.release()

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._done[0]
