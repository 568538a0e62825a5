"""Which way a search of somebody takes through the index, for those who administer the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.scope import scope_of
from api.auth import principal_looked_at
from api.errors import BadSettings
from api.index_home import EMBEDDER
from api.wiring import opened_by_owner
from retrieval.edge import EdgeIndex
from retrieval.embed import DIMENSION
from store.engine import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from acl.names import NodeId, UserId
    from retrieval.plan import Way


def way_of(root: Path, user: UserId, *, within: NodeId | None = None) -> Way:
    """Say how a search of a user goes, everywhere or within a collection or folder. It counts what others may see.

    Raises:
        DataFolderBusy: A service holds the index.
        NoDataFolder, DataFolderNewer, SecretMissing, WrongMasterKey, BadSettings, StoreDown: It cannot be opened.
        IndexDown: The index does not answer.
    """
    with opened_by_owner(root) as (store, settings, _):
        if settings.index is not None:
            raise BadSettings("the index is on a server, which plans each search by itself")
        index = EdgeIndex(store.layout.index, DIMENSION, EMBEDDER)
        try:
            with snapshot(store.engine) as connection:
                scope = scope_of(connection, principal_looked_at(user), "read", within=within)
            return index.way(scope)
        finally:
            index.close()
