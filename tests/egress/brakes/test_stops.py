"""The kill switch: who may stop what, what is stopped then, in every worker, and how two people start it again."""

from __future__ import annotations

import multiprocessing
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from acl.admin.gate import CONSOLE
from acl.admin.second import approve, may_decide, reject, to_json
from acl.errors import BadName, NoSuchApproval, NotAllowed, UnknownName
from acl.names import UserId
from audit.ledger import Ledger, verify
from egress.brakes.lifting import LIFT_STOP, ask_to_lift
from egress.brakes.stops import ALL, Stops, parse_target, require_running, stop, stopped, stops_for
from egress.errors import NoSuchStop, Stopped
from store.engine import snapshot
from store.schema import stop as stops
from tests.egress.brakes.people import ADMIN, ANNA, BEN, NOBODY, OWNER, SECOND, THIRD, trail
from tests.processes import PATIENCE, together

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.synchronize import Event

    from store.folder import Store
    from tests.processes import Place
    from tests.worlds import World

CHAT, ACME = "app:chat", "provider:acme"
ASKED = (ANNA, CHAT, ACME)


def runs(store: Store, *targets: str) -> bool:
    try:
        require_running(store.engine, targets)
    except Stopped:
        return False
    return True


# --- what is stopped ----------------------------------------------------------------------------


@pytest.mark.parametrize("target", [*ASKED, ALL])
def test_what_is_stopped_does_not_run_and_the_rest_does(staff: World, ledger: Ledger, target: str) -> None:
    store = staff.store
    assert runs(store, *ASKED)
    stop(store.engine, ledger, ADMIN, target, "The key of a contract leaked.")
    assert not runs(store, *ASKED)
    assert not runs(store, target)
    assert runs(store, BEN, "app:script", "provider:other") == (target != ALL)
    assert runs(store) == (target != ALL)


def test_who_is_stopped_is_told_whom_to_ask_and_not_why(staff: World, ledger: Ledger) -> None:
    stop(staff.store.engine, ledger, ADMIN, ANNA, "She sells our drawings.")
    with pytest.raises(Stopped) as error:
        require_running(staff.store.engine, ASKED)
    assert str(error.value) == "Asking is stopped for you. Ask your administrator."


def test_a_name_that_only_begins_alike_is_not_stopped(staff: World, ledger: Ledger) -> None:
    stop(staff.store.engine, ledger, ADMIN, ACME, "Their contract ended.")
    assert runs(staff.store, "provider:acme-eu", "provider:ac", "provider:ACME")


def test_it_is_in_the_trail_without_the_name_and_the_reason(staff: World, ledger: Ledger) -> None:
    made = stop(staff.store.engine, ledger, ADMIN, ANNA, "She sells our drawings.")
    record = trail(staff.store)[-1]
    assert (record["kind"], record["request"], record["who"]) == ("stop.made", made.id, ledger.pseudonym(ADMIN))
    assert record["target"] == f"user:{ledger.pseudonym(ANNA)}"
    assert "drawings" not in str(record)
    assert "anna" not in str(record)
    verify(staff.store.engine)


# --- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "target"),
    [(ADMIN, ANNA), (ADMIN, CHAT), (ADMIN, ACME), (ADMIN, ALL), (OWNER, CHAT), (CONSOLE, ALL), (CONSOLE, ANNA)],
)
def test_who_manages_it_stops_it(staff: World, ledger: Ledger, who: UserId, target: str) -> None:
    made = stop(staff.store.engine, ledger, who, target, "A drill.")
    assert (made.made_by, made.target, made.lifted_at) == (who, target, None)
    with snapshot(staff.store.engine) as connection:
        assert stopped(connection, [target]) == made


@pytest.mark.parametrize(
    ("who", "target"),
    [(OWNER, ACME), (OWNER, "app:other"), (OWNER, ANNA), (OWNER, ALL), (ANNA, BEN), (ANNA, ANNA), (ANNA, ALL),
     (NOBODY, ALL), (UserId("svc:other"), ALL)],
)  # fmt: skip
def test_nobody_else_does_and_the_attempt_is_recorded(staff: World, ledger: Ledger, who: UserId, target: str) -> None:
    with pytest.raises(NotAllowed):
        stop(staff.store.engine, ledger, who, target, "A drill.")
    assert runs(staff.store, target)
    assert (trail(staff.store)[-1]["kind"], trail(staff.store)[-1]["what"]) == ("policy.refused", "stop")


def test_a_person_whom_nobody_knows_is_not_taken_for_stopped(staff: World, ledger: Ledger) -> None:
    with pytest.raises(UnknownName):
        stop(staff.store.engine, ledger, ADMIN, "user:ana", "A slip of the pen.")


@pytest.mark.parametrize(
    "text", ["", "anna", "user:", "coll:finance", "root:all", "user:a b", "all:none", "everything"]
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        parse_target(text)


@pytest.mark.parametrize("text", ["all", ALL, ANNA, CHAT, ACME])
def test_what_is_a_target_is_read(text: str) -> None:
    assert parse_target(text) in (text, ALL)


def test_who_may_stop_something_sees_that_it_is_stopped(staff: World, ledger: Ledger) -> None:
    for target in (ANNA, CHAT, ACME):
        stop(staff.store.engine, ledger, ADMIN, target, "A drill.")
    with snapshot(staff.store.engine) as connection:
        seen = {who: {one.target for one in stops_for(connection, who)} for who in (SECOND, CONSOLE, OWNER, ANNA)}
    assert seen == {SECOND: {ANNA, CHAT, ACME}, CONSOLE: {ANNA, CHAT, ACME}, OWNER: {CHAT}, ANNA: set()}


# --- starting again -----------------------------------------------------------------------------


def lift(staff: World, ledger: Ledger, first: UserId, second: UserId, target: str, stopper: UserId = ADMIN) -> None:
    made = stop(staff.store.engine, ledger, stopper, target, "A drill.")
    asked = ask_to_lift(staff.store.engine, ledger, first, made.id, "It is over.")
    assert not runs(staff.store, target)
    approve(staff.store.engine, ledger, second, asked.id, [LIFT_STOP])


@pytest.mark.parametrize(
    ("first", "second", "target"),
    [(ADMIN, SECOND, ALL), (THIRD, SECOND, ALL), (SECOND, THIRD, ANNA), (ADMIN, OWNER, CHAT), (OWNER, SECOND, CHAT),
     (CONSOLE, SECOND, ALL)],
)  # fmt: skip
def test_two_start_it_again(staff: World, ledger: Ledger, first: UserId, second: UserId, target: str) -> None:
    lift(staff, ledger, first, second, target)
    assert runs(staff.store, target)
    assert [record["kind"] for record in trail(staff.store)[-3:]] == ["stop.made", "stop.lift-asked", "stop.lifted"]
    with snapshot(staff.store.engine) as connection:
        row = connection.execute(select(stops)).one()  # lifted, and still there
        assert stops_for(connection, SECOND) == []
        assert [one.lifted_by for one in stops_for(connection, SECOND, lifted=True)] == [second]
    assert (row.lifted_by, row.made_by) == (second, ADMIN)


@pytest.mark.parametrize(
    ("first", "second", "target"),
    [
        (SECOND, ADMIN, ALL),  # who stopped it
        (SECOND, SECOND, ALL),  # who asked
        (SECOND, OWNER, ALL),  # who manages a part
        (SECOND, OWNER, ANNA),
        (SECOND, ANNA, ANNA),  # who is stopped
        (SECOND, THIRD, THIRD),
        (SECOND, NOBODY, CHAT),
    ],
)
def test_the_second_is_another_than_who_stopped_asked_or_is_stopped(
    staff: World, ledger: Ledger, first: UserId, second: UserId, target: str
) -> None:
    with pytest.raises(NoSuchApproval):
        lift(staff, ledger, first, second, target)
    assert not runs(staff.store, target)


@pytest.mark.parametrize(("who", "target"), [(ANNA, ANNA), (THIRD, THIRD), (OWNER, ALL), (ANNA, CHAT), (NOBODY, ALL)])
def test_who_is_stopped_or_may_not_stop_it_cannot_even_ask(
    staff: World, ledger: Ledger, who: UserId, target: str
) -> None:
    made = stop(staff.store.engine, ledger, ADMIN, target, "A drill.")
    words = set()
    for id_ in (made.id, "5d0c9b7e-6a53-4d0f-9c1e-0a1f6f2f7e11"):
        with pytest.raises(NoSuchStop) as error:
            ask_to_lift(staff.store.engine, ledger, who, id_, "Please.")
        words.add(str(error.value))
        assert trail(staff.store)[-1]["kind"] == "policy.refused"
    assert len(words) == 1
    assert ask_to_lift(staff.store.engine, ledger, SECOND, made.id, "It is over.").kind == "lift-stop"


def test_a_no_leaves_it_stopped(staff: World, ledger: Ledger) -> None:
    made = stop(staff.store.engine, ledger, ADMIN, ALL, "A drill.")
    asked = ask_to_lift(staff.store.engine, ledger, ADMIN, made.id, "It is over.")
    reject(staff.store.engine, ledger, SECOND, asked.id, [LIFT_STOP])
    assert not runs(staff.store)
    assert trail(staff.store)[-1]["kind"] == "lift-stop.rejected"


def test_of_two_stops_on_one_target_each_is_lifted(staff: World, ledger: Ledger) -> None:
    stop(staff.store.engine, ledger, SECOND, ACME, "A breach at theirs.")
    lift(staff, ledger, SECOND, THIRD, ACME)  # the one that ADMIN made
    assert not runs(staff.store, ACME)


def test_a_stop_is_lifted_once(staff: World, ledger: Ledger) -> None:
    made = stop(staff.store.engine, ledger, ADMIN, ALL, "A drill.")
    one, other = (ask_to_lift(staff.store.engine, ledger, who, made.id, "Over.") for who in (SECOND, THIRD))
    approve(staff.store.engine, ledger, THIRD, one.id, [LIFT_STOP])
    with pytest.raises(NoSuchApproval, match="lifted already"):
        approve(staff.store.engine, ledger, SECOND, other.id, [LIFT_STOP])
    with pytest.raises(NoSuchStop):
        ask_to_lift(staff.store.engine, ledger, SECOND, made.id, "Again.")


def test_who_may_no_longer_ask_does_not_start_it(staff: World, ledger: Ledger) -> None:
    made = stop(staff.store.engine, ledger, ADMIN, CHAT, "A drill.")
    asked = ask_to_lift(staff.store.engine, ledger, OWNER, made.id, "It is over.")
    staff.deactivate(OWNER)
    with pytest.raises(NotAllowed):
        approve(staff.store.engine, ledger, SECOND, asked.id, [LIFT_STOP])
    assert not runs(staff.store, CHAT)


def test_the_second_person_sees_who_stopped_it_and_why(staff: World, ledger: Ledger) -> None:
    made = stop(staff.store.engine, ledger, ADMIN, ANNA, "She sells our drawings.")
    asked = ask_to_lift(staff.store.engine, ledger, THIRD, made.id, "She does not.")
    with snapshot(staff.store.engine) as connection:
        told = to_json(connection, asked, [LIFT_STOP])
        deciding = {who: may_decide(connection, who, asked, [LIFT_STOP]) for who in (ADMIN, SECOND, THIRD, ANNA)}
    assert (told["target"], told["stopped_by"], told["stopped_for"]) == (ANNA, ADMIN, "She sells our drawings.")
    assert (told["reason"], told["reasons"]) == ("She does not.", ["it starts user:anna again"])
    assert deciding == {ADMIN: False, SECOND: True, THIRD: False, ANNA: False}


# --- while something runs -----------------------------------------------------------------------


def test_a_running_call_looks_at_once_and_then_twice_a_second(staff: World, ledger: Ledger) -> None:
    now = [100.0]
    proceed = Stops(staff.store.engine, clock=lambda: now[0]).proceed(ASKED)
    proceed()
    stop(staff.store.engine, ledger, ADMIN, ACME, "A drill.")
    now[0] += 0.49
    proceed()  # it does not look yet
    now[0] += 0.01
    with pytest.raises(Stopped):
        proceed()
    with pytest.raises(Stopped):
        proceed()  # nor does it forget


def test_a_call_that_begins_after_the_stop_does_not_begin(staff: World, ledger: Ledger) -> None:
    stop(staff.store.engine, ledger, ADMIN, ALL, "A drill.")
    with pytest.raises(Stopped):
        Stops(staff.store.engine).proceed(ASKED)()


def stream(place: Place, running: Event, pipe: Pipe) -> None:
    """Answer with a model that says a word every twentieth of a second and never comes to an end."""
    never = threading.Event()
    with place.open() as store:
        proceed = Stops(store.engine).proceed(ASKED)
        ends = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < ends:
                proceed()
                running.set()
                never.wait(0.05)
        except Stopped:
            pipe.send(time.monotonic())
        else:
            pipe.send(None)


def kill(place: Place, running: Event, pipe: Pipe) -> None:
    with place.open() as store:
        assert running.wait(PATIENCE)
        stop(store.engine, Ledger(store.engine, store.keys.audit), ADMIN, ACME, "A breach at theirs.")
        pipe.send(time.monotonic())


def test_a_stream_is_cut_within_two_seconds_of_a_stop_by_another_process(staff: World, place: Place) -> None:
    """AL-10, AU-06: and it stays cut for whoever comes after."""
    context = multiprocessing.get_context("spawn")
    running = context.Event()
    jobs: list[Any] = [(stream, (place, running)), (kill, (place, running))]
    cut, killed = together(context, jobs)
    assert cut is not None
    assert cut - killed < 2
    assert not runs(staff.store, ACME)
