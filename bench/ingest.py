"""Ingestion beside bare embedding of the same chunks with the same backend: P5, P6, and memory by number of files.

Both arms of a round run one after the other, on fresh data folders; the figure is the median of the rounds' ratios.
The handbook's Markdown files, and the folder of all formats, are data sets; the many files are generated.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.admin.gate import CONSOLE
from acl.labels import Label, Level
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.settings import cache_folder
from api.wiring import open_house
from bench.figures import Figure, at_least, at_most
from ingest.outcome import Summary
from ingest.points import kept_of
from retrieval.embed import Embedder
from store.engine import snapshot
from store.schema import document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.wiring import House
    from ingest.outcome import Outcome

_LIVE: Final = select(document.c.id).where(document.c.state == "live")
_TARGET: Final = Target("bench", ["role:everyone"], Label(Level.INTERNAL))
_AT_ONCE: Final = 200
_MB: Final = 1_000_000


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Measure ingestion."""
    rounds = 3 if quick else 7
    with tempfile.TemporaryDirectory() as place:
        yield from _handbook(Path(place), data / "handbook", rounds, most=60 if quick else 1_000)
        yield from _formats(Path(place), data / "formats", 1 if quick else 3, most=80 if quick else 1_000)
        yield from _many(Path(place), few=200, many=1_000 if quick else 10_000)


def _handbook(place: Path, source: Path, rounds: int, most: int) -> Iterator[Figure]:
    of = "ingest of Markdown, chunks/s / bare encode"
    if not source.is_dir():
        yield Figure("P5", of, None, ">= 0.85", note="no handbook in the folder of data sets")
        return
    folder = _copied(source, place / "handbook", ".md", most)
    ratios, again = [], []
    for number in range(rounds):
        with _house(place / f"data{number}") as house:
            first, chunks = _timed(house, folder)
            second, _ = _timed(house, folder)
            ratios.append(_bare(house) / first)
            again.append(second / first)
        shutil.rmtree(place / f"data{number}")
    note = f"{chunks} chunks of {sum(1 for _ in folder.rglob('*.md'))} files"
    yield at_least("P5", of, statistics.median(ratios), 0.85, note)
    yield at_most("P6", "second ingest of the unchanged folder / first", statistics.median(again), 0.02, note)


def _formats(place: Path, source: Path, rounds: int, most: int) -> Iterator[Figure]:
    of = "ingest of mixed formats, chunks/s / bare encode"
    if not source.is_dir():
        yield Figure("P5", of, None, ">= 0.6", note="no formats in the folder of data sets")
        return
    folder = _copied(source, place / "formats", "", most)
    ratios = []
    for number in range(rounds):
        with _house(place / f"mixed{number}") as house:
            taken, chunks = _timed(house, folder)
            ratios.append(_bare(house) / taken)
        shutil.rmtree(place / f"mixed{number}")
    yield at_least(
        "P5", of, statistics.median(ratios), 0.6, f"{chunks} chunks; hostile files with their limits included"
    )


def _many(place: Path, few: int, many: int) -> Iterator[Figure]:
    """Compare the most memory of a run over few files with that of one over many, each in its own installation."""
    peaks = []
    for number in (few, many):
        folder = place / f"many{number}"
        folder.mkdir()
        for each in range(number):
            (folder / f"{each}.md").write_text(
                f"# Lamp {each}\n\nThe lamp number {each} of the pier is green.\n", "utf-8"
            )
        with _house(place / f"store{number}") as house:
            watch = _Watch()
            ingest_folder(house, folder, _TARGET, actor=CONSOLE, progress=watch)
            peaks.append(watch.peak)
    yield at_most(
        "memory", f"most memory over {many:,} files / over {few:,}", peaks[1] / peaks[0], 1.15, f"{peaks[1] // _MB} MB"
    )


class _Watch:
    """Looks at the memory of this process and of all below it from time to time."""

    def __init__(self) -> None:
        self.peak = 0
        self._seen = 0

    def started(self, _files: int) -> None:
        """Do nothing."""

    def finished(self, _outcome: Outcome) -> None:
        self._seen += 1
        if self._seen % 50 == 0:
            self.peak = max(self.peak, _memory())


def _memory() -> int:
    """Give the bytes that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


_EMBEDDER: Final = Embedder(cache=cache_folder())


@contextmanager
def _house(root: Path) -> Iterator[House]:
    found(root)
    _EMBEDDER(["warm"])
    with open_house(root, _EMBEDDER) as house:
        yield house


def _timed(house: House, folder: Path) -> tuple[float, int]:
    begin = time.monotonic()
    made = ingest_folder(house, folder, _TARGET, actor=CONSOLE, progress=_Watch())
    if not isinstance(made, Summary):
        raise TypeError("the folder waits for a second person")
    return time.monotonic() - begin, made.chunks


def _bare(house: House) -> float:
    """Embed the texts of all chunks, in one call, and give the seconds."""
    with snapshot(house.store.engine) as connection:
        ids = [row.id for row in connection.execute(_LIVE)]
        parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
        texts = [kept.text for part in parts for kept in kept_of(connection, part, house.store.keys)]
    begin = time.monotonic()
    house.embed(texts)
    return time.monotonic() - begin


def _copied(source: Path, to: Path, suffix: str, most: int) -> Path:
    """Copy so many files of a folder, evenly, so that what lies beside them does not count."""
    files = sorted(path for path in source.rglob(f"*{suffix}") if path.is_file())
    for file in files[:: max(1, len(files) // most)]:
        target = to / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return to
