"""What the gate of an application is decided from, read in one snapshot with three statements."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select

from audit.chain import canonical
from egress.brakes.quotas import NAME as QUOTAS
from egress.brakes.quotas import Quotas, default_quotas
from egress.contract import evidence
from egress.contract.application import Application
from egress.contract.forms import read_kept
from egress.contract.matrix import NAME as MATRIX
from egress.contract.matrix import Matrix, default_matrix
from egress.contract.provider import Provider
from egress.errors import BadRecord
from store.schema import access_review, document, registered

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from egress.contract.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of an application. What is missing or cannot be read is None, and counts as missing."""

    name: str  # without app:
    application: Application | None
    provider: Provider | None  # the one that the application names
    provider_version: int
    matrix: Matrix | None
    quotas: bool  # whether any hold: those that ship do, unless what was set in their place cannot be read
    ownerless: bool  # whether a document answers that nobody owns
    reviewed_at: datetime | None  # when a review of access was signed last
    evidence: tuple[Evidence, ...] = ()


def _records() -> Any:
    c = registered.c
    wanted = ((c.kind == "app") & (c.name == bindparam("application"))) | c.kind.in_(("provider", "matrix", "quotas"))
    latest = select(c.kind, c.name, func.max(c.version).label("version")).where(wanted).group_by(c.kind, c.name)
    last = latest.subquery()
    same = (c.kind == last.c.kind) & (c.name == last.c.name) & (c.version == last.c.version)
    return select(c.kind, c.name, c.version, c.record).join(last, same)


_RECORDS: Final = _records()
_HOUSE: Final = select(
    select(func.max(access_review.c.signed_at)).scalar_subquery().label("reviewed_at"),
    select(document.c.id).where(document.c.state == "live", document.c.owner.is_(None)).exists().label("ownerless"),
)


def facts_of(connection: Connection, name: str) -> Facts:
    """Read what is known of an application.

    Args:
        connection: A snapshot.
        name: Of the application, with or without `app:`.
    """
    name = name.removeprefix("app:")
    rows = {(row.kind, row.name): row for row in connection.execute(_RECORDS, {"application": name})}
    application = _read(Application, rows.get(("app", name)))
    named = application.provider if application else None
    kept = rows.get(("provider", named)) if named else None
    matrix = rows.get(("matrix", MATRIX))
    house = connection.execute(_HOUSE).one()
    return Facts(
        name=name,
        application=application,
        provider=_read(Provider, kept),
        provider_version=kept.version if kept else 0,
        matrix=default_matrix() if matrix is None else _read(Matrix, matrix),
        quotas=_quotas(rows.get(("quotas", QUOTAS))),
        ownerless=bool(house.ownerless),
        reviewed_at=house.reviewed_at,
        evidence=evidence.latest(connection, name),
    )


def subject(facts: Facts, point: str) -> str:
    """Give a hash of what evidence for a point is about: once that is changed, the evidence counts no longer."""
    provider, application = facts.provider, facts.application
    about: dict[str, Any] = {"point": point}
    if point == "isolation" and provider:
        about |= {"name": provider.name, "base_url": provider.base_url, "hosts": sorted(provider.hosts)}
    elif point == "keys" and provider:
        about |= {"name": provider.name, "key": provider.key, "keys": dict(provider.keys)}
    elif point == "least-privilege" and application:
        about |= {"users": sorted(application.users), "ceiling": application.ceiling}
    return hashlib.sha256(canonical(about).encode()).hexdigest()


def _quotas(row: Any) -> bool:
    set_here: Quotas | None = default_quotas() if row is None else _read(Quotas, row)
    return set_here is not None and bool(set_here.limits)


def _read(model: type[Any], row: Any) -> Any:
    # A record that this version cannot read is no record: nothing leaves by it.
    if row is None:
        return None
    try:
        return read_kept(model, row.record, f"{row.kind}:{row.name}")
    except BadRecord:
        return None
