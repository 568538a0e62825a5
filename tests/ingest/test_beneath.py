"""What is opened lies beneath the folder, is a regular file, and is the one that was listed. IN-04."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ingest.beneath import _A_FILE, Root, _opened, _regular, _whole, entries, read_at, read_file
from ingest.errors import NoSuchFolder, Unreadable
from ingest.types import MAX_BYTES, Found
from ingest.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZED: Final = Path("/sys/kernel/uevent_seqnum")  # it says 4,096 bytes and has a few
CHANGED: Final = "it changed while it was read; run again"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder with a file in a folder, and beside it what is nobody's business."""
    (tmp_path / "top" / "sub").mkdir(parents=True)
    (tmp_path / "top" / "sub" / "a.md").write_text("words")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.md").write_text("secret")
    return tmp_path / "top"


@pytest.fixture
def root(top: Path) -> Iterator[Root]:
    with Root(top) as opened:
        yield opened


@pytest.fixture
def found(root: Root) -> Found:
    (only,) = walk(root).found
    return only


def test_a_file_that_was_found_is_read(root: Root, found: Found) -> None:
    assert read_file(root, found) == b"words"


def test_a_folder_keeps_its_files_when_it_is_moved_and_another_takes_its_path(
    root: Root, found: Found, top: Path
) -> None:
    top.rename(top.with_name("moved"))
    top.with_name("outside").rename(top)
    (top / "sub").mkdir()
    (top / "a.md").rename(top / "sub" / "a.md")
    assert read_file(root, found) == b"words"


def _link_to_a_file(file: Path) -> None:
    file.symlink_to(file.parents[2] / "outside" / "a.md")


def _link_to_itself(file: Path) -> None:
    file.symlink_to(file)


def _link_to_memory(file: Path) -> None:
    file.symlink_to("/proc/self/environ")


def _another_file(file: Path) -> None:
    file.write_text("other")


def _hard_link(file: Path) -> None:
    file.hardlink_to(file.parents[2] / "outside" / "a.md")


def _socket(file: Path) -> None:
    here = Path.cwd()
    os.chdir(file.parent)  # the address of a socket may be no longer than about a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(file.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (lambda file: None, "it cannot be opened: no such file or directory"),
        (_link_to_a_file, "it is a symbolic link, which is not followed"),
        (_link_to_itself, "it is a symbolic link, which is not followed"),
        (_link_to_memory, "it is a symbolic link, which is not followed"),
        (os.mkfifo, "it is no regular file"),
        (os.mkdir, "it is no regular file"),
        (_socket, "it is no regular file"),
        (_another_file, "it was replaced after the folder was listed; run again"),
        (_hard_link, "it was replaced after the folder was listed; run again"),
    ],
)
def test_what_takes_the_place_of_a_file_after_the_listing_is_not_read(
    root: Root, found: Found, top: Path, put: Callable[[Path], object], why: str
) -> None:
    file = top / "sub" / "a.md"
    file.rename(file.with_name("kept"))  # so that its inode is not given to the next
    put(file)
    with pytest.raises(Unreadable) as refused:
        read_file(root, found)
    assert str(refused.value) == why


@pytest.mark.parametrize("put", [_link_to_a_file, _link_to_memory])
def test_a_link_that_comes_between_looking_and_opening_is_not_followed(
    root: Root, top: Path, put: Callable[[Path], object]
) -> None:
    put(top / "sub" / "link")
    with root.folder(["sub"]) as folder, pytest.raises(Unreadable, match="symbolic links"):
        _opened("link", folder, _A_FILE)


def test_a_pipe_that_comes_between_looking_and_opening_is_not_waited_for(root: Root, top: Path) -> None:
    os.mkfifo(top / "sub" / "pipe")
    with root.folder(["sub"]) as folder:
        handle = _opened("pipe", folder, _A_FILE)
        with pytest.raises(Unreadable, match="no regular file"):
            _regular(os.fstat(handle), MAX_BYTES)
        os.close(handle)


def test_a_folder_on_the_way_that_became_a_link_is_not_followed(root: Root, found: Found, top: Path) -> None:
    (top / "sub").rename(top / "kept")
    (top / "sub").symlink_to(top / "kept")
    with pytest.raises(Unreadable, match="not a directory"):
        read_file(root, found)


@pytest.mark.parametrize("place", [("..", "outside", "a.md"), ("sub", "../../outside/a.md"), ("/etc/passwd",), ("",)])
def test_no_name_leads_out(root: Root, place: tuple[str, ...]) -> None:
    """IN-03: what no listing can give, somebody made up."""
    with pytest.raises(Unreadable):
        read_file(root, Found("x", place, 6, (0, 0)))
    with pytest.raises(Unreadable, match="lies outside"), root.folder(place):
        pass


def test_a_name_that_is_gone_before_it_is_looked_at_is_not_in_the_folder(root: Root, top: Path) -> None:
    for name in ("b.md", "c.md"):
        (top / "sub" / name).write_text("words")
    with root.folder(["sub"]) as folder:
        listing = entries(folder)
        names = [next(listing).name]
        for file in (top / "sub").iterdir():
            if file.name not in names:
                file.unlink()
        assert [*names, *(entry.name for entry in listing)] == names


def test_every_kind_of_entry_is_told_without_opening_it(root: Root, top: Path) -> None:
    for name, put in (("link", _link_to_itself), ("pipe", os.mkfifo), ("socket", _socket)):
        put(top / "sub" / name)
    (top / "sub" / "folder").mkdir()
    with root.folder(["sub"]) as folder:
        kinds = {entry.name: entry.kind for entry in entries(folder)}
    assert kinds == {"a.md": "file", "link": "link", "pipe": "other", "socket": "other", "folder": "folder"}


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="no devices here")
def test_a_device_is_not_read() -> None:
    with Root(Path("/dev")) as root, root.folder([]) as folder, pytest.raises(Unreadable, match="no regular file"):
        read_at(folder, "null", MAX_BYTES)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")
def test_of_a_file_that_the_kernel_makes_up_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_TEST_SECRET", "never")
    assert Path("/proc/self/environ").stat().st_size == 0
    with Root(Path("/proc/self")) as root, root.folder([]) as folder:
        assert read_at(folder, "environ", MAX_BYTES) == b""


@pytest.mark.skipif(not SIZED.exists(), reason="no /sys here")
def test_a_file_that_is_shorter_than_it_says_is_refused() -> None:
    with Root(SIZED.parent) as root, root.folder([]) as folder, pytest.raises(Unreadable, match=CHANGED):
        read_at(folder, SIZED.name, MAX_BYTES)


class _Busy(io.FileIO):
    """A file that somebody else writes to at each reading."""

    change: Callable[[Path], object]

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(1 if size == 5 else size) or b""
        self.change(Path(str(self.name)))
        return data


def _grow(file: Path) -> None:
    with file.open("a") as end:
        end.write("more")


@pytest.mark.parametrize(
    "change",
    [
        _grow,
        lambda file: file.write_text("w"),
        lambda file: os.utime(file, ns=(1, 1)),  # overwritten in place, at the same length
        lambda file: file.write_text(""),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_refused(top: Path, change: Callable[[Path], object]) -> None:
    with _Busy(top / "sub" / "a.md") as file:
        file.change = change
        with pytest.raises(Unreadable, match=CHANGED):
            _whole(file, os.fstat(file.fileno()))


def test_a_file_that_is_read_in_pieces_is_whole(top: Path) -> None:
    """Permitted twin of the files that change."""
    with _Busy(top / "sub" / "a.md") as file:
        file.change = lambda file: None
        assert _whole(file, os.fstat(file.fileno())) == b"words"


def test_no_more_is_read_of_a_growing_file_than_it_had(top: Path) -> None:
    with _Busy(top / "sub" / "a.md") as file:
        file.change = _grow
        with pytest.raises(Unreadable):
            _whole(file, os.fstat(file.fileno()))
        assert file.tell() == len("words")


def test_a_file_that_grew_since_the_listing_is_read_as_it_is_now(root: Root, found: Found, top: Path) -> None:
    _grow(top / "sub" / "a.md")
    assert read_file(root, found) == b"wordsmore"


def test_a_file_that_grew_over_the_limit_is_not_read(root: Root, found: Found, top: Path) -> None:
    os.truncate(top / "sub" / "a.md", MAX_BYTES + 1)
    with pytest.raises(Unreadable, match="it is larger than 50 MB"):
        read_file(root, found)
    os.truncate(top / "sub" / "a.md", MAX_BYTES)
    assert len(read_file(root, found)) == MAX_BYTES


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_is_not_ours_to_read_is_refused(root: Root, found: Found, top: Path) -> None:
    (top / "sub" / "a.md").chmod(0)
    with pytest.raises(Unreadable, match="permission denied"):
        read_file(root, found)


def test_no_descriptor_is_left_open(root: Root, found: Found, top: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    read_file(root, found)
    (top / "sub" / "a.md").unlink()
    for place in (found.place, ("gone", "a.md"), ("sub", "gone", "deeper", "a.md")):
        with pytest.raises(Unreadable):
            read_file(root, Found("x", place, 1, (0, 0)))
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path / "a\0b"):
        with pytest.raises(NoSuchFolder, match="check the path"):
            Root(path)


def test_a_file_is_no_folder(top: Path) -> None:
    with pytest.raises(NoSuchFolder, match="a file and no folder"):
        Root(top / "sub" / "a.md")


def test_the_folder_that_the_caller_names_may_be_a_link(top: Path, tmp_path: Path) -> None:
    """Permitted twin of the links below it."""
    (tmp_path / "link").symlink_to(top)
    with Root(tmp_path / "link") as root:
        assert [found.relative for found in walk(root).found] == ["sub/a.md"]


def test_a_folder_that_was_let_go_opens_nothing(top: Path) -> None:
    root = Root(top)
    root.close()
    root.close()
    with pytest.raises(OSError, match="file descriptor"), root.folder([]):
        pass
