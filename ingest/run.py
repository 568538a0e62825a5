"""A folder in, from the first look at it to the last document that is gone from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from acl.admin.people import require_user
from ingest.beneath import Root, read_file
from ingest.families import File, source_of, stock_of
from ingest.outcome import Outcome, Summary
from ingest.pipeline import Brake, Job, claim, drop, take_in
from ingest.placing import loosen, plan_of, tighten
from ingest.types import shown
from ingest.versions import settle
from ingest.walk import walk
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from acl.admin.gate import Waiting
    from acl.names import NodeId, UserId
    from ingest.families import Known, Place
    from ingest.outcome import Progress
    from ingest.standing import Declarations
    from ingest.versions import Edges
    from ingest.walk import Walked
    from store.keys import Keys


@dataclass(frozen=True, slots=True)
class Options:
    """How a folder is taken in."""

    owner: UserId | None = None  # of what no folder names one for; else whoever takes it in
    hidden: bool = False  # also what begins with a dot
    moved: bool = False  # the folder is the one that fills the collection, at a new place
    brake: Brake = Brake()  # noqa: RUF009 - a frozen value


UNKNOWN: Final = "a folder could not be read, so that nothing is known of what is gone: nothing was deleted"


@dataclass(frozen=True, slots=True)
class Opened:
    """The folders of a collection that are ready to be filled."""

    places: Mapping[tuple[str, ...], Place]
    warnings: tuple[str, ...] = ()


def ingest(
    folder: Path, collection: NodeId, actor: UserId, edges: Edges, progress: Progress, *, options: Options | None = None
) -> Summary | Waiting:
    """Bring a folder into a collection. A file that cannot be read is reported, and the rest goes on.

    Args:
        folder: Its sub-folders become folders of the collection.
        collection: It exists; its label and rules hold for what comes in.
        actor: Who does it. He fills the collection by right; the audit trail names him.
        edges: The world. Nobody else writes versions meanwhile.
        progress: Hears how far it is.
        options: How.

    Returns:
        What became of the files; or what waits for a second person before any file can be taken in.

    Raises:
        NoSuchFolder, EmptyFolder, TooMuch, OtherFolder, NotAllowed, PolicyError: Nothing was taken in.
        StoreDown, IndexDown, EmbedderDown, AuditDown, NoRoom, ParserMoved: It stopped; what it had finished, holds.
    """
    options = options or Options()
    settle(edges)
    with Root(folder) as root:
        walked = walk(root, hidden=options.hidden)
        opened = open_folders(
            collection, actor, edges, parents(walked), walked.declared, source=name_of(folder), options=options
        )
        if not isinstance(opened, Opened):
            return opened
        summary = Summary(passed_over=walked.hidden + walked.ignored, warnings=[*opened.warnings])
        with snapshot(edges.engine) as connection:
            job = Job(collection, actor, opened.places, stock_of(connection, collection))
        tell = teller(summary, progress)
        progress.started(len(walked.found))
        met = take_in(files_of(root, walked, tell), job, edges, tell)
        gone = gone_from(walked, met, job, edges.keys, options.brake)
        if isinstance(gone, str):
            summary.warnings.append(gone)
        else:
            drop(gone, job, edges, tell)
    return summary


def open_folders(
    collection: NodeId,
    actor: UserId,
    edges: Edges,
    paths: Iterable[tuple[str, ...]],
    declared: Declarations,
    *,
    source: str,
    options: Options,
) -> Opened | Waiting:
    """Have folders there as their files declare them, for the one folder on a disk that fills the collection.

    Args:
        collection: It exists.
        actor: Who asks for what the folders declare.
        edges: The world.
        paths: The folders that files lie in, by the names that lead to them.
        declared: What these, and those above them, declare.
        source: The name of the folder that fills the collection.
        options: Whose the documents are by default, and whether that folder was moved.

    Returns:
        The folders; or what waits for a second person before any file can be taken in.

    Raises:
        OtherFolder, UnknownName, NotAllowed, PolicyError, StoreDown, AuditDown: No file can be taken in.
    """
    if options.owner is not None:
        with snapshot(edges.engine) as connection:
            require_user(connection, options.owner)
    claim(source, collection, edges, moved=options.moved)
    with snapshot(edges.engine) as connection:
        plan = plan_of(connection, collection, paths, declared, options.owner or actor)
    if waiting := tighten(edges.engine, edges.ledger, actor, plan):
        return waiting
    if waiting := loosen(edges.engine, edges.ledger, actor, plan):
        return Opened(
            plan.places,
            (f"part of what the folders declare waits for a second person: ntk approve {waiting.approval}",),
        )
    return Opened(plan.places)


def name_of(folder: Path) -> str:
    """Give the name by which a folder on this machine is known."""
    return shown(os.fspath(folder.resolve()))


def parents(walked: Walked) -> set[tuple[str, ...]]:
    """Give the folders that files lie in."""
    return {tuple(found.relative.split("/")[:-1]) for found in walked.found}


def files_of(root: Root, walked: Walked, tell: Callable[[Outcome], None]) -> Iterator[File]:
    """Give the files to be read; what is not to be read is told at once."""
    for skipped in walked.skipped:
        tell(Outcome(skipped.relative, "failed", reasons=(skipped.reason,)))
    for found in walked.found:
        yield File(found.relative, partial(read_file, root, found), found.modified)


def gone_from(walked: Walked, met: set[str], job: Job, keys: Keys, brake: Brake) -> list[Known] | str:
    """Give the documents whose files are gone; or say why nothing is to be deleted.

    Args:
        walked: The folder.
        met: The sources that came of its files.
        job: What was known before.
        keys: The installation's.
        brake: How many may go.
    """
    if any(skipped.folder for skipped in walked.skipped):
        return UNKNOWN
    sources = job.stock.by_source
    unread = {source_of(keys, job.intake, skipped.relative) for skipped in walked.skipped}
    kept = met | unread | {below for source in unread & sources.keys() for below in job.stock.below(sources[source])}
    gone = [known for source, known in sources.items() if source not in kept and known.state != "rejected"]
    return brake.why_not(len(gone), len(sources)) or gone


def teller(summary: Summary, progress: Progress) -> Callable[[Outcome], None]:
    """Give what counts an outcome, and lets it be seen."""

    def tell(outcome: Outcome) -> None:
        summary.add(outcome)
        progress.finished(outcome)

    return tell
