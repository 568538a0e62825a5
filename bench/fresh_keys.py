"""The keys of an installation that a benchmark makes in a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.engine import write
from store.envelope import new_key
from store.keys import MasterKeys
from store.rotation import found

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from store.keys import Keys


def fresh_keys(engine: Engine) -> Keys:
    """Make a master key, and write down that all is sealed under it."""
    master = new_key()
    with write(engine) as connection:
        return found(connection, MasterKeys(lambda: [master]), embedder="none")
