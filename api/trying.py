"""The parts of an open installation with which the points of a gate are tried."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from api.auth import principal_tried
from egress.trials.found import Instruments
from store.key_ring import KeyRing
from store.secret import read

if TYPE_CHECKING:
    from api.wiring import House
    from audit.chain import Json
    from egress.trials.found import Found


def instruments_of(house: House) -> Instruments:
    """Give the parts that answer questions."""
    answering = house.answering
    return Instruments(
        engine=house.store.engine,
        index=answering.index,
        embed=answering.embed,
        permit=answering.permit,
        recognisers=answering.recognisers,
        principal=principal_tried,
        secret=KeyRing(house.settings.keys, partial(read, base=house.store.layout.root)).secret,
        rules=answering.rules,
    )


def found_to_json(point: str, found: Found) -> dict[str, Json]:
    """Give what a trial found as JSON values."""
    return {"point": point, "passed": found.passed, "why": found.why, "numbers": dict(found.numbers)}
