"""A folder in, from the first look at it to the last document that is gone from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ingest.beneath import Root, read_file
from ingest.families import File, source_of, stock_of
from ingest.outcome import Outcome, Summary
from ingest.pipeline import Brake, Job, claim, drop, take_in
from ingest.placing import loosen, plan_of, tighten
from ingest.versions import settle
from ingest.walk import walk
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from acl.admin.gate import Waiting
    from acl.names import NodeId, UserId
    from ingest.families import Known
    from ingest.outcome import Progress
    from ingest.versions import Edges
    from ingest.walk import Walked
    from store.envelope import Keys


@dataclass(frozen=True, slots=True)
class Options:
    """How a folder is taken in."""

    owner: UserId | None = None  # of what no folder names one for; else whoever takes it in
    hidden: bool = False  # also what begins with a dot
    moved: bool = False  # the folder is the one that fills the collection, at a new place
    brake: Brake = Brake()  # noqa: RUF009 - a frozen value


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
        claim(os.fspath(folder.resolve()), collection, edges, moved=options.moved)
        with snapshot(edges.engine) as connection:
            plan = plan_of(connection, collection, parents(walked), walked.declared, options.owner or actor)
        if waiting := tighten(edges.engine, edges.ledger, actor, plan):
            return waiting
        summary = Summary(passed_over=walked.hidden + walked.ignored)
        if waiting := loosen(edges.engine, edges.ledger, actor, plan):
            summary.warnings.append(
                f"part of what the folders declare waits for a second person: ntk approve {waiting.approval}"
            )
        with snapshot(edges.engine) as connection:
            job = Job(collection, actor, plan.places, stock_of(connection, collection))
        tell = _teller(summary, progress)
        progress.started(len(walked.found))
        met = take_in(files_of(root, walked, tell), job, edges, tell)
        gone = gone_from(walked, met, job, edges.keys)
        if isinstance(gone, str):
            summary.warnings.append(gone)
        elif options.brake.holds(len(gone), len(job.stock.by_source)):
            summary.warnings.append(options.brake.told(len(gone), len(job.stock.by_source)))
        else:
            drop(gone, job, edges, tell)
    return summary


def parents(walked: Walked) -> set[tuple[str, ...]]:
    """Give the folders that files lie in."""
    return {tuple(found.relative.split("/")[:-1]) for found in walked.found}


def files_of(root: Root, walked: Walked, tell: Callable[[Outcome], None]) -> Iterator[File]:
    """Give the files to be read; what is not to be read is told at once."""
    for skipped in walked.skipped:
        tell(Outcome(skipped.relative, "failed", reasons=(skipped.reason,)))
    for found in walked.found:
        yield File(found.relative, partial(read_file, root, found))


def gone_from(walked: Walked, met: set[str], job: Job, keys: Keys) -> list[Known] | str:
    """Give the documents whose files are gone; or say why that cannot be known."""
    if any(skipped.folder for skipped in walked.skipped):
        return "a folder could not be read, so that nothing is known of what is gone: nothing was deleted"
    sources = job.stock.by_source
    unread = {source_of(keys, job.intake, skipped.relative) for skipped in walked.skipped}
    kept = met | unread | {below for source in unread & sources.keys() for below in job.stock.below(sources[source])}
    return [known for source, known in sources.items() if source not in kept and known.state != "rejected"]


def _teller(summary: Summary, progress: Progress) -> Callable[[Outcome], None]:
    def tell(outcome: Outcome) -> None:
        summary.add(outcome)
        progress.finished(outcome)

    return tell
