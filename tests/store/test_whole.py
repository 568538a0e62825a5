from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from store.whole import put, unfinished

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_file_is_its_owners_alone_and_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    put(path, "first")
    put(path, "second")
    assert path.read_text() == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_name_are_on_the_disk_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FT-02: the content before it has its name, and the name before anybody is told."""
    seen: list[tuple[bool, list[str]]] = []

    def fsync(file: int) -> None:
        there = sorted(path.name for path in tmp_path.iterdir())
        seen.append((stat.S_ISDIR(os.fstat(file).st_mode), there))

    monkeypatch.setattr(os, "fsync", fsync)
    put(tmp_path / "key", "text")
    assert seen == [(False, ["key.new"]), (True, ["key"])]


def test_what_was_cut_off_is_written_over(tmp_path: Path) -> None:
    unfinished(tmp_path / "key").write_text("te")
    put(tmp_path / "key", "text")
    assert (tmp_path / "key").read_text() == "text"
