"""Small files that are there whole or not at all, whatever ends the process, or the power; once written, they stay."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_UNFINISHED: Final = ".new"  # what a name ends with while its file is being written


def make(path: Path, text: str) -> None:
    """Make a file that is its owner's alone, and have it on the disk; its name may not be there yet.

    Raises:
        OSError: It is there already, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def put(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Put a text into the place of a file that is its owner's alone, and return once it is on the disk.

    One at a time may call it: what it writes stands in `unfinished` first.

    Args:
        path: The file, which need not be there.
        text: What it is to hold.
        owner: Numbers of the user and the group whose it is; without them, those of this process.

    Raises:
        OSError: It cannot be written; the old one is there, or none.
    """
    fresh = unfinished(path)
    fresh.unlink(missing_ok=True)  # of somebody who was cut off
    try:
        make(fresh, text)
        if owner is not None and owner != (os.geteuid(), os.getegid()):
            os.chown(fresh, *owner)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync(path.parent)  # else the name may still be the old file's after a power cut


def unfinished(path: Path) -> Path:
    """Give the file that is written first, and may be left over; it is removed the next time."""
    return path.with_name(f"{path.name}{_UNFINISHED}")


def sync(file: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
