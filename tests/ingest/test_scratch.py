"""The folder that a document may fill is emptied, whatever lies in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingest.scratch import empty

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_emptied_however_deep_and_locked_it_is(tmp_path: Path) -> None:
    """IN-01."""
    folder = tmp_path / "folder"
    folder.mkdir()
    at = os.open(folder, os.O_RDONLY)
    for _ in range(300):  # a path of that length cannot be named
        os.mkdir("a_folder_name_of_some_length", dir_fd=at)
        below = os.open("a_folder_name_of_some_length", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.mkdir("locked", mode=0, dir_fd=at)
    os.close(at)
    (folder / "file").touch(mode=0)
    (folder / "a_folder_name_of_some_length").chmod(0)
    folder.chmod(0)
    empty(folder)
    assert list(folder.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    """IN-04."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "kept").touch()
    for name, target in (("to a folder", outside), ("to a file", outside / "kept"), ("nowhere", tmp_path / "gone")):
        (folder / name).symlink_to(target)
    empty(folder)
    assert list(folder.iterdir()) == []
    assert list(outside.iterdir()) == [outside / "kept"]
