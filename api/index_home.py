"""Where the settings keep the index: in the data folder, or on a Qdrant server."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from api.errors import BadSettings
from api.settings import IndexSettings
from retrieval.embed import DIMENSION, MODEL_NAME
from retrieval.homes import EdgeHome, QdrantHome
from retrieval.plan import PLAN
from retrieval.qdrant_collection import Made
from retrieval.qdrant_server import Limits, Server, Spread
from store.secret import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from api.settings import Settings
    from retrieval.homes import Home
    from store.folder import Store

EMBEDDER: Final = f"{MODEL_NAME}/{DIMENSION}"


def home_of(store: Store, settings: Settings) -> Home:
    """Give the home of an installation's index.

    Args:
        store: The installation.
        settings: They name a server; without it, the index is in the data folder.

    Raises:
        BadSettings: The server's address is none that a key and vectors may be sent to.
        SecretMissing: There is no key where the settings say.
    """
    plan = replace(PLAN, fusion=settings.fusion)
    if settings.index is None:
        return EdgeHome(store.layout.index, DIMENSION, EMBEDDER, plan)
    return QdrantHome(_server(settings.index, store.layout.root), Made(DIMENSION, EMBEDDER, _name_of(store), plan))


def server_named(to: str | None, **options: str | int | None) -> IndexSettings | None:
    """Give the server that the options of a command name, if they do.

    Raises:
        BadSettings: They name none, or one for an index that does not go there.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if not given:
        return None
    if to != "qdrant" or "url" not in given:
        raise BadSettings("options that name a server go with --to qdrant and --url")
    try:
        return IndexSettings.model_validate(given)
    except ValidationError as error:
        wrong = (f"--{one['loc'][0]}: {one['msg']}" for one in error.errors(include_input=False))
        raise BadSettings("; ".join(wrong)) from None


def _server(named: IndexSettings, root: Path) -> Server:
    limits = Limits(*(timedelta(seconds=value) for value in (named.connect, named.search, named.write)))
    try:
        return Server(
            named.url,
            named.collection,
            key=resolve(named.key, root) if named.key else "",
            grpc_port=named.grpc,
            authority=root / named.ca if named.ca else None,
            is_plain_allowed=named.allow_plain_http,
            limits=limits,
            spread=Spread(named.shards, named.replicas, named.replicas_written),
        )
    except ValueError as error:
        raise BadSettings(f"index: {error}") from error


def _name_of(store: Store) -> str:
    """Name an installation to a server, which learns nothing else by it, and cannot test a key with it."""
    return hashlib.sha256(f"index of {store.keys.name}".encode()).hexdigest()[:32]
