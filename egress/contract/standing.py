"""What holds for one caller now: his application, its gate, the matrix, and the providers that it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from acl.read import who_of
from egress.contract.facts import facts_of
from egress.contract.gate import gate_of
from egress.contract.matrix import default_matrix
from egress.contract.provider import Kind, Model, Provider, Terms, terms_of
from egress.contract.register import current, current_as

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.decision import Principal
    from egress.contract.application import Application
    from egress.contract.matrix import Matrix


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that may be asked, as far as its contract goes."""

    record: Provider
    terms: Terms
    model: Model


@dataclass(frozen=True, slots=True)
class Contracts:
    """All that decides where a prompt of one caller may go, as of one snapshot. Made by `contracts_of` alone."""

    name: str  # of the application, with app:
    application: Application | None  # None: it is not registered
    asks: bool  # whether the caller is among those who may ask through it
    reveals: bool  # whether he is shown names in answers, and not the tokens that stand for them
    closed: tuple[str, ...]  # the points of its gate that are not passed
    matrix: Matrix
    offer: Offer | None  # of the provider that the application names
    local: Offer | None  # of the organisation's own model


def contracts_of(connection: Connection, principal: Principal, now: datetime | None = None) -> Contracts:
    """Read what holds for a caller. A record that this version cannot read is missing, and nothing leaves by it.

    Raises:
        StoreDown: The database does not answer.
    """
    now = now or datetime.now(UTC)
    facts = facts_of(connection, principal.application)
    application, matrix = facts.application, facts.matrix
    if application is None:
        # One that is not registered lets people ask, and sends nothing. Whom a record that cannot be read lets ask,
        # nobody knows.
        absent = current(connection, "app", facts.name) is None
        return Contracts(principal.application, None, absent, absent, (), matrix or default_matrix(), None, None)
    principals = who_of(connection, principal.user).principals
    asks = not application.retired and not principals.isdisjoint(application.users)
    reveals = not principals.isdisjoint(application.reveal)
    if matrix is None:
        return Contracts(principal.application, application, asks, reveals, (), default_matrix(), None, None)
    offer = _offer(facts.provider, facts.provider_version, application.model, now)
    named = provider_named(connection, application.local) if application.local else None
    local = _offer(*named, application.local_model, now) if named else None
    return Contracts(
        name=principal.application,
        application=application,
        asks=asks,
        reveals=reveals,
        closed=gate_of(facts, now).closed,
        matrix=matrix,
        offer=offer,
        local=local if local and local.terms.kind is Kind.LOCAL else None,
    )


def provider_named(connection: Connection, name: str) -> tuple[Provider, int] | None:
    """Give the record of a provider with its version, or None."""
    return current_as(Provider, connection, "provider", name)


def _offer(record: Provider | None, version: int, model: str | None, now: datetime) -> Offer | None:
    wanted = record.model_named(model) if record else None
    return Offer(record, terms_of(record, version, now.astimezone(UTC).date()), wanted) if record and wanted else None
