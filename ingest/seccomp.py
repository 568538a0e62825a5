"""A filter on system calls, for a process that turns one document into text.

It denies what leads out of the process: connections, other processes, namespaces, and memory that no limit
counts. What a parser needs passes. It is a second lock behind namespaces and Landlock, and the first one where
the kernel grants neither: a local socket, for one, is a file that a network namespace does not hide.
"""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingest.kernel import PR_SET_SECCOMP, prctl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FILTER_MODE: Final = 2
_AF_UNIX: Final = 1
_NAMESPACES: Final = 0x7E020000 | 0x80  # all CLONE_NEW* flags that clone takes
_SHARED_ANONYMOUS: Final = 0x21  # MAP_SHARED | MAP_ANONYMOUS

# The instructions of the kernel's packet filter, <linux/filter.h>.
_LOAD: Final = 0x20
_AND: Final = 0x54
_IF_EQUAL: Final = 0x15
_IF_AT_LEAST: Final = 0x35
_IF_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_ERROR: Final = 0x00050000

# Offsets in what a filter sees, `struct seccomp_data`.
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENTS: Final = 16

# Numbers on x86_64 and aarch64; from 424 on all machines have the same.
_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "clone": (56, 220),
    "mmap": (9, 222),
    "sendto": (44, 206),
    "socket": (41, 198),
}
_DENIED: Final[Mapping[str, tuple[int, int]]] = {
    # What reaches others, in the network or through a socket in the file system.
    "connect": (42, 203),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    # Does all of the above past this filter.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Would leave the group of processes that is killed with the file.
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # Other processes of this user.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    # Ways around the namespaces and the view of the files.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "open_by_handle_at": (304, 265),
    # Memory that counts for no process, or stays behind for the next one.
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Parts of the kernel with a history, of no use to a parser.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
# Answered with success, and not done. LibreOffice insists on listening at a socket of its own in /tmp, to which a
# second one of it would talk; there is none, and a parser that listens there could pass for another program.
_PRETENDED: Final[Mapping[str, tuple[int, int]]] = {"bind": (49, 200), "listen": (50, 201)}
_CLONE3: Final = 435

_Line = tuple[int, int, int, int]  # code, lines to jump if it holds, lines to jump if not, value


@dataclass(frozen=True, slots=True)
class _Machine:
    column: int  # of the tables above
    architecture: int  # AUDIT_ARCH_*
    foreign: int  # numbers from here on belong to another convention of calling, 0 if there is none


_MACHINES: Final[Mapping[str, _Machine]] = {
    "x86_64": _Machine(0, 0xC000003E, 0x40000000),
    "aarch64": _Machine(1, 0xC00000B7, 0),
}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def install() -> None:
    """Put the filter on this process and all that it will start. PR_SET_NO_NEW_PRIVS has to be set.

    Raises:
        OSError: The kernel has no filters, or the machine is neither x86_64 nor aarch64.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    lines = [_Instruction(*line) for line in _program(machine)]
    program = _Program(len(lines), (_Instruction * len(lines))(*lines))
    prctl(PR_SET_SECCOMP, _FILTER_MODE, ctypes.cast(ctypes.pointer(program), ctypes.c_void_p))


def _program(machine: _Machine) -> Iterator[_Line]:
    """Write the filter, line by line."""
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_IF_EQUAL, 1, 0, machine.architecture)
    yield (_RETURN, 0, 0, _KILL)
    yield (_LOAD, 0, 0, _NUMBER)
    if machine.foreign:
        yield (_IF_AT_LEAST, 0, 1, machine.foreign)
        yield (_RETURN, 0, 0, _KILL)
    for numbers in _DENIED.values():
        yield (_IF_EQUAL, 0, 1, numbers[machine.column])
        yield _error(errno.EPERM)
    for numbers in _PRETENDED.values():
        yield (_IF_EQUAL, 0, 1, numbers[machine.column])
        yield _error(0)
    yield (_IF_EQUAL, 0, 1, _CLONE3)
    yield _error(errno.ENOSYS)  # its flags stand in memory, which a filter cannot read: libraries then take clone
    yield from _checked("socket", machine, _only_local())
    yield from _checked("sendto", machine, _only_connected())
    yield from _checked("clone", machine, _no_namespaces())
    yield from _checked("mmap", machine, _no_shared_memory())
    yield (_RETURN, 0, 0, _ALLOW)


def _checked(name: str, machine: _Machine, check: list[_Line]) -> Iterator[_Line]:
    yield (_IF_EQUAL, 0, len(check), _NUMBERS[name][machine.column])
    yield from check


def _only_local() -> list[_Line]:
    """Let sockets of the machine itself be made: LibreOffice wants one, and nobody can connect to another."""
    return [(_LOAD, 0, 0, _argument(0)), (_IF_EQUAL, 1, 0, _AF_UNIX), _error(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]


def _only_connected() -> list[_Line]:
    """Let a send pass that names no address."""
    low, high = _argument(4), _argument(4) + 4
    return [
        (_LOAD, 0, 0, low),
        (_IF_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, high),
        (_IF_EQUAL, 1, 0, 0),
        _error(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _no_namespaces() -> list[_Line]:
    return [
        (_LOAD, 0, 0, _argument(0)),
        (_IF_ANY_BIT, 0, 1, _NAMESPACES),
        _error(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _no_shared_memory() -> list[_Line]:
    """Refuse memory to share, which RLIMIT_DATA does not count."""
    return [
        (_LOAD, 0, 0, _argument(3)),
        (_AND, 0, 0, _SHARED_ANONYMOUS),
        (_IF_EQUAL, 0, 1, _SHARED_ANONYMOUS),
        _error(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _argument(number: int) -> int:
    return _ARGUMENTS + 8 * number


def _error(number: int) -> _Line:
    return (_RETURN, 0, 0, _ERROR | number)
