"""The files of a folder, in an order that is the same each time, and without leaving it.

Nothing is opened here. What a name points to may change before it is read, so `ingest.parse.read_file`
checks again, on the opened file.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ingest.errors import EmptyFolder, NoSuchFolder
from ingest.types import MAX_BYTES, Found, Skipped, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def walk(root: Path) -> Iterator[Found | Skipped]:
    """Find the regular files below a folder: of each folder its files by name, then its folders by name.

    Hidden files and folders (`.name`) are passed over silently. Links, pipes, devices, files over
    `MAX_BYTES` and folders that cannot be listed come out as `Skipped`, and the walk goes on.

    Raises:
        NoSuchFolder: There is no such folder; at once, before the first entry is asked for.
        EmptyFolder: There is nothing in it to read or to report; when the walk ends.
    """
    try:
        mode = root.stat().st_mode  # a link that the caller names himself is followed; none below it is
    except (OSError, ValueError):
        raise NoSuchFolder(f"there is no folder {shown(str(root))}: check the path, or create it") from None
    if not stat.S_ISDIR(mode):
        raise NoSuchFolder(f"{shown(str(root))} is a file and no folder: name the folder that it is in")
    return _entries(root)


def _entries(root: Path) -> Iterator[Found | Skipped]:
    nothing = True
    folders = [(root, "")]  # a stack and no recursion: a chain of a thousand folders is no error
    while folders:
        folder, prefix = folders.pop()
        below: list[tuple[Path, str]] = []
        for found in _listed(folder, prefix):
            if isinstance(found, tuple):
                below.append(found)
            else:
                nothing = False
                yield found
        folders.extend(reversed(below))
    if nothing:
        raise EmptyFolder(
            f"there is nothing to read in {shown(str(root))}: put documents there, or name another folder"
        )


def _listed(folder: Path, prefix: str) -> Iterator[Found | Skipped | tuple[Path, str]]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield Skipped(prefix.rstrip("/") or ".", f"this folder cannot be listed: {_reason(error)}")
        return
    for entry in entries:
        if not entry.name.startswith("."):
            yield _entry(entry, folder, prefix + shown(entry.name))


def _entry(entry: os.DirEntry[str], folder: Path, relative: str) -> Found | Skipped | tuple[Path, str]:
    try:
        if entry.is_symlink():
            return Skipped(relative, "it is a symbolic link, which is not followed")
        if entry.is_dir(follow_symlinks=False):
            return folder / entry.name, f"{relative}/"
        if not entry.is_file(follow_symlinks=False):
            return Skipped(relative, "it is no regular file")
        size = entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        return Skipped(relative, f"it cannot be looked at: {_reason(error)}")
    if size > MAX_BYTES:
        return Skipped(relative, f"it is larger than {MAX_BYTES // 1_000_000} MB")
    return Found(folder / entry.name, relative, size)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()
