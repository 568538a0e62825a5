"""A question whose token map does not open: no model is called, and the trail says why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from acl.decision import Principal
from egress.answer import Edges, answer
from egress.brakes.brakes import Brakes
from egress.extractive import Extractive
from egress.requests import Requests
from egress.types import Ask, Draft, RedactedPrompt
from redaction.directory import Person, directory_recogniser
from redaction.errors import UnknownConversation
from redaction.vault import LIFETIME, Vault
from retrieval.permit import permit
from store import schema
from store.engine import snapshot, write
from store.envelope import new_key
from store.errors import CannotDecrypt
from tests.contracts import NONE, given
from tests.worlds import APP, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from acl.names import UserId


@dataclass
class Calls:
    """The extractive answerer, and how often it was called."""

    prompts: list[RedactedPrompt] = field(default_factory=list)

    def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:
        self.prompts.append(prompt)
        return Extractive().complete(prompt)


@pytest.fixture
def anna(world: World) -> UserId:
    user = world.user("anna", groups=["finance"])
    finance = world.collection("finance")
    world.document(finance, "Hotels are paid up to 180 euros a night. Ask Jane Doe for more.")
    world.allow("group:finance", finance)
    return user


def edges(world: World, calls: Calls) -> Edges:
    return Edges(
        engine=world.store.engine,
        index=world.index,
        embed=world.embed,
        permit=partial(permit, engine=world.store.engine, keys=world.store.keys),
        recognisers=lambda: (directory_recogniser([Person("user:jane", "Jane Doe")]),),
        vault=Vault(world.store.engine, world.store.keys.tokens),
        ledger=world.ledger,
        contracts=given(NONE),
        model=lambda _: calls,
        requests=Requests(world.store.engine, world.store.keys.requests),
        brakes=Brakes(world.store.engine, world.ledger),
    )


def ask(user: UserId, conversation: str | None = None) -> Ask:
    return Ask(Principal(user, APP), "What is paid for hotels a night?", "request-1", conversation)


def test_what_does_not_open_or_has_ended_means_no_call_and_a_record(world: World, anna: UserId) -> None:
    """PT-11: a damaged row, another key, a conversation past its end."""
    calls = Calls()
    whole = edges(world, calls)
    conversation = answer(ask(anna), whole).conversation
    other_key = replace(whole, vault=Vault(world.store.engine, lambda _id: new_key()))
    ended = replace(
        whole, vault=Vault(world.store.engine, world.store.keys.tokens, lambda: datetime.now(UTC) + LIFETIME)
    )
    for broken, expected in ((other_key, CannotDecrypt), (ended, UnknownConversation)):
        with pytest.raises(expected):
            answer(ask(anna, conversation), broken)
    assert answer(ask(anna, conversation), whole).outcome == "answered"
    with write(world.store.engine) as connection:
        connection.execute(update(schema.token).values(sealed=b"damaged"))
    with pytest.raises(CannotDecrypt):
        answer(ask(anna, conversation), whole)
    assert len(calls.prompts) == 2  # those that were answered
    with snapshot(world.store.engine) as connection:
        bodies = connection.scalars(select(schema.audit_record.c.body).order_by(schema.audit_record.c.seq)).all()
    failed = [body["error"] for body in map(json.loads, bodies) if body["kind"] == "ask.failed"]
    assert failed == ["CannotDecrypt", "UnknownConversation", "CannotDecrypt"]
