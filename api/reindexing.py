"""Make the index again from the database: after it was lost or damaged, or for another embedding model."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import update

from api.settings import cache_folder
from api.tidying import tidy
from api.wiring import EMBEDDER, opened_by_owner
from ingest.points import all_points
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION, Embedder
from store.engine import write
from store.room import require_room
from store.schema import installation

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.embed import Embed


class Counting(Protocol):
    """Who wants to see how far it is."""

    def done(self, documents: int) -> None:
        """So many more are done."""
        ...


@dataclass(slots=True)
class Made:
    """How much was indexed."""

    documents: int = 0
    chunks: int = 0


def reindex(root: Path, counting: Counting, embed: Embed | None = None) -> Made:
    """Make the index of a data folder again, beside the old one, and put it in its place when it is whole.

    Whatever stops it leaves the old one where it was.

    Raises:
        DataFolderBusy: Another process holds the data folder.
        NoDataFolder, DataFolderNewer, SecretMissing, WrongMasterKey, BadSettings: It cannot be opened.
        StoreDown, CannotDecrypt, EmbedderDown, IndexDown, NoRoom: It was not made.
    """
    made = Made()
    with opened_by_owner(root) as (store, _, _):
        place = store.layout.index
        fresh, old = place.with_name("index.new"), place.with_name("index.old")
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        require_room(root, 0)
        index = EdgeIndex(fresh, DIMENSION, EMBEDDER)
        try:

            def done(documents: int) -> None:
                made.documents += documents
                counting.done(documents)

            for points in all_points(store.engine, store.keys, embed or Embedder(cache=cache_folder()), done):
                require_room(root, sum(point.vector.nbytes for point in points) * 4)
                index.put(points)
                made.chunks += len(points)
            tidy(index, root)
        finally:
            index.close()
        if place.exists():
            place.rename(old)
        fresh.rename(place)
        with write(store.engine) as connection:
            connection.execute(update(installation).values(embedder=EMBEDDER))
        shutil.rmtree(old, ignore_errors=True)
    return made
