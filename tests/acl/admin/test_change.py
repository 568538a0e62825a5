from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from acl.admin.groups import join_group
from acl.admin.nodes import add_collection, ensure_folder
from acl.admin.people import Person, add_user, require_subject
from acl.admin.rules import grant
from acl.errors import BadName, UnknownName
from acl.labels import PUBLIC, Label, Level
from acl.names import NodeId, UserId
from audit.errors import AuditDown
from audit.ledger import records, verify
from store.engine import snapshot, write
from store.schema import audit_head, policy_state, users
from tests.acl.changes import GDPR, Open, rule, tables
from tests.worlds import ADMIN

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store


def epoch(store: Store) -> int:
    with snapshot(store.engine) as connection:
        found: int = connection.scalars(select(policy_state.c.epoch)).one()
    return found


def changes(store: Store) -> list[Any]:
    """Give what each audit record of a change says was changed."""
    with snapshot(store.engine) as connection:
        return [record.body["changes"] for record in records(connection)]


# --- one change ---------------------------------------------------------------------------------


def test_a_change_is_counted_once_and_recorded_once_whatever_it_holds(
    store: Store, ledger: Ledger, change: Open
) -> None:
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna", clearance=Level.CONFIDENTIAL, compartments=frozenset({GDPR})))
        join_group(c, "user:anna", "group:finance")
        add_collection(c, NodeId("coll:a"), "A", Label(Level.INTERNAL))
        folder = ensure_folder(c, NodeId("coll:a"), "f", inherit=False)
        grant(c, rule("group:finance", "coll:a"))
        grant(c, rule("user:anna", "owner:anna", "*"))
    anna = ledger.pseudonym("user:anna")
    assert epoch(store) == 1
    assert changes(store) == [
        [
            ["user", f"user:{anna}", "confidential+gdpr"],
            ["member", f"user:{anna}", "group:finance"],
            ["node", "coll:a", "", "internal", "inherits"],
            ["node", folder, "coll:a", "public", "cut"],
            ["rule", "group:finance", "coll:a", "read", "allow"],
            ["rule", f"user:{anna}", f"owner:{anna}", "*", "allow"],
        ]
    ]
    with change() as c:
        grant(c, rule("user:anna", "coll:a", effect="deny"))
    assert epoch(store) == 2
    assert verify(store.engine).records == 2


def test_the_record_names_the_epoch_and_who_changed_it(store: Store, ledger: Ledger, change: Open) -> None:
    with change() as c:
        add_collection(c, NodeId("coll:a"), "A", PUBLIC)
    with snapshot(store.engine) as connection:
        (record,) = records(connection)
    assert (record.body["kind"], record.body["epoch"]) == ("policy.changed", 1)
    assert record.body["who"] == ledger.pseudonym(ADMIN)


def test_the_trail_of_changes_names_no_person_in_clear(store: Store, change: Open) -> None:
    """The trail is never rewritten: a name in it could not be erased, and would resolve the pseudonym beside it."""
    with change() as c:
        add_user(c, Person(UserId("user:zoltanine"), "Zoltanine Q", "zoltanine@staff.example", "+44 20 7946 0002"))
        join_group(c, "user:zoltanine", "group:finance")
        grant(c, rule("user:zoltanine", "owner:zoltanine", "*"))
    (written,) = changes(store)
    assert len(written) == 3
    assert "zoltanine" not in json.dumps(written).lower()
    assert "7946" not in json.dumps(written)


def test_a_change_of_nothing_is_neither_counted_nor_recorded(store: Store, change: Open) -> None:
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
        join_group(c, "user:anna", "group:finance")
        grant(c, rule("user:anna", "coll:a"))
        add_collection(c, NodeId("coll:a"), "A", PUBLIC)
        ensure_folder(c, NodeId("coll:a"), "f")
    before = tables(store.engine)
    with change():
        pass
    with change() as c:
        join_group(c, "user:anna", "group:finance")
        grant(c, rule("user:anna", "coll:a"))
        ensure_folder(c, NodeId("coll:a"), "f")
    assert tables(store.engine) == before


def test_nothing_of_a_block_that_raises_remains(store: Store, change: Open) -> None:
    before = tables(store.engine)

    def half() -> None:
        with change() as c:
            add_user(c, Person(UserId("user:anna"), "Anna", compartments=frozenset({GDPR})))
            join_group(c, "user:anna", "group:finance")
            add_collection(c, NodeId("coll:a"), "A", Label(Level.INTERNAL, frozenset({GDPR})))
            grant(c, rule("user:anna", "coll:a"))
            grant(c, rule("user:bert", "coll:a"))

    with pytest.raises(UnknownName, match="user:bert"):
        half()
    assert tables(store.engine) == before


def test_a_change_that_cannot_be_recorded_does_not_hold(store: Store, change: Open) -> None:
    """AL-01."""
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
    with write(store.engine) as connection:
        connection.execute(update(audit_head).values(seq=0))
    before = tables(store.engine)
    with pytest.raises(AuditDown), change() as c:
        grant(c, rule("user:anna", "root:all"))
    assert tables(store.engine) == before


def test_administrators_side_by_side_take_turns(store: Store, change: Open) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            with change() as c:
                add_user(c, Person(UserId(f"user:u{number}-{turn}"), "U"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epoch(store) == 20
    with snapshot(store.engine) as connection:
        assert [record.body["epoch"] for record in records(connection)] == list(range(1, 21))
        assert connection.scalar(select(func.count()).select_from(users)) == 20


# --- subjects that exist ------------------------------------------------------------------------


@pytest.fixture
def staffed(store: Store, change: Open) -> Store:
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
        join_group(c, "user:anna", "group:finance")
        join_group(c, "group:finance", "group:staff")
        grant(c, rule("group:empty", "root:all"))
    return store


@pytest.mark.parametrize("subject", ["user:anna", "group:finance", "group:staff", "role:everyone"])
def test_a_subject_that_is_there_is_taken(staffed: Store, subject: str) -> None:
    with snapshot(staffed.engine) as connection:
        assert require_subject(connection, subject) == subject


@pytest.mark.parametrize(
    ("subject", "error"),
    [
        ("user:bert", UnknownName),
        ("group:empty", UnknownName),
        ("group:none", UnknownName),
        ("role:admin", UnknownName),
        ("svc:x", UnknownName),
        ("user:Anna", UnknownName),
        ("everyone", BadName),
        ("coll:a", BadName),
        ("", BadName),
    ],
)
def test_a_subject_that_is_not_there_is_refused(staffed: Store, subject: str, error: type[Exception]) -> None:
    with snapshot(staffed.engine) as connection, pytest.raises(error):
        require_subject(connection, subject)
