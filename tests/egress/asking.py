"""A question about hotels, the parts that answer it, and the records that it leaves."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from acl.decision import Principal
from acl.labels import Level
from egress.answer import Edges
from egress.brakes.brakes import Brakes
from egress.extractive import Extractive
from egress.requests import Requests
from egress.types import Ask
from redaction.directory import Person, directory_recogniser
from redaction.patterns import pattern_recognisers
from redaction.vault import Vault
from retrieval.permit import permit
from store import schema
from store.engine import snapshot
from tests import contracts
from tests.worlds import APP, World

if TYPE_CHECKING:
    from acl.names import UserId
    from egress.contract.standing import Contracts
    from egress.types import Llm

HOTELS = "Hotels are paid up to 180 euros a night. Ask Jane Doe, jane.doe@company.example, for more."
QUESTION = "What is paid for hotels a night?"
DIRECTORY = [Person("user:jane", "Jane Doe", "jane.doe@company.example", "+44 20 7946 0991", "jane")]


def edges_of(
    world: World,
    *,
    remote: Llm | None = None,
    ceiling: Level = Level.CONFIDENTIAL,
    local: Llm | None = None,
    held: Contracts | None = None,
) -> Edges:
    """Give the flow the parts of a small world, and contracts with a provider if there is a client for it."""
    recognisers = (directory_recogniser(DIRECTORY), *pattern_recognisers())
    here = local or Extractive()
    covered = contracts.contracts(ceiling=ceiling.name.lower()) if remote else contracts.NONE
    return Edges(
        engine=world.store.engine,
        index=world.index,
        embed=world.embed,
        permit=partial(permit, engine=world.store.engine, keys=world.store.keys),
        recognisers=lambda: recognisers,
        vault=Vault(world.store.engine, world.store.keys.tokens),
        ledger=world.ledger,
        contracts=contracts.given(held or covered),
        model=lambda route: remote if remote and route.provider else here,
        requests=Requests(world.store.engine, world.store.keys.requests),
        brakes=Brakes(world.store.engine, world.ledger),
    )


def ask_of(user: UserId, question: str = QUESTION, conversation: str | None = None) -> Ask:
    """Ask as somebody."""
    return Ask(Principal(user, APP), question, "request-1", conversation)


def trail_of(world: World) -> list[dict[str, object]]:
    """Give the records of questions."""
    with snapshot(world.store.engine) as connection:
        rows = connection.scalars(select(schema.audit_record.c.body).order_by(schema.audit_record.c.seq)).all()
    return [body for body in map(json.loads, rows) if body["kind"].startswith("ask.")]
