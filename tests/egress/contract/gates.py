"""An application whose gate is open, as facts and as rows; and words to take something of it away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from acl.names import UserId
from egress.contract import evidence
from egress.contract.application import Application
from egress.contract.evidence import MEASURED, Evidence, measured
from egress.contract.facts import Facts, facts_of, subject
from egress.contract.forms import to_json
from egress.contract.matrix import default_matrix
from egress.contract.provider import Provider
from egress.contract.register import put

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.contract.evidence import PointName

NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
OWNER: Final = UserId("user:olga")
_FAR: Final = "2027-11-30"


def provider(**changed: Any) -> Provider:
    """Give a third party whose contract carries confidential+gdpr."""
    record: dict[str, Any] = {
        "name": "acme",
        "kind": "third-party",
        "base_url": "https://llm.example/v1",
        "hosts": ["llm.example"],
        "models": [{"name": "large"}],
        "region": "EU",
        "training_opt_out": {"until": _FAR},
        "dpa": {"until": _FAR},
        "retention_days": 0,
        "contacts": [{"name": "Duty officer", "address": "security@llm.example", "hours": 24}],
        "ends": _FAR,
        "key": "env:ACME_KEY",
    }
    return Provider.model_validate(record | changed)


def application(**changed: Any) -> Application:
    """Give an application for finance."""
    record: dict[str, Any] = {
        "name": "http",
        "purpose": "Answers questions of staff on a page",
        "owner": OWNER,
        "ceiling": "confidential",
        "users": ["group:finance"],
        "provider": "acme",
    }
    return Application.model_validate(record | changed)


def opened(**changed: Any) -> Facts:
    """Give facts by which the gate is open, with some of them changed; all was measured an hour ago."""
    facts = Facts(
        name="http",
        application=application(),
        provider=provider(),
        provider_version=1,
        matrix=default_matrix(),
        quotas=True,
        ownerless=False,
        reviewed_at=NOW - timedelta(days=10),
    )
    facts = replace(facts, evidence=tuple(found(facts, point) for point in MEASURED))
    return replace(facts, **changed)


def found(facts: Facts, point: PointName, *, at: datetime = NOW - timedelta(hours=1), passed: bool = True) -> Evidence:
    """Give what a check of these facts finds."""
    detail: dict[str, Json] = {"of": subject(facts, point), "age_days": 3, "why": f"{point} was looked at"}
    return measured(point, OWNER, at, passed=passed, detail=detail)


def having(facts: Facts, *more: Evidence) -> Facts:
    """Give facts with further evidence, in place of that of the same point and origin."""
    newer = {(one.point, one.origin) for one in more}
    kept = tuple(one for one in facts.evidence if (one.point, one.origin) not in newer)
    return replace(facts, evidence=(*kept, *more))


def lacking(facts: Facts, point: PointName) -> Facts:
    """Give facts without any evidence of a point."""
    return replace(facts, evidence=tuple(one for one in facts.evidence if one.point != point))


def register(
    connection: Connection,
    ledger: Ledger,
    of: Provider,
    asking: Application,
    *,
    now: datetime,
    check: tuple[PointName, ...] = MEASURED,
) -> None:
    """Write an application with its provider, and what checks of it found at a time."""
    put(connection, ledger, OWNER, "provider", of.name, to_json(of))
    put(connection, ledger, OWNER, "app", asking.name, to_json(asking))
    facts = facts_of(connection, asking.name)
    for point in check:
        evidence.record(connection, ledger, OWNER, asking.name, found(facts, point, at=now))
