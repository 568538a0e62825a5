"""How much of the quotas is used, of everybody: for those who set them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from egress.brakes.counters import SPANS, applying
from egress.brakes.quotas import Per, quotas_in_force, require_setter
from egress.brakes.volume import counts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from acl.names import UserId
    from egress.brakes.quotas import Quotas


@dataclass(frozen=True, slots=True)
class Used:
    """One count whose window has not ended."""

    measure: str
    window: str
    per: str
    whose: str
    level: str | None  # of this level or above
    used: int
    most: int | None  # None: nothing limits it any more
    until: datetime


def usage(connection: Connection, actor: UserId, now: datetime) -> list[Used]:
    """Give what is used, by what is counted. Questions a minute are not kept here, so they are not in it.

    Raises:
        NotAllowed: It is not for him to see.
    """
    require_setter(connection, actor)
    quotas = quotas_in_force(connection)
    return [_used(quotas, key, until, used) for key, until, used in counts(connection, now)]


def _used(quotas: Quotas, key: str, until: datetime, used: int) -> Used:
    measure, window, level, per, whose = key.split("/", 4)
    same = [one for one in quotas.limits if one.counted == (measure, window, per, level.removeprefix("-"))]
    holding = applying(same, dict.fromkeys(Per, whose)) if window in SPANS else []
    most = holding[0].most if holding else None
    return Used(measure, window, per, whose, None if level == "-" else level, used, most, until)
