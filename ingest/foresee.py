"""What a run would do, without doing it: what would come in, for whom, and what would wait in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acl.admin.change import rehearsal
from acl.admin.edits import apply
from acl.insight.review import review
from acl.read import what_at
from ingest.arrival import why_held
from ingest.beneath import Root
from ingest.families import Reader, stock_of
from ingest.outcome import Outcome, Summary
from ingest.pipeline import Job, ahead
from ingest.placing import plan_of
from ingest.run import Options, files_of, gone_from, parents
from ingest.walk import walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from acl.admin.edits import Edit
    from acl.labels import Label
    from acl.names import NodeId, UserId
    from ingest.families import Family
    from ingest.outcome import Progress, What
    from ingest.versions import Edges


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of the files, and who could read what comes into each folder."""

    summary: Summary
    labels: Mapping[tuple[str, ...], Label]
    readers: Mapping[tuple[str, ...], tuple[UserId, ...]]


def foresee(
    folder: Path,
    collection: NodeId,
    actor: UserId,
    edges: Edges,
    progress: Progress,
    *,
    before: Sequence[Edit] = (),
    options: Options | None = None,
) -> Foreseen:
    """Say what `ingest` would do. Files are read, and nothing is written.

    Args:
        folder: As for `ingest`.
        collection: As for `ingest`, or made by `before`.
        actor: As for `ingest`.
        edges: The world; its index and embedder are not touched.
        progress: Hears how far it is.
        before: What would be changed in the policy first.
        options: As for `ingest`.

    Raises:
        NoSuchFolder, EmptyFolder, TooMuch, PolicyError, StoreDown, ParserMoved: As for `ingest`.
    """
    options = options or Options()
    with Root(folder) as root:
        walked = walk(root, hidden=options.hidden)
        with rehearsal(edges.engine) as change:
            for edit in before:
                apply(change, edit)
            plan = plan_of(change.connection, collection, parents(walked), walked.declared, options.owner or actor)
            for edit in (*plan.tighten, *plan.loosen):
                apply(change, edit)
            labels = {path: what_at(change.connection, place.node).label for path, place in plan.places.items()}
            readers = _readers(change.connection, {place.node: path for path, place in plan.places.items()})
            job = Job(collection, actor, plan.places, stock_of(change.connection, collection))
        summary = Summary(passed_over=walked.hidden + walked.ignored)
        reader = Reader(job.intake, edges.keys, job.stock, edges.read)
        met: set[str] = set()

        def tell(outcome: Outcome) -> None:
            summary.add(outcome)
            progress.finished(outcome)

        progress.started(len(walked.found))
        for file, family in ahead(
            lambda file: reader.family(file, job.places[file.parents]), files_of(root, walked, tell)
        ):
            met |= family.sources
            for outcome in (*_foreseen(family, labels[file.parents], job), *family.outcomes):
                tell(outcome)
        gone = gone_from(walked, met, job, edges.keys)
    if isinstance(gone, str):
        summary.warnings.append(gone)
    elif options.brake.holds(len(gone), len(job.stock.by_source)):
        summary.warnings.append(options.brake.told(len(gone), len(job.stock.by_source)))
    else:
        for known in gone:
            tell(Outcome(known.id, "removed"))
    return Foreseen(summary, labels, readers)


def _foreseen(family: Family, label: Label, job: Job) -> list[Outcome]:
    outcomes = []
    for arrival in family.arrivals:
        known = job.stock.by_source.get(arrival.source)
        held = why_held(arrival, label, agreed=known is not None and known.agreed == arrival.raw)
        what: What = "held" if held else "added" if known is None else "changed"
        outcomes.append(Outcome(arrival.relative, what, len(arrival.reading.chunks), held, arrival.reading.notes))
    return outcomes


def _readers(
    connection: Connection, paths: Mapping[NodeId, tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[UserId, ...]]:
    """Give the active people who may read what lies right in each folder.

    A folder without a line in the review is for each person as the nearest one above it that has one.
    """
    lines: dict[tuple[str, ...], dict[UserId, bool]] = {}
    for line in review(connection, "read", everything=True).lines:
        if line.active and line.place in paths:
            lines.setdefault(paths[line.place], {})[line.person] = line.here.permitted
    readers: dict[tuple[str, ...], tuple[UserId, ...]] = {}
    for path in paths.values():
        verdicts: dict[UserId, bool] = {}
        for depth in range(len(path) + 1):
            verdicts |= lines.get(path[:depth], {})
        readers[path] = tuple(sorted(user for user, permitted in verdicts.items() if permitted))
    return readers
