"""No way to a model without its record: which is there before the bytes are, names them, and is missed by nobody."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import event

from acl.labels import Label, Level
from api.loopback import LoopbackProvider
from audit.errors import AuditDown
from audit.ledger import Event, Ledger
from egress.answer import answer, answer_approved
from egress.errors import RequestEnded, StillWaiting
from egress.openai_model import OpenAiModel
from egress.prompt import digest_of
from store.errors import StoreError
from tests import contracts
from tests.egress.approving import ASKED, HELD, agree, cleared, sick_pay_in
from tests.egress.asking import ask_of, edges_of, trail_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from acl.names import UserId
    from api.loopback import Message
    from egress.types import Reply
    from tests.worlds import World

    Breakings = Mapping[str, Callable[[], object]]


@dataclass
class Witness:
    """A provider that looks into the trail when the bytes have come, before it answers."""

    world: World
    seen: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)  # hash of the bytes, all intents

    def __call__(self, messages: Sequence[Message]) -> str:
        with closing(sqlite3.connect(self.world.store.layout.database)) as other:  # what is not committed, it sees not
            rows = other.execute("SELECT body FROM audit_record ORDER BY seq").fetchall()
        intents = [body for body in (json.loads(row[0]) for row in rows) if body["kind"] == "ask.intent"]
        self.seen.append((digest_of([(one.role, one.content) for one in messages]), intents))
        return messages[-1].content.split("\n")[1] + " [1]"


@pytest.fixture
def witness(world: World) -> Witness:
    return Witness(world)


@pytest.fixture
def model(witness: Witness) -> Iterator[OpenAiModel]:
    with LoopbackProvider(witness) as running, OpenAiModel(running.base_url, "a-model", "") as model:
        yield model


def plain(world: World, anna: UserId, model: OpenAiModel) -> Reply:
    return answer(ask_of(anna), edges_of(world, remote=model))


def going_on(world: World, anna: UserId, model: OpenAiModel) -> Reply:
    first = answer(ask_of(anna), edges_of(world))  # it stays here
    return answer(ask_of(anna, "And for Jane Doe?", first.conversation), edges_of(world, remote=model))


def within(world: World, anna: UserId, model: OpenAiModel) -> Reply:
    return answer(replace(ask_of(anna), collection="finance"), edges_of(world, remote=model))


def local(world: World, anna: UserId, model: OpenAiModel) -> Reply:
    held = contracts.contracts(ceiling="public", local=contracts.local_of())
    return answer(ask_of(anna), edges_of(world, remote=model, held=held))


def public(world: World, anna: UserId, model: OpenAiModel) -> Reply:
    world.document(world.collection("harbour"), "Ferries sail from the pier at noon, says the harbour.")
    world.allow_everyone("coll:harbour")
    return answer(ask_of(anna, "When do ferries sail from the pier?"), edges_of(world, remote=model))


def approved(world: World, _anna: UserId, model: OpenAiModel) -> Reply:
    sick_pay_in(world)
    dora, paul = cleared(world, "dora", "hr"), cleared(world, "paul", "privacy")
    edges = edges_of(world, remote=model, held=HELD)
    request = answer(ask_of(dora, ASKED), edges).request
    assert request is not None
    with pytest.raises(StillWaiting):
        answer_approved(ask_of(dora, ""), request, edges)
    agree(world, paul, request)
    reply = answer_approved(ask_of(dora, ""), request, edges)
    with pytest.raises(RequestEnded):
        answer_approved(ask_of(dora, ""), request, edges)
    return reply


def from_two_documents(world: World, anna: UserId, model: OpenAiModel) -> Reply:
    """Of which one has a higher label."""
    more = world.document(world.collection("more", Label(Level.INTERNAL)), "Hotels of guests are paid up to 90 euros.")
    world.allow("group:finance", more)
    return answer(ask_of(anna), edges_of(world, remote=model))


WAYS: Final = (plain, going_on, within, local, public, approved, from_two_documents)


@pytest.mark.parametrize("way", WAYS)
def test_on_each_way_to_a_model_one_record_is_there_before_the_bytes(
    world: World, anna: UserId, model: OpenAiModel, witness: Witness, way: Callable[..., Reply]
) -> None:
    """AL-01."""
    reply = way(world, anna, model)
    assert reply.outcome == "answered"
    ((received, intents),) = witness.seen
    assert reply.route is not None
    (intent,) = [one for one in intents if one["prompt_hash"] == received]
    assert intent["provider"] == reply.route.provider
    assert intent["contract_version"] == reply.route.version == 1
    assert intent["label"] == str(reply.label)
    assert intent["leaves"] is reply.route.leaves
    assert intent["prompt_characters"] == len(reply.prompt or "")
    assert intent["request"] == reply.audit_id
    assert sum(record["kind"] == "ask.intent" and record["provider"] is not None for record in trail_of(world)) == 1


# --- a trail that cannot be written -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failing(Ledger):
    """A trail whose database breaks right before its nth record."""

    at: int = 0
    breaks: Callable[[], object] = lambda: None
    written: list[Event] = field(default_factory=list)

    def commit(self, event: Event) -> None:
        self.written.append(event)
        if len(self.written) >= self.at:
            self.breaks()
            # A record that fits into no page that is there already.
            event = replace(event, details={**event.details, "padding": "x" * 100_000})
        Ledger.commit(self, event)


@pytest.fixture
def breakings(world: World) -> Iterator[Breakings]:
    """Ways in which a database fails for writers, from then on; each on the real one."""
    holder = sqlite3.connect(world.store.layout.database, isolation_level=None, check_same_thread=False)
    world.store.engine.dispose()
    broken = list[str]()
    pragmas = {"read-only": "query_only = ON", "full": "max_page_count = 1", "locked": "busy_timeout = 50"}

    def prepare(connection: Any, *_: object) -> None:
        for name in broken:
            connection.execute(f"PRAGMA {pragmas[name]}")

    def fails(name: str) -> None:
        if not broken:
            broken.append(name)
            if name == "locked":
                holder.execute("BEGIN IMMEDIATE")

    event.listen(world.store.engine, "checkout", prepare)
    yield {name: partial(fails, name) for name in pragmas}
    event.remove(world.store.engine, "checkout", prepare)
    holder.close()
    world.store.engine.dispose()


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("name", ["read-only", "full", "locked"])
@pytest.mark.parametrize("remote", [True, False])
def test_where_a_record_cannot_be_written_nothing_goes_on(  # noqa: PLR0917 - fixtures
    world: World,
    anna: UserId,
    model: OpenAiModel,
    witness: Witness,
    breakings: Breakings,
    at: int,
    name: str,
    *,
    remote: bool,
) -> None:
    """AL-01: before the call nothing is sent, after it nothing is shown."""
    ledger = Failing(world.ledger.engine, world.ledger.pseudonym_key, at=at, breaks=breakings[name])
    edges = replace(edges_of(world, remote=model if remote else None), ledger=ledger)
    with pytest.raises(AuditDown) as caught:
        answer(ask_of(anna), edges)
    assert "180" not in str(caught.value)
    assert len(witness.seen) == (1 if remote and at == 2 else 0)
    assert [one.kind for one in ledger.written][:at] == ["ask.intent", "ask.answered"][:at]


@pytest.mark.parametrize("name", ["read-only", "locked"])
def test_a_database_that_fails_from_the_beginning_sends_nothing(
    world: World,
    anna: UserId,
    model: OpenAiModel,
    witness: Witness,
    breakings: Breakings,
    name: str,
) -> None:
    edges = edges_of(world, remote=model)
    breakings[name]()
    with pytest.raises((AuditDown, StoreError)):
        answer(ask_of(anna), edges)
    assert witness.seen == []
