"""The process in which documents are read: it loads the parsers once, and splits off a copy for each file.

Started by `ingest.sandbox`, with the number of a socket to it as only argument. Each copy reads one document and
ends: what a document does to its parser is gone with it, and no document shares a process with another.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

from ingest import confine
from ingest.exchange import ENDED, FILE, NUMBER, STARTED
from ingest.reply import HEAD, from_failure, from_reading, part
from ingest.scratch import empty

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.confine import Limits
    from ingest.types import Reading

_GRACE: Final = 10.0  # seconds that the parent has for ending what takes too long

READY: Final = b"+"  # the parsers are loaded
FAILED: Final = b"-"  # they are not; the reason follows


def main(number: int) -> None:
    """Serve until the other end of the socket is closed."""
    control = socket.socket(fileno=number)
    order = _order(control)
    limits = _limits(order["limits"])
    try:
        folder = Path(order["folder"])
        confine.isolate(folder, limits.scratch)
        _work_in(folder)
        read = _loaded(order["entry"])
        _require_one_thread()
        strays = _list_of_children()  # opened here, since files of the kernel are out of reach from the next line on
        confine.enclose(folder, map(Path, order["readable"]))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        control.sendall(FAILED + from_failure(error, f"{type(error).__name__}: {error}"))
        return
    gc.collect()
    gc.freeze()  # the collector would otherwise touch, and so copy, each page of the parsers in each child
    control.sendall(READY)
    with strays:
        while _serve(control, read, limits, folder, strays):
            pass


def to_limits(limits: Limits) -> dict[str, float]:
    """Write limits so that `main` reads them."""
    return {
        "memory": limits.memory,
        "computing": limits.computing.total_seconds(),
        "patience": limits.patience.total_seconds(),
        "output": limits.output,
        "files": limits.files,
        "scratch": limits.scratch,
    }


def _limits(told: dict[str, Any]) -> Limits:
    return confine.Limits(
        memory=told["memory"],
        computing=timedelta(seconds=told["computing"]),
        patience=timedelta(seconds=told["patience"]),
        output=told["output"],
        files=told["files"],
        scratch=told["scratch"],
    )


def _order(control: socket.socket) -> dict[str, Any]:
    _, length = HEAD.unpack(control.recv(HEAD.size, socket.MSG_WAITALL))
    order: dict[str, Any] = json.loads(control.recv(length, socket.MSG_WAITALL))
    return order


def _loaded(entry: str) -> Callable[[bytes, str], Reading]:
    module, _, name = entry.partition(":")
    found = import_module(module)
    warm_up = getattr(found, "warm_up", None)
    if warm_up is not None:
        warm_up()
    read: Callable[[bytes, str], Reading] = getattr(found, name)
    return read


def _work_in(folder: Path) -> None:
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))
    tempfile.tempdir = str(folder)


def _require_one_thread() -> None:
    """A fork copies one thread, and the locks of all."""
    with suppress(FileNotFoundError):  # not Linux
        threads = sum(1 for _ in Path("/proc/self/task").iterdir())
        if threads != 1:
            raise RuntimeError(f"the parsers have started {threads - 1} threads")


def _list_of_children() -> TextIO:
    """Open the kernel's list of what this process has started; empty where there is none."""
    try:
        return Path(f"/proc/self/task/{os.getpid()}/children").open(encoding="ascii")
    except OSError:
        return StringIO()


def _serve(
    control: socket.socket, read: Callable[[bytes, str], Reading], limits: Limits, folder: Path, strays: TextIO
) -> bool:
    """Have one file read, or say that no more will come."""
    message, handles, _, _ = socket.recv_fds(control, 1, 2)
    if message != FILE:
        return False
    inbox, outbox = handles
    child = os.fork()
    if child == 0:
        control.close()
        _read_one(read, inbox, outbox, limits)
    with suppress(OSError):
        os.setpgid(child, child)  # the copy does the same; whoever is first, it can be killed from here on
    os.close(inbox)
    os.close(outbox)
    control.sendall(NUMBER.pack(STARTED, child))
    status = _end_of(child, control, limits, strays)
    empty(folder)
    control.sendall(NUMBER.pack(ENDED, status))
    return True


def _end_of(child: int, control: socket.socket, limits: Limits, strays: TextIO) -> int:
    """Wait for the end of a child, end all that it has started, and give its status."""
    _wait(child, control, limits)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it keeps its number until its group is gone
    _kill_group(child)
    _, status = os.waitpid(child, 0)
    _end(strays)
    return status


def _end(strays: TextIO) -> None:
    """End what a child has started and left behind: it has become ours.

    Where calls are filtered, it was in the child's group and is dead; elsewhere it may have left that.
    """
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
            if not ended:
                strays.seek(0)
                for number in strays.read().split():
                    os.kill(int(number), signal.SIGKILL)
                os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _wait(child: int, control: socket.socket, limits: Limits) -> None:
    """Wait until a child ends, and end it when its time is up or the parent is gone, who otherwise sees to it."""
    try:
        handle = os.pidfd_open(child)
    except (AttributeError, OSError):  # another system, or a Linux before 5.3
        return
    ready, _, _ = select.select([handle, control.fileno()], [], [], limits.patience.total_seconds() + _GRACE)
    os.close(handle)
    if handle not in ready:
        _kill_group(child)


def _kill_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _read_one(read: Callable[[bytes, str], Reading], inbox: int, outbox: int, limits: Limits) -> NoReturn:
    status = 1
    try:
        confine.limit(limits)
        with open(inbox, "rb") as file, open(outbox, "wb") as answer:
            _, length = HEAD.unpack(file.read(HEAD.size))
            name = json.loads(file.read(length))
            answer.writelines(_reply(read, file.read(), name, limits))
        status = 0
    finally:
        os._exit(status)  # nothing of the copied process is to be tidied up


def _reply(read: Callable[[bytes, str], Reading], data: bytes, name: str, limits: Limits) -> list[bytes]:
    try:
        reading = read(data, name)
        return list(from_reading(reading))
    except MemoryError:
        return [part(b"U", f"it needs more than {limits.memory / 2**30:g} GiB of memory")]
    except Exception as error:  # noqa: BLE001 - a parser may throw anything; what it is told as, from_failure decides
        return [from_failure(error)]


if __name__ == "__main__":
    main(int(sys.argv[1]))
