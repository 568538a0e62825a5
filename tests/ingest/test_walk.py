"""The walk finds the regular files of a folder and what is declared of them, and nothing beyond it."""

from __future__ import annotations

import os
import socket
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from acl.labels import Level
from ingest.beneath import Root, read_file
from ingest.declared import DECLARATION_BYTES, Declaration, Faulty
from ingest.errors import EmptyFolder, TooMuch
from ingest.types import MAX_BYTES, Found, Skipped
from ingest.walk import DEEPEST, Walked, walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def walked(folder: Path, **options: Any) -> Walked:
    """Walk a folder."""
    with Root(folder) as root:
        return walk(root, **options)


def found(folder: Path, **options: Any) -> list[str]:
    """List what was found, by its name below the root."""
    return [file.relative for file in walked(folder, **options).found]


def skipped(folder: Path, **options: Any) -> dict[str, str]:
    """List what is not read, with the reasons."""
    return {each.relative: each.reason for each in walked(folder, **options).skipped}


def write(root: Path, *names: str) -> None:
    """Make files with a few words in them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("words")


def test_files_come_in_the_same_order_each_time_whatever_order_they_were_made_in(tmp_path: Path) -> None:
    write(tmp_path, "b/2.md", "z.md", "b/a/1.md", "B.md", "a.md", "b/10.md", "ä.md")
    assert found(tmp_path) == ["B.md", "a.md", "z.md", "ä.md", "b/10.md", "b/2.md", "b/a/1.md"]


def test_a_found_file_has_its_place_its_size_and_what_it_is(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.md")
    there = (tmp_path / "sub" / "a.md").stat()
    (file,) = walked(tmp_path).found
    changed = datetime.fromtimestamp(int(there.st_mtime), UTC)
    assert file == Found("sub/a.md", ("sub", "a.md"), len("words"), (there.st_dev, there.st_ino), changed)
    assert (file.name, file.folder) == ("a.md", ("sub",))


def test_hidden_files_and_folders_are_passed_over_and_counted(tmp_path: Path) -> None:
    write(tmp_path, ".secret.md", ".git/config.md", "seen.md", "sub/.hidden/a.md", "sub/.hidden/b.md", "sub/seen.md")
    assert found(tmp_path) == ["seen.md", "sub/seen.md"]
    assert skipped(tmp_path) == {}
    assert walked(tmp_path).hidden == 3


def test_hidden_files_come_along_when_they_are_asked_for_but_never_those_that_steer(tmp_path: Path) -> None:
    write(tmp_path, ".a.md", ".sub/b.md", "seen.md", ".git/config.md", "sub/.git")
    (tmp_path / ".ntkignore").write_text("nothing")
    (tmp_path / ".ntk.yaml").write_text("level: internal")
    assert found(tmp_path, hidden=True) == [".a.md", "seen.md", ".sub/b.md"]
    assert skipped(tmp_path, hidden=True) == {}


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
        (closed,) = walked(tmp_path).skipped
        assert closed == Skipped(
            "closed", "this folder is not read: it cannot be opened: permission denied", folder=True
        )
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize("names", [(), (".hidden/a.md",)])
def test_a_folder_with_nothing_in_it_is_called_empty(tmp_path: Path, names: tuple[str, ...]) -> None:
    write(tmp_path, *names)
    (tmp_path / "sub").mkdir()
    with pytest.raises(EmptyFolder, match="put documents there"):
        walked(tmp_path)


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
    with Root(tmp_path) as root:
        assert [read_file(root, file) for file in walk(root).found] == [b"words"] * len(names)


def test_names_that_differ_only_in_how_a_letter_is_put_together_stay_different(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Prüfung/für.md") for form in ("NFC", "NFD")]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system takes them for the same name")
    with Root(tmp_path) as root:
        files = walk(root).found
        assert {file.relative: read_file(root, file).decode() for file in files} == {name: name for name in names}
        assert len({file.folder for file in files}) == 2


def test_an_empty_folder_says_what_was_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ".a.md", "b.tmp")
    (tmp_path / ".ntkignore").write_text("*.tmp")
    with pytest.raises(EmptyFolder, match=r"\(1 hidden and 1 ignored were passed over\)"):
        walked(tmp_path)


@pytest.mark.parametrize("hidden", [True, False])
def test_a_folder_of_too_many_names_is_refused_whatever_they_are(tmp_path: Path, *, hidden: bool) -> None:
    write(tmp_path, "a.md", "sub/b.md", "sub/.c.md")
    assert walked(tmp_path, hidden=hidden, most_names=4).found
    with pytest.raises(TooMuch, match="holds more than 3 files and folders: name a smaller folder"):
        walked(tmp_path, hidden=hidden, most_names=3)


def test_a_folder_of_too_large_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "sub/b.md")
    assert len(found(tmp_path, most_bytes=10)) == 2
    with pytest.raises(TooMuch, match="larger than 9 bytes together"):
        walked(tmp_path, most_bytes=9)


def test_what_is_left_out_does_not_count_for_the_size(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.tmp", ".c.md")
    (tmp_path / ".ntkignore").write_text("*.tmp")
    assert found(tmp_path, most_bytes=5) == ["a.md"]


def test_folders_in_folders_end_somewhere(tmp_path: Path) -> None:
    below = tmp_path.joinpath(*["d"] * DEEPEST)
    write(below, "last.md", "d/beyond.md")
    assert found(tmp_path) == ["/".join([*["d"] * DEEPEST, "last.md"])]
    (beyond,) = walked(tmp_path).skipped
    assert (beyond.reason, beyond.folder) == (f"it lies deeper than {DEEPEST} folders", True)


def test_what_the_ignore_file_names_is_passed_over_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.tmp", "build/c.md", "build/deep/d.md", "sub/e.tmp", "sub/build/f.md")
    (tmp_path / ".ntkignore").write_text("*.tmp\n/build/\n")
    assert found(tmp_path) == ["a.md", "sub/build/f.md"]
    assert walked(tmp_path).ignored == 3


def test_an_ignore_file_applies_below_its_folder_and_wins_over_those_above(tmp_path: Path) -> None:
    write(tmp_path, "a.tmp", "one/a.tmp", "one/a.log", "two/a.tmp", "two/a.log")
    (tmp_path / ".ntkignore").write_text("*.tmp")
    (tmp_path / "one" / ".ntkignore").write_text("!*.tmp\n*.log")
    assert found(tmp_path) == ["one/a.tmp", "two/a.log"]


def test_what_lies_below_an_ignored_folder_cannot_be_brought_back(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "old/a.md", "old/keep/a.md")
    (tmp_path / ".ntkignore").write_text("old/\n!old/keep/\n!old/a.md\n")
    (tmp_path / "old" / ".ntkignore").write_text("!*")
    assert found(tmp_path) == ["a.md"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"*.tmp\n[a\n", "line 2 of .ntkignore is no pattern"),
        (b"\xff", ".ntkignore is no UTF-8 text"),
        (b"*" * 64_001, ".ntkignore cannot be read: it is larger than 64 KB"),
    ],
)
def test_a_folder_whose_ignore_file_is_broken_is_not_read_and_the_rest_is(
    tmp_path: Path, content: bytes, why: str
) -> None:
    write(tmp_path, "a.md", "broken/b.md", "broken/sub/c.md")
    (tmp_path / "broken" / ".ntkignore").write_bytes(content)
    assert found(tmp_path) == ["a.md"]
    (broken,) = walked(tmp_path).skipped
    assert broken.relative == "broken"
    assert broken.folder
    assert why in broken.reason


def test_an_ignore_file_that_is_a_link_is_broken(tmp_path: Path) -> None:
    """IN-04."""
    write(tmp_path / "outside", "rules")
    write(tmp_path / "top", "a.md")
    (tmp_path / "top" / ".ntkignore").symlink_to(tmp_path / "outside" / "rules")
    (top,) = walked(tmp_path / "top").skipped
    assert (top.relative, top.folder) == (".", True)
    assert "symbolic link" in top.reason


def test_declarations_are_read_wherever_they_are(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "hr/b.md", "hr/empty/.keep")
    (tmp_path / ".ntk.yaml").write_text("level: internal")
    (tmp_path / "hr" / ".ntk.yaml").write_text("level: confidential")
    assert walked(tmp_path).declared == {
        (): Declaration(level=Level.INTERNAL),
        ("hr",): Declaration(level=Level.CONFIDENTIAL),
    }


def test_a_declaration_is_kept_by_the_names_as_they_are_shown(tmp_path: Path) -> None:
    write(tmp_path, "a\nb/a.md")
    (tmp_path / "a\nb" / ".ntk.yaml").write_text("level: internal")
    made = walked(tmp_path)
    assert made.declared.keys() == {made.found[0].folder} == {(r"a\nb",)}


def test_a_pattern_that_ignores_everything_does_not_ignore_a_declaration(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.yaml")
    (tmp_path / ".ntkignore").write_text("*.yaml\n.*\n")
    (tmp_path / ".ntk.yaml").write_text("level: restricted")
    assert found(tmp_path) == ["a.md"]
    assert walked(tmp_path).declared == {(): Declaration(level=Level.RESTRICTED)}


def _declared_in_a_folder(file: Path) -> None:
    file.mkdir()
    (file / "a.md").write_text("words")


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (lambda file: file.write_text("level: secret"), "line 1: level: 'secret' is no level"),
        (lambda file: file.write_text(""), "it says nothing"),
        (lambda file: file.write_text("#" * (DECLARATION_BYTES + 1)), "it is larger than 64 KB"),
        (lambda file: file.symlink_to(file.with_name("a.md")), "it is a symbolic link"),
        (lambda file: file.symlink_to("gone"), "it is a symbolic link"),
        (os.mkfifo, "it is no regular file"),
        (_declared_in_a_folder, "it is no regular file"),
        (lambda file: file.with_name(".ntk.yml").write_text("level: internal"), "it is called .ntk.yml: call it"),
        (lambda file: file.with_name(".NTK.yaml").write_text("level: internal"), "it is called .NTK.yaml: call it"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_a_fault_and_not_absent(
    tmp_path: Path, put: Callable[[Path], object], why: str
) -> None:
    """AZ-07: else the folder would have the label of the one above."""
    write(tmp_path, "hr/a.md")
    put(tmp_path / "hr" / ".ntk.yaml")
    made = walked(tmp_path, hidden=True)
    fault = made.declared["hr",]
    assert isinstance(fault, Faulty)
    assert fault.reason.startswith(why)
    assert [file.relative for file in made.found] == ["hr/a.md"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_declaration_that_is_not_ours_to_read_is_a_fault(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    (tmp_path / ".ntk.yaml").write_text("level: restricted")
    (tmp_path / ".ntk.yaml").chmod(0)
    assert walked(tmp_path).declared == {(): Faulty("it cannot be opened: permission denied")}
