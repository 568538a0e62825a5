"""What a process gives up before it reads a document, in three steps, each as far as the kernel goes along.

    isolate   before the parsers are loaded: no network, no way to more rights, no capabilities
    enclose   when they are loaded: no files but the parsers' own and one folder to work in
    limit     in the process of one document: memory, computing, files; a filter on system calls

What the kernel does not grant is left out, and `ingest.probe` finds out by trying what holds.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Final

from ingest import kernel, landlock, seccomp

if TYPE_CHECKING:
    from collections.abc import Iterable

_GRACE: Final = 2  # seconds of computing between the signal that ends a process and the one that surely does


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take."""

    memory: int = 3 << 29  # bytes, 1.5 GiB, for each process
    computing: timedelta = timedelta(seconds=60)  # for each process
    patience: timedelta = timedelta(seconds=180)  # from the first byte to the last, of the clock on the wall
    output: int = 200_000_000  # bytes, of the reply and of each file that is written on the way
    files: int = 64  # open at once
    scratch: int = 500_000_000  # bytes of all files that are written on the way; in memory


LIMITS: Final = Limits()

_MOST_FILES: Final = 20_000  # that are written on the way
_MOST_PROCESSES: Final = 200  # and threads, of which LibreOffice has some dozens

_SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/nix/store")
# For the dynamic linker, the C library, fonts, and LibreOffice. None of them is secret.
_SYSTEM_FILES: Final = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/locale.alias",
    "/etc/libreoffice",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/ssl/openssl.cnf",
    "/var/cache/fontconfig",
    "/var/lib/libreoffice",
    "/var/spool/libreoffice",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/dev/random",
    "/dev/urandom",
)
_DEVICES: Final = (Path("/dev/null"), Path("/dev/zero"))
_OWN_PACKAGES: Final = ("acl", "audit", "ingest", "retrieval", "store")


def isolate(folder: Path, size: int) -> None:
    """Cut this process off from the network and from more rights, and give it a place of its own to write in.

    It must not have started a thread.

    Args:
        folder: An empty folder.
        size: What may lie in it, in bytes, where the kernel allows to say so.
    """
    with suppress(OSError):
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    with suppress(OSError):
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)  # what a parser starts and leaves behind comes here to be ended
    with suppress(OSError):
        _write("/proc/self/oom_score_adj", "900")  # when memory runs out, this one first
    if _leave_namespaces():  # else a mount would be one of the whole machine, were this process root's
        _bound_place(folder, size)


def _leave_namespaces() -> bool:
    """Leave the network, the mounts and the rest of the machine; say whether that was possible."""
    user, group = os.geteuid(), os.getegid()
    own = kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNS
    try:
        kernel.unshare(kernel.CLONE_NEWUSER | own)
    except OSError:
        try:
            kernel.unshare(own)  # root needs no namespace of users
        except OSError:
            return False
        return True
    # In a namespace of users of its own, these processes are counted alone. (The kernel does not count those of root.)
    _bound(resource.RLIMIT_NPROC, _MOST_PROCESSES)
    with suppress(OSError):
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    return True


def _bound_place(folder: Path, size: int) -> None:
    """Mount memory of a bounded size at a folder. It is gone with the processes that see it."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    with suppress(OSError):
        kernel.mount("none", Path("/"), "none", kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("tmpfs", folder, "tmpfs", flags, f"mode=700,nr_inodes={_MOST_FILES},size={size}")


def enclose(folder: Path, more: Iterable[Path]) -> None:
    """Leave this process the files of the parsers and of the system, and one folder to write in."""
    places = {*_places_of_python(), *map(Path, (*_SYSTEM, *_SYSTEM_FILES)), *_places_of_tools(), *more}
    with suppress(OSError):
        landlock.confine_files(sorted(places), [folder], _DEVICES)
    with suppress(OSError):
        kernel.drop_capabilities()


def limit(limits: Limits) -> None:
    """Bound what this process and all that it starts may take. It becomes a group of processes of its own."""
    os.setpgid(0, 0)
    with suppress(OSError):
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(OSError):
        landlock.confine_signals()
    seconds = ceil(limits.computing.total_seconds())
    _bound(resource.RLIMIT_CPU, seconds, seconds + _GRACE)
    _bound(resource.RLIMIT_NOFILE, limits.files)
    _bound(resource.RLIMIT_FSIZE, limits.output)
    _bound(resource.RLIMIT_CORE, 0)
    # Not RLIMIT_AS: each of LibreOffice's threads reserves addresses by tens of megabytes, and fills few of them.
    _bound(resource.RLIMIT_DATA, limits.memory)
    try:
        seccomp.install()
    except OSError:
        sys.addaudithook(_refuse_network)


def _bound(which_one: int, soft: int, hard: int | None = None) -> None:
    _, ceiling = resource.getrlimit(which_one)
    wanted = soft if hard is None else hard
    hard = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
    resource.setrlimit(which_one, (min(soft, hard), hard))


def _refuse_network(event: str, _: tuple[object, ...]) -> None:
    """Stand in for the kernel where it has no filter. It holds what Python code does, and no more."""
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"}:
        raise PermissionError(errno.EPERM, "a parser has no network")


def places_of_packages() -> list[Path]:
    """Give where packages are installed that this process can import, its user's own included."""
    return [Path(place) for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]


def _places_of_python() -> set[Path]:
    """Give where Python, the installed packages and the packages of this project lie. Their parents are not in it."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    root = Path(__file__).parents[1]
    return {
        *(Path(sysconfig.get_path(name)) for name in names),
        Path(sys.base_prefix, "lib"),
        *places_of_packages(),
        *(root / package for package in _OWN_PACKAGES),
    }


def _places_of_tools() -> set[Path]:
    """Give where LibreOffice lies when it comes from its makers, below /opt."""
    found = which("soffice")
    parts = Path(found).resolve().parts if found else ()
    return {Path(*parts[:3])} if parts[:2] == ("/", "opt") else set()


def _write(place: str, text: str) -> None:
    with open(place, "w", encoding="ascii") as file:  # noqa: PTH123 - a file of the kernel
        file.write(text)
