"""Everything that can wait for a second person, of all packages: the doors decide on these and on nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.admin.gate import POLICY
from egress.brakes.lifting import LIFT_STOP
from egress.contract.change import MATRIX_CHANGE
from egress.requests import Requests, sending_kind

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from acl.admin.approvals import Kind
    from store.keys import Keys


def kinds_of(engine: Engine, keys: Keys) -> tuple[Kind, ...]:
    """Give the kinds of what waits. A new one is added here, and shown and decided at every door.

    Args:
        engine: Where what waits is kept.
        keys: With which a kind opens what it has sealed while it waits.
    """
    return (POLICY, LIFT_STOP, MATRIX_CHANGE, sending_kind(Requests(engine, keys.requests)))
