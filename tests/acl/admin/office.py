"""An office to administer: who is in it, which places it has, and edits in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from acl.admin.edits import (
    AddRule,
    RemoveRule,
)
from acl.labels import Label, Level
from acl.names import NodeId, Obj, Subject, UserId
from audit.ledger import records
from store.engine import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from acl.admin.gate import (
        Done,
        Waiting,
    )
    from store.folder import Store

Make: TypeAlias = "Callable[..., Done | Waiting]"

ADMIN, SECOND, LEAD, MANAGER, ANNA = (UserId(f"user:{name}") for name in ("admin", "second", "lead", "manager", "anna"))
OPEN, PAY, STORE = NodeId("coll:open"), NodeId("coll:pay"), NodeId("coll:store")
RESTRICTED = Label(Level.RESTRICTED)
ANYBODY = "user:bert"


def rule(subject: str, obj: str, action: str = "read", effect: Any = "allow") -> AddRule:
    return AddRule(Subject(subject), Obj(obj), action, effect)


def unrule(subject: str, obj: str, action: str = "read", effect: Any = "allow") -> RemoveRule:
    return RemoveRule(Subject(subject), Obj(obj), action, effect)


def kinds(store: Store) -> list[Any]:
    with snapshot(store.engine) as connection:
        return [record.body["kind"] for record in records(connection)]
