"""The index follows the policy: at the start, after a change in the process, and beside a running service."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.nodes import add_collection, move_document, set_label
from acl.admin.rules import grant
from acl.decision import Rule
from acl.labels import PUBLIC, Label, Level
from acl.names import DocumentId, NodeId, Obj, Subject
from api.app import create_app
from api.doctor import State, examine
from api.ingesting import Target, ingest_folder
from api.retagging import Retagger
from api.wiring import open_house, open_store_at
from retrieval.errors import IndexDown
from store import schema
from store.engine import write
from tests.intake import Quiet
from tests.retrieval.tagged import are_as_sql_says, lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.wiring import House, Opened
    from retrieval.embed import Embed
    from tests.api.conftest import Site

LONG = 30  # seconds; nobody waits so long, but for a thread that is lost


def publish(opened: Opened | House) -> None:
    """Move the one document to a collection that Ben may read and Anna may not."""
    store, ledger = opened.store, opened.ledger
    with policy_change(store.engine, ledger, "svc:test") as change:
        (document,) = change.connection.scalars(select(schema.document.c.id)).all()
        add_collection(change, NodeId("coll:open"), "open", PUBLIC)
        grant(change, Rule(Subject("user:ben"), Obj("coll:open"), "read", "allow"))
        move_document(change, DocumentId(document), NodeId("coll:open"))


def relabel(opened: Opened | House) -> None:
    with policy_change(opened.store.engine, opened.ledger, "svc:test") as change:
        set_label(change, NodeId("coll:finance"), Label(Level.INTERNAL))


def outcome(client: TestClient, key: str) -> str:
    question = {"question": "How much is paid for hotels a night?"}
    reply = client.post("/api/v1/ask", json=question, headers={"Authorization": f"Bearer {key}"}).json()
    return str(reply["outcome"])


class Told:
    """Passes tags on, fails on demand, and says when something was written."""

    def __init__(self, index: Any, error: Exception | None = None) -> None:
        self._index, self._error = index, error
        self.written = threading.Event()

    def retag(self, *what: Any) -> None:
        if self._error is not None:
            raise self._error
        self._index.retag(*what)
        self.written.set()


class Heard(logging.Handler):
    """Keeps what is logged, and says when something was."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.something = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.something.set()


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    logging.getLogger("ntk").addHandler(handler)
    yield handler
    logging.getLogger("ntk").removeHandler(handler)


# --- at the start and after a change ------------------------------------------------------------


def test_what_changed_while_nobody_held_the_index_is_found_after_the_next_start(site: Site, hash_embed: Embed) -> None:
    """FT-03."""
    with open_store_at(site.data) as opened:
        publish(opened)
        assert len(lines(opened.store.engine)) == 1
    with (
        open_house(site.data, hash_embed) as house,
        TestClient(create_app(house), base_url="http://127.0.0.1") as client,
    ):
        assert lines(house.store.engine) == []
        assert outcome(client, site.ben) == "answered"
        assert outcome(client, site.anna) == "nothing"


def test_a_start_tries_again_what_was_put_off(site: Site, hash_embed: Embed) -> None:
    with open_house(site.data, hash_embed) as house:
        relabel(house)
        broken = Retagger(house.store.engine, Told(house.index, IndexDown("no room")))
        assert broken.drain().failed == {"IndexDown": 1}
        assert broken.drain().failed == {}  # it waits
        assert len(lines(house.store.engine)) == 1
    with open_house(site.data, hash_embed) as house:
        assert lines(house.store.engine) == []
        assert are_as_sql_says(house.index, house.store.engine)


def test_after_a_change_in_the_process_the_index_follows_when_it_is_told(house: House) -> None:
    relabel(house)
    assert not are_as_sql_says(house.index, house.store.engine)
    assert house.retagger.drain().places == 1
    assert are_as_sql_says(house.index, house.store.engine)
    assert house.retagger.drain().places == 0


def test_after_ingestion_nothing_waits(house: House, tmp_path: Path) -> None:
    relabel(house)
    ingest_folder(house, tmp_path / "documents", Target("finance"), actor=CONSOLE, progress=Quiet())
    assert lines(house.store.engine) == []
    assert are_as_sql_says(house.index, house.store.engine)


def test_one_thread_drains_at_a_time(house: House) -> None:
    relabel(house)
    told = Told(house.index)
    retagger = Retagger(house.store.engine, told)
    others = []

    def retag(*what: Any) -> None:
        others.append(retagger._turn.acquire(blocking=False))
        house.index.retag(*what)

    told.retag = retag  # type: ignore[method-assign]  # it looks whether somebody else could begin
    assert retagger.drain().places == 1
    assert others == [False]
    assert retagger._turn.acquire(blocking=False)  # and gives the turn back


# --- beside a running service -------------------------------------------------------------------


def test_a_change_by_another_process_reaches_a_running_service(site: Site, house: House) -> None:
    """The command line changes the database beside it; no request and no restart is needed."""
    told = Told(house.index)
    house.retagger._index = told
    with TestClient(create_app(house), base_url="http://127.0.0.1") as client:
        assert (outcome(client, site.anna), outcome(client, site.ben)) == ("answered", "nothing")
        with open_store_at(site.data) as opened:
            publish(opened)
        assert outcome(client, site.anna) == "nothing"  # at once
        assert told.written.wait(LONG)
        assert (outcome(client, site.anna), outcome(client, site.ben)) == ("nothing", "answered")


def test_the_thread_ends_with_the_service(house: House) -> None:
    def followers() -> int:
        return sum(thread.name == "retagger" for thread in threading.enumerate())

    before = followers()
    with TestClient(create_app(house), base_url="http://127.0.0.1"):
        assert followers() == before + 1
    assert followers() == before


def test_the_thread_outlives_a_database_that_does_not_answer_and_says_so_once(house: House, heard: Heard) -> None:
    told = Told(house.index)
    retagger = Retagger(house.store.engine, told)
    relabel(house)
    with write(house.store.engine) as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    with retagger.following(every=0.001):
        assert heard.something.wait(LONG)
        assert not told.written.is_set()
        with write(house.store.engine) as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO outbox"))
        assert told.written.wait(LONG)
    assert heard.lines == ["the outbox cannot be drained: StoreDown"]
    assert lines(house.store.engine) == []


def test_an_error_is_logged_by_its_class_alone(house: House, heard: Heard) -> None:
    relabel(house)
    Retagger(house.store.engine, Told(house.index, RuntimeError("text of a contract"))).drain()
    assert heard.lines == ["tags are not written yet, of so many places: 1 (RuntimeError)"]


# --- the doctor ---------------------------------------------------------------------------------


def tags(data: Path) -> tuple[State, str]:
    (finding,) = (finding for finding in examine(data) if finding.thing == "tags")
    return finding.state, finding.meaning


def test_the_doctor_tells_of_tags_that_wait(site: Site, hash_embed: Embed) -> None:
    assert tags(site.data) == (State.FINE, "none in the index is older than the policy")
    with open_store_at(site.data) as opened:
        relabel(opened)
        relabel(opened)
    state, meaning = tags(site.data)
    assert state is State.NOTE
    assert meaning.startswith("those of 1 places or documents wait to be written: ")
    with open_house(site.data, hash_embed) as house:
        relabel(house)
        Retagger(house.store.engine, Told(house.index, IndexDown("no room"))).drain()
    assert "after 1 failed attempts" in tags(site.data)[1]
    with open_house(site.data, hash_embed):
        pass
    assert tags(site.data)[0] is State.FINE
