from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.ending import warning
from egress.contract.forms import to_json
from egress.contract.register import put
from store.engine import write
from tests.egress.contract.gates import OWNER, provider

if TYPE_CHECKING:
    import pytest

    from tests.worlds import World


def test_what_ends_is_in_the_log_once_a_day(world: World, caplog: pytest.LogCaptureFixture) -> None:
    now = [datetime(2026, 11, 26, 9, tzinfo=UTC)]
    with write(world.store.engine) as connection:
        put(connection, world.ledger, OWNER, "provider", "acme", to_json(provider(ends="2026-12-20")))
    warn = warning(world.store.engine, lambda: now[0])
    warn()
    warn()
    assert caplog.messages == ["contract: acme: the contract ends on 2026-12-20, in 24 days"]
    now[0] += timedelta(days=1)
    warn()
    assert len(caplog.messages) == 2
    world.store.engine.dispose()


def test_what_holds_for_long_is_not_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with write(world.store.engine) as connection:
        put(connection, world.ledger, OWNER, "provider", "acme", to_json(provider()))
    warning(world.store.engine, lambda: datetime(2026, 11, 26, tzinfo=UTC))()
    assert caplog.messages == []
