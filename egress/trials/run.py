"""Run the trials of an application, and keep what they find as evidence."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from acl.admin.authority import Actor
from acl.admin.gate import refusal_recorded
from acl.errors import NotAllowed, PolicyError
from audit.errors import ChainBroken
from audit.ledger import Event, verify
from egress.contract.evidence import MEASURED, measured, record
from egress.contract.facts import facts_of, subject
from egress.contract.forms import validated
from egress.contract.provider import Provider
from egress.contract.records import APPLICATION, PROVIDER, manages, none_of, shown
from egress.errors import ModelDown
from egress.trials.found import Found
from egress.trials.injection import withstands
from egress.trials.isolation import isolated
from egress.trials.keys import resolving
from egress.trials.leaks import leaktight
from egress.trials.sanitisation import sanitised
from redaction.errors import RedactionError
from retrieval.errors import RetrievalError
from store.engine import snapshot, write
from store.errors import SecretMissing, StoreError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger
    from egress.contract.evidence import PointName
    from egress.contract.facts import Facts
    from egress.trials.found import Instruments
    from store.reference import Secret


def tried(
    instruments: Instruments, ledger: Ledger, actor: UserId, application: str
) -> Iterator[tuple[PointName, Found]]:
    """Try each point that is measured, one after the other, and give what came of it once it is kept.

    What could not be tried leaves a record, and no evidence: what was measured before goes on to count, to its end.

    Args:
        instruments: The parts that answer questions.
        ledger: Gets points, outcomes and numbers.
        actor: Who has it tried.
        application: Its name, without `app:`.

    Raises:
        NotAllowed: He does not manage the application.
        NoSuchRecord: It is not registered.
        StoreDown, AuditDown: What was found last is not kept.
    """
    facts = _facts(instruments.engine, ledger, actor, application)
    for point in MEASURED:
        found = _safely(point, facts, instruments)
        _keep(instruments.engine, ledger, actor, facts, point, found)
        yield point, found


def probed(
    engine: Engine,
    ledger: Ledger,
    actor: UserId,
    name: str,
    secret: Callable[[str, str], Secret],
    tls: ssl.SSLContext | None = None,
) -> dict[str, Found]:
    """Try the way to a provider, its keys and its models, for who manages it.

    It leaves a record, and no evidence for any gate. The models are asked for with the key.

    Raises:
        NoSuchRecord: There is none, or it is not for this person.
        BadRecord: Its record cannot be read.
        AuditDown: It is not kept.
    """
    with snapshot(engine) as connection:
        kept = shown(Actor.of(connection, actor), PROVIDER, name)
    provider = validated(Provider, kept.record, name)
    found = {"isolation": isolated(provider, tls), "keys": resolving(provider, secret, datetime.now(UTC))}
    if found["isolation"].passed and found["keys"].passed:
        found["models"] = _models(provider, secret, tls)
    told: dict[str, Json] = {point: one.passed for point, one in found.items()}
    ledger.commit(Event("provider.tested", actor, str(uuid.uuid4()), {"name": name, "version": kept.version, **told}))
    return found


def _models(provider: Provider, secret: Callable[[str, str], Secret], tls: ssl.SSLContext | None) -> Found:
    from egress.health import healthy  # noqa: PLC0415 - half a second, for who tries a provider alone

    try:
        key = secret(provider.key, provider.host).value if provider.key else ""
        health = healthy(provider.base_url, key, tls=tls)
    except (ModelDown, SecretMissing, ValueError) as error:
        return Found(passed=None, why=str(error))
    lacking = health.lacks([model.name for model in provider.models])
    told = {"models": len(provider.models), "lacking": len(lacking)}
    if lacking:
        return Found(passed=False, why=f"it has no model {lacking[0]}", numbers=told)
    return Found(passed=True, why="it has the models of its record", numbers=told)


def _facts(engine: Engine, ledger: Ledger, actor: UserId, application: str) -> Facts:
    with refusal_recorded(ledger, actor, what="gate"), snapshot(engine) as connection:
        if not manages(Actor.of(connection, actor), APPLICATION, application):
            raise NotAllowed(f"this is not yours to try: it is for who manages app:{application}")
        facts = facts_of(connection, application)
    if facts.application is None:
        raise none_of(APPLICATION, application)
    return facts


def _safely(point: PointName, facts: Facts, instruments: Instruments) -> Found:
    try:
        return _tried(point, facts, instruments)
    except (StoreError, RetrievalError, RedactionError, PolicyError) as error:
        return Found(passed=None, why=f"it could not be tried ({type(error).__name__})")


def _tried(point: PointName, facts: Facts, instruments: Instruments) -> Found:
    found = Found(passed=None, why="there is no provider")
    match point:
        case "logging-and-retention":
            found = _verified(instruments.engine)
        case "sanitisation":
            found = sanitised(instruments.engine, instruments.recognisers())
        case "injection":
            found = withstands(instruments.recognisers(), instruments.rules)
        case "leak-test":
            found = leaktight(instruments)
        case "isolation" if facts.provider:
            found = isolated(facts.provider, instruments.tls)
        case "keys" if facts.provider:
            found = resolving(facts.provider, instruments.secret, datetime.now(UTC))
    return found


def _verified(engine: Engine) -> Found:
    try:
        verified = verify(engine)
    except ChainBroken:
        return Found(passed=False, why="the audit trail does not verify: ntk audit verify")
    why = f"the audit trail verifies, {verified.records} records"
    return Found(passed=True, why=why, numbers={"records": verified.records})


def _keep(engine: Engine, ledger: Ledger, actor: UserId, facts: Facts, point: PointName, found: Found) -> None:
    with write(engine) as connection:
        if found.passed is None:
            told = {"application": facts.name, "point": point}
            ledger.append(connection, Event("gate.untried", actor, str(uuid.uuid4()), told))
            return
        detail: dict[str, Any] = {**found.numbers, "why": found.why, "of": subject(facts, point)}
        now = datetime.now(UTC)
        record(connection, ledger, actor, facts.name, measured(point, actor, now, passed=found.passed, detail=detail))
