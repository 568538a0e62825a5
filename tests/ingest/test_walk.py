"""The walk finds the regular files of a folder, and nothing beyond it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from ingest.errors import EmptyFolder, NoSuchFolder
from ingest.types import MAX_BYTES, Found, Skipped
from ingest.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def found(root: Path) -> list[str]:
    """List what was found, by its name below the root."""
    return [entry.relative for entry in walk(root) if isinstance(entry, Found)]


def skipped(root: Path) -> dict[str, str]:
    """List what is not read, with the reasons."""
    return {entry.relative: entry.reason for entry in walk(root) if isinstance(entry, Skipped)}


def write(root: Path, *names: str) -> None:
    """Make files with a few words in them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("words")


def test_files_come_in_the_same_order_each_time_whatever_order_they_were_made_in(tmp_path: Path) -> None:
    write(tmp_path, "b/2.md", "z.md", "b/a/1.md", "B.md", "a.md", "b/10.md", "ä.md")
    assert found(tmp_path) == ["B.md", "a.md", "z.md", "ä.md", "b/10.md", "b/2.md", "b/a/1.md"]


def test_a_found_file_has_its_path_and_its_size(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.md")
    assert list(walk(tmp_path)) == [Found(tmp_path / "sub" / "a.md", "sub/a.md", len("words"))]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ".secret.md", ".git/config.md", "seen.md", "sub/.hidden/a.md", "sub/seen.md")
    assert found(tmp_path) == ["seen.md", "sub/seen.md"]
    assert skipped(tmp_path) == {}


def test_links_are_reported_and_not_followed(tmp_path: Path) -> None:
    """Covers IN-04."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    write(outside, "secret.md")
    write(root, "a.md")
    (root / "file.md").symlink_to(outside / "secret.md")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "broken.md").symlink_to(tmp_path / "gone")
    assert found(root) == ["a.md"]
    assert set(skipped(root)) == {"file.md", "folder", "loop", "broken.md"}
    assert all("symbolic link" in why for why in skipped(root).values())


def test_the_folder_that_the_caller_names_may_be_a_link(tmp_path: Path) -> None:
    """Permitted twin of the links below it."""
    write(tmp_path / "real", "a.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert found(tmp_path / "link") == ["a.md"]


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize("make", [_pipe, _socket])
def test_pipes_and_sockets_are_reported_and_not_read(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers IN-04."""
    write(tmp_path, "a.md")
    monkeypatch.chdir(tmp_path)  # the address of a socket may be no longer than about a hundred bytes
    make(tmp_path.relative_to(tmp_path) / "odd.md")
    assert found(tmp_path) == ["a.md"]
    assert skipped(tmp_path) == {"odd.md": "it is no regular file"}


def test_a_file_over_the_limit_is_reported(tmp_path: Path) -> None:
    for name, size in (("large.md", MAX_BYTES + 1), ("limit.md", MAX_BYTES)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    assert found(tmp_path) == ["limit.md"]
    assert skipped(tmp_path) == {"large.md": "it is larger than 50 MB"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_reported_and_the_walk_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "closed/a.md", "open/b.md")
    (tmp_path / "closed").chmod(0)
    try:
        assert found(tmp_path) == ["open/b.md"]
        assert skipped(tmp_path) == {"closed": "this folder cannot be listed: permission denied"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_that_is_gone_when_its_turn_comes_is_reported_and_the_walk_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "1.md", "a/2.md", "b/3.md")
    entries = walk(tmp_path)
    names = [next(entries).relative]
    (tmp_path / "a" / "2.md").unlink()
    (tmp_path / "a").rmdir()
    rest = list(entries)
    names += [entry.relative for entry in rest]
    assert names == ["1.md", "a", "b/3.md"]
    assert rest[0] == Skipped("a", "this folder cannot be listed: no such file or directory")


def test_a_missing_folder_is_refused_before_the_walk(tmp_path: Path) -> None:
    for root in (tmp_path / "gone", tmp_path / "a\0b"):
        with pytest.raises(NoSuchFolder, match="check the path"):
            walk(root)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    with pytest.raises(NoSuchFolder, match="a file and no folder"):
        walk(tmp_path / "a.md")


@pytest.mark.parametrize("names", [(), (".hidden/a.md",)])
def test_a_folder_with_nothing_in_it_is_called_empty(tmp_path: Path, names: tuple[str, ...]) -> None:
    write(tmp_path, *names)
    (tmp_path / "sub").mkdir()
    with pytest.raises(EmptyFolder, match="put documents there"):
        list(walk(tmp_path))


def test_names_that_cannot_be_shown_are_escaped_and_stay_different(tmp_path: Path) -> None:
    """Covers IN-03, as far as names of files go."""
    names = ["a\nb.md", "a\x1b[31m.md", "txt.\u202efdp.md", "a\\nb.md", "plain name.md", os.fsdecode(b"bad\xff.md")]
    write(tmp_path, *names)
    shown = found(tmp_path)
    assert len(set(shown)) == len(names)
    assert "plain name.md" in shown
    assert r"a\nb.md" in shown
    assert r"a\\nb.md" in shown
    assert "".join(shown).isprintable()
    assert "/".join(shown).encode("utf-8")
    assert all(entry.path.read_text() == "words" for entry in walk(tmp_path) if isinstance(entry, Found))
