"""What needs a second person waits, is shown to who may approve it, and is sent once, as it was approved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from acl.admin.second import approval_for, approvals_for, approve, reject, to_json
from acl.errors import NoSuchApproval
from acl.labels import Level
from api.kinds import kinds_of
from egress.answer import answer, answer_approved
from egress.errors import EgressError, NoSuchRequest, RequestChanged, RequestEnded, StillWaiting
from redaction.patterns import pattern_recognisers
from store import schema
from store.engine import snapshot, write
from tests import contracts
from tests.egress.approving import ASKED, HELD, cleared, sick_pay_in
from tests.egress.asking import ask_of, edges_of, trail_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acl.admin.approvals import Kind
    from acl.names import DocumentId, UserId
    from acl.scope import Scope
    from api.loopback import LoopbackProvider
    from egress.answer import Edges
    from egress.openai_model import OpenAiModel
    from egress.types import Reply
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from tests.worlds import World


@pytest.fixture
def kinds(world: World) -> tuple[Kind, ...]:
    return kinds_of(world.store.engine, world.store.keys)


@pytest.fixture
def sick_pay(world: World) -> DocumentId:
    return sick_pay_in(world)


@pytest.fixture
def dora(world: World) -> UserId:
    """Who asks."""
    return cleared(world, "dora", "hr")


@pytest.fixture
def paul(world: World) -> UserId:
    """Who may approve."""
    return cleared(world, "paul", "privacy")


@pytest.fixture
def edges(world: World, remote: OpenAiModel, sick_pay: DocumentId) -> Edges:
    return edges_of(world, remote=remote, held=HELD)


def waiting(dora: UserId, edges: Edges) -> Reply:
    reply = answer(ask_of(dora, ASKED), edges)
    assert (reply.outcome, reply.model) == ("waiting", None)
    return reply


def agree(world: World, kinds: tuple[Kind, ...], by: UserId, reply: Reply) -> None:
    assert reply.request is not None
    approve(world.store.engine, world.ledger, by, reply.request, kinds)


def test_nothing_is_sent_before_a_second_person_has_approved_the_bytes(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], provider: LoopbackProvider
) -> None:
    reply = waiting(dora, edges)
    assert provider.requests == []
    assert reply.request is not None
    with pytest.raises(StillWaiting):
        answer_approved(ask_of(dora, ""), reply.request, edges)
    assert provider.requests == []
    agree(world, kinds, paul, reply)
    made = answer_approved(ask_of(dora, ""), reply.request, edges)
    assert made.outcome == "answered"
    assert "Jane Doe" in made.answer
    assert made.prompt == reply.prompt
    (sent,) = provider.requests
    assert b"Jane" not in sent.body


def test_who_may_approve_sees_the_literal_bytes_and_what_they_are(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], sick_pay: DocumentId
) -> None:
    reply = waiting(dora, edges)
    assert reply.request is not None
    with snapshot(world.store.engine) as connection:
        asked = approval_for(connection, paul, reply.request, kinds)
        shown = to_json(connection, asked, kinds)
    messages = shown["messages"]
    assert isinstance(messages, list)
    assert "\n\n".join(message["content"] for message in messages) == reply.prompt
    assert "Jane" not in str(messages)
    assert shown["documents"] == [sick_pay]
    assert (shown["label"], shown["provider"], shown["contract_version"]) == ("confidential+hipaa", "llm.example", 1)
    assert shown["asked_by"] == dora
    assert shown["purpose"] == "Staff ask about what they may read."
    assert "second person" in str(shown["reason"])


@pytest.mark.parametrize("who", ["asker", "manager", "reader", "uncleared", "other"])
def test_nobody_else_may_approve_or_see_it(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], who: str
) -> None:
    """Not who asked, though he holds `send`; not an administrator of all, who sees no text by being one."""
    reply = waiting(dora, edges)
    assert reply.request is not None
    world.allow("group:hr", "coll:people", "send")
    world.allow("group:admins", "root:all", "manage")
    others = {
        "asker": dora,
        "manager": cleared(world, "mona", "admins"),
        "reader": cleared(world, "rita"),
        "uncleared": world.user("uwe", groups=["privacy"], clearance=Level.RESTRICTED),
        "other": cleared(world, "otto"),
    }
    with pytest.raises(NoSuchApproval):
        approve(world.store.engine, world.ledger, others[who], reply.request, kinds)
    if who != "asker":
        with snapshot(world.store.engine) as connection:
            assert approvals_for(connection, others[who], kinds) == []
    agree(world, kinds, paul, reply)


def test_an_approval_is_used_once_whoever_tries_at_the_same_time(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], provider: LoopbackProvider
) -> None:
    reply = waiting(dora, edges)
    agree(world, kinds, paul, reply)

    def send(number: int) -> str:
        assert reply.request is not None
        try:
            return answer_approved(replace(ask_of(dora, ""), id=f"request-{number}"), reply.request, edges).outcome
        except RequestEnded:
            return "ended"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(send, range(8)))
    assert outcomes == ["answered", *["ended"] * 7]
    assert len(provider.requests) == 1


def test_who_opened_it_before_another_sent_it_sends_nothing(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], provider: LoopbackProvider
) -> None:
    """Both have seen that it is approved and not sent; the approval is spent right before the call, once."""
    reply = waiting(dora, edges)
    agree(world, kinds, paul, reply)
    request = reply.request or ""
    sent: list[str] = []

    def permit_late(hits: Sequence[Hit], scope: Scope) -> Permitted:
        if not sent:
            sent.append(answer_approved(replace(ask_of(dora, ""), id="request-2"), request, edges).outcome)
        return edges.permit(hits, scope)

    with pytest.raises(RequestEnded):
        answer_approved(ask_of(dora, ""), request, replace(edges, permit=permit_late))
    assert sent == ["answered"]
    assert len(provider.requests) == 1


def test_who_asked_is_told_his_question_as_long_as_it_can_be_sent_and_nobody_else_is(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...]
) -> None:
    reply = waiting(dora, edges)
    assert reply.request is not None
    assert edges.requests.standing(dora, reply.request).question == ASKED
    assert [one.question for one in edges.requests.standings(dora)] == [ASKED]
    assert edges.requests.standings(paul) == []
    agree(world, kinds, paul, reply)
    assert edges.requests.standing(dora, reply.request).question == ASKED
    answer_approved(ask_of(dora, ""), reply.request, edges)
    assert edges.requests.standing(dora, reply.request).question is None
    other = waiting(dora, edges)
    assert other.request is not None
    with write(world.store.engine) as connection:  # it was purged meanwhile
        connection.execute(update(schema.sending).where(schema.sending.c.id == other.request).values(sealed=b""))
    assert edges.requests.standing(dora, other.request).question is None


def test_another_cannot_send_it_or_know_of_it(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], provider: LoopbackProvider
) -> None:
    """AZ-03: the same words as for an id that is not there."""
    reply = waiting(dora, edges)
    assert reply.request is not None
    agree(world, kinds, paul, reply)
    eve = cleared(world, "eve", "hr")
    told = []
    for id_ in (reply.request, "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(NoSuchRequest) as refused:
            answer_approved(ask_of(eve, ""), id_, edges)
        told.append(str(refused.value))
        with pytest.raises(NoSuchRequest):
            edges.requests.standing(eve, id_)
    assert told[0] == told[1]
    assert edges.requests.standings(eve) == []
    assert provider.requests == []


def test_what_was_rejected_or_has_expired_is_not_sent(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], provider: LoopbackProvider
) -> None:
    rejected, expired = waiting(dora, edges), waiting(dora, edges)
    assert rejected.request is not None
    assert expired.request is not None
    reject(world.store.engine, world.ledger, paul, rejected.request, kinds)
    agree(world, kinds, paul, expired)
    with write(world.store.engine) as connection:
        over = update(schema.approval).where(schema.approval.c.id == expired.request)
        connection.execute(over.values(expires_at=schema.approval.c.asked_at))
    for reply, state in ((rejected, "rejected"), (expired, "expired")):
        assert reply.request is not None
        assert edges.requests.standing(dora, reply.request).state == state
        with pytest.raises(RequestEnded, match=state):
            answer_approved(ask_of(dora, ""), reply.request, edges)
    assert provider.requests == []


@pytest.mark.parametrize("change", ["document", "contract", "right", "name", "closed gate"])
def test_what_has_changed_since_is_not_sent(  # noqa: PLR0917 - fixtures
    world: World,
    dora: UserId,
    paul: UserId,
    edges: Edges,
    kinds: tuple[Kind, ...],
    provider: LoopbackProvider,
    sick_pay: DocumentId,
    change: str,
) -> None:
    """The approval is of bytes to somebody under a contract, and rights are those of now."""
    reply = waiting(dora, edges)
    agree(world, kinds, paul, reply)
    assert reply.request is not None
    match change:
        case "document":
            with write(world.store.engine) as connection:
                connection.execute(update(schema.document).where(schema.document.c.id == sick_pay).values(version=2))
        case "contract":
            offer = contracts.offer_of(contracts.provider_of(), version=2)
            edges = replace(edges, contracts=contracts.given(replace(HELD, offer=offer)))
        case "right":
            world.deny("group:hr", "coll:people")
        case "name":
            edges = replace(edges, recognisers=pattern_recognisers)  # the directory knows nobody any more
        case "closed gate":
            edges = replace(edges, contracts=contracts.given(replace(HELD, closed=("keys",))))
    if change in ("document", "right"):
        assert answer_approved(ask_of(dora, ""), reply.request, edges).outcome == "nothing"
    else:
        with pytest.raises(RequestChanged):
            answer_approved(ask_of(dora, ""), reply.request, edges)
    assert provider.requests == []


@pytest.mark.parametrize("table", ["sending", "approval"])
def test_bytes_that_were_changed_while_they_waited_are_never_sent(  # noqa: PLR0917 - fixtures
    world: World,
    dora: UserId,
    paul: UserId,
    edges: Edges,
    kinds: tuple[Kind, ...],
    provider: LoopbackProvider,
    table: str,
) -> None:
    reply, other = waiting(dora, edges), waiting(dora, edges)
    column = {"sending": schema.sending.c.sealed, "approval": schema.approval.c.payload}[table]
    with write(world.store.engine) as connection:
        foreign = connection.scalar(select(column).where(column.table.c.id == other.request))
        connection.execute(update(column.table).where(column.table.c.id == reply.request).values({column: foreign}))
    with pytest.raises((NoSuchApproval, EgressError, Exception)) as refused:
        agree(world, kinds, paul, reply)
    assert type(refused.value).__name__ in {"CannotDecrypt", "NoSuchApproval"}
    assert provider.requests == []


def test_no_text_of_it_stands_in_clear_and_the_trail_tells_all(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...]
) -> None:
    reply = waiting(dora, edges)
    agree(world, kinds, paul, reply)
    assert reply.request is not None
    answer_approved(replace(ask_of(dora, ""), id="request-2"), reply.request, edges)
    with snapshot(world.store.engine) as connection:
        rows = [*connection.execute(select(schema.approval)), *connection.execute(select(schema.sending))]
    assert "sick pay" not in str(rows).lower()
    first, intent, last = trail_of(world)
    assert [first["kind"], intent["kind"], last["kind"]] == ["ask.waiting", "ask.intent", "ask.answered"]
    assert first["approval"] == intent["approval"] == last["approval"] == reply.request
    assert first["prompt_hash"] == intent["prompt_hash"]
    assert intent["question_characters"] == len(ASKED)


def test_a_question_that_goes_on_waits_with_what_it_goes_on_from(
    world: World, dora: UserId, paul: UserId, edges: Edges, kinds: tuple[Kind, ...], provider: LoopbackProvider
) -> None:
    here = replace(edges, contracts=contracts.given(contracts.NONE))
    first = answer(ask_of(dora, ASKED), here)
    reply = answer(ask_of(dora, "And for Jane Doe?", first.conversation), edges)
    assert reply.outcome == "waiting"
    assert reply.understood_as is not None
    # What he asks meanwhile in the same conversation moves nothing.
    answer(ask_of(dora, "Who is paid?", first.conversation), here)
    agree(world, kinds, paul, reply)
    assert reply.request is not None
    made = answer_approved(ask_of(dora, ""), reply.request, edges)
    assert made.understood_as == reply.understood_as
    assert made.prompt == reply.prompt
    assert len(provider.requests) == 1
