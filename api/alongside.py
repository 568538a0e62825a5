"""What goes on in a thread beside something else, and ends with it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def alongside(name: str, work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Do something in a thread until the block ends. At its end the thread has ended too.

    Args:
        name: Of the thread.
        work: Is given an event that is set at the end of the block, and returns soon after.
    """
    end = threading.Event()
    thread = threading.Thread(target=work, args=(end,), name=name)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
