"""Which guards hold around the reading of files on this machine, found out by trying to get past each."""

from __future__ import annotations

import errno
import os
import resource
import socket
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ingest.sandbox import Sandbox
from ingest.types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BOUNDED: Final = 1 << 30  # bytes; a disk or a memory is larger


class Guard(StrEnum):
    """What keeps a parser in."""

    NETWORK = "no network"
    FILES = "no files but its own"
    MEMORY = "bounded memory"
    SCRATCH = "bounded temporary files"
    SIGNALS = "no signals to others"
    DESCENDANTS = "what it starts ends with it"


def confinement() -> frozenset[Guard]:
    """Try all guards where files are read, and say which hold.

    Raises:
        SandboxDown: No process can be started to read files in.
    """
    with Sandbox(entry="ingest.probe:probe") as sandbox:
        return frozenset(map(Guard, sandbox.read(b"", "probe").notes))


def probe(_data: bytes, _name: str) -> Reading:
    """Try all guards from where this runs; the notes of the reading are those that hold."""
    return Reading("probe", (), notes=tuple(guard for guard, escapes in _TRIALS.items() if not escapes()))


def _reaches_an_address() -> bool:
    try:
        with socket.socket() as client:
            client.settimeout(2)
            client.connect(("127.0.0.1", 9))  # in a network of its own, even this is not there
    except OSError as error:
        return error.errno not in (errno.EPERM, errno.EACCES, errno.ENETUNREACH)
    return True


def _sees_other_files() -> bool:
    return _succeeds(lambda: os.scandir("/").close())


def _has_all_memory() -> bool:
    return resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY


def _has_all_space() -> bool:
    place = os.statvfs(".")
    return place.f_blocks * place.f_frsize > _BOUNDED


def _reaches_a_process() -> bool:
    return _succeeds(lambda: os.kill(os.getppid(), 0))


def _leaves_its_group() -> bool:
    return _succeeds(lambda: os.setpgid(0, 0))


def _succeeds(trial: Callable[[], None]) -> bool:
    try:
        trial()
    except PermissionError:
        return False
    return True


_TRIALS: Final[Mapping[Guard, Callable[[], bool]]] = {
    Guard.NETWORK: _reaches_an_address,
    Guard.FILES: _sees_other_files,
    Guard.MEMORY: _has_all_memory,
    Guard.SCRATCH: _has_all_space,
    Guard.SIGNALS: _reaches_a_process,
    Guard.DESCENDANTS: _leaves_its_group,
}
