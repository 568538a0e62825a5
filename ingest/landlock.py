"""Which files a process may open, held by the kernel (Landlock): all others are as good as not there."""

from __future__ import annotations

import ctypes
import os
import stat
from typing import TYPE_CHECKING, Final

from ingest.kernel import syscall

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on all machines
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

# What can be done with files, <linux/landlock.h>.
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE_FILE, _MAKE_DEVICES = 1 << 4, 1 << 5, 1 << 6 | 1 << 11
_MAKE_FOLDER, _MAKE_FILE, _MAKE_SOCKET, _MAKE_PIPE, _MAKE_LINK = 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 12
_MOVE, _TRUNCATE, _CONTROL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FIRST: Final = 0x1FFF  # what the first version knows
_ON_FILES: Final = _EXECUTE | _WRITE | _READ | _TRUNCATE | _CONTROL_DEVICE
_READING: Final = _EXECUTE | _READ | _LIST
# No execution: what a document made a parser write is not run.
_OWN: Final = (
    _READ | _LIST | _WRITE | _TRUNCATE | _MOVE | _REMOVE_FOLDER | _REMOVE_FILE
    | _MAKE_FOLDER | _MAKE_FILE | _MAKE_SOCKET | _MAKE_PIPE | _MAKE_LINK
)  # fmt: skip
_TCP: Final = 0b11  # bind and connect
_SIGNALS_AND_SOCKETS: Final = 0b11


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Say which version of Landlock the kernel has.

    Raises:
        OSError: It has none, or it is switched off.
    """
    return syscall(_CREATE, None, 0, _ASK_VERSION)


def confine_files(readable: Iterable[Path], writable: Iterable[Path], devices: Iterable[Path] = ()) -> None:
    """Leave this process, and all that it will start, these places and no others. PR_SET_NO_NEW_PRIVS has to be set.

    Args:
        readable: Files to read and execute, folders with all that lies in them. What is not there is left out.
        writable: Folders to work in.
        devices: Files to read and to write.

    Raises:
        OSError: The kernel has no Landlock.
    """
    known = version()
    handled = _FIRST | (_MOVE if known >= 2 else 0) | (_TRUNCATE if known >= 3 else 0)
    handled |= _CONTROL_DEVICE if known >= 5 else 0
    rules = _open_rules(known, _Rules(handled, _TCP if known >= 4 else 0, _SIGNALS_AND_SOCKETS if known >= 6 else 0))
    try:
        for places, allowed in ((readable, _READING), (writable, _OWN), (devices, _READ | _WRITE | _TRUNCATE)):
            for place in places:
                _allow(rules, place, allowed & handled)
        syscall(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def confine_signals() -> None:
    """Let this process and all that it will start signal each other and nobody else.

    Raises:
        OSError: The kernel has no Landlock, or an older one.
    """
    known = version()
    rules = _open_rules(known, _Rules(0, 0, _SIGNALS_AND_SOCKETS))
    try:
        syscall(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _open_rules(known: int, rules: _Rules) -> int:
    size = 8 if known < 4 else 16 if known < 6 else 24
    return syscall(_CREATE, ctypes.cast(ctypes.pointer(rules), ctypes.c_void_p), size, 0)


def _allow(rules: int, place: Path, allowed: int) -> None:
    try:
        handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            allowed &= _ON_FILES
        beneath = _Beneath(allowed, handle)
        syscall(_ADD, rules, _PATH_BENEATH, ctypes.cast(ctypes.pointer(beneath), ctypes.c_void_p), 0)
    finally:
        os.close(handle)
