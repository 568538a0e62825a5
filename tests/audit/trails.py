"""How a trail is filled and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.ledger import Event, Ledger, Record, records
from store.engine import snapshot

if TYPE_CHECKING:
    from store.folder import Store


def commit(ledger: Ledger, count: int, who: str = "user:anna") -> None:
    for number in range(count):
        ledger.commit(Event("ask.sent", who, f"request-{number}", {"number": number}))


def trail(store: Store) -> list[Record]:
    with snapshot(store.engine) as connection:
        return list(records(connection))
