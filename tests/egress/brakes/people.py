"""Who is in the office, and what the trail says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from acl.names import UserId
from audit.ledger import records
from store.engine import snapshot

if TYPE_CHECKING:
    from store.folder import Store

ADMIN, SECOND, THIRD, OWNER, ANNA, BEN = (
    UserId(f"user:{name}") for name in ("admin", "second", "third", "owner", "anna", "ben")
)
NOBODY: Final = UserId("user:nobody")


def trail(store: Store) -> list[dict[str, Any]]:
    """Give the records, the oldest first."""
    with snapshot(store.engine) as connection:
        return [dict(record.body) for record in records(connection)]
