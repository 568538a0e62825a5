"""The client of a route: that of its provider's record, its model and its key, and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acl.admin.gate import CONSOLE
from acl.labels import Level
from api.loopback import LoopbackProvider
from api.models import Models
from egress.contract.forms import to_json
from egress.contract.provider import Kind
from egress.contract.register import put
from egress.errors import ModelDown
from egress.extractive import Extractive
from egress.prompt import build_prompt
from egress.route import Route
from redaction.types import Redacted
from store.engine import write
from store.errors import KeyWithheld
from store.key_ring import KeyRing
from store.reference import Secret
from tests.contracts import provider_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worlds import World

PROMPT = build_prompt(Redacted(("What?", "It is so."), {}), "0123456789abcdef")
HOSTS = {"env:LOW": ["127.0.0.1"], "env:HIGH": ["127.0.0.1"], "env:ELSEWHERE": ["other.example"]}


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider(lambda _: "It is so. [1]") as running:
        yield running


@pytest.fixture
def models(world: World) -> Iterator[Models]:
    made = Models(world.store.engine, KeyRing(HOSTS, lambda reference: Secret(f"key-{reference[4:]}", None)))
    yield made
    made.close()


def registered(world: World, provider: LoopbackProvider, **changes: object) -> int:
    there = {"base_url": provider.base_url, "hosts": ["127.0.0.1"]}
    record = provider_of(**{**there, "key": "env:LOW", "keys": {"confidential": "env:HIGH"}, **changes})
    with write(world.store.engine) as connection:
        return put(connection, world.ledger, CONSOLE, "provider", record.name, to_json(record)).version


def route(version: int, level: Level = Level.INTERNAL) -> Route:
    return Route("", provider="llm.example", kind=Kind.THIRD_PARTY, model="a-model", level=level, version=version)


def test_a_route_without_a_provider_stays_in_this_process(models: Models) -> None:
    assert isinstance(models(Route("it stays")), Extractive)


def test_each_level_goes_with_the_key_that_is_for_it(world: World, provider: LoopbackProvider, models: Models) -> None:
    version = registered(world, provider)
    models(route(version, Level.CONFIDENTIAL)).complete(PROMPT)
    models(route(version)).complete(PROMPT)
    assert [one.headers["authorization"] for one in provider.requests] == ["Bearer key-HIGH", "Bearer key-LOW"]


def test_a_client_is_kept_for_the_next_question_and_not_for_another_version(
    world: World, provider: LoopbackProvider, models: Models
) -> None:
    first = registered(world, provider)
    client = models(route(first))
    assert models(route(first)) is client
    second = registered(world, provider)
    assert models(route(second)) is not client
    with pytest.raises(ModelDown, match="changed meanwhile"):
        models(route(first))


def test_a_key_goes_to_the_hosts_of_the_settings_alone(
    world: World, provider: LoopbackProvider, models: Models
) -> None:
    """Who may only write a record cannot have a key sent to an address of his own."""
    for reference in ("env:ELSEWHERE", "file:master.key"):
        version = registered(world, provider, key=reference)
        with pytest.raises(KeyWithheld):
            models(route(version)).complete(PROMPT)
    assert provider.requests == []


def test_a_server_is_sent_the_fields_that_it_understands(
    world: World, provider: LoopbackProvider, models: Models
) -> None:
    models(route(registered(world, provider))).complete(PROMPT)
    models(route(registered(world, provider, understands=["cache"]))).complete(PROMPT)
    sent = [json.loads(one.body) for one in provider.requests]
    assert sent[0]["store"] is False
    assert sent[0]["stream_options"] == {"include_usage": True}
    assert "prompt_cache_options" not in sent[0]
    assert sent[1].keys() == {"model", "messages", "stream", "temperature", "prompt_cache_options"}
