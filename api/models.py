"""The clients of model providers: one for each version of a record, model and key; made when it is first asked."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from egress.breaker import Breaker
from egress.contract.standing import provider_named
from egress.errors import ModelDown
from egress.extractive import Extractive
from store.engine import snapshot

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from egress.contract.provider import Provider
    from egress.openai_model import OpenAiModel
    from egress.route import Route
    from egress.types import Llm
    from store.key_ring import KeyRing

Key = tuple[str, int, str, str]  # provider, version of its record, model, reference of the key


class Models:
    """Gives the model of a route. Close it in the end."""

    def __init__(self, engine: Engine, keys: KeyRing) -> None:
        """Know where the records are, and the keys that they name."""
        self._engine = engine
        self._keys = keys
        self._here = Extractive()
        self._clients: dict[Key, OpenAiModel] = {}
        self._breakers = defaultdict[str, Breaker](Breaker)  # of a provider, whatever its record and model
        self._turn = threading.Lock()

    def __call__(self, route: Route) -> Llm:
        """Give the model that a route names; without a provider, the one in this process.

        Raises:
            ModelDown: The provider's record has changed since the route was decided on, or no client can be made of it.
            KeyWithheld: Its key may not go to its host.
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
        # Half a second, for who has a provider alone.
        from egress.openai_client import Dialect  # noqa: PLC0415
        from egress.openai_model import OpenAiModel  # noqa: PLC0415

        try:
            key = self._keys.key(reference, record.host) if reference else ""
            taken = {name: name in record.understands for name in ("store", "usage", "cache")}
            return OpenAiModel(
                record.base_url, model, key, dialect=Dialect(**taken), breaker=self._breakers[record.name]
            )
        except ValueError as error:
            raise ModelDown(f"no client can be made for {record.name}: {error}") from error
