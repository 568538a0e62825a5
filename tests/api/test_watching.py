"""A watched folder: what comes into it is taken in, and what goes is deleted."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from acl.admin.gate import CONSOLE
from api.ingesting import Target, ingest_folder
from api.watching import changes
from ingest.outcome import Summary
from tests.intake import Quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.wiring import House

SOON = timedelta(milliseconds=50)
LONG = timedelta(minutes=10)


def turns(folder: Path, end: threading.Event, rescan: timedelta = LONG) -> Iterator[None]:
    return changes(folder, end, quiet_for=SOON, rescan=rescan)


def test_a_change_in_the_folder_or_below_it_is_a_turn(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    end = threading.Event()
    writer = threading.Timer(0.2, (tmp_path / "deep" / "new.md").write_text, ["# New\n"])
    writer.start()
    for _ in turns(tmp_path, end):
        break
    writer.join()
    assert (tmp_path / "deep" / "new.md").exists()


def test_a_turn_comes_from_time_to_time_even_if_nothing_is_heard(tmp_path: Path) -> None:
    """Network shares lose events."""
    assert next(turns(tmp_path, threading.Event(), rescan=SOON)) is None


def test_it_ends_when_it_is_told(tmp_path: Path) -> None:
    end = threading.Event()
    end.set()
    assert list(turns(tmp_path, end)) == []


def test_what_is_put_there_while_a_run_goes_on_comes_in_with_the_next(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "documents"

    def run() -> Summary:
        made = ingest_folder(house, folder, Target("finance"), actor=CONSOLE, progress=Quiet())
        assert isinstance(made, Summary)
        return made

    end = threading.Event()
    made = []
    writer = threading.Timer(0.2, (folder / "first.md").write_text, ["# First\n\nThe first of two.\n"])
    writer.start()
    for _ in turns(folder, end):
        (folder / "second.md").write_text("# Second\n\nThe second of two.\n", "utf-8")
        made.append(run())
        if sum(one.added for one in made) == 2:
            break
        assert len(made) < 5
    writer.join()
    assert sum(one.added for one in made) == 2
