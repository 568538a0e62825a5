"""A process that takes a folder in and is killed at a step that its caller names.

    python -m tests.ingest.crash DATA FOLDER STEP

A step is just before or just after a commit of the database or a write to the index. What was acknowledged is
printed, a line each, before the next step. With a step that is never reached, the run ends by itself.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from acl.admin.gate import CONSOLE
from acl.names import NodeId
from api.wiring import open_house
from ingest.reading import read
from ingest.run import ingest
from tests.conftest import _hash_embed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ingest.outcome import Outcome


class Fuse:
    """Counts steps, and ends the process at one of them, as a power cut would."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, do: Callable[..., None]) -> Callable[..., None]:
        def stepped(*arguments: Any) -> None:
            self.step()
            do(*arguments)
            self.step()

        return stepped


class Aloud:
    """Prints what is acknowledged."""

    def started(self, files: int) -> None:
        """Do nothing."""

    def finished(self, outcome: Outcome) -> None:
        sys.stdout.write(f"{outcome.what} {outcome.relative}\n")
        sys.stdout.flush()


class Index:
    """The real index, with a step before and after each write."""

    def __init__(self, index: Any, fuse: Fuse) -> None:
        self.put, self.remove = fuse.around(index.put), fuse.around(index.remove)
        self.keep_only = fuse.around(index.keep_only)


def main(data: str, folder: str, step: str) -> None:
    fuse = Fuse(int(step))
    with open_house(Path(data), _hash_embed, read) as house:

        @event.listens_for(house.store.engine, "commit")
        def _before(_connection: Connection) -> None:
            fuse.step()

        edges = replace(house.intake.edges, index=Index(house.index, fuse))
        ingest(Path(folder), NodeId("coll:house"), CONSOLE, edges, Aloud())
    sys.stdout.write(f"steps {fuse.steps}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
