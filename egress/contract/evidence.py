"""What shows that an application passes a point of the gate: measured by a check, or attested with a document.

    measured   a check ran, and said yes or no; a yes holds for 30 days
    attested   somebody stands for it, with a document, until a day within a year

What fails is never attested away: an attestation counts where nothing can be measured, and beside what was.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from sqlalchemy import bindparam, func, insert, select

from audit.chain import canonical
from audit.ledger import Event
from egress.errors import BadEvidence
from store.schema import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger

PointName = Literal[
    "classification", "least-privilege", "contract", "logging-and-retention", "isolation",
    "sanitisation", "keys", "injection", "leak-test", "incident-plan",
]  # fmt: skip
Origin = Literal["measured", "attested"]

POINTS: Final[tuple[PointName, ...]] = get_args(PointName)
MEASURED: Final[tuple[PointName, ...]] = (
    "logging-and-retention", "isolation", "sanitisation", "keys", "injection", "leak-test",
)  # fmt: skip
ATTESTABLE: Final[tuple[PointName, ...]] = ("least-privilege", "isolation", "keys")
BOUND: Final[tuple[PointName, ...]] = ("least-privilege", "isolation", "keys")  # about something that may change
MEASURED_HOLDS: Final = timedelta(days=30)
ATTESTED_HOLDS: Final = timedelta(days=365)
KEY_HOLDS: Final = timedelta(days=180)  # from when it was made
_MOST_BYTES: Final = 100_000_000  # of a document
_URL: Final = re.compile(r"https?://[^\s]{3,400}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was found or attested."""

    point: str
    origin: Origin
    passed: bool
    detail: Mapping[str, Any]  # what was measured, or the document, its hash and who stands for it
    made_by: str
    made_at: datetime
    expires_at: datetime

    @property
    def until(self) -> datetime:
        """When it counts no longer, whatever was written down: nothing holds longer than its kind may."""
        return min(
            self.expires_at, self.made_at + (MEASURED_HOLDS if self.origin == "measured" else _longest(self.point))
        )


def _longest(point: str) -> timedelta:
    return KEY_HOLDS if point == "keys" else ATTESTED_HOLDS


def _latest() -> Any:
    c = evidence.c
    mine = c.application == bindparam("application")
    latest = select(c.point, c.kind, func.max(c.made_at).label("made_at")).where(mine).group_by(c.point, c.kind)
    last = latest.subquery()
    same = (c.point == last.c.point) & (c.kind == last.c.kind) & (c.made_at == last.c.made_at)
    return select(evidence).join(last, same).where(mine).order_by(c.point, c.kind, c.id)


_LATEST: Final = _latest()


def latest(connection: Connection, application: str) -> tuple[Evidence, ...]:
    """Give what was measured last and what was attested last of each point of an application."""
    return tuple(_evidence(row) for row in connection.execute(_LATEST, {"application": application}))


def record(connection: Connection, ledger: Ledger, by: UserId, application: str, found: Evidence) -> None:
    """Keep evidence, with its line in the trail, in the caller's transaction. Who may, is decided before.

    The trail gets the point, the outcome, numbers and hashes; no names, addresses or texts.
    """
    detail = dict(found.detail)
    connection.execute(
        insert(evidence).values(
            id=str(uuid.uuid4()),
            application=application,
            point=found.point,
            kind=found.origin,
            passed=found.passed,
            detail=canonical(detail),
            made_by=by,
            made_at=found.made_at,
            expires_at=found.until,
        )
    )
    told: dict[str, Json] = {
        "application": application,
        "point": found.point,
        "origin": found.origin,
        "passed": found.passed,
        "until": found.until.isoformat(timespec="seconds"),
        "sha256": detail.get("sha256"),
        "numbers": {name: value for name, value in detail.items() if isinstance(value, int)},
    }
    ledger.append(connection, Event(f"gate.{found.origin}", by, str(uuid.uuid4()), told))


def measured(point: PointName, by: str, at: datetime, *, passed: bool, detail: Mapping[str, Json]) -> Evidence:
    """Say what a check has found. Details are JSON without floats."""
    return Evidence(point, "measured", passed, detail, by, at, at + MEASURED_HOLDS)


def attested(
    point: str, by: str, at: datetime, *, document: Mapping[str, Json], named: str, until: datetime, of: str
) -> Evidence:
    """Say that somebody stands for a point.

    Args:
        point: One that may be attested.
        by: Who writes it down.
        at: Now.
        document: From `document_at`.
        named: Who stands for it.
        until: The end, within a year.
        of: What it is about: `subject` of the point; what is changed afterwards is attested no longer.

    Raises:
        BadEvidence: The point cannot be attested, there is no name, or the end is past or too far.
    """
    if point not in ATTESTABLE:
        can = ", ".join(ATTESTABLE)
        raise BadEvidence(f"{point!r} cannot be attested: it is computed or measured; attested can be {can}")
    if not named.strip() or len(named) > 120:
        raise BadEvidence("an attestation has the name of who stands for it: at most 120 characters")
    if not at < until <= at + _longest(point):
        raise BadEvidence(f"an attestation of {point} ends after today, and within {_longest(point).days} days")
    detail = {**document, "named": named.strip(), "of": of}
    return Evidence(point, "attested", passed=True, detail=detail, made_by=by, made_at=at, expires_at=until)


def document_at(name: str, content: bytes | None) -> dict[str, Json]:
    """Describe the document behind an attestation: a file by its name and hash, a web page by its address.

    Args:
        name: The file's name, or an address with https.
        content: Of the file; None for an address.

    Raises:
        BadEvidence: It is empty, too large, or no address.
    """
    if content is None:
        if not _URL.fullmatch(name):
            raise BadEvidence("a document is a file that is there, or an address that begins with https://")
        return {"document": name}
    if not content or len(content) > _MOST_BYTES:
        raise BadEvidence(f"a document has between 1 and {_MOST_BYTES:,} bytes")
    return {"document": name[-400:], "sha256": hashlib.sha256(content).hexdigest()}


def _evidence(row: Row[Any]) -> Evidence:
    try:
        detail = json.loads(row.detail)
    except ValueError:
        detail = None
    readable = isinstance(detail, dict)
    return Evidence(
        row.point,
        row.kind,
        bool(row.passed) and readable,  # what cannot be read shows nothing
        detail if readable else {},
        row.made_by,
        row.made_at.astimezone(UTC),
        row.expires_at.astimezone(UTC),
    )
