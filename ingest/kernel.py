"""Calls of the Linux kernel that Python has no name for. Elsewhere they fail as if the kernel lacked them."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECCOMP: Final = 22
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000

MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000

_LINUX: Final = sys.platform == "linux"
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
if _LINUX:
    _LIBC.syscall.restype = ctypes.c_long
_CAPABILITIES_OF_64_BITS: Final = 0x20080522
_CAPSET: Final = {"x86_64": 126, "aarch64": 91}


def prctl(option: int, value: int | ctypes.c_void_p = 0, more: int | ctypes.c_void_p = 0) -> None:
    """Change something about this process.

    Raises:
        OSError: The kernel refuses, or is not Linux.
    """
    if not _LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    arguments = [
        argument if isinstance(argument, ctypes.c_void_p) else ctypes.c_ulong(argument)
        for argument in (value, more, 0, 0)
    ]
    _told(_LIBC.prctl(option, *arguments))


def syscall(number: int, *arguments: int | ctypes.c_void_p | None) -> int:
    """Call the kernel by number.

    Raises:
        OSError: The kernel refuses, or is not Linux.
    """
    if not _LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return _told(
        _LIBC.syscall(
            ctypes.c_long(number),
            *(ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments),
        )
    )


def unshare(flags: int) -> None:
    """Leave the namespaces of the parent.

    Raises:
        OSError: The kernel refuses, or is not Linux.
    """
    if not _LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    _told(_LIBC.unshare(flags))


def mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    """Mount something, in this process's namespace of mounts.

    Raises:
        OSError: The kernel refuses, or is not Linux.
    """
    if not _LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    texts = (os.fsencode(text) for text in (source, target, kind))
    _told(_LIBC.mount(*texts, ctypes.c_ulong(flags), os.fsencode(options) or None))


def drop_capabilities() -> None:
    """Give up what root may and others may not, for good once PR_SET_NO_NEW_PRIVS is set.

    Raises:
        OSError: The kernel refuses, or is not Linux on a known machine.
    """
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_OF_64_BITS, 0)
    none = (ctypes.c_uint32 * 6)()
    syscall(number, ctypes.cast(header, ctypes.c_void_p), ctypes.cast(none, ctypes.c_void_p))


def _told(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
