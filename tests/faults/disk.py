"""A data folder on a disk whose power can fail: what is durable of it, and what a cut may leave.

`disk.c` says which disk that is. It is compiled when it is needed, and preloaded into the process that works on the
folder. The process stops at events that were chosen before; meanwhile `Disk.cut` makes what the disk may hold after
a power cut at that moment: all that is durable, names up to some point of their order, and of what was written since,
any sectors, in any order, each whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from tests.sparse import parts_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

SOURCE: Final = Path(__file__).with_name("disk.c")
ROOT: Final = Path(__file__).parents[2]
SECTORS: Final = (512, 4096)  # bytes that a disk writes whole
FOLDER: Final = 0  # in place of the number of a file

Names: TypeAlias = dict[str, int]  # path -> number of the file, or FOLDER


def compiler() -> str | None:
    """Give the C compiler of this machine."""
    return shutil.which("cc") or shutil.which("gcc")


def compiled(place: Path) -> Path:
    """Compile the disk into a folder, and give what is to be preloaded."""
    made = place / "disk.so"
    command = [str(compiler()), "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, "-o", str(made), str(SOURCE), "-lpthread"], check=True, timeout=60)
    return made


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the names, in order: each event with its two fields, and how many of them are durable."""

    events: Sequence[tuple[str, str, str]]
    durable: int

    @classmethod
    def read(cls, file: Path) -> Written:
        events, durable = list[tuple[str, str, str]](), 0
        for line in file.read_bytes().split(b"\0\n")[:-1]:
            kind, first, second = (part.decode() for part in line.split(b"\0"))
            assert kind != "unknown", f"{first} was made behind the back of the disk"
            if kind == "commit":
                durable = len(events)
            else:
                events.append((kind, first, second))
        return cls(events, durable)


@dataclass(slots=True)
class Disk:
    """A folder, and beside it what of it is durable. All of it is, to begin with."""

    root: Path
    state: Path
    at_first: Names = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep a copy of all that is there."""
        (self.state / "durable").mkdir(parents=True)
        lines = list[str]()
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            self.at_first[name] = FOLDER
            if path.is_file():
                self.at_first[name] = number = len(lines) + 1
                copy_file(path, self._durable(number))
                lines.append(f"{path.stat().st_ino} {number}\n")
        (self.state / "known").write_text("".join(lines))

    def run(self, library: Path, module: str, *arguments: object, stops: Sequence[int] = ()) -> Iterator[str]:
        """Let a module work on the folder; stop it at some events, and at its end.

        At each stop, and at the end, it gives what the module has acknowledged so far.
        """
        told, tell = os.pipe()
        hear, say = os.pipe()
        acknowledged = self.state / "acknowledged"
        environment = os.environ | {
            "LD_PRELOAD": str(library), "DISK_ROOT": str(self.root), "DISK_STATE": str(self.state),
            "DISK_STOPS": "," + "".join(f"{stop}," for stop in stops), "DISK_TELL": str(tell), "DISK_HEAR": str(hear),
        }  # fmt: skip
        command = [sys.executable, "-m", module, str(self.root), *map(str, arguments)]
        errors = self.state / "errors"
        with acknowledged.open("wb") as output, errors.open("wb") as error:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=error, pass_fds=(tell, hear)
            )
        os.close(tell)
        os.close(hear)
        try:
            while os.read(told, 1):
                yield acknowledged.read_text()
                with suppress(BrokenPipeError):
                    os.write(say, b".")
            assert process.wait(60) == 0, errors.read_text()
        finally:
            os.close(say)
            os.close(told)
            process.kill()
            process.wait()
        yield acknowledged.read_text()

    def missed(self) -> set[str]:
        """Give the names that the folder has and the disk knows nothing of, or the other way."""
        known = replayed(self.at_first, Written.read(self.state / "names").events)
        return known.keys() ^ {str(path.relative_to(self.root)) for path in self.root.rglob("*")}

    def cut(self, target: Path, chance: random.Random) -> None:
        """Make in a new folder what a power cut at this moment may leave of the watched one."""
        written = Written.read(self.state / "names")
        last = len(written.events)
        upto = chance.choice((written.durable, last, chance.randint(written.durable, last)))
        names = replayed(self.at_first, written.events[:upto])
        sizes = set_since(written.events[:upto])
        latest = self._latest(written.events)
        sector, share = chance.choice(SECTORS), chance.choice((0.0, 1.0, chance.random()))
        target.mkdir(mode=0o700)
        for name, number in sorted(names.items()):
            if number == FOLDER:
                (target / name).mkdir(mode=0o700)
            else:
                durable = Content.read(self._durable(number))
                if number in sizes:
                    durable = durable.resized(sizes[number])
                _mixed(durable, latest.get(number), sector, share, chance).write(target / name)

    def _durable(self, number: int) -> Path:
        return self.state / "durable" / str(number)

    def _latest(self, events: Sequence[tuple[str, str, str]]) -> dict[int, Path]:
        """Give where the files are that are still there, by their numbers."""
        lines = (self.state / "known").read_text().splitlines()
        numbers = {int(inode): int(number) for inode, number in (line.split() for line in lines)}
        for kind, first, _ in events:
            if kind == "create":
                number, inode = first.split(":")
                numbers[int(inode)] = int(number)
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        return {numbers[path.stat().st_ino]: path for path in paths if path.stat().st_ino in numbers}


def replayed(names: Mapping[str, int], events: Sequence[tuple[str, str, str]]) -> Names:
    """Give the names after some events."""
    there = dict(names)
    for kind, first, second in events:
        match kind:
            case "create":
                there[second] = int(first.split(":")[0])
            case "folder" if first != ".":
                there[first] = FOLDER
            case "remove":
                there.pop(first, None)
            case "link":
                there[second] = there[first]
            case "rename":
                for name in [name for name in there if name == second or name.startswith(f"{second}/")]:
                    del there[name]
                for name in [name for name in there if name == first or name.startswith(f"{first}/")]:
                    there[second + name.removeprefix(first)] = there.pop(name)
    return there


def set_since(events: Sequence[tuple[str, str, str]]) -> dict[int, int]:
    """Give the lengths that were set since the files were made durable."""
    sizes = dict[int, int]()
    for kind, number, size in events:
        if kind == "size":
            sizes[int(number)] = int(size)
        elif kind == "kept":
            sizes.pop(int(number), None)
    return sizes


# --- what a file holds --------------------------------------------------------------------------


@dataclass(slots=True)
class Content:
    """A file's length and its parts that are no holes, which are few: files of an index are mostly holes."""

    size: int
    parts: dict[int, bytes]  # where each begins; none touches another

    @classmethod
    def read(cls, path: Path | None) -> Content:
        if path is None or not path.exists():
            return cls(0, {})
        return cls(path.stat().st_size, parts_of(path))

    def block(self, first: int, last: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        made = np.zeros(last - first, dtype=np.uint8)
        for begins, part in self.parts.items():
            low, high = max(first, begins), min(last, begins + len(part))
            if low < high:
                made[low - first : high - first] = np.frombuffer(part, np.uint8)[low - begins : high - begins]
        return made

    def resized(self, size: int) -> Content:
        return Content(size, {begins: part[: size - begins] for begins, part in self.parts.items() if begins < size})

    def write(self, path: Path) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0) as file:
            os.truncate(file.fileno(), self.size)
            for begins, part in self.parts.items():
                os.pwrite(file.fileno(), part, begins)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, holes and all."""
    Content.read(source).write(target)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder of nobody else's, holes and all."""
    target.mkdir(mode=0o700)
    for path in sorted(source.rglob("*")):
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir(mode=0o700)
        else:
            copy_file(path, there)


def _mixed(old: Content, latest: Path | None, sector: int, share: float, chance: random.Random) -> Content:
    """Give what is durable, with some of the sectors that were written since, and with one of both lengths."""
    if latest is None or share == 0:
        return old
    new = Content.read(latest)
    if share == 1:
        return new
    size = chance.choice((old.size, new.size))
    if new.size > old.size and chance.random() < share:
        size = min(new.size, old.size + sector * chance.randint(0, (new.size - old.size) // sector))
    written = dict[int, bytes]()
    for begins, part in _together([*old.parts.items(), *new.parts.items()], sector):
        before, after = old.block(begins, begins + part), new.block(begins, begins + part)
        for at in range(0, part, sector):
            one = slice(at, at + sector)
            taken = after if chance.random() < share else before
            written[begins + at] = taken[one].tobytes()
    return Content(max(size, old.size), written).resized(size)


def _together(parts: Sequence[tuple[int, bytes]], sector: int) -> Iterator[tuple[int, int]]:
    """Give begin and length of the stretches that some parts cover, in whole sectors, none twice."""
    begins = ends = 0
    for first, part in sorted(parts):
        low, high = first // sector * sector, -(-(first + len(part)) // sector) * sector
        if low > ends:
            if ends > begins:
                yield begins, ends - begins
            begins = low
        ends = max(ends, high)
    if ends > begins:
        yield begins, ends - begins
