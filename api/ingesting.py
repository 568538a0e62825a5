"""Take a folder into a collection: make the collection if it is new, check what is asked of it if it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from acl.admin.authority import Actor, may_make
from acl.admin.edits import AddCollection, AddRule
from acl.admin.gate import Waiting, administer, refusal_recorded
from acl.admin.nodes import own_label
from acl.admin.people import require_subject
from acl.errors import AlreadyThere, BadLabel, NotAllowed
from acl.labels import Label
from acl.names import SUBJECT_KINDS, Obj, Subject, parse_collection, parse_name
from api.tidying import Filling, tidy
from ingest.beneath import Root
from ingest.foresee import foresee
from ingest.run import Options, ingest
from ingest.walk import walk
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acl.admin.edits import Edit
    from acl.names import NodeId, UserId
    from api.wiring import House
    from ingest.foresee import Foreseen
    from ingest.outcome import Progress, Summary


@dataclass(frozen=True, slots=True)
class Target:
    """The collection that is filled, and what it is to be if it is new."""

    name: str  # without `coll:`
    readers: Sequence[str] = ()  # users, groups and roles that may read it; needed for a new one
    label: Label | None = None  # needed for a new one; an existing collection keeps its own


def ingest_folder(
    house: House,
    folder: Path,
    target: Target,
    *,
    actor: UserId,
    progress: Progress,
    options: Options | None = None,
) -> Summary | Waiting:
    """Ingest a folder into a collection, which is made if it is new.

    Args:
        house: Open.
        folder: What to read.
        target: Where to.
        actor: Who does it. He needs `write` or `manage` on the collection; to make one, `manage` on everything.
        progress: Who wants to see how far it is.
        options: How.

    Returns:
        What became of the files; or what waits for a second person, and nothing was ingested.

    Raises:
        BadName, BadLabel, UnknownName, AlreadyThere: The collection cannot be made so. Nothing was ingested.
        NotAllowed: It is not the actor's to fill, or to open to these readers. Nothing was ingested.
        NoSuchFolder, EmptyFolder, TooMuch, OtherFolder, StoreDown, IndexDown, EmbedderDown, AuditDown: As `ingest`.
    """
    with Root(folder) as root:  # a folder that is not there, or is empty, must not leave an empty collection behind
        walk(root, hidden=options is not None and options.hidden)
    made = prepare(house, target, actor)
    if isinstance(made, Waiting):
        return made
    room = house.intake.edges.require_room
    edges = replace(house.intake.edges, index=Filling(house.index, room))
    with house.intake.turn:
        summary = ingest(folder, made, actor, edges, progress, options=options)
    house.retagger.drain()
    tidy(house.index, room)
    return summary


def foresee_folder(
    house: House,
    folder: Path,
    target: Target,
    *,
    actor: UserId,
    progress: Progress,
    options: Options | None = None,
) -> Foreseen:
    """Say what `ingest_folder` would do, without doing it.

    Raises:
        As `ingest_folder`.
    """
    collection, edits = _asked(house, target, actor)
    return foresee(folder, collection, actor, house.intake.edges, progress, before=edits, options=options)


def prepare(house: House, target: Target, actor: UserId) -> NodeId | Waiting:
    """Have the collection there, open to its readers, for somebody who may fill it.

    Raises:
        BadName, BadLabel, UnknownName, AlreadyThere, NotAllowed: It cannot be.
    """
    collection, edits = _asked(house, target, actor)
    made = administer(house.store.engine, house.ledger, actor, edits)
    return made if isinstance(made, Waiting) else collection


def _asked(house: House, target: Target, actor: UserId) -> tuple[NodeId, list[Edit]]:
    """Give the collection, and what is to be changed so that it is there; a refusal is recorded."""
    collection = parse_collection(target.name)
    with refusal_recorded(house.ledger, actor, what="intake"), snapshot(house.store.engine) as connection:
        return collection, edits_for(Actor.of(connection, actor), collection, target)


def require_fill(actor: Actor, collection: NodeId) -> None:
    """Refuse who may not put documents into a collection, or make it if it is not there; the words are the same.

    Raises:
        NotAllowed: He has neither write nor manage on it.
    """
    if own_label(actor.connection, collection) is None:
        may = may_make(actor, AddCollection(collection, collection, Label()))
    else:
        may = actor.manages(collection) or actor.holds("write", collection)
    if not may:
        raise NotAllowed(f"{collection} is not yours to fill, or it is not there: it needs write or manage on it")


def edits_for(actor: Actor, collection: NodeId, target: Target) -> list[Edit]:
    """Give what is to be changed so that the collection is there, and open to its readers.

    Raises:
        NotAllowed: It is not the actor's to fill. Nothing else is told of it then.
        BadName, BadLabel, UnknownName, AlreadyThere: It cannot be changed so.
    """
    require_fill(actor, collection)
    connection = actor.connection
    existing = own_label(connection, collection)
    edits: list[Edit] = []
    if existing is None:
        if target.label is None or not target.readers:
            raise BadLabel(f"{collection} is new: say --level and --readers; without them nobody could read it safely")
        edits.append(AddCollection(collection, target.name, target.label))
    elif target.label not in (None, existing):
        raise AlreadyThere(f"{collection} is labelled {existing}: leave --level away, or name another collection")
    rules = [AddRule(Subject(parse_name(reader, SUBJECT_KINDS)), Obj(collection), "read") for reader in target.readers]
    if existing is not None and not all(may_make(actor, rule) for rule in rules):
        raise NotAllowed(f"{collection} is not yours to open to others: whoever shares or manages it can")
    for rule in rules:  # last: whether somebody is there, is for who may let him in
        require_subject(connection, rule.subject)
    return [*edits, *rules]
