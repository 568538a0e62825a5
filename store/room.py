"""Room on the disk, looked at before it is needed.

The index in process maps its files into memory: where the disk is full, writing to such a page is no error that
could be caught, but a signal that ends the process. So nothing is begun that might not fit.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from store.errors import DataFolderError, NoRoom

if TYPE_CHECKING:
    from pathlib import Path

RESERVE: Final = 256_000_000  # bytes: what the files of a fresh index are mapped as, and the journal of the database


def require_room(folder: Path, wanted: int) -> None:
    """Refuse to begin what needs more room than the disk of a folder has.

    Args:
        folder: It exists.
        wanted: Bytes, beside the reserve.

    Raises:
        NoRoom: There is less; the message says how much.
        DataFolderError: The folder cannot be looked at.
    """
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        raise DataFolderError(f"{folder} cannot be used: {error.strerror}") from error
    free = disk.f_bavail * disk.f_frsize
    if free < wanted + RESERVE:
        raise NoRoom(
            f"only {free // 1_000_000} MB are free where {folder} is, and {(wanted + RESERVE) // 1_000_000} MB are "
            "needed to go on safely: make room and run it again; what was taken in so far holds"
        )
