"""Whatever a model does on the wire, a question ends once, in time, and trail and counts tell what was sent."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import func, select

from egress.answer import answer, answer_approved
from egress.errors import ModelDown, RequestEnded
from egress.openai_model import OpenAiModel
from egress.prompt import digest_of
from store import schema
from store.engine import snapshot
from tests.certificates import certificate
from tests.egress.approving import ASKED, HELD, agree, cleared, sick_pay_in
from tests.egress.asking import ask_of, edges_of, trail_of
from tests.egress.wire import (
    DONE,
    HURRIED,
    OK,
    PATIENT,
    PROMPT,
    STOP,
    Script,
    Wire,
    chunk,
    drips,
    in_turn,
    resets,
    says,
    status,
    waits,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from acl.names import UserId
    from egress.answer import Edges
    from egress.types import Reply
    from tests.worlds import World

# A model that answers with a name of its own, with a token that nobody has issued, and with a text of its own.
SAID: Final = "The night costs 180 euros, says Eve Adams and USER_7F3K2Q. [1]"
TOOL: Final = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "delete_all"}}]}}]}
BUSY: Final = "429 Too Many Requests"

REACHED: Final[dict[str, Script]] = {
    "closed before the head": says(b""),
    "reset before the head": resets(b""),
    "reset after the head": resets(OK),
    "reset in the answer": resets(OK + chunk(SAID)),
    "no first byte": waits(b""),
    "no byte after the head": waits(OK),
    "a drip of events": drips(OK, chunk("a")),
    "a drip of bytes": drips(OK + b"data: ", b"{"),
    "garbage": says(b"SSH-2.0-server\r\n\r\n"),
    "truncated JSON": says(OK, b'data: {"choices": [{"ind'),
    "malformed JSON": says(OK, b"data: {oops\n\n"),
    "bad UTF-8": says(OK, chunk("180 EUR [1]").replace(b"EUR", b"\xff\xfe"), STOP, DONE),
    "too long": says(OK, chunk(SAID), chunk("a" * 101), STOP, DONE),
    "no [DONE]": says(OK, chunk(SAID), STOP),
    "a tool call": says(OK, b"data: ", json.dumps(TOOL).encode(), b"\n\n"),
    "429": says(status(BUSY)),
    "429 with a time, again and again": says(status(BUSY, b"", "Retry-After: 0")),
    "429 with a time, and a reset": in_turn(says(status(BUSY, b"", "Retry-After: 0")), resets(b"")),
    "500 with HTML": says(status("500 Oops", b"<html>180 euros</html>", "Content-Type: text/html")),
    "200 with HTML": says(OK.replace(b"event-stream", b"html"), b"<html>180 euros</html>"),
    "a redirect to another host": says(status("307 Moved", b"", "Location: https://elsewhere.example/v1")),
}
UNREACHED: Final = ("refused", "wrong certificate")
FAULTS: Final = (*REACHED, *UNREACHED)


@contextmanager
def failing(fault: str, folder: Path) -> Iterator[tuple[OpenAiModel, list[bytes]]]:
    """Give a client of a model with a fault, and what its server gets."""
    limits = HURRIED if "drip" in fault else PATIENT
    if fault == "refused":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with OpenAiModel(url, "small", "", limits=limits) as model:
            yield model, []
        return
    server = certificate(folder, "127.0.0.1")[0] if fault == "wrong certificate" else None
    script = REACHED.get(fault, says(OK, chunk(SAID), STOP, DONE))
    with Wire(script, server) as wire, OpenAiModel(wire.base_url, "small", "", limits=limits) as model:
        yield model, wire.received


@dataclass(frozen=True)
class Asking:
    """A question that is ready to be sent."""

    edges: Edges
    user: UserId
    send: Callable[[], Reply]
    request: str | None  # what was approved


def asked(world: World, anna: UserId, model: OpenAiModel) -> Asking:
    edges = edges_of(world, remote=model)
    return Asking(edges, anna, partial(answer, ask_of(anna), edges), None)


def approved(world: World, _anna: UserId, model: OpenAiModel) -> Asking:
    sick_pay_in(world)
    dora, paul = cleared(world, "dora", "hr"), cleared(world, "paul", "privacy")
    edges = edges_of(world, remote=model, held=HELD)
    request = answer(replace(ask_of(dora, ASKED), id="request-0"), edges).request
    agree(world, paul, request)
    return Asking(edges, dora, partial(answer_approved, ask_of(dora, ""), request or "", edges), request)


def messages_of(received: bytes) -> list[tuple[str, str]]:
    chat = json.loads(received.partition(b"\r\n\r\n")[2])
    return [(one["role"], one["content"]) for one in chat["messages"]]


def counted(world: World) -> dict[str, set[int]]:
    """Give what is counted of the day and the hour, by what is measured."""
    found: dict[str, set[int]] = {"requests": set(), "characters": set()}
    with snapshot(world.store.engine) as connection:
        for row in connection.execute(select(schema.volume)):
            if (measure := row.quota.partition("/")[0]) in found:
                found[measure].add(row.used)
    return found


def kept(world: World) -> tuple[Any, ...]:
    """Give what is kept of conversations: their turns, and how many tokens."""
    with snapshot(world.store.engine) as connection:
        turns = connection.scalars(select(schema.conversation.c.sealed_turns)).all()
        return (*turns, connection.scalar(select(func.count()).select_from(schema.token)))


TOKENS: Final = {asked: 3, approved: 3}


@pytest.mark.parametrize("ready", TOKENS)
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_a_question_ends_once_and_is_settled(
    world: World, anna: UserId, tmp_path: Path, fault: str, ready: Callable[..., Asking]
) -> None:
    """FT-14, QD-02, AL-01."""
    with failing(fault, tmp_path) as (model, received):
        asking = ready(world, anna, model)
        began = time.monotonic()
        with pytest.raises(ModelDown) as caught:
            asking.send()
        assert time.monotonic() - began < 2 + 2
    assert "180" not in str(caught.value)
    assert caught.value.sent is (fault in REACHED)

    trail = [record for record in trail_of(world) if record["request"] == "request-1"]
    assert [record["kind"] for record in trail] == ["ask.intent", "ask.failed"]
    assert trail[1]["error"] == "ModelDown"
    assert "answer_characters" not in trail[1]

    # A prompt that a provider turns away is sent again, byte by byte the same; so it counts once.
    prompts = {digest_of(messages_of(one)): messages_of(one) for one in received}
    assert set(prompts) == ({trail[0]["prompt_hash"]} if fault in REACHED else set())
    characters = sum(len("\n\n".join(content for _, content in sent)) for sent in prompts.values())
    assert counted(world) == {"requests": {len(prompts)}, "characters": {characters}}

    *turns, tokens = kept(world)
    assert turns == [None]
    assert tokens == TOKENS[ready]  # none that the model has made up
    if asking.request is not None:
        assert asking.edges.requests.standing(asking.user, asking.request).state == "sent"
        with pytest.raises(RequestEnded):
            asking.send()


@pytest.mark.parametrize("ready", TOKENS)
def test_an_answer_that_looks_like_the_stream_itself_is_whole_and_counts_once(
    world: World, anna: UserId, ready: Callable[..., Asking]
) -> None:
    """PI-10, the twin of all that fails: what a model writes neither ends its answer nor begins another."""
    text = "180 euros. [1]\nevent: error\ndata: [DONE]\n\nevent: done"
    with Wire(says(OK, chunk(text), STOP, DONE)) as wire, OpenAiModel(wire.base_url, "small", "") as model:
        reply = ready(world, anna, model).send()
    assert "event: error" in reply.answer
    assert reply.answer.endswith("event: done")
    (sent,) = map(messages_of, wire.received)
    assert reply.prompt == "\n\n".join(content for _, content in sent)
    assert counted(world) == {"requests": {1}, "characters": {len(reply.prompt)}}
    assert [record["kind"] for record in trail_of(world)][-2:] == ["ask.intent", "ask.answered"]
    *turns, tokens = kept(world)
    assert turns != [None]
    assert tokens == TOKENS[ready]


def test_a_provider_that_is_left_alone_for_a_while_counts_nothing(world: World, anna: UserId) -> None:
    """After five failures in a row nothing is sent for half a minute."""
    with Wire(says(status("500 Oops"))) as wire, OpenAiModel(wire.base_url, "small", "") as model:
        asking = asked(world, anna, model)
        for _ in range(6):
            with pytest.raises(ModelDown) as caught:
                asking.send()
    assert len(wire.received) == 5
    assert caught.value.sent is False
    assert counted(world)["requests"] == {5}


def test_what_left_in_one_try_left_though_the_next_found_no_connection() -> None:
    def once(connection: socket.socket, over: threading.Event) -> None:
        wire.close()
        says(status(BUSY, b"", "Retry-After: 0"))(connection, over)

    with (
        Wire(once) as wire,
        OpenAiModel(wire.base_url, "small", "", limits=PATIENT) as model,
        pytest.raises(ModelDown, match="the connection failed") as caught,
    ):
        model.complete(PROMPT)
    assert len(wire.received) == 1
    assert caught.value.sent
