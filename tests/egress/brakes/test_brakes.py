"""All brakes together, as the flow pulls them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from acl.labels import Level
from egress.brakes.brakes import Brakes
from egress.brakes.counters import Caller, Use, headers
from egress.brakes.quotas import KIND, NAME, Quotas, default_quotas, set_quotas
from egress.brakes.stops import stop
from egress.contract.forms import to_json, validated
from egress.errors import BadRecord, QuotaExceeded, Stopped
from store.engine import snapshot, write
from store.schema import registered, volume
from tests.egress.brakes.people import ADMIN, ANNA, BEN

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from tests.worlds import World

HERE = Caller(ANNA, "app:chat", "192.0.2.7")
BEN_S = Caller(BEN, "app:chat", "192.0.2.8")
USE = Use(HERE, "provider:acme", Level.CONFIDENTIAL, 1_000)


def lower(staff: World, ledger: Ledger, most: int) -> None:
    """Let the quotas hold no more than so much of anything, and nobody read more than so many documents."""
    quotas: Any = to_json(default_quotas())
    quotas["limits"] = [{**limit, "most": most} for limit in quotas["limits"]]
    quotas["reading"]["per_day"] = {"default": most}
    set_quotas(staff.store.engine, ledger, ADMIN, validated(Quotas, quotas, "quotas"))


def test_who_is_within_all_limits_goes_through(staff: World, ledger: Ledger) -> None:
    brakes = Brakes(staff.store.engine, ledger)
    brakes.admit(HERE)
    with brakes.sending(HERE, USE) as passage:
        passage.leaves()
        passage.proceed()
    brakes.shows(HERE, ["doc:1", "doc:2"])
    with snapshot(staff.store.engine) as connection:
        assert {row.used for row in connection.execute(select(volume))} == {1, 1_000}


def test_each_change_of_the_quotas_holds_for_the_next_question(staff: World, ledger: Ledger) -> None:
    brakes = Brakes(staff.store.engine, ledger)
    brakes.admit(HERE)
    lower(staff, ledger, 1)
    with pytest.raises(QuotaExceeded):
        brakes.admit(HERE)
    with pytest.raises(QuotaExceeded), brakes.sending(HERE, USE):
        pass
    brakes.shows(BEN_S, ["doc:1"])
    with pytest.raises(Stopped):
        brakes.shows(BEN_S, ["doc:2"])
    lower(staff, ledger, 5_000)
    brakes.admit(HERE)
    with brakes.sending(HERE, USE):
        pass


def test_where_nothing_goes_to_a_provider_nothing_is_counted(staff: World, ledger: Ledger) -> None:
    lower(staff, ledger, 1)
    with Brakes(staff.store.engine, ledger).sending(HERE, None) as passage:
        passage.leaves()
        passage.proceed()
    with snapshot(staff.store.engine) as connection:
        assert connection.execute(select(volume)).all() == []


@pytest.mark.parametrize(("target", "asks"), [(ANNA, 0), ("app:chat", 0), ("all:all", 0), ("provider:acme", 1)])
def test_whatever_is_stopped_stops_what_it_is_about(staff: World, ledger: Ledger, target: str, asks: int) -> None:
    brakes = Brakes(staff.store.engine, ledger)
    stop(staff.store.engine, ledger, ADMIN, target, "A drill.")
    with pytest.raises(Stopped), brakes.sending(HERE, USE):
        pass
    if asks:  # what is answered without the provider is answered
        brakes.admit(HERE)
        brakes.shows(HERE, ["doc:1"])
        with brakes.sending(HERE, None):
            pass
    else:
        with pytest.raises(Stopped):
            brakes.admit(HERE)
        with pytest.raises(Stopped):
            brakes.shows(HERE, ["doc:1"])
        with pytest.raises(Stopped), brakes.sending(HERE, None):
            pass
    with snapshot(staff.store.engine) as connection:
        assert connection.execute(select(volume)).all() == []  # nothing was taken of a quota


def test_a_call_under_way_is_cut_and_counts_once_it_has_left(staff: World, ledger: Ledger) -> None:
    brakes = Brakes(staff.store.engine, ledger)

    def call() -> None:
        with brakes.sending(HERE, USE) as passage:
            passage.leaves()
            stop(staff.store.engine, ledger, ADMIN, "provider:acme", "A breach at theirs.")
            until = time.monotonic() + 10
            while time.monotonic() < until:
                passage.proceed()

    with pytest.raises(Stopped):
        call()
    with snapshot(staff.store.engine) as connection:
        assert {row.used for row in connection.execute(select(volume))} == {1, 1_000}


def test_only_what_the_asker_alone_uses_up_is_told(staff: World, ledger: Ledger) -> None:
    brakes = Brakes(staff.store.engine, ledger)
    for caller, use in ((HERE, USE), (BEN_S, replace(USE, caller=BEN_S))):
        brakes.admit(caller)
        with brakes.sending(caller, use) as passage:
            passage.leaves()
    told = headers(brakes.admit(HERE))
    left = dict(part.split(";t=")[0].split(";r=") for part in told["RateLimit"].split(", "))
    assert left == {
        '"requests-minute-user"': "28",
        '"requests-day-user"': "499",
        '"characters-day-user"': "199000",
        '"characters-day-user-confidential"': "59000",
        '"characters-day-user-restricted"': "20000",
        '"identities-day-user"': "1000",
    }
    assert '"characters-day-user";q=200000;w=86400' in told["RateLimit-Policy"]


def test_quotas_that_cannot_be_read_stop_everything(staff: World, ledger: Ledger) -> None:
    row = {"kind": KIND, "name": NAME, "version": 1, "record": '{"record":{}}', "made_by": ADMIN}
    with write(staff.store.engine) as connection:
        connection.execute(insert(registered).values(**row, made_at=datetime.now(UTC)))
    brakes = Brakes(staff.store.engine, ledger)
    with pytest.raises(BadRecord):
        brakes.admit(HERE)
    with pytest.raises(BadRecord):
        brakes.shows(HERE, ["doc:1"])
    with pytest.raises(BadRecord), brakes.sending(HERE, USE):
        pass
