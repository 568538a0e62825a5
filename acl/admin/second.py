"""The second person: who may decide on what waits, and what comes of it, whatever its kind.

    approve(engine, ledger, approver, id, kinds)

A kind that is not among those given is like an id that is not there, so a door that forgets one lets nobody decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acl.admin import approvals
from acl.admin.change import policy_change
from acl.admin.gate import POLICY, refusal_recorded
from acl.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from acl.admin.approvals import Approval, Kind
    from acl.names import UserId
    from audit.chain import Json
    from audit.ledger import Ledger

CHANGES: Final = (POLICY,)  # what there is without anything that leaves


@dataclass(frozen=True, slots=True)
class Agreed:
    """Somebody agreed, and it was done."""

    asked: Approval
    came: Mapping[str, Json]  # of it, as its kind tells: such as the epoch of the policy


def approve(engine: Engine, ledger: Ledger, approver: UserId, id_: str, kinds: Sequence[Kind] = CHANGES) -> Agreed:
    """Agree to what waits, and have it done, in one transaction.

    Raises:
        NoSuchApproval: Nothing of this id waits, or it is not for this person to decide.
        NotAllowed: The approver is no person; or who asked, or he, may no longer do it.
        PolicyError, StoreDown, AuditDown: It cannot be done; it goes on waiting.
    """
    with refusal_recorded(ledger, approver):
        if not approver.startswith("user:"):
            raise NotAllowed("a second person is a person: agree with an API key of your own")
        with policy_change(engine, ledger, approver) as change:
            kind = _kind(approval_for(change.connection, approver, id_, kinds), kinds)
            asked = approvals.decide(change.connection, id_, approver, approve=True)
            came = kind.approved(change, ledger, asked, approver)
        return Agreed(asked, came)


def reject(engine: Engine, ledger: Ledger, approver: UserId, id_: str, kinds: Sequence[Kind] = CHANGES) -> None:
    """Say no to what waits.

    Raises:
        NoSuchApproval: Nothing of this id waits, or it is not for this person to decide.
    """
    with refusal_recorded(ledger, approver), policy_change(engine, ledger, approver) as change:
        kind = _kind(approval_for(change.connection, approver, id_, kinds), kinds)
        asked = approvals.decide(change.connection, id_, approver, approve=False)
        kind.rejected(change, ledger, asked, approver)


def may_decide(connection: Connection, actor: UserId, asked: Approval, kinds: Sequence[Kind] = CHANGES) -> bool:
    """Say whether somebody may be the second person for what waits: it is another's, and its kind lets him."""
    of_it = [kind for kind in kinds if kind.name == asked.kind]
    return asked.asked_by != actor and bool(of_it) and of_it[0].may_decide(connection, actor, asked)


def approval_for(connection: Connection, actor: UserId, id_: str, kinds: Sequence[Kind] = CHANGES) -> Approval:
    """Give what waits, or waited, to who asked for it or may decide on it.

    Raises:
        NoSuchApproval: There is none of this id, or it is no business of his; the words are the same.
    """
    asked = approvals.get(connection, id_)
    _kind(asked, kinds)
    if asked.asked_by != actor and not may_decide(connection, actor, asked, kinds):
        raise approvals.none_such()
    return asked


def approvals_for(connection: Connection, actor: UserId, kinds: Sequence[Kind] = CHANGES) -> list[Approval]:
    """Give what waits and somebody has asked for, or may decide on; the oldest first."""
    known = {kind.name for kind in kinds}
    return [
        asked
        for asked in approvals.waiting(connection)
        if asked.kind in known and (asked.asked_by == actor or may_decide(connection, actor, asked, kinds))
    ]


def to_json(
    connection: Connection, asked: Approval, kinds: Sequence[Kind] = CHANGES, *, whole: bool = True
) -> dict[str, Json]:
    """Give what waits as JSON values, with what its kind shows of it: the edits of a policy, in their JSON form.

    To be called for what `approval_for` or `approvals_for` gave.
    """
    return {**approvals.to_json(asked), **_kind(asked, kinds).shown(connection, asked, whole=whole)}


def _kind(asked: Approval, kinds: Sequence[Kind]) -> Kind:
    for kind in kinds:
        if kind.name == asked.kind:
            return kind
    raise approvals.none_such()
