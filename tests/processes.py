"""Processes against one database: where it is, and how they are run together and heard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from store.folder import Layout, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.folder import Store

PATIENCE: Final = 60  # seconds until a process that hears nothing of the others gives up
Job: TypeAlias = tuple[
    Callable[..., None], tuple[Any, ...]
]  # a function of a module, and its arguments but for the pipe


@dataclass(frozen=True)
class Place:
    """A data folder and its database, as a process needs them to open it."""

    root: str
    database: str | None

    @contextmanager
    def open(self) -> Iterator[Store]:
        store = open_store(Layout(Path(self.root)), "file:master.key", owner=False, database=self.database)
        yield store
        store.engine.dispose()


def together(context: Any, jobs: list[Job]) -> list[Any]:
    """Run a process for each job, and give what each of them sends."""
    processes, pipes = [], []
    for job, arguments in jobs:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=job, args=(*arguments, sending))
        process.start()
        sending.close()  # the process's own end is the last, so that its death is heard
        processes.append(process)
        pipes.append(receiving)
    try:
        heard = [pipe.recv() if pipe.poll(PATIENCE) else None for pipe in pipes]
        for process in processes:
            process.join(PATIENCE)
        assert [process.exitcode for process in processes] == [0] * len(processes)
    finally:
        for process in processes:
            process.kill()
            process.join()
    return heard
