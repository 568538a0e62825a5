"""Files with holes: the index reserves hundreds of megabytes and fills few."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def parts_of(path: Path) -> dict[int, bytes]:
    """Read a file without its holes: where each part begins, and what it is."""
    parts: dict[int, bytes] = {}
    with path.open("rb", buffering=0) as file:
        size, at = os.fstat(file.fileno()).st_size, 0
        while at < size:
            try:
                begins = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # nothing but a hole follows
                break
            at = os.lseek(file.fileno(), begins, os.SEEK_HOLE)
            parts[begins] = os.pread(file.fileno(), at - begins, begins)
    return parts
