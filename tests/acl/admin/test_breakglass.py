"""Emergency access: with a reason, a second person and an end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from acl.admin.breakglass import open_accesses
from acl.admin.edits import (
    EndBreakGlass,
    OpenBreakGlass,
)
from acl.admin.gate import Done, Waiting
from acl.admin.second import approve, reject
from acl.errors import BadEdit, NoSuchApproval, NotAllowed, UnknownName
from acl.names import Obj, UserId
from store import schema
from store.engine import snapshot, write

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store
    from tests.worlds import World

from tests.acl.admin.office import ADMIN, ANNA, OPEN, PAY, SECOND, STORE, Make, kinds

# --- emergency access ---------------------------------------------------------------------------


def test_emergency_access_is_asked_for_agreed_to_and_ends(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bert, paper = UserId("user:bert"), office["paper"]
    made = make(bert, OpenBreakGlass(bert, Obj(OPEN), 30), reason="The boiler is on fire.")
    assert isinstance(made, Waiting)
    assert not world.verdict(bert, paper)
    for approver in (bert, ANNA):
        with pytest.raises((NoSuchApproval, NotAllowed)):
            approve(store.engine, ledger, approver, made.approval)
    approve(store.engine, ledger, SECOND, made.approval)
    assert world.verdict(bert, paper)
    assert not world.verdict(bert, paper, "write")
    assert kinds(store)[-2:] == ["break-glass.opened", "policy.changed"]
    assert "emergency access opened on coll:open" in caplog.text
    with snapshot(store.engine) as connection:
        (opened,) = open_accesses(connection, bert)
    assert isinstance(make(bert, EndBreakGlass(opened.id)), Done)
    assert not world.verdict(bert, paper)


def test_emergency_access_ends_by_itself(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    bert = UserId("user:bert")
    made = make(bert, OpenBreakGlass(bert, Obj(OPEN), 1))
    assert isinstance(made, Waiting)
    approve(store.engine, ledger, ADMIN, made.approval)
    assert world.verdict(bert, office["paper"])
    with write(store.engine) as connection:
        connection.execute(update(schema.break_glass).values(ends_at=datetime.now(UTC)))
    assert not world.verdict(bert, office["paper"])
    with pytest.raises(NotAllowed):
        make(ANNA, EndBreakGlass("none"))
    again = make(bert, OpenBreakGlass(bert, Obj(STORE), 1))
    assert isinstance(again, Waiting)
    approve(store.engine, ledger, ADMIN, again.approval)
    with snapshot(store.engine) as connection:
        roles = connection.scalars(select(schema.casbin_rule.c.v0).where(schema.casbin_rule.c.v0.like("role:%"))).all()
    assert len(roles) == 1  # the rule of the one that ended is gone


def test_who_gets_emergency_access_is_never_the_second_person(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    """An administrator who asks for somebody needs another administrator, not the one whom he asks for."""
    bert = UserId("user:bert")
    made = make(ADMIN, OpenBreakGlass(bert, Obj(OPEN), 30))
    assert isinstance(made, Waiting)
    for decide in (approve, reject):
        with pytest.raises(NoSuchApproval):
            decide(store.engine, ledger, bert, made.approval)
    assert not world.verdict(bert, office["paper"])
    approve(store.engine, ledger, SECOND, made.approval)
    assert world.verdict(bert, office["paper"])


def test_asking_for_emergency_access_does_not_tell_whether_a_place_is_there(
    store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    """AZ-03: what is not there waits as well, and whoever may decide finds out."""
    bert = UserId("user:bert")
    there, absent = (make(bert, OpenBreakGlass(bert, Obj(place), 30)) for place in (PAY, "coll:absent"))
    assert isinstance(there, Waiting)
    assert isinstance(absent, Waiting)
    assert there.reasons[0].replace(PAY, "coll:absent") == absent.reasons[0]
    with pytest.raises(UnknownName):
        approve(store.engine, ledger, SECOND, absent.approval)
    with pytest.raises(UnknownName):
        make(ADMIN, OpenBreakGlass(bert, Obj("coll:absent"), 30))


def test_emergency_access_gives_way_to_denies_and_labels(
    world: World, store: Store, ledger: Ledger, office: dict[str, Any], make: Make
) -> None:
    bert = UserId("user:bert")
    pay = world.document(office["pay"], "What Bert is not cleared for.")
    world.deny(bert, office["cellar"])
    made = make(bert, OpenBreakGlass(bert, Obj(OPEN), 30), OpenBreakGlass(bert, Obj(PAY), 30))
    assert isinstance(made, Waiting)
    approve(store.engine, ledger, ADMIN, made.approval)
    assert not world.verdict(bert, office["paper"])
    assert not world.verdict(bert, pay)


@pytest.mark.parametrize("minutes", [0, -5, 24 * 60 + 1])
def test_emergency_access_has_an_end_within_a_day(office: dict[str, Any], make: Make, minutes: int) -> None:
    with pytest.raises(BadEdit):
        make(ADMIN, OpenBreakGlass(UserId("user:bert"), Obj(OPEN), minutes))


def test_nobody_asks_for_emergency_access_for_others_or_as_nobody(office: dict[str, Any], make: Make) -> None:
    for actor in (ANNA, UserId("user:ghost")):
        with pytest.raises(NotAllowed):
            make(actor, OpenBreakGlass(UserId("user:bert"), Obj(OPEN), 5))
    with pytest.raises(NotAllowed):
        make(UserId("user:ghost"), OpenBreakGlass(UserId("user:ghost"), Obj(OPEN), 5))
