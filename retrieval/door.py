"""A door that many go through at a time, and that closes for one who has to be alone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Door:
    """Whoever finds it closed waits. Nobody goes through it twice at a time, or he would wait for himself."""

    def __init__(self) -> None:
        """Begin with an open door."""
        self._changed = threading.Condition()
        self._inside = 0
        self._is_closed = False

    @contextmanager
    def through(self) -> Iterator[None]:
        """Be inside, with others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Let nobody in any more, wait until all have left, and be alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._is_closed = True
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._inside)
            yield
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()
