"""Files opened beneath one folder: step by step from its descriptor, through no link, and nothing but regular files.

The folder is opened once. Whatever its path means later, and whoever puts links, pipes or other folders
into the places that were listed: what is opened lies beneath it, and is what was listed.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from ingest.errors import NoSuchFolder, Unreadable
from ingest.types import MAX_BYTES, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from ingest.types import Found

Identity = tuple[int, int]  # device and inode
Kind = Literal["file", "folder", "link", "other"]

_KINDS: Final[dict[int, Kind]] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_IN_A_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without waiting, and without making a terminal ours: between two lines somebody may put a pipe or a device there.
_A_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHANGED: Final = "it changed while it was read; run again"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder's listing says of one name in it."""

    name: str
    kind: Kind
    size: int  # bytes
    identity: Identity
    modified: int  # seconds since 1970


class Root:
    """An open folder. What is read through it lies beneath it. Close it, or use it in a `with`."""

    def __init__(self, path: Path) -> None:
        """Open a folder; a link that the caller names himself is followed.

        Raises:
            NoSuchFolder: It is not there, no folder, or not ours to read.
        """
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except NotADirectoryError:
            raise NoSuchFolder(f"{shown(str(path))} is a file and no folder: name the folder that it is in") from None
        except (FileNotFoundError, ValueError):
            raise NoSuchFolder(f"there is no folder {shown(str(path))}: check the path, or create it") from None
        except OSError as error:
            raise NoSuchFolder(f"the folder {shown(str(path))} cannot be opened: {reason(error)}") from None
        self.shown = shown(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the folder go."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1  # the number may be another file's by now

    @contextmanager
    def folder(self, place: Sequence[str]) -> Iterator[int]:
        """Open a folder below this one, by the names that lead to it, and give its descriptor.

        Raises:
            Unreadable: It is gone, a link or no folder, or not ours to read.
        """
        handle = os.dup(self._handle)
        try:
            for name in place:
                handle, above = _opened(name, handle, _IN_A_FOLDER), handle
                os.close(above)
            yield handle
        finally:
            os.close(handle)


def entries(folder: int) -> Iterator[Entry]:
    """List an open folder, in no order; nothing is opened.

    Raises:
        Unreadable: It cannot be listed.
    """
    try:
        with os.scandir(folder) as listing:
            for each in listing:
                try:
                    found = each.stat(follow_symlinks=False)
                except FileNotFoundError:  # removed since its name was given: it is not in the folder
                    continue
                kind = _KINDS.get(stat.S_IFMT(found.st_mode), "other")
                yield Entry(each.name, kind, found.st_size, (found.st_dev, found.st_ino), int(found.st_mtime))
    except OSError as error:
        raise Unreadable(f"it cannot be listed: {reason(error)}") from None


def read_file(root: Root, found: Found) -> bytes:
    """Read a file that was found below a folder, whole.

    Raises:
        Unreadable: It is gone, another file than was found, no regular file, too large, changing, or not ours to read.
    """
    *above, name = found.place
    with root.folder(above) as folder:
        return read_at(folder, name, MAX_BYTES, found.identity)


def read_at(folder: int, name: str, most: int, identity: Identity | None = None) -> bytes:
    """Read a regular file in an open folder, whole, through one opening.

    Args:
        folder: The descriptor of the folder.
        name: The file's name in it.
        most: Bytes. A larger file is not read.
        identity: Of the file that is expected there; none expects any.

    Raises:
        Unreadable: As for `read_file`.
    """
    try:
        # To open a device or a pipe may be noticed at its other end, so it is looked at first; and again once it is
        # open, for by then it may be another.
        _regular(os.stat(name, dir_fd=folder, follow_symlinks=False), most)
        with os.fdopen(_opened(name, folder, _A_FILE), "rb", buffering=0) as file:
            opened = _regular(os.fstat(file.fileno()), most)
            if identity not in (None, (opened.st_dev, opened.st_ino)):
                raise Unreadable("it was replaced after the folder was listed; run again")
            return _whole(file, opened)
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {reason(error)}") from None


def _opened(name: str, folder: int, flags: int) -> int:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise Unreadable("it lies outside of the folder")  # no listing has such a name: somebody made this one up
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {reason(error)}") from None


def _regular(found: os.stat_result, most: int) -> os.stat_result:
    if stat.S_ISLNK(found.st_mode):
        raise Unreadable("it is a symbolic link, which is not followed")
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("it is no regular file")
    if found.st_size > most:
        raise Unreadable(larger_than(most))
    return found


def _whole(file: BinaryIO, before: os.stat_result) -> bytes:
    """Read as much as there was when it was opened. More, or less, is a file in the making."""
    parts, missing = list[bytes](), before.st_size
    while missing and (part := file.read(missing)):
        parts.append(part)
        missing -= len(part)
    after = os.fstat(file.fileno())
    # The files of /proc have no size and so are not read; those of /sys have one that is not theirs.
    if missing or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise Unreadable(_CHANGED)
    return b"".join(parts)


def larger_than(most: int) -> str:
    """Say that a file is larger than so many bytes."""
    return f"it is larger than {most // 1_000_000} MB" if most >= 1_000_000 else f"it is larger than {most // 1_000} KB"


def reason(error: OSError) -> str:
    """Say what the system says, without the path, which an error of the system quotes."""
    return os.strerror(error.errno or 0).lower()
