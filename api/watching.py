"""A folder that is watched: taken in again whenever something in it changes, and from time to time in any case."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from watchfiles import watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

QUIET_FOR: Final = timedelta(milliseconds=400)  # a file that is being copied changes many times
RESCAN: Final = timedelta(minutes=10)  # network shares lose events


def changes(
    folder: Path, end: threading.Event | None = None, *, quiet_for: timedelta = QUIET_FOR, rescan: timedelta = RESCAN
) -> Iterator[None]:
    """Come back each time when something in a folder has changed and it is quiet again, until interrupted.

    What changes while the caller is busy is not lost: the next turn comes at once.

    Args:
        folder: It exists.
        end: When it is set, this ends.
        quiet_for: How long nothing may happen before a change counts as complete.
        rescan: Come back after this time even if nothing was heard.
    """
    for _ in watch(
        folder,
        watch_filter=None,  # what counts is decided by the walk; also an .ntk.yaml is a change
        stop_event=end,
        debounce=60_000,
        step=_milliseconds(quiet_for),
        rust_timeout=_milliseconds(rescan),
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        yield


def _milliseconds(time: timedelta) -> int:
    return int(time / timedelta(milliseconds=1))
