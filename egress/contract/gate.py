"""The gate that an application passes before anything above public leaves through it: ten points, each with a why.

    computed   from the records, at each look
    measured   by a check that ran within the last 30 days (`egress.contract.evidence`)
    attested   by somebody, with a document, where nothing can be measured

Every point is closed until something opens it. What was measured of another provider, address, key or list of users
than the records name now does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal

from acl.labels import Level
from acl.names import EVERYONE
from egress.contract.evidence import ATTESTABLE, BOUND, KEY_HOLDS, POINTS
from egress.contract.facts import Facts, facts_of, subject
from egress.contract.matrix import holds, verdict_of
from egress.contract.provider import Kind, Term, terms_of, warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from audit.chain import Json
    from egress.contract.application import Application
    from egress.contract.evidence import Evidence, Origin, PointName
    from egress.contract.matrix import Matrix
    from egress.contract.provider import Provider, Terms

REVIEW_HOLDS: Final = timedelta(days=365)
_SOON: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Point:
    """One of the ten, and what opened or closed it. Closed is false, so that a forgotten look at `state` is safe."""

    name: str
    state: Literal["open", "closed"]
    why: str
    kind: Literal["computed", "measured", "attested"]
    until: datetime | None = None  # when it closes if nothing is done; None: not by time

    def __bool__(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Gate:
    """All points of one application at one time. True if every point is open."""

    application: str
    points: tuple[Point, ...]
    warnings: tuple[str, ...] = ()  # what ends soon

    @property
    def closed(self) -> tuple[str, ...]:
        """The names of the points that are not passed; a point that is not there is not passed."""
        opened = {point.name for point in self.points if point}
        return tuple(name for name in POINTS if name not in opened)

    def __bool__(self) -> bool:
        return not self.closed

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON values."""
        return {
            "application": self.application,
            "open": bool(self),
            "closed": list(self.closed),
            "points": [_to_json(point) for point in self.points],
            "warnings": list(self.warnings),
        }


def gate(connection: Connection, application: str, now: datetime) -> Gate:
    """Look at the gate of an application.

    Args:
        connection: A snapshot; three statements are made.
        application: Its name, with or without `app:`.
        now: In UTC.
    """
    return gate_of(facts_of(connection, application), now)


def gate_of(facts: Facts, now: datetime) -> Gate:
    """Decide on all points, from what is known."""
    application = facts.application
    if application is None or application.retired:
        why = f"{facts.name} is retired" if application else f"no application is registered as {facts.name}"
        return Gate(facts.name, tuple(_closed(name, why, "computed") for name in POINTS))
    points = tuple(_POINTS[name](_Look(facts, application, now)) for name in POINTS)
    soon = [point for point in points if point and point.until is not None and point.until - now <= _SOON]
    ends = [f"{point.name} closes on {point.until:%Y-%m-%d}" for point in soon]
    contract = warnings_of(facts.provider, now.astimezone(UTC).date()) if facts.provider else ()
    return Gate(facts.name, points, (*contract, *ends))


@dataclass(frozen=True, slots=True)
class _Look:
    facts: Facts
    application: Application
    now: datetime

    @property
    def terms(self) -> Terms | None:
        provider = self.facts.provider
        day = self.now.astimezone(UTC).date()
        return None if provider is None else terms_of(provider, self.facts.provider_version, day)

    def last(self, point: str, origin: Origin) -> tuple[Evidence, ...]:
        return tuple(one for one in self.facts.evidence if (one.point, one.origin) == (point, origin))

    def fits(self, found: Evidence) -> bool:
        """Whether evidence is about what the records name now."""
        return found.point not in BOUND or found.detail.get("of") == subject(self.facts, found.point)


def _classification(look: _Look) -> Point:
    name: Final = "classification"
    if look.facts.matrix is None:
        return _closed(name, "the matrix cannot be read, or lacks a class", "computed")
    if look.facts.ownerless:
        return _closed(name, "a document answers that has no owner: ntk place owner", "computed")
    return _open(name, f"ceiling {look.application.ceiling}; every document has a label and an owner", "computed")


def _least_privilege(look: _Look) -> Point:
    name: Final = "least-privilege"
    users, ceiling = look.application.users, look.application.ceiling_label
    wide = EVERYONE in users and (ceiling.level > Level.INTERNAL or bool(ceiling.compartments))
    if not users or wide:
        why = f"{EVERYONE} may ask through it, and its ceiling is {ceiling}: name users or groups"
        return _closed(name, why if wide else "nobody is named who may ask through it", "computed")
    reviewed = look.facts.reviewed_at
    if reviewed is not None and look.now < reviewed + REVIEW_HOLDS:
        why = f"its users are named; access was reviewed on {reviewed:%Y-%m-%d}"
        return _open(name, why, "computed", reviewed + REVIEW_HOLDS)
    return _attested(look, name) or _closed(
        name, "no review of access was signed within 365 days: ntk policy review --sign, or attest one", "computed"
    )


def _contract(look: _Look) -> Point:
    name: Final = "contract"
    application, provider, terms, matrix = look.application, look.facts.provider, look.terms, look.facts.matrix
    if application.provider is None or provider is None or terms is None:
        named = application.provider
        why = f"there is no provider {named}" if named else "no provider is named"
        return _closed(name, why, "computed")
    if provider.model_named(application.model) is None:
        return _closed(name, f"{provider.name} has no model {application.model}", "computed")
    if matrix is None:
        return _closed(name, "there is no matrix that can be read", "computed")
    verdict = verdict_of(matrix, application.ceiling_label, terms)
    if not verdict:
        return _closed(name, verdict.rule, "computed")
    return _open(name, verdict.rule, "computed", _ends(provider, application, matrix))


def _ends(provider: Provider, application: Application, matrix: Matrix) -> datetime | None:
    """Give the first midnight after which the contract carries the ceiling no longer."""
    papers = (provider.training_opt_out, provider.dpa, provider.baa)
    days = sorted({day for day in (provider.ends, *(paper.until for paper in papers if paper)) if day is not None})
    for day in days:
        after = day + timedelta(days=1)
        if not verdict_of(matrix, application.ceiling_label, terms_of(provider, 0, after)):
            return datetime.combine(after, time.min, tzinfo=UTC)
    return None


def _logging(look: _Look) -> Point:
    name: Final = "logging-and-retention"
    terms, matrix = look.terms, look.facts.matrix
    if terms is None or matrix is None:
        return _closed(name, "nobody's retention is known: there is no provider, or no matrix", "computed")
    if terms.kind is not Kind.LOCAL and not holds(matrix, Term.RETENTION, terms):
        kept = "is not known" if terms.retention_days is None else f"is {terms.retention_days} days"
        return _closed(
            name, f"{terms.provider}'s retention {kept}; at most {matrix.retention_days} are let", "computed"
        )
    return _measured(look, name)


def _isolation(look: _Look) -> Point:
    measured = _measured(look, "isolation")
    if measured or _failed(look, "isolation"):
        return measured
    return _attested(look, "isolation") or measured


def _keys(look: _Look) -> Point:
    name: Final = "keys"
    provider = look.facts.provider
    if provider is None:
        return _closed(name, "there is no provider", "computed")
    if not provider.key and provider.kind is not Kind.LOCAL:
        return _closed(name, f"{provider.name} has no reference of a key", "computed")
    resolved = _measured(look, name)
    if not resolved or not (provider.key or provider.keys):
        return resolved
    ages = [one.detail.get("age_days") for one in look.last(name, "measured")]
    known = [age for age in ages if isinstance(age, int)]
    if len(known) == len(ages):
        return _young(resolved, max([0, *known]), look)
    told = _attested(look, name)
    if told is None:
        return _closed(name, "nobody says how old the key is: attest when it was made", "measured")
    return _both(resolved, told)


def _young(resolved: Point, age: int, look: _Look) -> Point:
    # The key goes on ageing after the check.
    measured_at = min(one.made_at for one in look.last(resolved.name, "measured"))
    turns = measured_at + KEY_HOLDS - timedelta(days=age)
    if look.now >= turns:
        return _closed(resolved.name, f"the key is {KEY_HOLDS.days} days old or older: rotate it", "measured")
    until = min(turns, resolved.until or turns)
    return _open(resolved.name, f"it resolves, and was {age} days old on {measured_at:%Y-%m-%d}", "measured", until)


def _both(one: Point, other: Point) -> Point:
    ends = [point.until for point in (one, other) if point.until is not None]
    return _open(one.name, f"{one.why}; {other.why}", other.kind, min(ends, default=None))


def _incident_plan(look: _Look) -> Point:
    name: Final = "incident-plan"
    provider = look.facts.provider
    if provider is None or not provider.contacts:
        who = f"{provider.name} has no contact" if provider else "there is no provider, and so no contact"
        return _closed(name, f"{who} for incidents", "computed")
    if not look.facts.quotas:
        return _closed(name, "no quotas hold: what is set cannot be read", "computed")
    hours = min(contact.hours for contact in provider.contacts)
    return _open(name, f"{len(provider.contacts)} to tell, the first within {hours} hours; quotas hold", "computed")


def _failed(look: _Look, name: str) -> bool:
    return any(not one.passed for one in look.last(name, "measured"))


def _measured(look: _Look, name: str) -> Point:
    found = look.last(name, "measured")
    if not found:
        return _closed(name, "it was never measured: ntk gate APP --check", "measured")
    if _failed(look, name):
        failed = next(one for one in found if not one.passed)
        why = str(failed.detail.get("why", "")) or "the check found what must not be"
        return _closed(name, f"{why} (on {failed.made_at:%Y-%m-%d})", "measured")
    if not all(look.fits(one) for one in found):
        return _closed(name, "it was measured of what has been changed since: check again", "measured")
    until = min(one.until for one in found)
    if look.now >= until:
        return _closed(name, f"what was measured holds no longer since {until:%Y-%m-%d}: check again", "measured")
    last = found[-1]
    return _open(name, str(last.detail.get("why", "")) or f"measured on {last.made_at:%Y-%m-%d}", "measured", until)


def _attested(look: _Look, name: PointName) -> Point | None:
    """Give an attestation that holds, or None: it then says nothing."""
    if name not in ATTESTABLE:
        return None
    told = look.last(name, "attested")
    if not told or not all(one.passed and look.fits(one) and look.now < one.until for one in told):
        return None
    one = told[-1]
    return _open(name, f"attested by {one.detail.get('named')}: {one.detail.get('document')}", "attested", one.until)


def _open(
    name: str, why: str, kind: Literal["computed", "measured", "attested"], until: datetime | None = None
) -> Point:
    return Point(name, "open", why, kind, until)


def _closed(name: str, why: str, kind: Literal["computed", "measured", "attested"]) -> Point:
    return Point(name, "closed", why, kind)


def _to_json(point: Point) -> dict[str, Json]:
    until = None if point.until is None else point.until.isoformat(timespec="seconds")
    return {"point": point.name, "state": point.state, "why": point.why, "kind": point.kind, "until": until}


_POINTS: Final[Mapping[PointName, Callable[[_Look], Point]]] = {
    "classification": _classification,
    "least-privilege": _least_privilege,
    "contract": _contract,
    "logging-and-retention": _logging,
    "isolation": _isolation,
    "sanitisation": lambda look: _measured(look, "sanitisation"),
    "keys": _keys,
    "injection": lambda look: _measured(look, "injection"),
    "leak-test": lambda look: _measured(look, "leak-test"),
    "incident-plan": _incident_plan,
}
