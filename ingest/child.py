"""The process in which documents are read: it loads the parsers once, and splits off a copy for each file.

Started by `ingest.sandbox`, with the number of a socket to it as only argument. Each copy reads one document and
ends: what a document does to its parser is gone with it, and no document shares a process with another.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ingest import confine
from ingest.exchange import ENDED, FILE, NUMBER, STARTED
from ingest.reply import HEAD, from_failure, from_reading, part

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.confine import Limits
    from ingest.types import Reading

READY: Final = b"+"  # the parsers are loaded
FAILED: Final = b"-"  # they are not; the reason follows


def main(number: int) -> None:
    """Serve until the other end of the socket is closed."""
    control = socket.socket(fileno=number)
    order = _order(control)
    limits = _limits(order["limits"])
    confine.isolate()
    try:
        read = _loaded(order["entry"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        control.sendall(FAILED + from_failure(error, f"{type(error).__name__}: {error}"))
        return
    confine.enclose(Path(order["folder"]), map(Path, order["readable"]))
    gc.collect()
    gc.freeze()  # the collector would otherwise touch, and so copy, each page of the parsers in each child
    control.sendall(READY)
    while _serve(control, read, limits):
        pass


def to_limits(limits: Limits) -> dict[str, float]:
    """Write limits so that `main` reads them."""
    return {
        "memory": limits.memory,
        "computing": limits.computing.total_seconds(),
        "patience": limits.patience.total_seconds(),
        "output": limits.output,
        "files": limits.files,
    }


def _limits(told: dict[str, Any]) -> Limits:
    return confine.Limits(
        memory=told["memory"],
        computing=timedelta(seconds=told["computing"]),
        patience=timedelta(seconds=told["patience"]),
        output=told["output"],
        files=told["files"],
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


def _serve(control: socket.socket, read: Callable[[bytes, str], Reading], limits: Limits) -> bool:
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
    control.sendall(NUMBER.pack(ENDED, _end_of(child, limits)))
    return True


def _end_of(child: int, limits: Limits) -> int:
    """Wait for the end of a child, end all that it has started, and give its status."""
    # The parent ends what takes too long. Should it be gone, nobody else does.
    signal.signal(signal.SIGALRM, lambda *_: _kill_group(child))
    signal.setitimer(signal.ITIMER_REAL, limits.patience.total_seconds() + 5)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it keeps its number until its group is gone
    signal.setitimer(signal.ITIMER_REAL, 0)
    _kill_group(child)
    _, status = os.waitpid(child, 0)
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return status


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
            told = json.loads(file.read(length))
            os.environ.update(TMPDIR=told["folder"], HOME=told["folder"])
            tempfile.tempdir = told["folder"]
            os.chdir(told["folder"])
            data = file.read()
            answer.writelines(_reply(read, data, told["name"], limits))
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
