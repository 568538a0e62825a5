"""What a run would do, without doing it: what would come in, for whom, and what would wait in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acl.admin.change import rehearsal
from acl.admin.gate import rehearse
from acl.admin.people import require_user
from acl.insight.review import review
from acl.read import what_at
from ingest.arrival import why_held
from ingest.beneath import Root
from ingest.families import Reader, stock_of
from ingest.outcome import Outcome, Summary
from ingest.pipeline import Job, ahead
from ingest.placing import plan_of
from ingest.run import Options, files_of, gone_from, parents, teller
from ingest.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from acl.admin.edits import Edit
    from acl.labels import Label
    from acl.names import NodeId, UserId
    from ingest.families import Family, Place, Stock
    from ingest.outcome import Progress, What
    from ingest.standing import Declarations
    from ingest.versions import Edges


@dataclass(frozen=True, slots=True)
class Readers:
    """The active people who could read what comes into a folder."""

    count: int
    who: tuple[UserId, ...] | None = None  # None if that is not for the caller to know


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The folders as they would be, and what came from them until now."""

    stock: Stock
    places: Mapping[tuple[str, ...], Place]
    labels: Mapping[tuple[str, ...], Label]
    readers: Mapping[tuple[str, ...], Readers]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of the files, and who could read what comes into each folder."""

    summary: Summary
    labels: Mapping[tuple[str, ...], Label]
    readers: Mapping[tuple[str, ...], Readers]


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
        NoSuchFolder, EmptyFolder, TooMuch, NotAllowed, PolicyError, StoreDown, ParserMoved: As for `ingest`.
    """
    options = options or Options()
    with Root(folder) as root:
        walked = walk(root, hidden=options.hidden)
        rehearsed = rehearse_folders(
            collection, actor, edges, parents(walked), walked.declared, before=before, owner=options.owner
        )
        job = Job(collection, actor, rehearsed.places, rehearsed.stock)
        summary = Summary(passed_over=walked.hidden + walked.ignored, warnings=[*rehearsed.warnings])
        reader = Reader(job.intake, edges.keys, job.stock, edges.read)
        met: set[str] = set()
        tell = teller(summary, progress)
        progress.started(len(walked.found))
        for file, family in ahead(
            lambda file: reader.family(file, job.places[file.parents]), files_of(root, walked, tell)
        ):
            met |= family.sources
            for outcome in foreseen_of(family, rehearsed.labels[file.parents], job.stock):
                tell(outcome)
        gone = gone_from(walked, met, job, edges.keys, options.brake)
    if isinstance(gone, str):
        summary.warnings.append(gone)
    else:
        for known in gone:
            tell(Outcome(known.id, "removed"))
    return Foreseen(summary, rehearsed.labels, rehearsed.readers)


def rehearse_folders(
    collection: NodeId,
    actor: UserId,
    edges: Edges,
    paths: Iterable[tuple[str, ...]],
    declared: Declarations,
    *,
    before: Sequence[Edit],
    owner: UserId | None,
) -> Rehearsed:
    """Say how folders would be, and for whom, if their files' declarations held. Nothing is written.

    Args:
        collection: It exists, or is made by `before`.
        actor: Who asks for what the folders declare; he is refused here what he would be refused then.
        edges: The world.
        paths: The folders that files lie in, by the names that lead to them.
        declared: What these, and those above them, declare.
        before: What would be changed in the policy first.
        owner: Whose the documents would be of which no folder says so; else the actor's.

    Raises:
        NotAllowed, PolicyError, StoreDown: It would not come to that.
    """
    with rehearsal(edges.engine) as change:
        if owner is not None:
            require_user(change.connection, owner)
        reasons = rehearse(change, actor, before)
        plan = plan_of(change.connection, collection, paths, declared, owner or actor)
        reasons += rehearse(change, actor, [*plan.tighten, *plan.loosen])
        labels = {path: what_at(change.connection, place.node).label for path, place in plan.places.items()}
        stock = stock_of(change.connection, collection)  # under the labels of then, which may not cover all of it
        readers = _readers(change.connection, {place.node: path for path, place in plan.places.items()})
    told = (f"this would wait for a second person: {'; '.join(dict.fromkeys(reasons))}",) if reasons else ()
    return Rehearsed(stock, plan.places, labels, readers, told)


def foreseen_of(family: Family, label: Label, stock: Stock) -> list[Outcome]:
    """Say what would become of a file that was read, and of all that is attached to it."""
    outcomes = []
    for arrival in family.arrivals:
        known = stock.by_source.get(arrival.source)
        held = why_held(arrival, label, agreed=known is not None and known.agreed == arrival.raw)
        what: What = "held" if held else "added" if known is None else "changed"
        outcomes.append(
            Outcome(
                arrival.relative,
                what,
                len(arrival.reading.chunks),
                held,
                arrival.reading.notes,
                attached=arrival.part_of is not None,
            )
        )
    return outcomes + family.outcomes


def _readers(connection: Connection, paths: Mapping[NodeId, tuple[str, ...]]) -> dict[tuple[str, ...], Readers]:
    """Give the active people who may read what lies right in each folder.

    A folder without a line in the review is for each person as the nearest one above it that has one.
    """
    lines: dict[tuple[str, ...], dict[UserId, bool]] = {}
    for line in review(connection, "read", everything=True).lines:
        if line.active and line.place in paths:
            lines.setdefault(paths[line.place], {})[line.person] = line.here.permitted
    readers: dict[tuple[str, ...], Readers] = {}
    for path in paths.values():
        verdicts: dict[UserId, bool] = {}
        for depth in range(len(path) + 1):
            verdicts |= lines.get(path[:depth], {})
        who = tuple(sorted(user for user, permitted in verdicts.items() if permitted))
        readers[path] = Readers(len(who), who)
    return readers
