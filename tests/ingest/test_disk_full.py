"""FT-07: a disk that fills up ends a run with a clear error, and nothing else: no signal, no loss, no silence.

`make soak-ingest` tries twenty sizes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from store.errors import NoRoom
from store.room import RESERVE, require_room

ROOT: Final = Path(__file__).parents[2]
OWN_MOUNTS: Final = ("unshare", "--user", "--map-root-user", "--mount")
MB: Final = 1_000_000
LONG: Final = bool(os.environ.get("NTK_TEST_SOAK"))
SIZES: Final = range(0, 500, 25) if LONG else (8, 300)


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    mounted = [*OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(mounted, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="this kernel lets nobody mount a disk of memory")


def taken_in(place: Path, free: int) -> dict[str, Any]:
    place.mkdir()
    command = [*OWN_MOUNTS, sys.executable, "-m", "tests.ingest.disk", str(place), str(free)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 0, (ended.returncode, ended.stderr)  # below zero: a signal
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


@needs_mounts
@pytest.mark.parametrize("free", SIZES)
def test_a_run_on_a_disk_with_little_room_ends_with_an_error_or_whole(tmp_path: Path, free: int) -> None:
    told = taken_in(tmp_path / "disk", free * MB)
    if "error" in told:
        # Without a single page, not even the new collection can be written down.
        full = told["error"].startswith("StoreDown: ") and told["error"].endswith("disk is full")
        assert told["error"].startswith("NoRoom: only ") or (full and not free)
        assert full or "make room" in told["error"]
    else:
        assert told["added"] == 40
    assert told["missing"] == 0
    assert told["answered"] == ("answered" if free else "AuditDown")  # without a record there is no answer
    assert (told["afterwards"], told["whole"]) == (40, True)


@needs_mounts
def test_with_enough_room_it_is_whole(tmp_path: Path) -> None:
    assert "error" not in taken_in(tmp_path / "disk", 600 * MB)


def test_room_is_looked_at_before_it_is_needed(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    with pytest.raises(NoRoom, match="make room"):
        require_room(tmp_path, free - RESERVE + 100 * MB)
    if free > RESERVE + 100 * MB:
        require_room(tmp_path, 1)
