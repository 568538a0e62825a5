"""The clients of model providers: one for each version of a record, model and key; made when it is first asked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from egress.contract.standing import provider_named
from egress.errors import ModelDown
from egress.extractive import Extractive
from store.engine import snapshot
from store.secret import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from egress.contract.provider import Provider
    from egress.openai_model import OpenAiModel
    from egress.route import Route
    from egress.types import Llm

Key = tuple[str, int, str, str]  # provider, version of its record, model, reference of the key


class Models:
    """Gives the model of a route. Close it in the end."""

    def __init__(self, engine: Engine, root: Path) -> None:
        """Know where the records are, and the data folder that secret references begin at."""
        self._engine = engine
        self._root = root
        self._here = Extractive()
        self._clients: dict[Key, OpenAiModel] = {}
        self._turn = threading.Lock()

    def __call__(self, route: Route) -> Llm:
        """Give the model that a route names; without a provider, the one in this process.

        Raises:
            ModelDown: The provider's record has changed since the route was decided on, or no client can be made of it.
            SecretMissing: Its key is not there.
            StoreDown: The database does not answer.
        """
        if route.provider is None:
            return self._here
        with snapshot(self._engine) as connection:
            found = provider_named(connection, route.provider)
        if found is None or found[1] != route.version:
            raise ModelDown(f"the contract with {route.provider} changed meanwhile: ask again")
        record, version = found
        reference = record.keys.get(route.level.name.lower(), record.key)
        key = (record.name, version, route.model, reference)
        with self._turn:
            if key not in self._clients:
                self._clients[key] = self._client(record, route.model, reference)
            return self._clients[key]

    def close(self) -> None:
        """Close all clients; calls under way end."""
        with self._turn:
            while self._clients:
                self._clients.popitem()[1].close()

    def _client(self, record: Provider, model: str, reference: str) -> OpenAiModel:
        from egress.openai_model import OpenAiModel  # noqa: PLC0415 - half a second, for who has a provider alone

        key = resolve(reference, self._root) if reference else ""
        try:
            return OpenAiModel(record.base_url, model, key)
        except ValueError as error:
            raise ModelDown(f"no client can be made for {record.name}: {error}") from error
