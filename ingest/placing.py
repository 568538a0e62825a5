"""Folders on a disk become folders of a collection, with the labels, readers and owners that their files declare.

What a declaration says is asked for through the gate of administration, as whoever ingests: he can give away only
what is his to give. What tightens holds before the first file is read; what loosens may wait for a second person,
and the files come in under the stricter rules until then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from acl.admin.edits import AddFolder, AddRule, Edit, RemoveRule, SetInheritance, SetLabel, SetOwner
from acl.admin.gate import Waiting, administer
from acl.admin.nodes import new_folder_id, own_label, subtree
from acl.admin.people import require_subject
from acl.errors import UnknownName
from acl.labels import PUBLIC, Label, covers, join
from acl.names import DocumentId, NodeId, Obj, Subject, UserId
from ingest.declared import Declaration
from ingest.families import Place
from ingest.standing import names_in, standing_of
from store.engine import write
from store.schema import casbin_rule, document, node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Row

    from audit.ledger import Ledger
    from ingest.standing import Declarations

_REASON: Final = "the folders declare it"


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be changed so that the folders are there, as their files declare them."""

    places: Mapping[tuple[str, ...], Place]
    tighten: Sequence[Edit]  # also makes what is new
    loosen: Sequence[Edit]  # of what is there already
    named: Mapping[NodeId, frozenset[Subject]]  # the readers that each folder's own file names
    named_before: Mapping[NodeId, frozenset[Subject]]


def plan_of(
    connection: Connection, collection: NodeId, paths: Iterable[tuple[str, ...]], declared: Declarations, owner: UserId
) -> Plan:
    """Compare what is declared with what is there.

    Args:
        connection: One state of the policy.
        collection: It exists.
        paths: The folders that files lie in, by the names that lead to them.
        declared: What the folders' own files say.
        owner: Whose the documents are of which no folder says so.
    """
    return _Planner(connection, collection, declared, owner).plan(paths)


def tighten(engine: Engine, ledger: Ledger, actor: UserId, plan: Plan) -> Waiting | None:
    """Make the folders that are new, and let hold what protects more than before.

    Returns:
        What waits for a second person, and then no file can be taken in yet; None if nothing does.

    Raises:
        NotAllowed, PolicyError, StoreDown, AuditDown: As `administer`.
    """
    return _asked(engine, ledger, actor, plan.tighten)


def loosen(engine: Engine, ledger: Ledger, actor: UserId, plan: Plan) -> Waiting | None:
    """Let hold what lets more people at folders that are there, or people at more.

    Returns:
        What waits for a second person, and the stricter rules hold until then; None if nothing does.

    Raises:
        NotAllowed, PolicyError, StoreDown, AuditDown: As `administer`.
    """
    # Written down before any rule is made: a reader who is dropped from the file later must lose what it gave him.
    _note_readers(engine, {id_: named | plan.named_before.get(id_, frozenset()) for id_, named in plan.named.items()})
    waiting = _asked(engine, ledger, actor, plan.loosen)
    if waiting is None:
        _note_readers(engine, plan.named)
    return waiting


def node_at(connection: Connection, collection: NodeId, path: Iterable[str]) -> NodeId | None:
    """Give the folder of a collection that some names lead to; the collection itself for none."""
    at: NodeId | None = collection
    for name in path:
        found = connection.scalar(select(node.c.id).where(node.c.parent_id == at, node.c.name == name))
        if found is None:
            return None
        at = NodeId(found)
    return at


def _asked(engine: Engine, ledger: Ledger, actor: UserId, edits: Sequence[Edit]) -> Waiting | None:
    if not edits:
        return None
    made = administer(engine, ledger, actor, edits, reason=_REASON)
    return made if isinstance(made, Waiting) else None


@dataclass(slots=True)
class _Planner:
    connection: Connection
    collection: NodeId
    declared: Declarations
    owner: UserId
    nodes: dict[tuple[str, ...], NodeId] = field(default_factory=dict)
    tighten: list[Edit] = field(default_factory=list)
    loosen: list[Edit] = field(default_factory=list)
    named: dict[NodeId, frozenset[Subject]] = field(default_factory=dict)
    named_before: dict[NodeId, frozenset[Subject]] = field(default_factory=dict)

    def plan(self, paths: Iterable[tuple[str, ...]]) -> Plan:
        wanted = {path[:depth] for path in (*paths, *self.declared) for depth in range(len(path) + 1)} | {()}
        rows = self._rows()
        unknown = self._unknown()
        places = {}
        for path in sorted(wanted):
            standing = standing_of(path, self.declared, default_owner=self.owner, unknown=unknown)
            own = self.declared.get(path)
            declaration = own if isinstance(own, Declaration) and not standing.faults else None
            row = rows.get((self.nodes[path[:-1]], path[-1])) if path else rows[None, ""]
            if row is None:
                self._make(path, declaration)
            else:
                self.nodes[path] = NodeId(row.id)
                self._alter(row, declaration, is_broken=bool(standing.faults))
            places[path] = Place(self.nodes[path], standing.owner, standing.faults)
        return Plan(places, self.tighten, self.loosen, self.named, self.named_before)

    def _rows(self) -> dict[tuple[str | None, str], Row[tuple[object, ...]]]:
        """Read the folders of the collection by the one above and the name; itself by none."""
        below = subtree(self.collection)
        rows = self.connection.execute(select(node).where(node.c.id.in_(select(below.c.id)))).all()
        return {(row.parent_id, row.name if row.parent_id else ""): row for row in rows}

    def _unknown(self) -> frozenset[Subject]:
        return frozenset(name for name in names_in(self.declared) if not self._is_known(name))

    def _is_known(self, name: Subject) -> bool:
        try:
            require_subject(self.connection, name)
        except UnknownName:
            return False
        return True

    def _make(self, path: tuple[str, ...], declaration: Declaration | None) -> None:
        new = self.nodes[path] = new_folder_id()
        said = declaration or Declaration()
        inherits = said.inherit is not False
        self.tighten.append(AddFolder(new, self.nodes[path[:-1]], path[-1], _label(said), inherit=inherits))
        self.tighten += [AddRule(reader, Obj(new), "read") for reader in sorted(said.readers)]
        self.named[new], self.named_before[new] = said.readers, frozenset()

    def _alter(self, row: Row[tuple[object, ...]], declaration: Declaration | None, *, is_broken: bool) -> None:
        id_ = NodeId(row.id)
        before = self.named_before[id_] = frozenset(map(Subject, json.loads(row.declared or "[]")))
        if is_broken:  # nothing is given or taken on the word of a file that cannot be understood
            self.named[id_] = before
            return
        now = self.named[id_] = declaration.readers if declaration else frozenset()
        there = self._readers_at(id_)
        self.tighten += [RemoveRule(reader, Obj(id_), "read") for reader in sorted((before - now) & there)]
        self.loosen += [AddRule(reader, Obj(id_), "read") for reader in sorted(now - there)]
        if declaration is None:
            return
        self._label(id_, declaration)
        if declaration.inherit is not None and row.inherit != declaration.inherit:
            (self.loosen if declaration.inherit else self.tighten).append(SetInheritance(id_, declaration.inherit))
        if declaration.owner is not None:
            self._own(id_, declaration.owner)

    def _label(self, id_: NodeId, declaration: Declaration) -> None:
        if declaration.level is None and not declaration.compartments:
            return  # it says nothing: what the folder is labelled was said by somebody else
        own = own_label(self.connection, id_) or PUBLIC
        declared = Label(own.level if declaration.level is None else declaration.level, declaration.compartments)
        if id_ == self.collection:
            declared = join([own, declared])  # who fills a collection does not lower what it was made as
        if declared != own:
            (self.tighten if covers(declared, own) else self.loosen).append(SetLabel(id_, declared))

    def _own(self, id_: NodeId, owner: UserId) -> None:
        lying = select(document.c.id).where(document.c.node_id == id_, document.c.state != "deleted")
        others = document.c.owner.is_(None) | (document.c.owner != owner)
        self.loosen += [SetOwner(DocumentId(one), owner) for one in self.connection.scalars(lying.where(others))]

    def _readers_at(self, id_: NodeId) -> frozenset[Subject]:
        c = casbin_rule.c
        rules = select(c.v0).where(c.ptype == "p", c.v1 == id_, c.v2 == "read", c.v3 == "allow")
        return frozenset(map(Subject, self.connection.scalars(rules)))


def _label(declaration: Declaration) -> Label:
    return Label(PUBLIC.level if declaration.level is None else declaration.level, declaration.compartments)


def _note_readers(engine: Engine, named: Mapping[NodeId, frozenset[Subject]]) -> None:
    with write(engine) as connection:
        for id_, readers in named.items():
            noted = json.dumps(sorted(readers)) if readers else None
            changed = update(node).where(node.c.id == id_, node.c.declared.is_distinct_from(noted))
            connection.execute(changed.values(declared=noted))
