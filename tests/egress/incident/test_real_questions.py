"""Incidents and retention on questions that were really asked, through the whole flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from acl.admin.second import approve
from acl.labels import Compartment, Label, Level
from acl.names import UserId
from egress.answer import answer, answer_approved
from egress.contract.provider import Kind as ProviderKind
from egress.errors import RequestEnded
from egress.incident.blast import SentTo
from egress.incident.incidents import Kind, open_incident
from egress.incident.report import report
from egress.requests import sending_kind
from egress.retention import Gone, purge
from redaction.keeping import Keeping
from redaction.vault import Vault
from store.engine import snapshot
from store.schema import conversation, sending, token
from tests import contracts
from tests.egress.asking import HOTELS, ask_of, edges_of

if TYPE_CHECKING:
    from egress.answer import Edges
    from egress.openai_model import OpenAiModel
    from tests.worlds import World

ADMIN, OLGA = UserId("user:admin"), UserId("user:olga")


def later(edges: Edges, world: World, days: int) -> Edges:
    """Give the same flow some days later, as far as conversations are concerned."""
    now = datetime.now(UTC) + timedelta(days=days)
    return replace(edges, vault=Vault(world.store.engine, world.store.keys.tokens, lambda: now))


def kept(world: World) -> list[int]:
    with snapshot(world.store.engine) as connection:
        return [len(connection.execute(select(table)).all()) for table in (conversation, token)]


def test_a_breach_reaches_the_questions_that_left_and_no_others(
    world: World, anna: UserId, remote: OpenAiModel
) -> None:
    world.user("admin")
    world.allow(ADMIN, action="manage")
    world.allow(ADMIN, action="audit")
    sent = answer(ask_of(anna), edges_of(world, remote=remote))
    stayed = answer(ask_of(anna), edges_of(world))
    assert sent.route is not None
    assert (sent.route.leaves, stayed.route and stayed.route.leaves) == (True, False)
    since = datetime.now(UTC) - timedelta(hours=1)
    opened = open_incident(
        world.store.engine,
        world.ledger,
        ADMIN,
        Kind.PROVIDER_BREACH,
        f"provider:{contracts.PROVIDER}",
        since=since,
        reason="They wrote",
    )
    found = report(world.store.engine, world.ledger, ADMIN, opened.incident.id)
    assert (found.blast.questions, found.blast.answered, found.verified) == (1, 1, True)
    assert found.blast.sent_to == {SentTo(contracts.PROVIDER, 1, contracts.MODEL): 1}
    assert found.blast.labels == {str(sent.label): 1}
    assert [one.user for one in found.people] == [anna]
    assert set(found.blast.documents) == {citation.document for citation in sent.citations}


def test_a_request_that_waits_has_its_tokens_until_it_was_sent_and_nothing_after_it(
    world: World, remote: OpenAiModel
) -> None:
    """What is restricted is not kept, but a second person may take three days."""
    gdpr = Label(Level.RESTRICTED, frozenset({Compartment("gdpr")}))
    anna = world.user("anna", clearance=Level.RESTRICTED, compartments=["gdpr"])
    world.user("olga", clearance=Level.RESTRICTED, compartments=["gdpr"])
    world.allow_everyone(coll := world.collection("travel", gdpr))
    world.document(coll, HOTELS, title="Travel")
    world.allow(OLGA, coll, "send")
    private = contracts.provider_of(kind=ProviderKind.PRIVATE)
    held = contracts.contracts(ceiling="restricted+gdpr", provider=private)
    edges = edges_of(world, remote=remote, held=held)
    waiting = answer(ask_of(anna), edges)
    assert waiting.outcome == "waiting"
    assert waiting.request is not None
    assert purge(world.store.engine, world.ledger, Keeping()).gone == ()
    kinds = [sending_kind(edges.requests)]
    approve(world.store.engine, world.ledger, OLGA, waiting.request, kinds)
    sent = answer_approved(ask_of(anna), waiting.request, later(edges, world, 2))
    assert (sent.outcome, "Jane Doe" in sent.answer) == ("answered", True)
    assert kept(world) == [1, 0]  # the conversation may be gone on with, and is empty
    assert purge(world.store.engine, world.ledger, Keeping()).gone == (Gone("requests", "restricted", 1),)
    with snapshot(world.store.engine) as connection:
        assert connection.scalars(select(sending.c.sealed)).all() == [b""]
    with pytest.raises(RequestEnded, match="was sent"):
        answer_approved(ask_of(anna), waiting.request, edges)
