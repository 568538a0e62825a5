"""Versioned records: providers, applications, the matrix, the quotas. The highest version holds, all are kept."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from audit.chain import canonical
from audit.ledger import Event
from egress.contract.forms import T, read_kept
from egress.errors import BadRecord, RecordMoved
from store.schema import registered

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Registered:
    """One version of a record."""

    kind: str
    name: str
    version: int
    record: Any  # as it was written; JSON
    made_by: str
    made_at: datetime


_CURRENT: Final = (
    select(registered)
    .where(registered.c.kind == bindparam("kind"), registered.c.name == bindparam("name"))
    .order_by(registered.c.version.desc())
    .limit(1)
)


def current(connection: Connection, kind: str, name: str) -> Registered | None:
    """Give the version that holds, or None where there never was one.

    Raises:
        BadRecord: It cannot be read.
    """
    row = _current(connection, kind, name)
    return None if row is None else _registered(row)


def current_as(form: type[T], connection: Connection, kind: str, name: str) -> tuple[T, int] | None:
    """Give the version that holds in its form, with its number, or None where there never was one.

    Raises:
        BadRecord: It cannot be read.
    """
    row = _current(connection, kind, name)
    return None if row is None else (read_kept(form, row.record, f"{kind}:{name}"), row.version)


def _current(connection: Connection, kind: str, name: str) -> Row[Any] | None:
    return connection.execute(_CURRENT, {"kind": kind, "name": name}).one_or_none()


def all_current(connection: Connection, kind: str) -> list[Registered]:
    """Give the version that holds of each record of a kind, by name."""
    c = registered.c
    latest = select(c.name, func.max(c.version).label("version")).where(c.kind == kind).group_by(c.name).subquery()
    rows = select(registered).join(latest, (c.name == latest.c.name) & (c.version == latest.c.version))
    return [_registered(row) for row in connection.execute(rows.where(c.kind == kind).order_by(c.name))]


def history(connection: Connection, kind: str, name: str) -> list[Registered]:
    """Give all versions of a record, the oldest first."""
    c = registered.c
    rows = select(registered).where(c.kind == kind, c.name == name).order_by(c.version)
    return [_registered(row) for row in connection.execute(rows)]


def put(
    connection: Connection,
    ledger: Ledger,
    by: UserId,
    kind: str,
    name: str,
    record: Json,
    *,
    version: int | None = None,
) -> Registered:
    """Write the next version of a record, with its line in the trail, in the caller's transaction.

    Who may, is decided before.

    Args:
        connection: The open transaction.
        ledger: Gets the kind, the name, the version; the names of the fields that changed, never what they hold.
        by: Who writes it.
        kind: provider, app, matrix or quotas.
        name: Its name.
        record: JSON without floats.
        version: The one that was looked at when it was changed; 0 if there was none; None: whatever holds.

    Raises:
        RecordMoved: Somebody else has changed it meanwhile.
        AuditDown, StoreDown: Nothing holds.
    """
    before = current(connection, kind, name)
    held = before.version if before else 0
    if version is not None and version != held:
        if version == 0:
            raise RecordMoved(f"there is {kind}:{name} already, at version {held}: edit it")
        raise RecordMoved(f"{kind}:{name} is at version {held}, not {version}: look at it again")
    now = datetime.now(UTC)
    values = {"kind": kind, "name": name, "version": held + 1, "record": canonical({"record": record})}
    try:
        connection.execute(insert(registered).values(**values, made_by=by, made_at=now))
    except IntegrityError as error:  # on PostgreSQL, two writers may have seen the same version
        raise RecordMoved(f"{kind}:{name} was changed by somebody else just now: look at it again") from error
    changed = _changed(before.record if before else {}, record)
    details: dict[str, Json] = {"kind_of": kind, "name": name, "version": held + 1, "changed": changed}
    ledger.append(connection, Event(f"{kind}.changed", by, str(uuid.uuid4()), details))
    return Registered(kind, name, held + 1, record, by, now)


def _changed(before: Any, after: Any) -> list[str]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _registered(row: Row[Any]) -> Registered:
    try:
        record = json.loads(row.record)["record"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRecord(f"{row.kind}:{row.name}, version {row.version}, cannot be read") from error
    return Registered(row.kind, row.name, row.version, record, row.made_by, row.made_at)
