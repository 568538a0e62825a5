from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from audit.chain import GENESIS
from audit.errors import AuditDown, ChainBroken
from audit.ledger import Event, Ledger, verify
from store.engine import open_engine, write
from tests.audit.trails import commit, trail
from tests.postgres import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from store.folder import Store


# --- what is written ----------------------------------------------------------------------------


def test_an_empty_trail_verifies(store: Store) -> None:
    verified = verify(store.engine)
    assert (verified.records, verified.head) == (0, GENESIS)


def test_a_trail_verifies_up_to_its_last_record(store: Store, ledger: Ledger) -> None:
    commit(ledger, 5)
    verified = verify(store.engine)
    assert verified.records == 5
    assert verified.head == trail(store)[-1].hash
    assert [record.seq for record in trail(store)] == [1, 2, 3, 4, 5]


def test_a_record_says_what_when_who_and_in_which_request(store: Store) -> None:
    noon = datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    ledger = Ledger(store.engine, store.keys.audit, lambda: noon)
    ledger.commit(Event("ask.sent", "user:anna", "r1", {"documents": ["doc:1"], "characters": 7, "leaves": True}))
    (record,) = trail(store)
    assert record.body == {
        "at": "2026-03-01T12:00:00.000000+00:00",
        "characters": 7,
        "documents": ["doc:1"],
        "kind": "ask.sent",
        "leaves": True,
        "request": "r1",
        "who": ledger.pseudonym("user:anna"),
    }


def test_the_details_cannot_write_over_what_the_ledger_says(store: Store, ledger: Ledger) -> None:
    ledger.commit(Event("ask.sent", "user:anna", "r1", {"who": "user:bert", "kind": "x", "at": "", "request": "r2"}))
    (record,) = trail(store)
    assert (record.body["kind"], record.body["request"]) == ("ask.sent", "r1")
    assert record.body["who"] == ledger.pseudonym("user:anna")
    assert record.body["at"]


def test_a_person_stands_under_a_pseudonym_of_this_installation(store: Store, ledger: Ledger) -> None:
    commit(ledger, 2, "user:anna")
    commit(ledger, 1, "user:bert")
    who = [record.body["who"] for record in trail(store)]
    assert who[0] == who[1] != who[2]
    assert re.fullmatch(r"[0-9a-f]{32}", str(who[0]))
    assert Ledger(store.engine, bytes(32)).pseudonym("user:anna") != who[0]


@pytest.mark.sqlite
def test_a_person_of_the_trail_stands_in_no_file_in_clear(store: Store, ledger: Ledger) -> None:
    commit(ledger, 2, "user:anna")
    raw = b"".join(path.read_bytes() for path in store.layout.root.glob("ntk.db*"))
    assert ledger.pseudonym("user:anna").encode() in raw
    assert b"anna" not in raw


def test_a_ledger_does_not_show_its_key(ledger: Ledger) -> None:
    """AL-08."""
    assert repr(ledger.pseudonym_key) not in repr(ledger)


def test_a_record_is_on_the_disk_when_commit_returns(store: Store, ledger: Ledger) -> None:
    commit(ledger, 1)
    other = open_engine(store.engine.url)
    assert verify(other).records == 1
    other.dispose()


def test_a_change_and_its_record_hold_together_or_not_at_all(store: Store, ledger: Ledger) -> None:
    """AL-06."""

    def interrupted() -> None:
        with write(store.engine) as connection:
            ledger.append(connection, Event("policy.changed", "user:anna", "r1"))
            raise KeyboardInterrupt

    commit(ledger, 1)
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert verify(store.engine).records == 1
    with write(store.engine) as connection:
        ledger.append(connection, Event("policy.changed", "user:anna", "r1"))
        ledger.append(connection, Event("policy.changed", "user:anna", "r2"))
    assert verify(store.engine).records == 3


def test_a_body_with_a_float_is_a_mistake_of_the_caller(store: Store, ledger: Ledger) -> None:
    """AL-04."""
    floating: Any = {"score": 0.5}
    with pytest.raises(TypeError, match="no floats"):
        ledger.commit(Event("ask.sent", "user:anna", "r1", floating))
    assert verify(store.engine).records == 0


# --- several writers ----------------------------------------------------------------------------


def test_writers_side_by_side_make_one_chain(store: Store) -> None:
    """AL-06: each has connections of its own, as two workers have."""

    def work(number: int) -> None:
        engine = open_engine(store.engine.url)
        commit(Ledger(engine, store.keys.audit), 25, f"user:{number}")
        engine.dispose()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(store.engine).records == 200
    seen = sorted((record.body["who"], record.body["number"]) for record in trail(store))
    assert len(set(seen)) == 200


KILLED = """
import os, signal, sys
from pathlib import Path
from audit.ledger import Event, Ledger
from store.engine import write
from store.folder import Layout, open_store
store = open_store(Layout(Path(sys.argv[1])), "file:master.key", owner=False, database=sys.argv[2] or None)
ledger = Ledger(store.engine, store.keys.audit)
ledger.commit(Event("ask.sent", "user:anna", "acknowledged"))
with write(store.engine) as connection:
    ledger.append(connection, Event("ask.sent", "user:anna", "not acknowledged"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_killed_before_its_commit_leaves_the_chain_whole(store: Store, ledger: Ledger, database: str) -> None:
    """AL-06, FT-01: what was acknowledged is there, what was not is gone, and others go on."""
    commit(ledger, 1)
    command = [sys.executable, "-c", KILLED, str(store.layout.root), "" if database == "sqlite" else REFERENCE]
    killed = subprocess.run(command, check=False, cwd=Path(__file__).parents[2], timeout=60)
    assert killed.returncode == -9
    assert [record.body["request"] for record in trail(store)] == ["request-0", "acknowledged"]
    commit(ledger, 1)
    assert verify(store.engine).records == 3


# --- when it cannot be written ------------------------------------------------------------------


def locked(store: Store) -> Iterator[Engine]:
    engine = open_engine(store.engine.url)
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout = 20"))
    with closing(sqlite3.connect(store.layout.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield engine
        other.execute("ROLLBACK")


def read_only(store: Store) -> Iterator[Engine]:
    yield open_engine(f"sqlite:///file:{store.layout.database}?mode=ro&uri=true")


def full(store: Store) -> Iterator[Engine]:
    engine = open_engine(store.engine.url)
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA max_page_count = 1"))
    yield engine


def without_its_table(store: Store) -> Iterator[Engine]:
    with write(store.engine) as connection:
        connection.execute(text("ALTER TABLE audit_record RENAME TO hidden"))
    yield store.engine
    with write(store.engine) as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO audit_record"))


@pytest.mark.sqlite
@pytest.mark.parametrize("trouble", [locked, read_only, full, without_its_table])
def test_a_record_that_cannot_be_written_stops_the_caller(
    store: Store, ledger: Ledger, trouble: Callable[[Store], Iterator[Engine]]
) -> None:
    """AL-01: no record, no call."""
    commit(ledger, 1)
    long = {"documents": [f"doc:{number}" for number in range(2_000)]}  # more than is left on a page
    for engine in trouble(store):
        with pytest.raises(AuditDown, match="nothing was sent"):
            Ledger(engine, store.keys.audit).commit(Event("ask.sent", "user:anna", "r1", long))
        engine.dispose()
    assert verify(store.engine).records == 1
    ledger.commit(Event("ask.sent", "user:anna", "r1", long))
    assert verify(store.engine).records == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_head SET seq = 1",
        pytest.param("UPDATE audit_head SET seq = 'first'", marks=pytest.mark.sqlite),
        "UPDATE audit_head SET hash = 'no hash'",
        pytest.param("UPDATE audit_head SET hash = x'00'", marks=pytest.mark.sqlite),
        "DELETE FROM audit_head",
    ],
)
def test_nothing_is_written_behind_a_head_that_was_tampered_with(store: Store, ledger: Ledger, statement: str) -> None:
    commit(ledger, 3)
    with write(store.engine) as connection:
        connection.execute(text(statement))
    with pytest.raises(AuditDown, match="audit verify"):
        commit(ledger, 1)
    assert len(trail(store)) == 3
    with pytest.raises(ChainBroken):
        verify(store.engine)
