"""Contracts for tests: an application with a ceiling, an open gate, and a provider whose every term holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import insert

from acl.admin.gate import CONSOLE
from egress.contract.application import Application
from egress.contract.evidence import MEASURED, measured, record
from egress.contract.facts import facts_of, subject
from egress.contract.forms import to_json
from egress.contract.matrix import default_matrix
from egress.contract.provider import Kind, Provider, terms_of
from egress.contract.register import put
from egress.contract.standing import Contracts, Offer
from store.engine import write
from store.schema import access_review

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from acl.decision import Principal
    from audit.chain import Json
    from audit.ledger import Ledger
    from store.folder import Store

TODAY = datetime.now(UTC).date()
LATER = TODAY + timedelta(days=300)
PROVIDER = "llm.example"
MODEL = "a-model"


def provider_of(**changes: Any) -> Provider:
    """Give a third-party provider whose every term holds, with changes."""
    signed = {"until": LATER}
    record = {
        "name": PROVIDER,
        "kind": Kind.THIRD_PARTY,
        "base_url": "https://llm.example/v1",
        "hosts": ["llm.example"],
        "models": [{"name": MODEL}],
        "region": "EU",
        "training_opt_out": signed,
        "dpa": signed,
        "baa": signed,
        "retention_days": 0,
        "purge_right": True,
        "contacts": [{"name": "Security desk", "address": "security@llm.example", "hours": 24}],
        "ends": LATER,
        "key": "env:LLM_KEY",
    }
    return Provider.model_validate({**record, **changes})


def local_of(**changes: Any) -> Provider:
    """Give a provider on this machine, with changes."""
    record = {
        "name": "own",
        "kind": Kind.LOCAL,
        "base_url": "http://127.0.0.1:8000/v1",
        "hosts": ["127.0.0.1"],
        "models": [{"name": "small"}],
    }
    return Provider.model_validate({**record, **changes})


def application_of(**changes: Any) -> Application:
    """Give an application that everybody may ask through, with changes."""
    record = {
        "name": "http",
        "purpose": "Staff ask about what they may read.",
        "owner": "user:olga",
        "ceiling": "confidential",
        "users": ["role:everyone"],
        "provider": PROVIDER,
    }
    return Application.model_validate({**record, **changes})


def offer_of(provider: Provider, version: int = 1) -> Offer:
    """Give a provider with what holds of it today."""
    return Offer(provider, terms_of(provider, version, TODAY), provider.models[0])


def contracts(
    *,
    ceiling: str = "confidential",
    provider: Provider | None = None,
    local: Provider | None = None,
    closed: tuple[str, ...] = (),
) -> Contracts:
    """Give what holds for every caller."""
    return Contracts(
        name="app:http",
        application=application_of(ceiling=ceiling),
        asks=True,
        reveals=True,
        closed=closed,
        matrix=default_matrix(),
        offer=offer_of(provider or provider_of()),
        local=offer_of(local) if local else None,
    )


NONE = Contracts("app:http", None, True, True, (), default_matrix(), None, None)  # noqa: FBT003 - nothing is registered


def given(found: Contracts) -> Callable[[Connection, Principal], Contracts]:
    """Give contracts that hold whoever asks."""
    return lambda _connection, _principal: found


def open_gate(store: Store, ledger: Ledger, provider: Provider, application: Application) -> None:
    """Register a provider and an application, and open its gate, with evidence that is made up."""
    now = datetime.now(UTC)
    with write(store.engine) as connection:
        put(connection, ledger, CONSOLE, "provider", provider.name, to_json(provider))
        put(connection, ledger, CONSOLE, "app", application.name, to_json(application))
        review = {
            "id": str(uuid4()),
            "signed_by": CONSOLE,
            "signed_at": now,
            "epoch": 1,
            "digest": "0" * 64,
            "lines": 1,
        }
        connection.execute(insert(access_review).values(review))
        facts = facts_of(connection, application.name)
        for point in MEASURED:
            of: dict[str, Json] = {"of": subject(facts, point), "age_days": 1}
            found = measured(point, CONSOLE, now, passed=True, detail=of)
            record(connection, ledger, CONSOLE, application.name, found)
