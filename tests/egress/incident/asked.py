"""Questions as the trail has them, a provider, and who manages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from acl.names import UserId
from audit.ledger import Event, Ledger
from egress.contract.forms import to_json
from egress.contract.provider import Provider
from egress.contract.register import put
from store.engine import write

if TYPE_CHECKING:
    from tests.worlds import World

ADMIN, AUDITOR, ANNA, BEN = map(UserId, ("user:admin", "user:olga", "user:anna", "user:ben"))
NOW: Final = datetime.now(UTC).replace(microsecond=0)
DAY: Final = timedelta(days=1)


def people(world: World) -> None:
    """Make an administrator, an auditor and two who ask."""
    for name in ("admin", "olga", "anna", "ben"):
        world.user(name)
    world.allow(ADMIN, action="manage")
    world.allow(AUDITOR, action="audit")


def record_of(name: str = "acme", **terms: Any) -> Provider:
    """Give the record of a provider with somebody to tell."""
    kept: dict[str, Any] = {
        "name": name,
        "kind": "third-party",
        "base_url": "https://llm.example/v1",
        "hosts": ["llm.example"],
        "models": [{"name": "small-model"}],
        "retention_days": 30,
        "purge_right": True,
        "contacts": [{"name": f"Desk of {name}", "address": f"desk@{name}.example", "hours": 24}],
        "ends": "2099-12-31",
    }
    return Provider.model_validate(kept | terms)


def provider(world: World, name: str = "acme", **terms: Any) -> None:
    """Write down a provider."""
    with write(world.store.engine) as connection:
        put(connection, world.ledger, ADMIN, "provider", name, to_json(record_of(name, **terms)))


def asked(world: World, who: UserId, request: str, *, at: datetime = NOW, ends: str = "answered", **facts: Any) -> None:
    """Write the two records of a question."""
    details: dict[str, Any] = {
        "application": "app:http",
        "documents": ["doc:travel"],
        "labels": ["internal"],
        "leaves": True,
        "provider": "acme",
        "prompt_characters": 100,
        "prompt_hash": request.rjust(64, "0"),
        "contract_version": 1,
        "model": "small-model",
        "redactions": {"USER": 2, "EMAIL": 1},
    }
    ledger = Ledger(world.store.engine, world.store.keys.audit, lambda: at)
    for kind in ("intent", ends):
        ledger.commit(Event(f"ask.{kind}", who, request, {**details, **facts}))
