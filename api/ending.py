"""What ends in the contracts with providers, in the log: at the start of the service, and once a day."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from egress.contract.records import ending
from store.engine import snapshot
from store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Engine

_log = logging.getLogger("ntk")


def warning(engine: Engine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Callable[[], None]:
    """Give what is called now and then, and writes to the log once a day what has ended or will within 30 days."""
    told: date | None = None

    def warn() -> None:
        nonlocal told
        today = clock().astimezone(UTC).date()
        if today == told:
            return
        try:
            with snapshot(engine) as connection:
                lines = ending(connection, today)
        except StoreError:
            return  # it is asked again; a log without a database has other things to tell
        told = today
        for line in lines:
            _log.warning("contract: %s", line)

    return warn
