"""All that there is, as a review sees it: places, and in each the kinds of documents.

What tells documents apart for a decision is the objects that cover them, as far as a rule speaks of these,
and their label. All documents with the same two are one kind: a hundred thousand of them are a few hundred.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from acl.labels import PUBLIC, Compartment, Label, Level, join
from acl.names import NodeId, Obj
from acl.read import Paths, label_objects
from store.schema import casbin_rule, document, document_compartment, node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

_AT_ONCE: Final = 10_000  # nodes in one statement


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What a decision sees of a document. There is one value of each kind, so that sets of them are quick."""

    scopes: frozenset[Obj]  # those that a rule speaks of
    label: Label  # that one must be cleared for


@dataclass(frozen=True, slots=True)
class Ground:
    """A collection or folder: what a plain document is there, and the live documents right in it by kind."""

    id: NodeId
    parent: NodeId | None
    path: tuple[str, ...]
    label: Label
    kind: Kind
    documents: Counter[Kind]
    own: frozenset[Kind]  # the kinds of these documents
    kinds: frozenset[Kind]  # of itself and of all that lies below it


@dataclass(frozen=True, slots=True)
class Land:
    """All collections and folders."""

    kinds: frozenset[Kind]
    places: Mapping[NodeId, Ground]
    collections: Mapping[NodeId, Sequence[NodeId]]  # each with its folders, from the top down


def land_of(connection: Connection, spoken_of: frozenset[Obj], *, cleared: bool) -> Land:
    """Read all places and documents, as far as rules on these objects can tell them apart.

    With `cleared`, everybody counts as cleared for everything: who manages a place need not be.
    """
    rows = {NodeId(row.id): row for row in connection.execute(select(node).order_by(node.c.name, node.c.id))}
    below: defaultdict[NodeId | None, list[NodeId]] = defaultdict(list)
    for id_, row in rows.items():
        below[row.parent_id].append(id_)
    collections = {top: list(_downwards(top, below)) for top in sorted(below[None])}
    labels: dict[NodeId, Label] = {}
    scopes: dict[NodeId, frozenset[Obj]] = {}
    for paths, ids in _all_paths(connection, list(rows)):
        labels |= {id_: paths.label(id_) for id_ in ids}
        scopes |= {id_: paths.scopes(id_) for id_ in ids}

    kinds: dict[tuple[frozenset[Obj], Label], Kind] = {}

    def kind(node_id: NodeId, label: Label, own: Collection[Obj] = ()) -> Kind:
        covering = scopes[node_id].union(label_objects(label), own) & spoken_of
        label = PUBLIC if cleared else label
        return kinds.setdefault((covering, label), Kind(covering, label))

    documents: defaultdict[NodeId, Counter[Kind]] = defaultdict(Counter)
    for node_id, label, objects, number in _documents(connection):
        documents[node_id][kind(node_id, join([label, labels[node_id]]), objects)] += number

    places: dict[NodeId, Ground] = {}
    for id_ in (id_ for ids in collections.values() for id_ in reversed(ids)):  # what lies below comes first
        plain, own = kind(id_, labels[id_]), frozenset(documents[id_])
        below_it = own.union([plain], *(places[folder].kinds for folder in below[id_]))
        path = tuple(rows[above].name for above in _upwards(id_, rows))[::-1]
        places[id_] = Ground(id_, rows[id_].parent_id, path, labels[id_], plain, documents[id_], own, below_it)
    return Land(frozenset(kinds.values()), places, collections)


def _downwards(top: NodeId, below: Mapping[NodeId | None, list[NodeId]]) -> Iterator[NodeId]:
    waiting = [top]
    while waiting:
        id_ = waiting.pop()
        yield id_
        waiting += reversed(below.get(id_, []))


def _upwards(node_id: NodeId, rows: Mapping[NodeId, Row[tuple[object, ...]]]) -> Iterator[NodeId]:
    current: NodeId | None = node_id
    while current is not None:
        yield current
        current = rows[current].parent_id


def _all_paths(connection: Connection, ids: list[NodeId]) -> Iterator[tuple[Paths, list[NodeId]]]:
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        yield Paths(connection, some), some


def _documents(connection: Connection) -> Iterator[tuple[NodeId, Label, tuple[Obj, ...], int]]:
    """Give the live documents: where, with which label and objects of their own, how many."""
    c, held = document.c, document_compartment.c
    live = c.state == "live"
    named = select(casbin_rule.c.v1).where(casbin_rule.c.ptype == "p", casbin_rule.c.v1.like("doc:%"))
    single = c.id.in_(select(held.document_id)) | c.id.in_(named)
    compartments: defaultdict[str, frozenset[Compartment]] = defaultdict(frozenset)
    for id_, name in connection.execute(select(held.document_id, held.compartment)):
        compartments[id_] |= {Compartment(name)}
    for row in connection.execute(select(c.id, c.node_id, c.owner, c.level).where(live, single)):
        own = (Obj(row.id), *_owners(row.owner))
        yield NodeId(row.node_id), Label(Level(row.level), compartments[row.id]), own, 1
    grouped = select(c.node_id, c.owner, c.level, func.count().label("number")).where(live, ~single)
    for row in connection.execute(grouped.group_by(c.node_id, c.owner, c.level)):
        yield NodeId(row.node_id), Label(Level(row.level)), _owners(row.owner), row.number


def _owners(owner: str | None) -> tuple[Obj, ...]:
    return (Obj(f"owner:{owner.partition(':')[2]}"),) if owner else ()
