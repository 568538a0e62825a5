"""Quotas as a record: what is well-formed, who may set them, and that a change holds for the next request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from acl.admin.gate import CONSOLE
from acl.errors import NotAllowed
from egress.brakes.quotas import KIND, NAME, default_quotas, may_set, quotas_in_force, read_quotas, set_quotas
from egress.errors import BadRecord, RecordMoved
from store.engine import snapshot, write
from store.schema import registered
from tests.egress.brakes.people import ADMIN, ANNA, NOBODY, OWNER, SECOND, trail

if TYPE_CHECKING:
    from acl.names import UserId
    from audit.ledger import Ledger
    from tests.worlds import World

ONE = "{measure: requests, per: user, window: day, most: 3}"


def written(*limits: str, reading: str = "{per_day: {default: 200}}") -> str:
    lines = "".join(f"  - {limit}\n" for limit in limits or (ONE,))
    return f"limits:\n{lines}reading: {reading}\n"


def test_what_is_shipped_limits_everybody_in_requests_and_characters() -> None:
    general = {(limit.measure, limit.window) for limit in default_quotas().limits if limit.per == "user"}
    assert {("requests", "minute"), ("requests", "day"), ("characters", "day")} <= general
    characters = [limit for limit in default_quotas().limits if (limit.measure, limit.per) == ("characters", "user")]
    by_level = {limit.level: limit.most for limit in characters}
    assert by_level["restricted"] < by_level["confidential"] < by_level[None]
    assert default_quotas().reading.per_day["default"] == 200


@pytest.mark.parametrize(
    "limit",
    [
        "{measure: requests, per: user, of: 'user:anna', window: minute, most: 0}",
        "{measure: characters, per: provider, of: 'provider:acme', window: hour, most: 5}",
        "{measure: characters, per: application, of: 'app:chat', level: internal, window: hour, most: 5}",
        "{measure: requests, per: address, of: '192.0.2.7', window: minute, most: 5}",
        "{measure: requests, per: address, of: '2001:db8::7', window: minute, most: 5}",
        "{measure: characters, per: level, of: confidential, window: day, most: 5}",
        "{measure: characters, per: all, window: day, most: 5}",
    ],
)
def test_what_is_well_formed_is_read(limit: str) -> None:
    assert len(read_quotas(written(ONE, limit)).limits) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "quotas"),
        ("limits: []\nreading: {per_day: {default: 1}}", "limits"),
        (written("{measure: words, per: user, window: day, most: 3}"), "limits.0.measure"),
        (written("{measure: requests, per: person, window: day, most: 3}"), "limits.0.per"),
        (written("{measure: requests, per: user, window: week, most: 3}"), "limits.0.window"),
        (written("{measure: requests, per: user, window: day, most: -1}"), "limits.0.most"),
        (written("{measure: requests, per: user, window: day}"), "limits.0.most"),
        (written("{measure: requests, per: user, of: anna, window: day, most: 3}"), "limits.0"),
        (written("{measure: requests, per: user, of: 'app:chat', window: day, most: 3}"), "limits.0"),
        (written("{measure: requests, per: address, of: 'office', window: day, most: 3}"), "limits.0"),
        (written("{measure: requests, per: level, of: secret, window: day, most: 3}"), "one of public, internal"),
        (written("{measure: requests, per: level, level: internal, window: day, most: 3}"), "write `of`"),
        (written("{measure: requests, per: all, of: all, window: day, most: 3}"), "says nothing beside"),
        (written("{measure: requests, per: user, window: day, most: 3, also: 1}"), "limits.0.also"),
        (written(ONE, ONE.replace("3", "4")), "limit 2 counts what an earlier one counts"),
        (written(reading="{}"), "per_day"),
        (written(reading="{per_day: {'group:legal': 3}}"), "`default` is missing"),
        (written(reading="{per_day: {default: 0}}"), "per_day.default"),
        (written(reading="{per_day: {default: 1, legal: 2}}"), "per_day.legal"),
        ("limits: [", "no YAML"),
        (f"reading: {'[' * 10_000}", "quotas"),
    ],
)  # fmt: skip
def test_what_is_not_well_formed_is_refused_and_the_place_is_named(text: str, words: str) -> None:
    with pytest.raises(BadRecord, match=words.replace(".", r"\.")):
        read_quotas(text)


@pytest.mark.parametrize("who", [ADMIN, CONSOLE])
def test_a_change_holds_for_the_next_request_and_is_recorded(staff: World, ledger: Ledger, who: UserId) -> None:
    quotas = read_quotas(written())
    with snapshot(staff.store.engine) as connection:
        assert quotas_in_force(connection) == default_quotas()
    made = set_quotas(staff.store.engine, ledger, who, quotas, version=0)
    with snapshot(staff.store.engine) as connection:
        assert quotas_in_force(connection) == quotas
    record = trail(staff.store)[-1]
    assert (made.version, record["kind"], record["changed"]) == (1, "quotas.changed", ["limits", "reading"])


@pytest.mark.parametrize("who", [ANNA, OWNER, NOBODY])
def test_nobody_else_sets_or_sees_them(staff: World, ledger: Ledger, who: UserId) -> None:
    with pytest.raises(NotAllowed):
        set_quotas(staff.store.engine, ledger, who, read_quotas(written()))
    with snapshot(staff.store.engine) as connection:
        assert quotas_in_force(connection) == default_quotas()
        assert not may_set(connection, who)
        assert may_set(connection, SECOND)
    assert trail(staff.store)[-1]["kind"] == "policy.refused"


def test_who_saw_an_older_version_changes_nothing(staff: World, ledger: Ledger) -> None:
    set_quotas(staff.store.engine, ledger, ADMIN, read_quotas(written()), version=0)
    with pytest.raises(RecordMoved):
        set_quotas(staff.store.engine, ledger, SECOND, default_quotas(), version=0)
    assert set_quotas(staff.store.engine, ledger, SECOND, default_quotas(), version=1).version == 2


def test_quotas_that_cannot_be_read_are_not_taken_for_none(staff: World) -> None:
    row = {"kind": KIND, "name": NAME, "version": 1, "record": '{"record":{"limits":[]}}', "made_by": ADMIN}
    with write(staff.store.engine) as connection:
        connection.execute(insert(registered).values(**row, made_at=datetime(2026, 11, 2, tzinfo=UTC)))
    with snapshot(staff.store.engine) as connection, pytest.raises(BadRecord):
        quotas_in_force(connection)
