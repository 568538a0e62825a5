"""A command that is killed at a step that its caller names.

    python -m tests.api.rotating_crash STEP ARGUMENT ...

A step is just before a write to the database is committed, or before a file takes another's place. With a step that
is never reached, the command ends by itself, and the number of its steps is printed.
"""

from __future__ import annotations

import os
import signal
import sys

from sqlalchemy import Connection, Engine, event

from api.cli import main


class Fuse:
    """Counts steps, and ends the process at one of them, as a power cut would."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0

    def committing(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("ntk_write") or options.get("isolation_level") == "READ COMMITTED":
            self.step()

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(self, what: str, _arguments: object) -> None:
        if what == "os.rename":
            self.step()


if __name__ == "__main__":
    fuse = Fuse(int(sys.argv[1]))
    event.listen(Engine, "commit", fuse.committing)
    sys.addaudithook(fuse.hook)
    try:
        main(sys.argv[2:])
    finally:
        sys.stdout.write(f"{fuse.steps}\n")
