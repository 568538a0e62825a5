"""Make the index again from the database: after it was lost or damaged, for another embedding model, or elsewhere."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from sqlalchemy import update

from api.errors import BadSettings
from api.index_home import EMBEDDER, home_of
from api.settings import cache_folder
from api.settings_file import rewrite, with_index
from api.tidying import Filling, tidy
from api.wiring import opened_by_owner
from ingest.points import all_points
from retrieval.embed import Embedder
from retrieval.errors import IndexDown
from store.engine import write
from store.schema import installation

if TYPE_CHECKING:
    from pathlib import Path

    from api.settings import IndexSettings, Settings
    from retrieval.embed import Embed
    from retrieval.homes import Home
    from store.folder import Store

To = Literal["edge", "qdrant"]


class Counting(Protocol):
    """Who wants to see how far it is."""

    def done(self, documents: int) -> None:
        """So many more are done."""
        ...


@dataclass(slots=True)
class Made:
    """How much was indexed, and what is left to do."""

    documents: int = 0
    chunks: int = 0
    left: str = ""  # of the index that answered before, where it could not be removed


def reindex(
    root: Path,
    counting: Counting,
    embed: Embed | None = None,
    *,
    to: To | None = None,
    server: IndexSettings | None = None,
) -> Made:
    """Make the index of a data folder again, beside the old one, and put it in its place when it is whole.

    Whatever stops it leaves the old one where it was.

    Args:
        root: The data folder.
        counting: Is told how far it is.
        embed: Makes the vectors; by default the model of this version.
        to: Move it into the data folder (`edge`) or to a server (`qdrant`), and write into the settings that it is
            there; by default it stays where the settings say.
        server: The server; by default the one that the settings name.

    Raises:
        DataFolderBusy: Another process holds the data folder.
        NoDataFolder, DataFolderNewer, SecretMissing, WrongMasterKey, BadSettings: It cannot be opened, or not be moved.
        StoreDown, CannotDecrypt, EmbedderDown, IndexDown, NoRoom: It was not made.
    """
    with opened_by_owner(root) as (store, settings, _):
        named = _named(settings, to, server)
        before, there = home_of(store, settings), home_of(store, settings.model_copy(update={"index": named}))
        moved = None if named == settings.index else with_index(store.layout, named)
        made = _fill(store, there, counting, embed or Embedder(cache=cache_folder()))
        there.replace()
        with write(store.engine) as connection:
            connection.execute(update(installation).values(embedder=EMBEDDER))
        if moved is not None:
            rewrite(store.layout, moved)
            made.left = _removed(before)
    return made


def _named(settings: Settings, to: To | None, server: IndexSettings | None) -> IndexSettings | None:
    """Give the server that is to keep the index, or none."""
    match to:
        case None:
            return settings.index
        case "edge":
            return None
        case "qdrant" if server or settings.index:
            return server or settings.index
    raise BadSettings("name the server with --url, or in the settings as index.url")


def _fill(store: Store, home: Home, counting: Counting, embed: Embed) -> Made:
    made = Made()

    def done(documents: int) -> None:
        made.documents += documents
        counting.done(documents)

    home.require_room(0)
    with closing(home.open_fresh()) as index:
        filling = Filling(index, home.require_room)
        for points in all_points(store.engine, store.keys, embed, done):
            home.require_room(sum(point.vector.nbytes for point in points) * 4)
            filling.put(points)
            made.chunks += len(points)
        tidy(index, home.require_room)
        if (there := index.count()) != made.chunks:
            raise IndexDown(f"the new index holds {there} points of {made.chunks}: nothing was put in its place")
    return made


def _removed(home: Home) -> str:
    """Remove an index that answers no more; say what is wrong where it cannot be."""
    try:
        home.remove()
    except IndexDown as error:
        return f"the old index is still there, and holds vectors: {error}"
    return ""
