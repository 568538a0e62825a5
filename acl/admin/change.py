"""A change of the policy: locked, counted and recorded in one transaction.

    with policy_change(engine, ledger, actor) as change:
        add_user(change, Person(...))
        grant(change, Rule(...))

All of the block holds from the next request on, or none of it. What can be done in it stands in `people`,
`groups`, `nodes` and `rules` of this package. These check that a change makes sense; who may make it is decided
in `gate`.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from audit.ledger import Event
from store.engine import write
from store.schema import policy_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from audit.chain import Json
    from audit.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Change:
    """An open change: the transaction, the epoch that it makes, and what was done in it so far.

    A line of `done` is a verb with its objects. From the lines of all changes the tables can be built again, by
    `acl.insight.replay`, which has to know every verb.
    """

    connection: Connection
    epoch: int
    done: list[list[str]] = field(default_factory=list)


@contextmanager
def policy_change(engine: Engine, ledger: Ledger, actor: str) -> Iterator[Change]:
    """Change the policy. Administrators take turns; the epoch and the audit record go with the change.

    Raises:
        PolicyError: Something in the block is wrong; nothing of it holds.
        StoreDown, AuditDown: The change or its record cannot be written; nothing of it holds.
    """
    with write(engine) as connection:
        change = _opened(connection)
        yield change
        if change.done:
            connection.execute(update(policy_state).values(epoch=change.epoch))
            changes = [[unnamed(part, ledger.pseudonym) for part in line] for line in change.done]
            details: dict[str, Json] = {"epoch": change.epoch, "changes": changes}
            ledger.append(connection, Event("policy.changed", actor, str(uuid.uuid4()), details))


@contextmanager
def rehearsal(engine: Engine) -> Iterator[Change]:
    """Open a change that never holds: within the block it can be looked at, and nothing of it remains.

    It takes its turn with the changes of administrators, so that nobody changes the policy meanwhile.

    Raises:
        StoreDown: The database does not answer.
    """
    with suppress(_Undone), write(engine) as connection:
        yield _opened(connection)
        raise _Undone


class _Undone(Exception):
    """A rehearsal is over."""


def _opened(connection: Connection) -> Change:
    return Change(connection, connection.scalars(select(policy_state.c.epoch).with_for_update()).one() + 1)


def unnamed(part: str, pseudonym: Callable[[str], str]) -> str:
    """Give a part of a line as it stands in the trail: a person, as an owner too, by his pseudonym.

    The trail is never rewritten, so it must name nobody in clear.
    """
    kind, _, id_ = part.partition(":")
    return f"{kind}:{pseudonym(f'user:{id_}')}" if kind in ("user", "owner") and id_ else part
