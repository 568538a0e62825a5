"""The alarm to the owner of a document that holds a secret: a task to change it, once until that is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from egress.incident.tasks import CHANGE_SECRET, put_task, tasks_of
from store.engine import snapshot, write
from store.schema import document
from store.schema import task as tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from acl.names import UserId
    from audit.ledger import Ledger
    from egress.incident.tasks import Task

BY: Final = "svc:secret-alarm"
WITHIN: Final = timedelta(days=7)


def alarm_owners(engine: Engine, ledger: Ledger, documents: Sequence[str]) -> None:
    """Leave a task for each document that a secret was removed from, unless one is there already.

    Raises:
        StoreDown, AuditDown: There is no alarm.
    """
    if not documents:
        return
    with snapshot(engine) as connection:
        if not (fresh := _without_task(connection, documents)):
            return
    with write(engine) as connection:
        locked = select(document.c.id, document.c.owner).where(document.c.id.in_(fresh)).with_for_update()
        owners = {row.id: row.owner for row in connection.execute(locked.order_by(document.c.id))}
        due_at = datetime.now(UTC) + WITHIN
        for one in _without_task(connection, list(owners)):
            detail = {
                "what": "A secret stands in this document: change it where it is used, and take it out here.",
                "whom": owners[one] or "whoever manages its folder",
                "how": "ntk place list says where it lies",
            }
            put_task(connection, ledger, BY, CHANGE_SECRET, one, detail=detail, due_at=due_at)


def owners_tasks(connection: Connection, owner: UserId) -> list[Task]:
    """Give what somebody has to do about documents of his own, that which is due first in front."""
    mine = select(document.c.id).where(document.c.owner == owner)
    due = select(tasks.c.target).where(
        tasks.c.kind == CHANGE_SECRET, tasks.c.done_at.is_(None), tasks.c.target.in_(mine)
    )
    return [one for target in connection.scalars(due).all() for one in tasks_of(connection, target)]


def _without_task(connection: Connection, documents: Sequence[str]) -> list[str]:
    if not documents:
        return []
    open_ = select(tasks.c.target).where(
        tasks.c.kind == CHANGE_SECRET, tasks.c.done_at.is_(None), tasks.c.target.in_(list(documents))
    )
    there = set(connection.scalars(open_))
    return [one for one in documents if one not in there]
