"""Folders and files that only this user, or root, can have written."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_OTHERS_WRITE: Final = 0o022


class NotPrivateError(OSError):
    """Somebody else can write there."""


@contextmanager
def opened(path: Path | str, within: int | None = None, flags: int = FOLDER) -> Iterator[int]:
    """Open a folder, or a file in an open folder, unless others can write to it. What was looked at is what is open.

    Raises:
        NotPrivateError: Another user owns it or can write to it.
        OSError: It cannot be opened, or is a link.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600, dir_fd=within)  # a pipe waits for nobody
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & _OTHERS_WRITE:
            raise NotPrivateError(None, "another user owns it or can write to it")
        yield descriptor
    finally:
        os.close(descriptor)


def read(name: str, folder: int) -> bytes:
    """Read a file of an open folder.

    Raises:
        OSError: As `opened`.
    """
    with opened(name, folder, os.O_RDONLY) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read()
