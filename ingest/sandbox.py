"""Documents are read in processes that can do nothing else, and that end with each document.

    this process  ── socket ──>  a worker, with the parsers loaded  ── fork ──>  a copy for one file
          │                                                                        ▲        │
          └──────────────────────── the file, through a pipe ──────────────────────┘        │
          ▲                                                                                 │
          └───────────────────────── its reading, through another ──────────────────────────┘

The worker never sees a document. What comes back is data, checked part by part (`ingest.reply`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Final, Self

from ingest.child import FAILED, READY, to_limits
from ingest.confine import LIMITS, Limits, places_of_packages
from ingest.errors import SandboxDown, Unreadable
from ingest.exchange import Exchange, kill_group
from ingest.offline import QUIET
from ingest.reply import Garbled, part, to_reading
from ingest.scratch import empty

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ingest.exchange import Outcome
    from ingest.types import Reading

READ: Final = "ingest.reading:read"
_WORTH_A_WAIT: Final = 0.5  # seconds
_START: Final = 120.0  # seconds in which the parsers have to be loaded
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE")
# One thread, as nothing else survives a fork; and one heap, so that less of it has to be copied.
_ONE_THREAD: Final = {
    "MALLOC_ARENA_MAX": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
_NO_RESULT: Final = "its parser gave no usable result"


class Sandbox:
    """Reads files in processes of their own. Threads may share it; each waits for a process that is free."""

    def __init__(
        self, workers: int = 1, limits: Limits = LIMITS, *, entry: str = READ, path: Sequence[Path] = ()
    ) -> None:
        """Prepare, without starting anything yet.

        Args:
            workers: So many files are read at once, each worker with the parsers in memory (about 200 MB).
            limits: What one file may take.
            entry: What reads a file, as `module:function`.
            path: Where to look for that module, if it is not a part of this project.
        """
        self._limits = limits
        self._entry = entry
        self._path = tuple(path)
        self._count = workers
        self._closed = False
        self._changed = Condition()
        self._idle: list[_Worker] = []
        self._unstarted = workers

    def read(self, data: bytes, name: str) -> Reading:
        """Read one file.

        Args:
            data: Its content.
            name: Its name, which tells the format.

        Raises:
            Unreadable: There is no text to be had within the limits, and why.
            ParserMoved, EmbedderDown: No file can be read with what is installed here.
            SandboxDown: No process can be started to read it.
        """
        worker = self._taken()
        try:
            worker = worker or _Worker(self._limits, self._entry, self._path)
            return worker.read(data, name)
        finally:
            if worker is not None and worker.spoiled:
                worker.close()
                worker = None
            self._give_back(worker)

    def close(self) -> None:
        """Wait for the files that are being read, and end the processes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._idle) + self._unstarted == self._count)
            for worker in self._idle:
                worker.close()
            self._unstarted += len(self._idle)
            self._idle.clear()

    def _taken(self) -> _Worker | None:
        """Take a worker that is free; None for one that has to be started.

        To start one takes two seconds of computing, so that it is worth a wait for one that is at a small file.
        """
        with self._changed:
            until = time.monotonic() + (_WORTH_A_WAIT if self._unstarted < self._count else 0.0)
            while not self._closed:
                if self._idle:
                    return self._idle.pop()
                left = until - time.monotonic()
                if self._unstarted and left <= 0:
                    self._unstarted -= 1
                    return None
                self._changed.wait(left if self._unstarted else None)
        raise SandboxDown("it was closed")

    def _give_back(self, worker: _Worker | None) -> None:
        with self._changed:
            if worker is None:
                self._unstarted += 1
            else:
                self._idle.append(worker)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes."""
        self.close()


class _Worker:
    """A process that has the parsers loaded, and the folder in which its copies work."""

    def __init__(self, limits: Limits, entry: str, path: Sequence[Path]) -> None:
        self._limits = limits
        self.spoiled = False  # it has not come back to where it waits for the next file
        self._folder = Path(tempfile.mkdtemp(prefix="ntk-", dir=_in_memory()))
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs.fileno(), self._folder, path)
        try:
            self._prepare(entry, path)
        except BaseException:
            self.close()
            raise

    def read(self, data: bytes, name: str) -> Reading:
        self.spoiled = True
        try:
            exchange = Exchange(self._control, self._process.pid, self._limits)
            outcome = exchange.run(part(b"H", name) + data)
            self.spoiled = outcome.status is None
            if reason := _reason(outcome, self._limits):
                raise Unreadable(reason)
            return to_reading(outcome.reply)
        except Garbled:
            raise Unreadable(_NO_RESULT) from None
        finally:
            if self.spoiled:
                kill_group(exchange.child, self._process.pid)

    def close(self) -> None:
        self._control.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        empty(self._folder)
        self._folder.rmdir()

    def _prepare(self, entry: str, path: Sequence[Path]) -> None:
        """Tell the process what to load, and wait until it has."""
        order = {
            "entry": entry,
            "folder": str(self._folder),
            "limits": to_limits(self._limits),
            "readable": [str(place) for place in path],
        }
        self._control.settimeout(_START)
        try:
            self._control.sendall(part(b"O", order))
            said = self._control.recv(1)
            if said == FAILED:
                with self._control.makefile("rb") as rest:
                    to_reading(rest.read())
        except Unreadable as error:
            raise SandboxDown(f"the process that reads documents cannot load its parsers: {error}") from None
        except (OSError, Garbled):
            said = b""
        if said != READY:
            raise SandboxDown("the process that reads documents does not start")
        self._control.settimeout(None)


def _reason(outcome: Outcome, limits: Limits) -> str | None:
    """Say why there is no reply that could be read, if there is none."""
    if outcome.killed:
        return outcome.killed
    if outcome.status is None:
        return "its parser was ended from outside, as happens when memory runs out"
    if not os.WIFSIGNALED(outcome.status):
        return _NO_RESULT if os.waitstatus_to_exitcode(outcome.status) else None
    number = os.WTERMSIG(outcome.status)
    if number == signal.SIGXCPU:
        return f"it takes more than {limits.computing.total_seconds():g} s of computing"
    return f"its parser died (signal {signal.Signals(number).name})"


def _started(control: int, folder: Path, path: Sequence[Path]) -> subprocess.Popen[bytes]:
    # Nothing of this process's environment but what a program needs to be found: no settings, no secrets.
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    roots = (Path(__file__).parents[1], *path, *places_of_packages())
    environment |= QUIET | _ONE_THREAD
    environment |= {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(map(str, roots))}
    return subprocess.Popen(  # noqa: S603 - our own interpreter, with our own module
        [sys.executable, "-P", "-s", "-m", "ingest.child", str(control)],
        pass_fds=[control],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=environment,
        start_new_session=True,
    )


def _in_memory() -> Path | None:
    """Give a folder that is no disk, if there is one: what a parser writes on its way is text of documents."""
    place = Path("/dev/shm")  # noqa: S108 - a folder with an unguessable name is made in it
    return place if place.is_mount() and os.access(place, os.W_OK | os.X_OK) else None
