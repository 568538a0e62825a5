"""One question over HTTP, through the real flow, with everything noted that passes between the gates.

The parts are those of the installation. Each is wrapped in something that passes on what it is given
and notes what came out; the provider is a stand-in on loopback that keeps the bytes.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from starlette.testclient import TestClient

from api.app import create_app
from api.demo import stand_in
from api.loopback import LoopbackProvider
from audit.ledger import records
from egress.openai_model import OpenAiModel
from store.engine import snapshot
from tests.contracts import contracts, given, provider_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from acl.scope import Scope
    from api.loopback import Received
    from api.wiring import House
    from audit.ledger import Record
    from egress.answer import Edges
    from egress.types import Draft, Llm, RedactedPrompt
    from retrieval.find import Index
    from retrieval.permit import Permitted
    from retrieval.types import Hit

CONTRACTS: Final = contracts(provider=provider_of(models=[{"name": "small-model"}]))


@dataclass(slots=True)
class Seen:
    """What passed between the gates for one question."""

    scopes: list[Scope] = field(default_factory=list)
    hits: list[Sequence[Hit]] = field(default_factory=list)
    permitted: list[Permitted] = field(default_factory=list)
    prompts: list[RedactedPrompt] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    status: int = 0
    reply: Mapping[str, Any] = field(default_factory=dict)
    records: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class WatchedIndex:
    """Notes the scope of each search and its hits; then does what is asked, such as to withdraw a right."""

    index: Index
    seen: Seen
    afterwards: Callable[[], None]

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
        """Search, and note."""
        hits = self.index.search(question, vector, scope, limit)
        self.seen.scopes.append(scope)
        self.seen.hits.append(hits)
        self.afterwards()
        return hits


@dataclass(frozen=True, slots=True)
class WatchedLlm:
    """Notes what a model gets and what it answers."""

    llm: Llm
    seen: Seen

    def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:
        """Complete, and note."""
        draft = self.llm.complete(prompt, proceed)
        self.seen.prompts.append(prompt)
        self.seen.drafts.append(draft)
        return draft


def ask(house: House, key: str, body: Mapping[str, Any], afterwards: Callable[[], None] = lambda: None) -> Seen:
    """Put a question as the owner of a key, and give what was seen on its way."""
    seen = Seen()
    with _watched(house, seen, afterwards) as watched, _client(watched) as client:
        answered = client.post("/api/v1/ask", json=body, headers={"Authorization": f"Bearer {key}"})
    seen.status, seen.reply = answered.status_code, answered.json()
    with snapshot(house.store.engine) as connection:
        request = seen.reply.get("audit_id")
        seen.records = [record for record in records(connection) if record.body["request"] == request]
    return seen


def sent(seen: Seen) -> Mapping[str, Any]:
    """Give the one body that reached the provider."""
    (received,) = seen.received
    body: dict[str, Any] = json.loads(received.body)
    return body


@contextmanager
def _watched(house: House, seen: Seen, afterwards: Callable[[], None]) -> Iterator[House]:
    with (
        LoopbackProvider(stand_in) as provider,
        OpenAiModel(provider.base_url, "small-model", "key-of-the-provider") as remote,
    ):
        yield replace(house, answering=_edges(house.answering, remote, seen, afterwards))
        seen.received = list(provider.requests)


def _edges(edges: Edges, remote: Llm, seen: Seen, afterwards: Callable[[], None]) -> Edges:
    def permit(hits: Sequence[Hit], scope: Scope) -> Permitted:
        permitted = edges.permit(hits, scope)
        seen.permitted.append(permitted)
        return permitted

    return replace(
        edges,
        index=WatchedIndex(edges.index, seen, afterwards),
        permit=permit,
        contracts=given(CONTRACTS),
        model=lambda route: WatchedLlm(remote if route.provider else edges.model(route), seen),
    )


@contextmanager
def _client(house: House) -> Iterator[TestClient]:
    with TestClient(create_app(house), base_url="http://127.0.0.1:8300") as client:
        yield client
