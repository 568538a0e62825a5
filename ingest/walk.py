"""The files of a folder and what is declared of them, in an order that is the same each time, without leaving it.

No document is opened here. What a name points to may change before it is read, so `beneath.read_file`
checks again, on the opened file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ingest.beneath import Entry, entries, larger_than, read_at
from ingest.declared import DECLARATION_BYTES, DECLARATION_LIKE, DECLARATION_NAME, Faulty, parse_declaration
from ingest.errors import EmptyFolder, TooMuch, Unreadable
from ingest.ignore import IGNORE_BYTES, IGNORE_NAME, is_ignored, parse_ignore
from ingest.types import MAX_BYTES, Found, Skipped, moment, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ingest.beneath import Root
    from ingest.declared import Declaration
    from ingest.ignore import Ignore

MOST_NAMES: Final = 1_000_000
MOST_BYTES: Final = 1_000_000_000_000
DEEPEST: Final = 100  # folders in each other
Written = bytes  # a declaration, as it stands in its file
_STEERING: Final = frozenset({IGNORE_NAME, ".git"})  # never documents, no more than declarations are


@dataclass(frozen=True, slots=True)
class Walked:
    """What is in a folder: of each folder its files by name, then its folders by name."""

    found: tuple[Found, ...]
    skipped: tuple[Skipped, ...]
    declared: Mapping[tuple[str, ...], Declaration | Faulty]  # by folder, its names as they are shown; () is the top
    hidden: int  # files and folders that were passed over, those below such a folder not counted
    ignored: int  # same
    written: Mapping[tuple[str, ...], Written]  # the declarations as they are in their files, if that was asked for


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder whose turn will come: the names that lead to it, as they are and as they are shown."""

    place: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()  # of the folders above it, the nearest last


@dataclass(slots=True)
class _Tally:
    """What was found so far, and how much of it there may be."""

    top: str
    most_names: int
    most_bytes: int
    keep_written: bool
    names: int = 0
    bytes: int = 0
    hidden: int = 0
    ignored: int = 0
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    declared: dict[tuple[str, ...], Declaration | Faulty] = field(default_factory=dict)
    written: dict[tuple[str, ...], Written] = field(default_factory=dict)

    def counted(self, listing: Iterable[Entry]) -> Iterator[Entry]:
        for entry in listing:
            self.names += 1
            if self.names > self.most_names:
                raise TooMuch(f"{self.top} holds more than {self.most_names:,} files and folders: {_SMALLER}")
            yield entry

    def add(self, file: Found) -> None:
        self.bytes += file.size
        if self.bytes > self.most_bytes:
            raise TooMuch(f"the files of {self.top} are larger than {self.most_bytes:,} bytes together: {_SMALLER}")
        self.found.append(file)

    def result(self) -> Walked:
        if not self.found and not self.skipped:
            over = f" ({self.hidden} hidden and {self.ignored} ignored were passed over)"
            nothing = f"there is nothing to read in {self.top}{over if self.hidden + self.ignored else ''}"
            raise EmptyFolder(f"{nothing}: put documents there, or name another folder")
        return Walked(tuple(self.found), tuple(self.skipped), self.declared, self.hidden, self.ignored, self.written)


_SMALLER: Final = f"name a smaller folder, or leave parts of it out with {IGNORE_NAME}"


def walk(
    root: Root,
    *,
    hidden: bool = False,
    keep_written: bool = False,
    most_names: int = MOST_NAMES,
    most_bytes: int = MOST_BYTES,
) -> Walked:
    """Find the regular files below a folder, and the declarations. Nothing but those and `.ntkignore` is read.

    Links, pipes, devices, files over `MAX_BYTES` and folders that cannot be listed come out as `Skipped`, and
    the walk goes on. So does a folder whose `.ntkignore` cannot be understood: what was meant to be left out is not
    taken in. A declaration that cannot be understood is `Faulty`, which holds back all that it applies to.

    Args:
        root: Open.
        hidden: Take files and folders whose name begins with a dot as well, but `.git`.
        keep_written: Give the declarations as they are written, too.
        most_names: How many files and folders may be listed.
        most_bytes: How large the files may be together.

    Raises:
        EmptyFolder: There is nothing in it to read or to report.
        TooMuch: It holds more than it may.
    """
    tally = _Tally(root.shown, most_names, most_bytes, keep_written)
    folders = [_Folder()]  # a stack and no recursion: a chain of folders is no error
    while folders:
        folder = folders.pop()
        try:
            below = _looked_through(folder, root, tally, hidden=hidden)
        except Unreadable as error:
            tally.skipped.append(
                Skipped("/".join(folder.shown) or ".", f"this folder is not read: {error}", folder=True)
            )
        else:
            folders.extend(reversed(below))
    return tally.result()


def _looked_through(folder: _Folder, root: Root, tally: _Tally, *, hidden: bool) -> list[_Folder]:
    with root.folder(folder.place) as handle:
        listing = sorted(tally.counted(entries(handle)), key=lambda entry: entry.name)
        ignores = folder.ignores
        if any(entry.name == IGNORE_NAME for entry in listing):
            ignores = (*ignores, _ignore(handle, len(folder.place)))
        match _declared(handle, listing):
            case bytes() as written:
                tally.declared[folder.shown] = parse_declaration(written)
                if tally.keep_written:
                    tally.written[folder.shown] = written
            case Faulty() as faulty:
                tally.declared[folder.shown] = faulty
    below = []
    for entry in listing:
        inner = _Folder((*folder.place, entry.name), (*folder.shown, shown(entry.name)), ignores)
        if entry.name in _STEERING or DECLARATION_LIKE.fullmatch(entry.name):
            tally.hidden += entry.name == ".git"
        elif entry.name.startswith(".") and not hidden:
            tally.hidden += 1
        elif is_ignored(inner.place, ignores, folder=entry.kind == "folder"):
            tally.ignored += 1
        elif entry.kind == "folder" and len(inner.place) <= DEEPEST:
            below.append(inner)
        else:
            _take(entry, inner, tally)
    return below


def _take(entry: Entry, at: _Folder, tally: _Tally) -> None:
    relative = "/".join(at.shown)
    match entry.kind:
        case "link":
            tally.skipped.append(Skipped(relative, "it is a symbolic link, which is not followed"))
        case "folder":
            tally.skipped.append(Skipped(relative, f"it lies deeper than {DEEPEST} folders", folder=True))
        case "file" if entry.size > MAX_BYTES:
            tally.skipped.append(Skipped(relative, larger_than(MAX_BYTES)))
        case "file":
            tally.add(Found(relative, at.place, entry.size, entry.identity, moment(entry.modified)))
        case _:
            tally.skipped.append(Skipped(relative, "it is no regular file"))


def _ignore(folder: int, depth: int) -> Ignore:
    try:
        data = read_at(folder, IGNORE_NAME, IGNORE_BYTES)
    except Unreadable as error:
        raise Unreadable(f"{IGNORE_NAME} cannot be read: {error}") from None
    return parse_ignore(data, depth)


def _declared(folder: int, listing: Iterable[Entry]) -> bytes | Faulty | None:
    names = {entry.name for entry in listing}
    if misnamed := sorted(name for name in names if DECLARATION_LIKE.fullmatch(name) and name != DECLARATION_NAME):
        return Faulty(f"it is called {misnamed[0]}: call it {DECLARATION_NAME}")
    if DECLARATION_NAME not in names:
        return None
    try:
        return read_at(folder, DECLARATION_NAME, DECLARATION_BYTES)
    except Unreadable as error:
        return Faulty(str(error))
