"""What is withdrawn while a model thinks: whose answer is not shown, and whose is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import delete, select, update

from acl.admin.gate import CONSOLE
from acl.admin.keys import holder_of_key, make_key, revoke_keys, shown
from acl.decision import Principal
from acl.labels import Level
from acl.names import UserId
from api.loopback import LoopbackProvider
from egress.answer import answer
from egress.brakes.brakes import Brakes
from egress.brakes.counters import Caller, Use
from egress.brakes.stops import stop
from egress.contract.forms import to_json
from egress.contract.register import put
from egress.contract.standing import contracts_of
from egress.errors import ApplicationRefused, RightsChanged, Stopped
from egress.extractive import Extractive
from egress.openai_model import Limits, OpenAiModel
from store import schema
from store.engine import snapshot, write
from tests.contracts import TODAY, application_of, open_gate, provider_of
from tests.egress.asking import ask_of, edges_of, trail_of
from tests.egress.conftest import echo
from tests.egress.wire import OK, Wire, chunk, waits
from tests.worlds import APP

if TYPE_CHECKING:
    from collections.abc import Callable

    from egress.answer import Edges
    from egress.types import Ask, Draft, RedactedPrompt
    from tests.worlds import World

LONG: Final = Limits(silence=timedelta(seconds=30), total=timedelta(seconds=30))


@dataclass(frozen=True)
class Thinking:
    """A model that answers once something has happened."""

    happens: Callable[[], object]

    def complete(self, prompt: RedactedPrompt, _proceed: Callable[[], None] | None = None) -> Draft:
        self.happens()
        return Extractive().complete(prompt)


@dataclass(frozen=True)
class House:
    """A world with contracts in its tables, and somebody who asks with a key."""

    world: World
    user: UserId
    key: str

    @property
    def ask(self) -> Ask:
        with snapshot(self.world.store.engine) as connection:
            holder = holder_of_key(connection, self.key)
        assert holder is not None
        return replace(ask_of(self.user), principal=Principal(self.user, APP, holder.hash))

    def put(self, kind: str, record: Any) -> None:
        with write(self.world.store.engine) as connection:
            put(connection, self.world.ledger, CONSOLE, kind, record.name, to_json(record))

    def people(self, **values: object) -> None:
        with write(self.world.store.engine) as connection:
            connection.execute(update(schema.users).where(schema.users.c.id == self.user).values(values))

    def stop(self, target: str) -> None:
        stop(self.world.store.engine, self.world.ledger, CONSOLE, target, "A breach.")

    def revoke(self, key: str) -> None:
        revoke_keys(self.world.store.engine, self.world.ledger, CONSOLE, shown(key))

    def close_gate(self) -> None:
        with write(self.world.store.engine) as connection:
            connection.execute(delete(schema.access_review))

    def edges(self, model: Any) -> Edges:
        return replace(edges_of(self.world, remote=model), contracts=contracts_of)


@pytest.fixture
def house(world: World, anna: UserId) -> House:
    with write(world.store.engine) as connection:
        connection.execute(update(schema.document).values(owner=anna))
    open_gate(world.store, world.ledger, provider_of(), application_of(name="tests", users=["group:finance"]))
    return House(world, anna, make_key(world.store.engine, world.ledger, CONSOLE, anna))


def documents(house: House, **values: object) -> None:
    with write(house.world.store.engine) as connection:
        connection.execute(update(schema.document).values(values))


def _raised(house: House) -> None:
    house.people(clearance=int(Level.CONFIDENTIAL))
    documents(house, level=int(Level.RESTRICTED))


WITHHELD: Final[dict[str, tuple[Callable[[House], object], type[Exception]]]] = {
    "the right": (lambda house: house.world.withdraw("group:finance", "coll:finance"), RightsChanged),
    "the right, by a no": (lambda house: house.world.deny("user:anna", "coll:finance"), RightsChanged),
    "the clearance": (lambda house: house.people(clearance=0), RightsChanged),
    "the document": (lambda house: documents(house, state="deleted"), RightsChanged),
    "its version": (lambda house: documents(house, version=2), RightsChanged),
    "its label": (_raised, RightsChanged),
    "the person": (lambda house: house.people(active=False), ApplicationRefused),
    "the key": (lambda house: house.revoke(house.key), RightsChanged),
    "who may ask through the application": (
        lambda house: house.put("app", application_of(name="tests", users=["group:other"])),
        ApplicationRefused,
    ),
    "the application": (
        lambda house: house.put("app", application_of(name="tests", users=["group:finance"], retired=True)),
        ApplicationRefused,
    ),
    "a stop of the person": (lambda house: house.stop("user:anna"), Stopped),
    "a stop of the application": (lambda house: house.stop("app:tests"), Stopped),
    "a stop of everything": (lambda house: house.stop("all:all"), Stopped),
}
SHOWN: Final[dict[str, Callable[[House], object]]] = {
    "nothing": lambda _house: None,
    "another's right": lambda house: house.world.deny("group:other", "coll:finance"),
    "another key": lambda house: house.revoke(
        make_key(house.world.store.engine, house.world.ledger, CONSOLE, house.user)
    ),
    "a stop of another": lambda house: house.stop("app:other"),
    # These say what may leave. It has left; and who asked may read what came back as he may read the documents.
    "the contract": lambda house: house.put("provider", provider_of(ends=TODAY - timedelta(days=1))),
    "the gate": lambda house: house.close_gate(),
}


@pytest.mark.parametrize("what", WITHHELD)
def test_an_answer_is_not_shown_once_what_it_rests_on_is_gone(house: House, what: str) -> None:
    """FT-17, AU-06: looked at again when the model is done, whatever it did in between."""
    happens, error = WITHHELD[what]
    with pytest.raises(error) as caught:
        answer(house.ask, house.edges(Thinking(lambda: happens(house))))
    assert "180" not in str(caught.value)
    intent, failed = trail_of(house.world)
    assert (intent["kind"], failed["kind"], failed["error"]) == ("ask.intent", "ask.failed", error.__name__)
    with snapshot(house.world.store.engine) as connection:
        assert connection.scalars(select(schema.conversation.c.sealed_turns)).all() == [None]
        assert connection.execute(select(schema.reading)).all() == []


@pytest.mark.parametrize("what", SHOWN)
def test_an_answer_is_shown_whatever_else_happens(house: House, what: str) -> None:
    edges = house.edges(Thinking(lambda: SHOWN[what](house)))
    reply = answer(house.ask, edges)
    assert "180 euros" in reply.answer
    assert reply.route is not None
    assert reply.route.leaves


def test_a_right_to_names_that_is_withdrawn_meanwhile_shows_tokens(house: House) -> None:
    """Who may read the documents goes on to have the answer, as he would have it now."""
    named = application_of(name="tests", users=["group:finance"], reveal=["group:finance"])
    house.put("app", named)
    asking = replace(house.ask, question="Who is asked about hotels?")
    assert "Jane Doe" in answer(asking, house.edges(Thinking(lambda: None))).answer
    house.put("app", named)
    unnamed = named.model_copy(update={"reveal": ()})
    assert "Jane" not in answer(asking, house.edges(Thinking(lambda: house.put("app", unnamed)))).answer


@pytest.mark.parametrize("what", ["the contract", "the gate"])
def test_nothing_leaves_any_more_once_a_contract_has_ended_or_a_gate_is_closed(house: House, what: str) -> None:
    SHOWN[what](house)
    with LoopbackProvider(echo) as provider, OpenAiModel(provider.base_url, "a-model", "") as model:
        reply = answer(house.ask, house.edges(model))
    assert reply.outcome == "answered"
    assert reply.route is not None
    assert not reply.route.leaves
    assert provider.requests == []


def test_an_answer_is_not_shown_once_a_document_behind_an_earlier_question_is_gone(house: House) -> None:
    """FT-17: the earlier question is in the prompt, and nothing else of the documents that it was answered from."""
    world = house.world
    public = world.collection("public")
    world.document(public, "Ferries sail from the pier at noon, says the harbour.", owner=house.user)
    world.allow("group:finance", public)

    def gone() -> None:
        world.withdraw("group:finance", "coll:finance")

    first = answer(house.ask, house.edges(Thinking(lambda: None)))
    going_on = replace(house.ask, question="And for ferries at the pier?", collection="public")
    then = replace(going_on, conversation=first.conversation)
    shown_again = answer(then, house.edges(Thinking(lambda: None)))
    assert shown_again.understood_as is not None
    assert {citation.document for citation in shown_again.citations}.isdisjoint(
        citation.document for citation in first.citations
    )
    with pytest.raises(RightsChanged):
        answer(then, house.edges(Thinking(gone)))
    assert trail_of(world)[-1]["error"] == "RightsChanged"
    # By itself it is answered: nothing of what is gone is in it.
    alone = answer(going_on, house.edges(Thinking(lambda: None)))
    assert alone.outcome == "answered"


@pytest.mark.parametrize("what", ["the person", "the key", "a stop of the person"])
def test_a_call_under_way_is_cut_within_two_seconds(house: House, what: str) -> None:
    """AU-06, AL-10: the connection is closed, and nothing of what had come is shown or kept."""
    happens = WITHHELD[what][0]
    with (
        Wire(waits(OK + chunk("180 euros"))) as wire,
        OpenAiModel(wire.base_url, "a-model", "", limits=LONG) as model,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(answer, house.ask, house.edges(model))
        assert wire.asked.wait(30)
        happens(house)
        began = time.monotonic()
        error = asked.exception(30)
        assert time.monotonic() - began < 2
        assert wire.left.wait(2)
    assert isinstance(error, Stopped if what.startswith("a stop") else RightsChanged)
    assert [record["kind"] for record in trail_of(house.world)] == ["ask.intent", "ask.failed"]


def test_a_call_is_not_begun_for_who_was_shut_out_meanwhile(house: House) -> None:
    brakes = Brakes(house.world.store.engine, house.world.ledger)
    use = Use(house.ask.caller, "provider:llm.example", Level.INTERNAL, 10)
    with brakes.sending(house.ask.caller, use):
        pass
    stranger = Caller(UserId("user:nobody"), "app:tests", "local")
    with pytest.raises(RightsChanged), brakes.sending(stranger, use):
        pass
    caller = house.ask.caller
    house.revoke(house.key)
    with pytest.raises(RightsChanged), brakes.sending(caller, use):
        pass
    with brakes.sending(replace(caller, key=None), use):  # on the command line, nobody comes with one
        pass
