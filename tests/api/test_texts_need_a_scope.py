"""No request reads a text, or a title, but through the last gate, and with the asker's own Scope."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select
from starlette.testclient import TestClient

from acl.scope import Scope
from api.app import create_app
from store import schema
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from api.wiring import House
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from tests.sites import Site


@dataclass
class Watch:
    """The gate and the index of an installation, and everything that reads its texts."""

    house: House
    inside: bool = False
    askers: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)  # statements that read a text, within the gate
    stray: list[str] = field(default_factory=list)  # the same, from anywhere else

    def permit(self, hits: Sequence[Hit], scope: Scope) -> Permitted:
        """Stand in for the gate, and be open while it works."""
        self._note(scope)
        self.inside = True
        try:
            return self.house.answering.permit(hits, scope)
        finally:
            self.inside = False

    def search(self, question: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> Sequence[Hit]:
        """Stand in for the index."""
        self._note(scope)
        return self.house.answering.index.search(question, vector, scope, limit)

    def statement(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        """Look at what is sent to the database."""
        if re.search(r"SELECT.*sealed_(text|title).*FROM", statement, re.DOTALL):
            (self.read if self.inside else self.stray).append(statement)

    def _note(self, scope: Scope) -> None:
        assert type(scope) is Scope
        self.askers.append(scope.principal.user)


@pytest.fixture
def watch(house: House) -> Iterator[Watch]:
    watching = Watch(house)
    event.listen(house.store.engine, "before_cursor_execute", watching.statement)
    yield watching
    event.remove(house.store.engine, "before_cursor_execute", watching.statement)


@pytest.fixture
def client(watch: Watch) -> Iterator[TestClient]:
    edges: Any = replace(watch.house.answering, permit=watch.permit, index=watch)
    watched = create_app(replace(watch.house, answering=edges))
    with TestClient(watched, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_every_text_is_read_within_the_gate_and_for_who_asks(watch: Watch, client: TestClient, site: Site) -> None:
    """AZ-02."""
    for name, key in (("user:anna", site.anna), ("user:ben", site.ben)):
        watch.askers.clear()
        for accept in ("application/json", "text/event-stream"):
            headers = {"Authorization": f"Bearer {key}", "Accept": accept}
            reply = client.post("/api/v1/ask", json={"question": "What is paid for hotels?"}, headers=headers)
            assert ("180 euros" in reply.text) == (name == "user:anna")
        assert set(watch.askers) == {name}
    assert watch.read
    assert watch.stray == []


def test_what_is_not_a_question_reads_no_text(watch: Watch, client: TestClient, site: Site) -> None:
    """AZ-02."""
    signed_in = {"Authorization": f"Bearer {site.anna}"}
    for path in ("/", "/healthz", "/readyz", "/api/v1/ask", "/api/v1/documents", "/nowhere"):
        client.get(path, headers=signed_in)
    for body in ({}, {"question": ""}, {"question": "x", "conversation": "00000000-0000-4000-8000-000000000000"}):
        client.post("/api/v1/ask", json=body, headers=signed_in)
    client.post("/api/v1/ask", json={"question": "hotels"})
    assert (watch.askers, watch.read, watch.stray) == ([], [], [])


@pytest.mark.parametrize("column", [schema.chunk.c.sealed_text, schema.document.c.sealed_title])
def test_a_text_that_is_read_past_the_gate_is_found_out(watch: Watch, column: Any) -> None:
    with snapshot(watch.house.store.engine) as connection:
        assert connection.scalars(select(column)).all()
    assert len(watch.stray) == 1
