"""Keys, rights, labels, places and documents change while questions are asked: each answer is of one state.

`make soak-faults` lets it go on for so many rounds.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from sqlalchemy import update

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.keys import new_api_key, revoke_api_keys, shown
from acl.admin.nodes import add_collection, move_document, set_label
from acl.admin.rules import grant, withdraw
from acl.decision import Rule
from acl.labels import Label, Level
from acl.names import NodeId, Obj, Subject
from api.reindexing import reindex
from api.rotating import retire_former, rotate
from api.wiring import Opened, open_house, require_whole_index
from audit.ledger import verify
from ingest import versions
from ingest.reading import read
from retrieval.errors import EmbedderMismatch
from store.engine import write
from store.errors import DataFolderBusy
from store.folder import Layout
from store.schema import installation
from store.whole import put
from tests.faults.crowd import CANARY, KEY_FILE, MASKED, One, crowd, word
from tests.retrieval.tagged import are_as_sql_says

if TYPE_CHECKING:
    from pathlib import Path

    from acl.admin.change import Change
    from api.wiring import House
    from retrieval.embed import Embed
    from tests.faults.crowd import Crowd

PEOPLE: Final = 5
ROUNDS: Final = int(os.environ.get("NTK_TEST_SOAK", "0")) or 1
CLOSED: Final = NodeId("coll:closed")
OVERLOADED: Final = ("store-down", "audit-down")  # where so many wait for a slow disk
OPEN, SHUT = "may be read", "may not be read"
SEEN: Final = Label(Level.INTERNAL)
UNSEEN: Final = Label(Level.RESTRICTED)


@dataclass(slots=True)
class Seen:
    """Whether somebody may read his document: since when, and both while that is being changed."""

    since: list[tuple[float, frozenset[str]]] = field(default_factory=lambda: [(0.0, frozenset({OPEN}))])

    def becomes(self, *states: str) -> None:
        self.since.append((time.monotonic(), frozenset(states)))

    def between(self, begun: float, ended: float) -> frozenset[str]:
        """Give what may have held at some moment of a question."""
        last = [states for at, states in self.since if at <= begun][-1]
        return last.union(*(states for at, states in self.since if begun < at <= ended))


@dataclass(slots=True)
class Load:
    """Everybody asks, until it is over."""

    crowd: Crowd
    over: threading.Event = field(default_factory=threading.Event)
    seen: dict[str, Seen] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)  # questions that have ended, by who asked
    ended: threading.Condition = field(default_factory=threading.Condition)

    def asks(self, one: One) -> None:
        try:
            with httpx.Client(base_url=self.crowd.address, timeout=120, trust_env=False) as client:
                while not self.over.is_set():
                    self.ask(client, one)
                    self.count(one)
        finally:
            self.over.set()  # what went wrong here ends it for all
            self.count(one)

    def count(self, one: One) -> None:
        with self.ended:
            self.asked[one.user] += 1
            self.ended.notify_all()

    def await_answer(self, one: One) -> None:
        """Wait until somebody has got the answer to a question that he began after now."""
        with self.ended:
            wanted = self.asked[one.user] + 2
            self.ended.wait_for(lambda: self.asked[one.user] >= wanted or self.over.is_set())

    def ask(self, client: httpx.Client, one: One) -> None:
        nonce, begun, key = word("errand"), time.monotonic(), one.key
        body = {"question": f"What does the note of the day say for {nonce}?"}
        if one.conversation:
            body["conversation"] = one.conversation
        response = client.post("/api/v1/ask", json=body, headers={"Authorization": f"Bearer {key}"})
        may = self.seen[one.user].between(begun, time.monotonic())
        changed = len(may) > 1 or key != one.key  # while it was answered
        reply: dict[str, Any] = response.json()
        found = set(CANARY.findall(response.text))
        if response.status_code == 401:
            assert key != one.key
        elif response.status_code != 200:
            assert reply["code"] in OVERLOADED or (reply["code"] == "rights-changed" and changed), reply
            assert not found
        elif found:
            assert OPEN in may, f"{one.user} was shown what had been withdrawn before he asked"
            assert found == {one.canary}
            errand = MASKED if reply["redactions"] else nonce
            assert reply["answer"] in {f"The note says {one.canary} for {said}. [1]" for said in (nonce, errand)}
            one.conversation = reply["conversation"]
            self.answers[OPEN] += 1
        else:
            assert SHUT in may, (f"{one.user} did not find what he may read", reply)
            assert reply["outcome"] == "nothing"
            assert not reply["citations"]
            self.answers[SHUT] += 1


# --- what changes -------------------------------------------------------------------------------


def policy(load: Load, one: One, rounds: int) -> None:
    """Withdraw a right, raise a label, move a document away: each is made good again."""
    house = load.crowd.house
    rule = Rule(Subject(one.user), Obj(one.collection), "read", "allow")
    pairs: list[tuple[Any, Any]] = [
        (lambda change: withdraw(change, rule), lambda change: grant(change, rule)),
        (
            lambda change: set_label(change, one.collection, UNSEEN),
            lambda change: set_label(change, one.collection, SEEN),
        ),
        (lambda change: set_label(change, one.document, UNSEEN), lambda change: set_label(change, one.document, SEEN)),
        (
            lambda change: move_document(change, one.document, CLOSED),
            lambda change: move_document(change, one.document, one.collection),
        ),
    ]
    for _ in range(rounds):
        for away, back in random.sample(pairs, len(pairs)):
            for make, state in ((away, SHUT), (back, OPEN)):
                load.seen[one.user].becomes(OPEN, SHUT)
                make_change(house, make)
                load.seen[one.user].becomes(state)
                load.await_answer(one)


def make_change(house: House, make: Any) -> None:
    with policy_change(house.store.engine, house.ledger, "svc:test") as change:
        make(change)
    house.retagger.drain()


def keys_of_people(load: Load, one: One, rounds: int) -> None:
    """Give somebody another key, and revoke the one that he had."""
    house = load.crowd.house
    for _ in range(rounds * 4):
        with policy_change(house.store.engine, house.ledger, "svc:test") as change:
            fresh = new_api_key(change, one.user)
        before, one.key = one.key, fresh

        def revoke(change: Change, key: str = before) -> None:
            revoke_api_keys(change, shown(key))

        make_change(house, revoke)


def key_of_provider(load: Load, rounds: int) -> None:
    """Change the key of the provider, which takes the one before for a while, and then refuses it."""
    file = load.crowd.house.store.layout.root / KEY_FILE
    before = file.read_text()
    for _ in range(rounds * 4):
        fresh = word("sk")
        load.crowd.accepted.add(fresh)
        put(file, fresh)
        load.crowd.accepted.intersection_update({fresh, before})
        before = fresh
        load.await_answer(load.crowd.people[-1])  # who thereby uses the one or the other
    assert file.read_text() in load.crowd.accepted


def master_key(load: Load) -> None:
    """Put everything under another master key; it is broken off twice, goes on, and the old key is forgotten."""
    house = load.crowd.house
    opened = Opened(house.store, house.settings, house.ledger)
    for _ in range(2):
        with pytest.raises(InterruptedError):
            rotate(opened, CONSOLE, lambda _: nullcontext(Interrupts()))
        load.await_answer(load.crowd.people[-1])
    rotate(opened, CONSOLE, lambda _: nullcontext(NotCounted()))
    load.await_answer(load.crowd.people[-1])
    retire_former(opened, CONSOLE)
    load.await_answer(load.crowd.people[-1])


def documents(load: Load, one: One) -> None:
    """Delete all that a collection holds."""
    house = load.crowd.house
    load.seen[one.user].becomes(OPEN, SHUT)
    with house.intake.turn:
        versions.withdraw([one.document], actor="svc:test", edges=house.intake.edges)
    load.seen[one.user].becomes(SHUT)


def begun_before(house: House, people: list[One]) -> None:
    """Let there be conversations of the old key, some of which go on."""
    for one in people:
        conversations = [house.answering.vault.enter(None, one.user) for _ in range(30)]
        one.conversation = conversations[-1]


class NotCounted:
    """Nobody watches how far a new index is."""

    def done(self, documents: int) -> None:
        """Do nothing."""


class Interrupts:
    """Breaks off what is made or sealed anew after its first part."""

    def done(self, documents: int) -> None:
        raise InterruptedError


# --- the tests ----------------------------------------------------------------------------------


def test_whatever_changes_meanwhile_each_answer_is_of_one_state(tmp_path: Path, hash_embed: Embed) -> None:
    """FT-18."""
    with crowd(tmp_path, hash_embed, PEOPLE) as everybody:
        house, people = everybody.house, everybody.people
        with policy_change(house.store.engine, house.ledger, "svc:test") as change:
            add_collection(change, CLOSED, "closed", SEEN)
        begun_before(house, people)
        load = Load(everybody, seen={one.user: Seen() for one in people})
        with ThreadPoolExecutor(PEOPLE + 6) as pool:
            asking = [pool.submit(load.asks, one) for one in people]
            try:
                for one in (
                    pool.submit(policy, load, people[0], ROUNDS), pool.submit(policy, load, people[1], ROUNDS),
                    pool.submit(keys_of_people, load, people[2], ROUNDS), pool.submit(key_of_provider, load, ROUNDS),
                    pool.submit(master_key, load),
                ):  # fmt: skip
                    one.result()
                documents(load, people[3])
                with pytest.raises(DataFolderBusy):  # not beside who answers from the old index
                    reindex(tmp_path / "data", NotCounted(), hash_embed)
                load.await_answer(people[3])
            finally:
                load.over.set()
            for each in asking:
                each.result()
        assert load.answers[OPEN] > 0
        assert load.answers[SHUT] > 0
        verify(house.store.engine)
        assert are_as_sql_says(house.index, house.store.engine)


def test_an_index_of_another_model_is_refused_until_it_is_whole_again(tmp_path: Path, hash_embed: Embed) -> None:
    """FT-18, FT-04: an embedding model is changed by making the index again, which can be broken off."""
    data = tmp_path / "data"
    with crowd(tmp_path, hash_embed, 3) as everybody:
        engine = everybody.house.store.engine
        with write(engine) as connection:
            connection.execute(update(installation).values(embedder="another/384"))
    note = Layout(data).index / "model.txt"
    note.write_text("another/384")
    for _ in range(2):
        with pytest.raises(EmbedderMismatch, match="run ntk reindex"), open_house(data, hash_embed, read):
            pass
        with pytest.raises(InterruptedError):
            reindex(data, Interrupts(), hash_embed)
        assert note.read_text() == "another/384"
    assert reindex(data, NotCounted(), hash_embed).chunks == 3
    with open_house(data, hash_embed, read) as house:
        require_whole_index(house)
        assert are_as_sql_says(house.index, house.store.engine)
