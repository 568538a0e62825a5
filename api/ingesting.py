"""Take a folder into a collection: make the collection if it is new, check what is asked of it if it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.change import policy_change
from acl.decision import Rule
from acl.errors import AlreadyThere, BadLabel
from acl.names import Obj, parse_collection
from acl.nodes import add_collection, own_label
from acl.people import require_subject
from acl.rules import grant
from ingest.pipeline import Edges, Summary, ingest
from ingest.walk import walk
from retrieval.embed import word_piece_counter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acl.labels import Label
    from api.wiring import House
    from ingest.pipeline import Progress


def ingest_folder(  # noqa: PLR0913 - each is one option of the command
    house: House,
    folder: Path,
    collection: str,
    *,
    actor: str,
    progress: Progress,
    readers: Sequence[str] = (),
    label: Label | None = None,
    moved: bool = False,
) -> Summary:
    """Ingest a folder into the collection of a name.

    Args:
        house: Open.
        folder: What to read.
        collection: Its name, without `coll:`.
        actor: Whom the audit trail names.
        progress: Who wants to see how far it is.
        readers: Users and groups that may read the collection; needed for a new one.
        label: Of the collection; needed for a new one. An existing collection keeps its own.
        moved: The folder is the one that fills the collection, at a new place.

    Raises:
        BadName, BadLabel, UnknownName, AlreadyThere: The collection cannot be made so. Nothing was ingested.
        NoSuchFolder, EmptyFolder, OtherFolder, StoreDown, IndexDown, EmbedderDown, AuditDown: As `ingest`.
    """
    name = parse_collection(collection)
    next(iter(walk(folder)))  # a folder that is not there must not leave an empty collection behind
    with policy_change(house.store.engine, house.ledger, actor) as change:
        existing = own_label(change.connection, name)
        if existing is None:
            if label is None or not readers:
                raise BadLabel(f"{name} is new: say --level and --readers; without them nobody could read it safely")
            add_collection(change, name, collection, label)
        elif label not in (None, existing):
            raise AlreadyThere(f"{name} is labelled {existing}: leave --level away, or name another collection")
        for reader in readers:
            subject = require_subject(change.connection, reader)
            grant(change, Rule(subject, Obj(name), "read", "allow"))
    summary = ingest(folder, name, actor, ingest_edges(house, progress), moved=moved)
    house.retagger.drain()
    return summary


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
