"""What somebody has to do outside of the service, by when: tell somebody, have a provider delete what it keeps."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from acl.admin.gate import refusal_recorded
from audit.chain import canonical
from audit.ledger import Event
from egress.contract.forms import validated
from egress.contract.provider import Provider
from egress.contract.register import current
from egress.errors import BadIncident, NoSuchRecord, NoSuchTask
from egress.incident.allowed import require_manager
from store.engine import write
from store.schema import document
from store.schema import task as tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Engine, Row

    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger

NOTIFY: Final = "notify"
PURGE: Final = "provider-purge"
CHANGE_SECRET: Final = "change-secret"  # noqa: S105 - a kind of task
PURGE_WITHIN: Final = timedelta(days=7)  # a provider is to be asked; in an incident, within the time of notification


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do, or done."""

    id: str
    kind: str  # notify, provider-purge, change-secret
    target: str  # incident:…, provider:… or doc:…
    detail: Mapping[str, Any] = field(repr=False)  # `what` is to be done, in a sentence, `whom` it concerns, `how`
    made_at: datetime
    due_at: datetime
    done_by: str | None = None
    done_at: datetime | None = None

    def overdue(self, now: datetime) -> bool:
        """Say whether it should have been done by now, and was not."""
        return self.done_at is None and self.due_at < now

    def to_json(self, now: datetime) -> dict[str, Json]:
        """Give it as JSON."""
        return {
            "id": self.id,
            "kind": self.kind,
            "target": self.target,
            **self.detail,
            "due_at": self.due_at.isoformat(timespec="seconds"),
            "overdue": self.overdue(now),
            "done_by": self.done_by,
            "done_at": self.done_at.isoformat(timespec="seconds") if self.done_at else None,
        }


def put_task(
    connection: Connection,
    ledger: Ledger,
    by: str,
    kind: str,
    target: str,
    *,
    detail: Mapping[str, Json],
    due_at: datetime,
) -> Task:
    """Write a task down, in the caller's transaction. What it says stays out of the trail: it may name people."""
    made = Task(str(uuid.uuid4()), kind, target, detail, datetime.now(UTC), due_at)
    row = {"id": made.id, "kind": kind, "target": target, "detail": canonical(detail)}
    connection.execute(insert(tasks).values(**row, made_at=made.made_at, due_at=due_at))
    told: dict[str, Json] = {"kind_of": kind, "target": target, "due_at": due_at.isoformat(timespec="seconds")}
    ledger.append(connection, Event("task.made", by, made.id, told))
    return made


def tasks_of(connection: Connection, target: str | None = None, *, done: bool = False) -> list[Task]:
    """Give what is to be done, that which is due first in front.

    Args:
        connection: An open read.
        target: Only what belongs to this.
        done: Also what was done.
    """
    c = tasks.c
    rows = select(tasks).order_by(c.due_at, c.id)
    rows = rows if target is None else rows.where(c.target == target)
    return [_task(row) for row in connection.execute(rows if done else rows.where(c.done_at.is_(None)))]


def finish(engine: Engine, ledger: Ledger, by: UserId, id_: str) -> Task:
    """Write down that a task was done.

    Raises:
        NotAllowed: He does not manage the whole, and it is about no document of his own.
        NoSuchTask: There is none of this id to be done.
    """
    with refusal_recorded(ledger, by, what="task"), write(engine) as connection:
        row = connection.execute(select(tasks).where(tasks.c.id == id_).with_for_update()).one_or_none()
        if row is None or not _is_owner(connection, by, row.target):
            require_manager(connection, by)
        if row is None or row.done_at is not None:
            raise NoSuchTask("no task of this id is to be done")
        now = datetime.now(UTC)
        connection.execute(update(tasks).where(tasks.c.id == id_).values(done_by=by, done_at=now))
        ledger.append(connection, Event("task.done", by, id_, {"kind_of": row.kind, "late": row.due_at < now}))
        return _task(connection.execute(select(tasks).where(tasks.c.id == id_)).one())


def _is_owner(connection: Connection, user: UserId, target: str) -> bool:
    mine = select(document.c.id).where(document.c.id == target, document.c.owner == user)
    return connection.scalar(mine) is not None


def ask_for_purge(engine: Engine, ledger: Ledger, by: UserId, provider: str, since: datetime) -> Task:
    """Write down that a provider is to be asked to delete what it keeps of our prompts and answers.

    Raises:
        NotAllowed: He does not manage the whole.
        NoSuchRecord: There is no provider of this name.
        BadIncident: It keeps nothing, or its contract gives no right to have it deleted.
    """
    with refusal_recorded(ledger, by, what="task"), write(engine) as connection:
        require_manager(connection, by)
        record = provider_named(connection, provider)
        if record is None:
            raise NoSuchRecord(f"there is no provider {provider}")
        if not record.purge_right or not record.retention_days:
            raise BadIncident(
                f"{provider}: by its record, it keeps nothing" if record.retention_days == 0 else
                f"{provider}: its record gives no right to have it delete what it keeps, or does not say for how long"
            )  # fmt: skip
        now = datetime.now(UTC)
        target, detail = f"provider:{provider}", purge_detail(record, since, now)
        return put_task(connection, ledger, by, PURGE, target, detail=detail, due_at=now + PURGE_WITHIN)


def purge_detail(provider: Provider, since: datetime, until: datetime) -> dict[str, Json]:
    """Say what a provider is to be asked for."""
    times = f"from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    return {
        "what": f"have {provider.name} delete the prompts and answers that it keeps {times}, and confirm it in writing",
        "whom": provider.contacts[0].name if provider.contacts else provider.name,
        "how": provider.contacts[0].address if provider.contacts else "",
    }


def provider_named(connection: Connection, name: str) -> Provider | None:
    """Give the record of a provider that holds now; None where there is none of this name."""
    held = current(connection, "provider", name)
    return None if held is None else validated(Provider, held.record, f"provider {name}")


def _task(row: Row[Any]) -> Task:
    detail = json.loads(row.detail)
    return Task(row.id, row.kind, row.target, detail, row.made_at, row.due_at, row.done_by, row.done_at)
