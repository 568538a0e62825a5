"""Questions that are not answered: asked wrongly, or a part of the flow fails. Each leaves a record."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from acl.admin.gate import CONSOLE
from acl.errors import BadName
from egress.answer import MAX_QUESTION, answer
from egress.brakes.quotas import Quotas, default_quotas, set_quotas
from egress.brakes.refusals import EVERY, Refusals
from egress.brakes.stops import ALL, stop
from egress.contract.forms import to_json, validated
from egress.errors import (
    EmptyQuestion,
    MalformedQuestion,
    ModelDown,
    PolicyBehind,
    QuestionTooLong,
    QuotaExceeded,
    Stopped,
)
from egress.openai_model import OpenAiModel
from redaction.errors import RecogniserFailed, UnknownConversation
from store import schema
from store.engine import snapshot
from tests.egress.asking import QUESTION, ask_of, edges_of, trail_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acl.names import UserId
    from api.loopback import LoopbackProvider
    from redaction.normalise import Folded
    from redaction.types import Span
    from tests.worlds import World


def test_a_policy_that_is_behind_asks_no_model(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    edges = edges_of(world, remote=remote)
    with snapshot(world.store.engine) as connection:
        epoch = connection.scalars(select(schema.policy_state.c.epoch)).one()
    with pytest.raises(PolicyBehind):
        answer(replace(ask_of(anna), min_epoch=epoch + 1), edges)
    assert provider.requests == []
    assert trail_of(world)[-1]["error"] == "PolicyBehind"
    assert answer(replace(ask_of(anna), min_epoch=epoch), edges).outcome == "answered"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("", EmptyQuestion),
        (" \n\t ", EmptyQuestion),
        ("?!…", EmptyQuestion),
        ("a" * (MAX_QUESTION + 1), QuestionTooLong),
        ("hotels \udcff night", MalformedQuestion),
        ("hotels \0 night", MalformedQuestion),
    ],
)
def test_a_bad_question_is_refused_with_a_record(
    world: World, anna: UserId, question: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        answer(ask_of(anna, question), edges_of(world))
    (record,) = trail_of(world)
    assert (record["kind"], record["error"]) == ("ask.failed", error.__name__)


def test_a_question_at_the_limit_is_asked(world: World, anna: UserId) -> None:
    padded = QUESTION.ljust(MAX_QUESTION, "?")
    assert answer(ask_of(anna, padded), edges_of(world)).outcome == "answered"


def test_another_persons_conversation_is_like_one_that_is_not_there(world: World, anna: UserId) -> None:
    """AZ-03."""
    edges = edges_of(world)
    conversation = answer(ask_of(anna), edges).conversation
    ben = world.user("ben")
    with pytest.raises(UnknownConversation) as foreign:
        answer(ask_of(ben, conversation=conversation), edges)
    with pytest.raises(UnknownConversation) as absent:
        answer(ask_of(ben, conversation="00000000-0000-4000-8000-000000000000"), edges)
    assert str(foreign.value) == str(absent.value)
    assert answer(ask_of(anna, conversation=conversation), edges).conversation == conversation


def test_a_recogniser_that_fails_stops_the_call(
    world: World, anna: UserId, provider: LoopbackProvider, remote: OpenAiModel
) -> None:
    """PT-02."""

    def broken(_text: Folded) -> Iterator[Span]:
        raise ValueError("cannot")

    edges = edges_of(world, remote=remote)
    with pytest.raises(RecogniserFailed):
        answer(ask_of(anna), replace(edges, recognisers=lambda: (broken,)))
    assert provider.requests == []
    answer(ask_of(anna), edges)
    assert len(provider.requests) == 1


def test_a_model_that_is_down_gives_no_answer_and_a_record(world: World, anna: UserId) -> None:
    with OpenAiModel("http://127.0.0.1:9/v1", "a-model", "") as nowhere, pytest.raises(ModelDown):
        answer(ask_of(anna), edges_of(world, remote=nowhere))
    assert [record["kind"] for record in trail_of(world)] == ["ask.intent", "ask.failed"]


def test_a_collection_without_a_name_is_refused_with_a_record(world: World, anna: UserId) -> None:
    with pytest.raises(BadName):
        answer(replace(ask_of(anna), collection="a/b\nask.answered"), edges_of(world))
    (record,) = trail_of(world)
    assert (record["kind"], record["error"]) == ("ask.failed", "BadName")
    assert "a/b" not in json.dumps(record)


def test_who_is_refused_at_the_door_fills_no_trail(world: World, anna: UserId) -> None:
    """A question that is refused costs nothing, so it can be asked as fast as a program can: one record a minute."""
    ben = world.user("ben")
    now = [1_000.0]
    edges = edges_of(world)
    edges = replace(edges, brakes=replace(edges.brakes, refusals=Refusals(lambda: now[0])))
    quotas: Any = to_json(default_quotas())
    quotas["limits"] = [{"measure": "requests", "per": "user", "window": "minute", "most": 2}]
    set_quotas(world.store.engine, world.ledger, CONSOLE, validated(Quotas, quotas, "quotas"))

    def refused(user: UserId, error: type[Exception], times: int) -> list[object]:
        before = len(trail_of(world))
        for _ in range(times):
            with pytest.raises(error):
                answer(ask_of(user), edges)
        return [record["error"] for record in trail_of(world)[before:]]

    answer(ask_of(anna), edges)
    answer(ask_of(anna), edges)
    assert refused(anna, QuotaExceeded, 20) == ["QuotaExceeded"]
    # Somebody else has a record of his own, and so has another reason.
    answer(ask_of(ben), edges)
    answer(ask_of(ben), edges)
    assert refused(ben, QuotaExceeded, 20) == ["QuotaExceeded"]
    stop(world.store.engine, world.ledger, CONSOLE, ALL, "A breach.")
    assert refused(anna, Stopped, 20) == ["Stopped"]
    now[0] += EVERY
    assert refused(anna, Stopped, 20) == ["Stopped"]
