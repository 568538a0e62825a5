"""One file to a process that reads it, and what comes back, within its limits."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from io import FileIO

    from ingest.confine import Limits

FILE: Final = b"f"  # a file is to be read; with it come the two ends of pipes
STARTED: Final = b"s"
ENDED: Final = b"e"
NUMBER: Final = struct.Struct("!cq")

_GRACE: Final = 5.0  # seconds in which a process that was killed has to be gone
_PIECE: Final = 1 << 16  # bytes


@dataclass(slots=True)
class Outcome:
    """What came back, and how it ended."""

    reply: bytearray = field(default_factory=bytearray)
    status: int | None = None  # as waitpid gives it; None if the worker has not told
    killed: str | None = None  # the limit for which it was killed


class Exchange:
    """The talk about one file with a worker and with the copy of it that reads."""

    def __init__(self, control: socket.socket, worker: int, limits: Limits) -> None:
        """Prepare.

        Args:
            control: The socket to the worker.
            worker: Its process, which leads a session.
            limits: What is enforced here: the time on the wall, and the length of the reply.
        """
        self._control = control
        self._worker = worker
        self._limits = limits
        self.child = 0  # the copy that reads, once it is known
        self._outcome = Outcome()

    def run(self, data: bytes) -> Outcome:
        """Send a file, and wait for what comes of it."""
        theirs, inbox = os.pipe()
        outbox, theirs_too = os.pipe()
        # Without buffers: what a pipe takes or gives is counted here.
        with open(inbox, "wb", buffering=0) as sink, open(outbox, "rb", buffering=0) as source:  # noqa: PTH123 - pipes
            try:
                socket.send_fds(self._control, [FILE], [theirs, theirs_too])
            except OSError:
                return self._outcome
            finally:
                os.close(theirs)
                os.close(theirs_too)
            os.set_blocking(inbox, False)
            os.set_blocking(outbox, False)
            self._talk(memoryview(data), sink, source)
        return self._outcome

    def _talk(self, data: memoryview, sink: FileIO, source: FileIO) -> None:
        until = time.monotonic() + self._limits.patience.total_seconds()
        with selectors.DefaultSelector() as ready:
            ready.register(self._control, selectors.EVENT_READ)
            ready.register(source, selectors.EVENT_READ)
            ready.register(sink, selectors.EVENT_WRITE)
            while self._outcome.status is None:
                happened = {key.fileobj for key, _ in ready.select(max(0.0, until - time.monotonic()))}
                if not happened or (self._outcome.killed and time.monotonic() > until):
                    if self._outcome.killed:
                        return
                    self._kill(f"it takes longer than {self._limits.patience.total_seconds():g} s")
                    until = time.monotonic() + _GRACE
                if sink in happened:
                    data = data[_written(sink, data[:_PIECE]) :]
                    if not data:
                        ready.unregister(sink)
                        sink.close()
                if source in happened and not self._take(source):
                    ready.unregister(source)
                    until = min(until, time.monotonic() + _GRACE)
                if self._control in happened and not self._hear():
                    return
        while not source.closed and self._take(source):
            pass

    def _take(self, source: FileIO) -> bool:
        """Take a piece of the reply, and say whether more may come."""
        piece = source.read(_PIECE)
        if not piece:
            return False
        self._outcome.reply += piece
        if len(self._outcome.reply) > self._limits.output:
            self._kill(f"its text is larger than {self._limits.output / 1_000_000:g} MB")
            return False
        return True

    def _hear(self) -> bool:
        """Take a message of the worker, and say whether it is still there."""
        try:
            message = self._control.recv(NUMBER.size, socket.MSG_WAITALL)
        except ConnectionError:
            message = b""
        if len(message) < NUMBER.size:
            return False
        kind, number = NUMBER.unpack(message)
        if kind == STARTED:
            self.child = number
        else:
            self._outcome.status = number
        return True

    def _kill(self, reason: str) -> None:
        """End the copy and all that it has started."""
        self._outcome.killed = self._outcome.killed or reason
        kill_group(self.child, self._worker)


def kill_group(group: int, session: int) -> None:
    """End a group of processes, if it is one of this session."""
    try:
        if group and os.getsid(group) == session:
            os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _written(sink: FileIO, data: memoryview) -> int:
    """Write as much as the pipe takes; to one that nobody reads any more, all of it."""
    try:
        return sink.write(data) or 0
    except BrokenPipeError:
        return len(data)
