"""Small files that are there whole or not at all, whatever ends the process, or the power; once written, they stay."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_UNFINISHED: Final = ".new"  # what a name ends with while its file is being written


def put(path: Path, text: str) -> None:
    """Put a text into the place of a file that is its owner's alone, and return once it is on the disk.

    Raises:
        OSError: It cannot be written; the old one is there, or none.
    """
    fresh = unfinished(path)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)  # else the name may still be the old file's after a power cut


def unfinished(path: Path) -> Path:
    """Give the file that is written first, and may be left over; it is written over the next time."""
    return path.with_name(f"{path.name}{_UNFINISHED}")


def sync(file: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
