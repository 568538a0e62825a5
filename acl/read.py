"""What a decision reads from SQL: a user's groups, the rules on them, what covers a document.

Every function takes a connection: the caller holds one snapshot for all that belongs together.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from acl.decision import Rule, What, Who
from acl.errors import PolicyTooLarge
from acl.labels import PUBLIC, Compartment, Label, Level, join
from acl.names import ACTIONS, ANY_ACTION, EVERYONE, ROOT, Action, DocumentId, NodeId, Obj, Subject, UserId
from acl.statements import (
    ABOVE,
    DOCUMENTS,
    NODES,
    OBJECTS,
    PATH,
    RULES,
    RULES_ON,
    USER,
)
from store.schema import users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row, Select

EMERGENCY: Final = "role:break-glass."
_NOWHERE: Final = What(frozenset(), Label(), live=False)
MAX_PRINCIPALS: Final = 5_000  # the user and the groups above him


def who_of(connection: Connection, user: UserId) -> Who:
    """Read a user with all groups above him. Unknown or inactive: nobody, who holds nothing.

    A service, `svc:…`, has no row: it holds what rules give it by name, and is cleared for what is public.

    Raises:
        PolicyTooLarge: He is in 5,000 groups or more; a decision on a part of them could lose a deny.
    """
    if user.startswith("svc:"):
        return Who(user, closure(connection, user), Level.PUBLIC, frozenset())
    rows = connection.execute(USER, {"user": user, "now": datetime.now(UTC)}).all()
    cleared = [row for row in rows if row.clearance is not None]
    if not cleared:
        return Who(user, frozenset(), Level.PUBLIC, frozenset())
    # A role that a user holds between two points in time: its end needs nobody to write anything.
    emergencies = frozenset(emergency_role(row.name) for row in rows if row.clearance is None)
    return Who(
        user=user,
        principals=closure(connection, user) | {EVERYONE} | emergencies,
        clearance=Level(cleared[0].clearance),
        compartments=frozenset(Compartment(row.name) for row in cleared if row.name is not None),
    )


def emergency_role(id_: str) -> Subject:
    """Give the role that somebody holds while his emergency access is open."""
    return Subject(f"{EMERGENCY}{id_}")


def people(connection: Connection) -> list[Row[tuple[object, ...]]]:
    """Read the directory: id, name, e-mail and phone of everybody, also of those who are not active."""
    c = users.c
    return list(connection.execute(select(c.id, c.name, c.email, c.phone).order_by(c.id)))


def closure(connection: Connection, subject: str) -> frozenset[Subject]:
    """Read a user, a service or a group with all groups above.

    Raises:
        PolicyTooLarge: These are 5,000 or more.
    """
    names = connection.scalars(ABOVE, {"name": subject, "limit": MAX_PRINCIPALS + 1}).all()
    if len(names) > MAX_PRINCIPALS:
        raise PolicyTooLarge(f"{subject} is in {MAX_PRINCIPALS} groups or more")
    return frozenset(Subject(name) for name in names)


def objects_of(connection: Connection, who: Who, action: Action) -> tuple[frozenset[Obj], frozenset[Obj]]:
    """Give the objects that `rules_of` allow, and those that they deny."""
    rows = connection.execute(OBJECTS, _speaking_of(who, action)).all()
    denied = frozenset(Obj(obj) for obj, effect in rows if effect != "allow")
    return frozenset(Obj(obj) for obj, effect in rows if effect == "allow"), denied


def rules_of(connection: Connection, who: Who, action: Action) -> list[Rule]:
    """Read all rules that speak of this caller and this action, in a fixed order; of an unknown action, none."""
    return _rules(connection, RULES, _speaking_of(who, action))


def rules_on(connection: Connection, who: Who, action: Action, objects: Iterable[Obj]) -> list[Rule]:
    """Read those of `rules_of` that speak of certain objects: enough to decide on what these cover."""
    return _rules(connection, RULES_ON, {**_speaking_of(who, action), "objects": sorted(set(objects))})


def _speaking_of(who: Who, action: Action) -> dict[str, list[str]]:
    return {"subjects": sorted(who.principals), "actions": [action, ANY_ACTION] if action in ACTIONS else []}


def _rules(connection: Connection, statement: Select[Any], parameters: dict[str, list[str]]) -> list[Rule]:
    rows = connection.execute(statement, parameters).all()
    return [Rule(Subject(sub), Obj(obj), act, effect) for sub, obj, act, effect in rows]


def whats_of(connection: Connection, documents: Iterable[DocumentId]) -> dict[DocumentId, What]:
    """Read documents as rules see them. One that is not in the table is not in the result."""
    found = _labelled(connection, DOCUMENTS, set(documents))
    paths = Paths(connection, {NodeId(row.node_id) for row, _ in found.values()})
    return {DocumentId(id_): _what(row, own, paths) for id_, (row, own) in found.items()}


def what_at(connection: Connection, place: str) -> What:
    """Read what covers a place that a rule can name: a document, a collection or folder, or any other object.

    What is not there is covered by nothing, so no rule reaches it.
    """
    kind = place.partition(":")[0]
    if kind == "doc":
        return whats_of(connection, [DocumentId(place)]).get(DocumentId(place), _NOWHERE)
    if kind not in ("coll", "folder"):
        return What(frozenset({ROOT, Obj(place)}), PUBLIC, live=True)
    return nodes_at(connection, [NodeId(place)]).get(NodeId(place), _NOWHERE)


def whats_at(connection: Connection, places: Iterable[str]) -> dict[str, What]:
    """Read what covers several places at once, each as `what_at`."""
    wanted = set(places)
    documents = whats_of(connection, (DocumentId(place) for place in wanted if place.startswith("doc:")))
    nodes = nodes_at(connection, (NodeId(place) for place in wanted if place.startswith(("coll:", "folder:"))))
    found: dict[str, What] = {str(place): what for place, what in (*documents.items(), *nodes.items())}
    return {place: found[place] if place in found else what_at(connection, place) for place in wanted}


def nodes_at(connection: Connection, nodes: Iterable[NodeId]) -> dict[NodeId, What]:
    """Read collections and folders as rules see them. One that is not in the table is not in the result."""
    wanted = set(nodes)
    paths = Paths(connection, wanted)
    return {node: _node_what(node, paths) for node in sorted(wanted) if node in paths}


def _node_what(node: NodeId, paths: Paths) -> What:
    label = paths.label(node)
    return What(paths.scopes(node) | label_objects(label), label, live=True, path=paths.nodes(node))


def _what(row: Row[Any], own: Label, paths: Paths) -> What:
    label = join([own, paths.label(NodeId(row.node_id))])
    scopes = {*paths.scopes(NodeId(row.node_id)), Obj(row.id), *label_objects(label)}
    if row.owner:
        scopes.add(Obj(f"owner:{row.owner.partition(':')[2]}"))
    return What(frozenset(scopes), label, live=row.state == "live", path=paths.nodes(NodeId(row.node_id)))


def label_objects(label: Label) -> frozenset[Obj]:
    """Give the policy objects that a label stands for, so that a rule can speak of `label:gdpr`."""
    return frozenset(Obj(f"label:{part}") for part in (label.level.name.lower(), *label.compartments))


class Paths:
    """The collections and folders above some nodes, with their labels and cuts, as of one snapshot."""

    def __init__(self, connection: Connection, nodes: Iterable[NodeId]) -> None:
        ids = connection.scalars(PATH, {"ids": sorted(nodes)}).all()
        self._nodes = _labelled(connection, NODES, {id_ for id_ in ids if id_ is not None})

    def __contains__(self, node: object) -> bool:
        return node in self._nodes

    def nodes(self, start: NodeId) -> tuple[NodeId, ...]:
        """Give all nodes from this one up to its collection."""
        return tuple(NodeId(row.id) for row in self._upwards(start))

    def own_label(self, node: NodeId) -> Label:
        """Give the label that was set on a node itself."""
        return self._nodes[node][1]

    def label(self, start: NodeId) -> Label:
        """Join the labels along the whole path. A cut of inheritance never lowers a label."""
        return join(self.own_label(node) for node in self.nodes(start))

    def scopes(self, start: NodeId) -> frozenset[Obj]:
        """Give the objects whose rules reach what lies here: up to the first node that cuts inheritance."""
        covering = {ROOT}
        for row in self._upwards(start):
            covering.add(Obj(row.id))
            if not row.inherit:
                break
        return frozenset(covering)

    def _upwards(self, start: NodeId) -> list[Row[Any]]:
        rows: list[Row[Any]] = []
        current: str | None = start
        while current is not None:
            rows.append(self._nodes[current][0])
            current = rows[-1].parent_id
            if len(rows) > len(self._nodes):
                raise PolicyTooLarge(f"the folders above {start} form a circle")
        return rows


def _labelled(connection: Connection, statement: Select[Any], ids: set[str]) -> dict[str, tuple[Row[Any], Label]]:
    """Read documents or nodes by their ids, each with the label of its own."""
    rows: dict[str, Row[Any]] = {}
    held: defaultdict[str, set[Compartment]] = defaultdict(set)
    for row in connection.execute(statement, {"ids": sorted(ids)}).all():
        rows[row.id] = row
        if row.compartment is not None:
            held[row.id].add(Compartment(row.compartment))
    return {id_: (row, Label(Level(row.level), frozenset(held[id_]))) for id_, row in rows.items()}
