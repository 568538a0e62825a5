"""The tags that points carry, and how those in the index follow what stands in SQL.

A change of a place, a label or an owner leaves a line in `outbox`, in its own transaction. `drain` reads
what SQL says of the place by then, never what the change was, so that a write may be late, or done twice:

    lines that are due -> groups of one place, in one snapshot -> a write for each group -> lines gone

Until then the second gate holds: what was tightened is refused, what was loosened is not found yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from sqlalchemy import delete, insert, select, update

from acl.admin.nodes import subtree
from acl.names import DocumentId, NodeId
from acl.read import whats_of
from retrieval.filter import OWN, SCOPE, of_key
from retrieval.types import Tags
from store.engine import snapshot, write
from store.schema import document, document_compartment, outbox, policy_state

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from acl.decision import What
    from acl.names import Obj

_T = TypeVar("_T")
_AT_ONCE: Final = 500  # values in one statement: a database takes only so many
_LONGEST_WAIT: Final = timedelta(minutes=10)


class TaggedIndex(Protocol):
    """Whatever keeps the tags of points."""

    def retag(self, documents: Sequence[DocumentId], tags: Tags, own: Collection[Obj] | None = None) -> None:
        """Write the tags of all points of some documents, durably and in one operation."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Documents of one folder with one label of their own, and what their points have to carry."""

    documents: tuple[DocumentId, ...]
    tags: Tags
    own: frozenset[Obj] | None  # of a document that stands alone; None: these are not looked at


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of the lines that were due."""

    places: int  # whose tags are as SQL says
    failed: Mapping[str, int]  # class of an error -> how many places wait for another attempt because of it


def tags_of(what: What) -> Tags:
    """Give the tags that a document's points share with those of its neighbours."""
    return Tags(of_key(SCOPE, what.scopes), what.path, what.label)


def own_of(what: What) -> frozenset[Obj]:
    """Give the policy objects that are a document's own."""
    return of_key(OWN, what.scopes)


def group_of(id_: DocumentId, what: What) -> Group:
    """Give the group of a document that is written alone."""
    return Group((id_,), tags_of(what), own_of(what))


def drain(engine: Engine, index: TaggedIndex, now: datetime, *, waiting_too: bool = False) -> Drained:
    """Write the tags of all places that have a line which is due, in the order of the lines.

    A place that fails is put off, each time for longer, and the rest goes on.

    Args:
        engine: Where the lines and the truth are.
        index: Where the tags go.
        now: Lines are due up to then.
        waiting_too: Also those that were put off, such as after a restart.

    Raises:
        StoreDown: The lines cannot be read, or not be put off.
    """
    places, failed = 0, Counter[str]()
    for target, lines in _due(engine, None if waiting_too else now).items():
        try:
            _retag(engine, index, target, lines, now)
            places += 1
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one place, the others are written
            _put_off(engine, lines, now)
            failed[type(error).__name__] += 1
    return Drained(places, dict(failed))


def _due(engine: Engine, until: datetime | None) -> dict[str, list[int]]:
    """Give the places in the order of their first line, each with all its lines."""
    lines: defaultdict[str, list[int]] = defaultdict(list)
    due = select(outbox.c.id, outbox.c.target).order_by(outbox.c.id)
    with snapshot(engine) as connection:
        for row in connection.execute(due if until is None else due.where(outbox.c.next_at <= until)):
            lines[row.target].append(row.id)
    return dict(lines)


def _retag(engine: Engine, index: TaggedIndex, target: str, lines: Sequence[int], now: datetime) -> None:
    with snapshot(engine) as connection:
        epoch = _epoch(connection)
        groups = groups_in(connection, target)
    for group in groups:
        index.retag(group.documents, group.tags, group.own)
    with write(engine) as connection:
        # What changed while this was written has a line of its own. But another drain may have done that line
        # already, before this one wrote over it what it had read earlier.
        if _epoch(connection, hold=True) != epoch:
            queue_overtaken(connection, groups, now)
        for some in _some_of(lines):
            connection.execute(delete(outbox).where(outbox.c.id.in_(some)))


def groups_in(connection: Connection, target: str) -> list[Group]:
    """Read the groups below a collection or folder, or the one of a document; of what is not there, none."""
    if target.startswith("doc:"):
        return [group_of(id_, what) for id_, what in whats_of(connection, [DocumentId(target)]).items()]
    below = document.c.node_id.in_(select(subtree(NodeId(target)).c.id))
    held: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    compartments = select(document_compartment.c.document_id, document_compartment.c.compartment).join(document)
    for id_, compartment in connection.execute(compartments.where(below)):
        held[id_] |= {compartment}
    alike: defaultdict[tuple[str, int, frozenset[str]], list[DocumentId]] = defaultdict(list)
    rows = select(document.c.id, document.c.node_id, document.c.level).where(below).order_by(document.c.id)
    for row in connection.execute(rows):
        alike[row.node_id, row.level, held[row.id]].append(DocumentId(row.id))
    # What covers one of a group covers all of it: it is read as the second gate reads it.
    firsts = dict(_whats(connection, [documents[0] for documents in alike.values()]))
    return [Group(tuple(documents), tags_of(firsts[documents[0]]), None) for documents in alike.values()]


def queue_overtaken(connection: Connection, groups: Iterable[Group], now: datetime) -> None:
    """Queue the documents of which SQL says something else by now than what was written to the index.

    It belongs into a transaction that writes, after the index was written: a change either is seen here, or
    comes later and leaves a line itself.
    """
    for group in groups:
        for id_, what in _whats(connection, group.documents):
            if tags_of(what) != group.tags or group.own not in (None, own_of(what)):
                row = {"target": id_, "epoch": _epoch(connection), "attempts": 0, "next_at": now}
                connection.execute(insert(outbox).values(row))


def _put_off(engine: Engine, lines: Sequence[int], now: datetime) -> None:
    with write(engine) as connection:
        for some in _some_of(lines):
            for row in connection.execute(select(outbox).where(outbox.c.id.in_(some))).all():
                attempts = row.attempts + 1
                later = now + min(timedelta(seconds=2 ** min(attempts, 16)), _LONGEST_WAIT)
                line = update(outbox).where(outbox.c.id == row.id)
                connection.execute(line.values(attempts=attempts, next_at=later))


def _whats(connection: Connection, documents: Sequence[DocumentId]) -> Iterator[tuple[DocumentId, What]]:
    for some in _some_of(documents):
        yield from whats_of(connection, some).items()


def _some_of(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _epoch(connection: Connection, *, hold: bool = False) -> int:
    """Read the epoch of the policy; hold it, and no change is made until this transaction ends."""
    query = select(policy_state.c.epoch)
    epoch: int = connection.scalars(query.with_for_update() if hold else query).one()
    return epoch
