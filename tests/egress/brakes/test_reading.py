"""The reading alarm: who is shown unusually many documents in a day is stopped, and two let him go on."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from acl.admin.second import approve
from egress.brakes.lifting import LIFT_STOP, ask_to_lift
from egress.brakes.quotas import Reading
from egress.brakes.reading import ALARM, note_reading
from egress.brakes.stops import require_running, stops_for
from egress.errors import Stopped
from store.engine import snapshot, write
from store.schema import reading
from tests.egress.brakes.people import ADMIN, ANNA, BEN, SECOND, trail

if TYPE_CHECKING:
    from acl.names import UserId
    from audit.ledger import Ledger
    from egress.brakes.stops import Stop
    from tests.worlds import World

TEN = Reading(per_day={"default": 10})


def documents(many: int, first: int = 0) -> list[str]:
    return [f"doc:{number}" for number in range(first, first + many)]


def shown(
    staff: World, ledger: Ledger, these: list[str], limits: Reading = TEN, user: UserId = ANNA, **more: Any
) -> bool:
    """Say whether somebody is let see some documents."""
    try:
        note_reading(staff.store.engine, ledger, user, these, limits, **more)
    except Stopped:
        return False
    return True


def before(staff: World, *counts: int) -> None:
    """Let Anna have been shown so many documents on each of the last days."""
    today = datetime.now(UTC)
    rows = [
        {"user_id": ANNA, "day": (today - timedelta(days=ago)).date().isoformat(), "document_id": document}
        for ago, many in enumerate(counts, start=1)
        for document in documents(many)
    ]
    with write(staff.store.engine) as connection:
        connection.execute(insert(reading), rows)


def held(staff: World) -> list[Stop]:
    with snapshot(staff.store.engine) as connection:
        return stops_for(connection, ADMIN)


def test_up_to_the_limit_nothing_happens_and_one_more_stops_who_reads(
    staff: World, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    assert shown(staff, ledger, documents(10))
    assert held(staff) == []
    require_running(staff.store.engine, [ANNA])
    assert not shown(staff, ledger, documents(1, first=10))
    (stop,) = held(staff)
    assert (stop.target, stop.made_by, stop.reason) == (
        ANNA, ALARM, "11 documents in a day: 10 is the most, and 0 are usual",
    )  # fmt: skip
    with pytest.raises(Stopped):
        require_running(staff.store.engine, [ANNA])
    require_running(staff.store.engine, [BEN])
    made, alarm = trail(staff.store)[-2:]
    assert (made["kind"], alarm["kind"], alarm["who"]) == ("stop.made", "reading.alarm", ledger.pseudonym(ANNA))
    assert (alarm["count"], alarm["most"], alarm["usual"]) == (11, 10, 0)
    assert "anna" not in str((made, alarm))
    assert "reading alarm: somebody was shown 11 documents today" in caplog.text
    assert "anna" not in caplog.text


def test_the_same_documents_again_count_once(staff: World, ledger: Ledger) -> None:
    for _ in range(5):
        assert note_reading(staff.store.engine, ledger, ANNA, [*documents(10), "doc:0"], TEN) == 10
    assert shown(staff, ledger, documents(10), user=BEN)
    assert held(staff) == []


def test_another_day_begins_anew(staff: World, ledger: Ledger) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert shown(staff, ledger, documents(10))
    assert shown(staff, ledger, documents(10, first=10), clock=lambda: tomorrow)
    assert not shown(staff, ledger, documents(1, first=20), clock=lambda: tomorrow)


@pytest.mark.parametrize(
    ("per_day", "most"),
    [
        ({"default": 10}, 10),
        ({"default": 10, "group:legal": 30}, 30),
        ({"default": 10, "group:legal": 5}, 5),  # for a group it may be less as well
        ({"default": 10, "group:legal": 5, "group:firm": 20}, 20),  # the most generous, however deep
        ({"default": 10, "user:anna": 40, "group:firm": 20}, 40),
        ({"default": 10, "group:others": 99, "user:ben": 99}, 10),
    ],
)
def test_the_most_generous_of_ones_own_holds(staff: World, ledger: Ledger, per_day: dict[str, int], most: int) -> None:
    reader = staff.user("reader", groups=["legal"])
    staff.nest("legal", "firm")
    limits = Reading(per_day={name.replace("anna", "reader"): many for name, many in per_day.items()})
    assert shown(staff, ledger, documents(most), limits, reader)
    assert not shown(staff, ledger, documents(1, first=most), limits, reader)


@pytest.mark.parametrize(
    ("counts", "most"),
    [
        ((4, 4, 4, 4, 4), 20),  # five times what is usual
        ((4, 4, 4, 4, 400), 20),  # one day is not usual
        ((2, 2, 2, 2, 2), 12),  # but not less than the floor
        ((4, 4, 4, 4), 200),  # too few days to tell
        ((90, 90, 90, 90, 90), 200),  # what is usual opens nothing
    ],
)
def test_over_five_times_what_is_usual_is_unusual(
    staff: World, ledger: Ledger, counts: tuple[int, ...], most: int
) -> None:
    before(staff, *counts)
    limits = Reading(per_day={"default": 200}, times_usual=5, usual_from=12)
    assert shown(staff, ledger, documents(most), limits)
    assert not shown(staff, ledger, documents(1, first=most), limits)


def test_whom_two_let_go_on_has_a_whole_measure_again(staff: World, ledger: Ledger) -> None:
    assert not shown(staff, ledger, documents(11))
    (stop,) = held(staff)
    asked = ask_to_lift(staff.store.engine, ledger, ADMIN, stop.id, "It is the year's audit.")
    approve(staff.store.engine, ledger, SECOND, asked.id, [LIFT_STOP])
    assert shown(staff, ledger, documents(9, first=11))  # 20 in all
    assert not shown(staff, ledger, documents(1, first=20))
    assert len(held(staff)) == 1


def test_a_question_that_was_under_way_when_the_alarm_came_is_shown_nothing(staff: World, ledger: Ledger) -> None:
    assert not shown(staff, ledger, documents(11))
    assert not shown(staff, ledger, documents(1, first=11))
    assert len(held(staff)) == 1  # one alarm is enough


def test_questions_at_once_count_together_and_alarm_once(staff: World, ledger: Ledger) -> None:
    came, together = [], threading.Barrier(4, timeout=30)

    def ask(first: int) -> None:
        together.wait()
        came.append(shown(staff, ledger, documents(4, first=first)))

    threads = [threading.Thread(target=ask, args=(4 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(came) == [False, False, True, True]
    assert len(held(staff)) == 1
