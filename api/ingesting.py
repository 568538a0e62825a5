"""Take a folder into a collection: make the collection if it is new, check what is asked of it if it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.admin.authority import Actor
from acl.admin.edits import AddCollection, AddRule
from acl.admin.gate import Waiting, administer
from acl.admin.nodes import own_label
from acl.admin.people import require_subject
from acl.errors import AlreadyThere, BadLabel, NotAllowed
from acl.names import Obj, parse_collection
from ingest.beneath import Root
from ingest.pipeline import Edges, Summary, ingest
from ingest.walk import walk
from retrieval.embed import word_piece_counter
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from acl.admin.edits import Edit
    from acl.labels import Label
    from acl.names import NodeId, UserId
    from api.wiring import House
    from ingest.pipeline import Progress


def ingest_folder(  # noqa: PLR0913 - each is one option of the command
    house: House,
    folder: Path,
    collection: str,
    *,
    actor: UserId,
    progress: Progress,
    readers: Sequence[str] = (),
    label: Label | None = None,
    moved: bool = False,
) -> Summary | Waiting:
    """Ingest a folder into the collection of a name.

    Args:
        house: Open.
        folder: What to read.
        collection: Its name, without `coll:`.
        actor: Who does it. He needs `write` or `manage` on the collection; to make one, `manage` on everything.
        progress: Who wants to see how far it is.
        readers: Users and groups that may read the collection; needed for a new one.
        label: Of the collection; needed for a new one. An existing collection keeps its own.
        moved: The folder is the one that fills the collection, at a new place.

    Returns:
        What became of the files; or what waits for a second person, and nothing was ingested.

    Raises:
        BadName, BadLabel, UnknownName, AlreadyThere: The collection cannot be made so. Nothing was ingested.
        NotAllowed: It is not the actor's to fill, or to open to these readers. Nothing was ingested.
        NoSuchFolder, EmptyFolder, TooMuch, OtherFolder, StoreDown, IndexDown, EmbedderDown, AuditDown: As `ingest`.
    """
    name = parse_collection(collection)
    with Root(folder) as root:
        walk(root)  # a folder that is not there must not leave an empty collection behind
    with snapshot(house.store.engine) as connection:
        edits = _edits(connection, name, collection, readers, label)
    made = administer(house.store.engine, house.ledger, actor, edits)
    if isinstance(made, Waiting):
        return made
    with snapshot(house.store.engine) as connection:
        filling = Actor.of(connection, actor)
        if not (filling.manages(name) or filling.holds("write", name)):
            raise NotAllowed(f"{name} is not yours to fill: it needs write or manage on it")
    summary = ingest(folder, name, actor, ingest_edges(house, progress), moved=moved)
    house.retagger.drain()
    return summary


def _edits(
    connection: Connection, collection: NodeId, name: str, readers: Sequence[str], label: Label | None
) -> list[Edit]:
    """Give what is to be changed so that the collection is there, and open to these readers."""
    existing = own_label(connection, collection)
    edits: list[Edit] = []
    if existing is None:
        if label is None or not readers:
            raise BadLabel(f"{collection} is new: say --level and --readers; without them nobody could read it safely")
        edits.append(AddCollection(collection, name, label))
    elif label not in (None, existing):
        raise AlreadyThere(f"{collection} is labelled {existing}: leave --level away, or name another collection")
    subjects = [require_subject(connection, reader) for reader in readers]
    return edits + [AddRule(subject, Obj(collection), "read") for subject in subjects]


def ingest_edges(house: House, progress: Progress) -> Edges:
    """Give ingestion the parts of an open installation."""
    return Edges(
        engine=house.store.engine,
        keys=house.store.keys,
        index=house.index,
        embed=house.embed,
        measure=word_piece_counter(),
        ledger=house.ledger,
        progress=progress,
    )
