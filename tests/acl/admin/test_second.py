"""Whatever waits for a second person, of whatever kind: who sees it, who decides, and what comes of it, once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from acl.admin import approvals
from acl.admin.approvals import Approval, Kind
from acl.admin.authority import Actor
from acl.admin.second import approval_for, approvals_for, approve, may_decide, reject, to_json
from acl.errors import NoSuchApproval, NotAllowed
from acl.names import ROOT, UserId
from audit.ledger import Event
from store.engine import snapshot, write
from store.schema import approval, policy_state
from tests.acl.admin.office import ADMIN, ANNA, LEAD, SECOND, kinds

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.admin.change import Change
    from audit.ledger import Ledger
    from store.folder import Store


def administers(connection: Connection, actor: UserId, _asked: Approval) -> bool:
    return bool(Actor.of(connection, actor).manages(ROOT))


def painted(change: Change, ledger: Ledger, asked: Approval, by: UserId) -> dict[str, Any]:
    ledger.append(change.connection, Event("shed.painted", by, asked.id, {"colour": asked.payload["colour"]}))
    return {"painted": asked.payload["colour"]}


def shown(_connection: Connection, asked: Approval, *, whole: bool) -> dict[str, Any]:
    return {"colour": asked.payload["colour"]} if whole else {}


SHED = Kind("shed", may_decide=administers, approved=painted, shown=shown)


@pytest.fixture
def shed(store: Store, office: dict[str, Any]) -> str:
    """Something that Anna asks for, and only an administrator of the whole may decide on."""
    with write(store.engine) as connection:
        return approvals.ask(connection, "shed", {"colour": "green"}, ANNA, "It is rusty.").id


def state(store: Store, id_: str) -> str:
    with snapshot(store.engine) as connection:
        return str(connection.scalar(select(approval.c.state).where(approval.c.id == id_)))


def test_what_its_kind_says_is_done_once_and_told(store: Store, ledger: Ledger, shed: str) -> None:
    agreed = approve(store.engine, ledger, SECOND, shed, [SHED])
    assert (agreed.asked.id, agreed.came) == (shed, {"painted": "green"})
    assert (state(store, shed), kinds(store)[-1]) == ("approved", "shed.painted")
    with pytest.raises(NoSuchApproval):
        approve(store.engine, ledger, ADMIN, shed, [SHED])
    assert kinds(store).count("shed.painted") == 1


def test_what_is_no_change_of_the_policy_moves_no_epoch(store: Store, ledger: Ledger, shed: str) -> None:
    with snapshot(store.engine) as connection:
        before = connection.scalar(select(policy_state.c.epoch))
    approve(store.engine, ledger, SECOND, shed, [SHED])
    with snapshot(store.engine) as connection:
        assert connection.scalar(select(policy_state.c.epoch)) == before


def test_a_no_is_recorded_and_nothing_is_done(store: Store, ledger: Ledger, shed: str) -> None:
    reject(store.engine, ledger, SECOND, shed, [SHED])
    assert (state(store, shed), kinds(store)[-1]) == ("rejected", "shed.rejected")
    assert "shed.painted" not in kinds(store)


@pytest.mark.parametrize("approver", [ANNA, LEAD, UserId("user:ghost")])
def test_who_asked_and_whom_the_kind_does_not_let_decides_nothing(
    store: Store, ledger: Ledger, shed: str, approver: UserId
) -> None:
    for decide in (approve, reject):
        with pytest.raises(NoSuchApproval):
            decide(store.engine, ledger, approver, shed, [SHED])
    assert (state(store, shed), kinds(store)[-1]) == ("waiting", "policy.refused")


def test_a_second_person_is_a_person(store: Store, ledger: Ledger, shed: str) -> None:
    with pytest.raises(NotAllowed):
        approve(store.engine, ledger, UserId("svc:command-line"), shed, [SHED])
    assert state(store, shed) == "waiting"


def test_a_kind_that_a_door_does_not_know_is_like_no_id(store: Store, ledger: Ledger, shed: str) -> None:
    for decide in (approve, reject):
        with pytest.raises(NoSuchApproval, match="nothing of this id waits"):
            decide(store.engine, ledger, SECOND, shed)
    with snapshot(store.engine) as connection:
        asked = approval_for(connection, SECOND, shed, [SHED])
        assert not may_decide(connection, SECOND, asked)
        assert approvals_for(connection, ANNA) == []
        assert [one.id for one in approvals_for(connection, ANNA, [SHED])] == [shed]
        with pytest.raises(NoSuchApproval):
            approval_for(connection, ANNA, shed)


def test_it_is_shown_whole_by_itself_and_short_in_a_list(store: Store, shed: str) -> None:
    with snapshot(store.engine) as connection:
        asked = approval_for(connection, SECOND, shed, [SHED])
        assert to_json(connection, asked, [SHED])["colour"] == "green"
        short = to_json(connection, asked, [SHED], whole=False)
    assert (short["kind"], short["reason"]) == ("shed", "It is rusty.")
    assert "colour" not in short


def test_what_cannot_be_done_goes_on_waiting(store: Store, ledger: Ledger, shed: str) -> None:
    def fails(*_: object) -> dict[str, Any]:
        raise NotAllowed("the ladder is gone")

    with pytest.raises(NotAllowed):
        approve(store.engine, ledger, SECOND, shed, [Kind("shed", administers, fails, shown)])
    assert state(store, shed) == "waiting"
    approve(store.engine, ledger, SECOND, shed, [SHED])


def test_of_two_that_agree_at_once_one_does(store: Store, ledger: Ledger, shed: str) -> None:
    together, came = threading.Barrier(2, timeout=30), []

    def agree(who: UserId) -> None:
        together.wait()
        try:
            approve(store.engine, ledger, who, shed, [SHED])
        except NoSuchApproval:
            came.append("refused")
        else:
            came.append("done")

    threads = [threading.Thread(target=agree, args=(who,)) for who in (ADMIN, SECOND)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(came) == ["done", "refused"]
    assert kinds(store).count("shed.painted") == 1
