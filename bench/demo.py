"""The demonstration: how long a first and a second run take, and what an answer costs in them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.figures import Figure, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND_RUN: Final = 20  # seconds


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:  # noqa: ARG001 - every bench has these two
    """Run the demonstration twice in one folder, each time in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        first, _ = _run(Path(folder) / "demo")
        second, made = _run(Path(folder) / "demo")
    yield Figure("D1", "first run of the demonstration, s", first)
    yield at_most("D2", "second run of the demonstration, s", second, SECOND_RUN)
    yield Figure("D3", "documents ingested", made["documents"])
    yield Figure("D4", "chunks", made["chunks"])
    yield Figure("D5", "ingestion, chunks/s", made["chunks"] / made["ingest_seconds"])
    yield Figure("D6", "one answer, median of six, s", statistics.median(made["answer_seconds"]))


def _run(data: Path) -> tuple[float, dict[str, Any]]:
    begin = time.monotonic()
    done = subprocess.run(  # noqa: S603 - this interpreter, our own module
        [sys.executable, "-m", "api.cli", "demo", "--data", str(data), "--json"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    seconds = time.monotonic() - begin
    made: dict[str, Any] = json.loads(done.stdout)
    return seconds, made
