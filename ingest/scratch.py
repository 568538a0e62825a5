"""The folder that a document may fill, and how it is emptied again, whatever lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def empty(folder: Path) -> None:
    """Empty a folder, however deep and however locked: what lies deeper is brought to the top, level by level.

    No process may be working in it any more. Links are removed, and not followed.
    """
    folder.chmod(0o700)
    moved = 0
    while below := [place for place in folder.iterdir() if not _unlinked(place)]:
        for place in below:
            place.chmod(0o700)
            for entry in place.iterdir():
                if not _unlinked(entry):
                    entry.chmod(0o700)
                    moved += 1
                    entry.rename(folder / f".{moved}")
            place.rmdir()


def _unlinked(place: Path) -> bool:
    """Remove a file or a link, and say no to a folder."""
    if place.is_dir() and not place.is_symlink():
        return False
    place.unlink()
    return True
