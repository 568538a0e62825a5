from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.groups import join_group
from acl.admin.keys import PREFIX, holder_of_key, make_key, new_api_key, revoke_api_keys, revoke_keys, shown
from acl.admin.people import Person, add_user, set_active
from acl.errors import BadName, NotAllowed, UnknownName
from acl.names import ROOT, UserId
from audit.ledger import records
from store.engine import snapshot, write
from store.schema import api_key, registered
from tests.worlds import ADMIN, World

if TYPE_CHECKING:
    from audit.ledger import Ledger
    from store.folder import Store

ANNA, BERT = UserId("user:anna"), UserId("user:bert")


@pytest.fixture(autouse=True)
def _people(store: Store, ledger: Ledger) -> None:
    with policy_change(store.engine, ledger, ADMIN) as change:
        for user in (ANNA, BERT):
            add_user(change, Person(user, "A Person"))
        join_group(change, ANNA, "group:finance")


def new_key(store: Store, ledger: Ledger, user: UserId = ANNA) -> str:
    with policy_change(store.engine, ledger, ADMIN) as change:
        return new_api_key(change, user)


def revoke(store: Store, ledger: Ledger, prefix: str) -> None:
    with policy_change(store.engine, ledger, ADMIN) as change:
        revoke_api_keys(change, prefix)


def whose(store: Store, key: str) -> UserId | None:
    with snapshot(store.engine) as connection:
        holder = holder_of_key(connection, key)
    return None if holder is None else holder.user


def test_a_key_belongs_to_whom_it_was_made_for(store: Store, ledger: Ledger) -> None:
    keys = {user: new_key(store, ledger, user) for user in (ANNA, BERT)}
    assert [whose(store, keys[user]) for user in (ANNA, BERT)] == [ANNA, BERT]
    assert all(key.startswith(PREFIX) and len(key) >= len(PREFIX) + 43 for key in keys.values())


@pytest.mark.sqlite
def test_no_part_of_the_data_folder_holds_a_key(store: Store, ledger: Ledger) -> None:
    key = new_key(store, ledger)
    content = b"".join(path.read_bytes() for path in store.layout.root.glob("ntk.db*"))
    assert key.encode() not in content
    assert key[len(PREFIX) + 6 :].encode() not in content
    assert hashlib.sha256(key.encode()).hexdigest().encode() in content
    assert key[: len(PREFIX) + 6].encode() in content  # what is shown of it


def test_the_trail_names_the_beginning_of_a_key_alone(store: Store, ledger: Ledger) -> None:
    key = new_key(store, ledger)
    revoke(store, ledger, key[:10])
    anna = ledger.pseudonym(ANNA)
    with snapshot(store.engine) as connection:
        made, revoked = [record.body["changes"] for record in records(connection)][1:]
    assert made == [["key", f"user:{anna}", key[:10]]]
    assert revoked == [["key revoked", key[:10]]]


def test_what_is_stored_of_a_key_does_not_open(store: Store, ledger: Ledger) -> None:
    """AU-07: who reads the table has no key by it."""
    key = new_key(store, ledger)
    with snapshot(store.engine) as connection:
        row = connection.execute(select(api_key)).one()
    for stored in (row.hash, PREFIX + row.hash, row.prefix, row.hash.upper()):
        assert whose(store, stored) is None
    assert whose(store, key) == ANNA


def test_no_other_text_is_a_key(store: Store, ledger: Ledger) -> None:
    """AZ-11: the whole of it counts."""
    key = new_key(store, ledger)
    near = [
        "", PREFIX, key[:-1], key + "x", key + " ", " " + key, key + "\n", key[:10], key.upper(), key.swapcase(),
        key.removeprefix(PREFIX), "ntk-" + key.removeprefix(PREFIX), key[:20] + "%", "%", PREFIX + "%",
        PREFIX + "\ud800", PREFIX + "x" * 10_000, PREFIX + "' OR '1'='1",
    ]  # fmt: skip
    assert [whose(store, text) for text in near] == [None] * len(near)
    changed = [key[:place] + ("a" if key[place] != "a" else "b") + key[place + 1 :] for place in range(len(key))]
    assert {whose(store, text) for text in changed} == {None}
    assert whose(store, key) == ANNA


@pytest.mark.parametrize("place", [0, 9, 20, 21, -1])
def test_keys_that_differ_in_one_character_are_two_peoples(store: Store, place: int) -> None:
    """AZ-11: they share beginning, end and length, and no table or look-up cuts a key short."""
    letters = ["a"] * 43
    keys = {}
    for user, letter in ((ANNA, "b"), (BERT, "c")):
        letters[place] = letter
        keys[user] = PREFIX + "".join(letters)
    with write(store.engine) as connection:
        for user, key in keys.items():
            hashed = hashlib.sha256(key.encode()).hexdigest()
            row = {"hash": hashed, "prefix": key[:10], "user_id": user, "created_at": datetime.now(UTC)}
            connection.execute(insert(api_key).values(row))
    assert {user: whose(store, key) for user, key in keys.items()} == {ANNA: ANNA, BERT: BERT}
    assert whose(store, PREFIX + "a" * 43) is None


def test_a_revoked_key_is_nobodys(store: Store, ledger: Ledger) -> None:
    key, other = new_key(store, ledger), new_key(store, ledger)
    revoke(store, ledger, key[:10])
    assert whose(store, key) is None
    assert whose(store, other) == ANNA


def test_a_key_is_revoked_once(store: Store, ledger: Ledger) -> None:
    key = new_key(store, ledger)
    revoke(store, ledger, key[:10])
    with snapshot(store.engine) as connection:
        when = connection.scalar(select(api_key.c.revoked_at))
    with pytest.raises(UnknownName, match="no working key"):
        revoke(store, ledger, key[:10])
    with snapshot(store.engine) as connection:
        assert connection.scalar(select(api_key.c.revoked_at)) == when


@pytest.mark.parametrize("prefix", ["", "ntk_", "ntk_%", "%", "ntk_______", "user:anna"])
def test_a_beginning_that_is_not_shown_revokes_nothing(store: Store, ledger: Ledger, prefix: str) -> None:
    key = new_key(store, ledger)
    with pytest.raises(UnknownName):
        revoke(store, ledger, prefix)
    assert whose(store, key) == ANNA


def test_a_whole_key_revokes_nothing(store: Store, ledger: Ledger) -> None:
    """It must not have to be typed, and so stand in a shell's history, to be revoked."""
    key = new_key(store, ledger)
    with pytest.raises(UnknownName):
        revoke(store, ledger, key)
    assert whose(store, key) == ANNA


@pytest.mark.parametrize(
    ("user", "error"),
    [("user:nobody", UnknownName), ("group:finance", BadName), ("role:everyone", BadName), ("anna", BadName)],
)
def test_a_key_is_made_for_a_user_alone(store: Store, ledger: Ledger, user: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        new_key(store, ledger, UserId(user))
    with snapshot(store.engine) as connection:
        assert connection.execute(select(api_key)).all() == []


def test_every_key_is_another(store: Store, ledger: Ledger) -> None:
    with policy_change(store.engine, ledger, ADMIN) as change:
        keys = {new_api_key(change, ANNA) for _ in range(50)}
    assert len(keys) == 50


def test_the_keys_of_somebody_who_is_shut_out_open_nothing(store: Store, ledger: Ledger) -> None:
    """AU-06."""
    with policy_change(store.engine, ledger, ADMIN) as change:
        add_user(change, Person(UserId("user:carl"), "Carl"))
        key = new_api_key(change, UserId("user:carl"))
    for active in (True, False, True):
        with policy_change(store.engine, ledger, ADMIN) as change:
            set_active(change, UserId("user:carl"), active=active)
        assert whose(store, key) == ("user:carl" if active else None)


# --- for an application -------------------------------------------------------------------------


@pytest.fixture
def _page(store: Store) -> None:
    with write(store.engine) as connection:
        row = {"kind": "app", "name": "page", "version": 1, "record": "{}", "made_by": ADMIN}
        connection.execute(insert(registered).values(**row, made_at=datetime.now(UTC)))


@pytest.mark.usefixtures("_page")
def test_a_key_is_for_an_application_or_for_any_door(store: Store, ledger: Ledger) -> None:
    keys = [make_key(store.engine, ledger, ANNA, ANNA, application) for application in ("app:page", None)]
    with snapshot(store.engine) as connection:
        holders = [holder_of_key(connection, key) for key in keys]
        assert [holder and holder[:2] for holder in holders] == [(ANNA, "app:page"), (ANNA, None)]
        made = [record.body["changes"] for record in records(connection)][-2:]
    anna = f"user:{ledger.pseudonym(ANNA)}"
    assert made == [[["key", anna, keys[0][:10], "app:page"]], [["key", anna, keys[1][:10]]]]


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize("name", ["app:other", "app:pag", "page", "provider:page", "app:", "user:anna"])
def test_no_key_is_made_for_an_application_that_is_not_there(store: Store, ledger: Ledger, name: str) -> None:
    with pytest.raises((UnknownName, BadName)):
        make_key(store.engine, ledger, ANNA, ANNA, name)
    with snapshot(store.engine) as connection:
        assert connection.execute(select(api_key)).all() == []


# --- who may ------------------------------------------------------------------------------------

ADA, GONE = UserId("user:ada"), UserId("user:gone")


@pytest.fixture
def office(world: World) -> World:
    """An administrator of the whole, Anna and Bert, who are none, and somebody who has left."""
    world.user("ada")
    world.allow(ADA, ROOT, "manage")
    world.deactivate(world.user("gone"))
    return world


@pytest.mark.parametrize(("actor", "user"), [(ANNA, ANNA), (ADA, ADA), (CONSOLE, ANNA), (CONSOLE, ADA)])
def test_a_person_makes_keys_for_himself_and_the_console_for_everybody(
    office: World, actor: UserId, user: UserId
) -> None:
    key = make_key(office.store.engine, office.ledger, actor, user)
    assert whose(office.store, key) == user


@pytest.mark.parametrize(
    ("actor", "user"),
    [(ADA, ANNA), (ANNA, BERT), (ANNA, ADA), (GONE, GONE), (UserId("user:ghost"), UserId("user:ghost")),
     (UserId("svc:other"), ANNA)],
)  # fmt: skip
def test_nobody_makes_a_key_for_somebody_else(office: World, actor: UserId, user: UserId) -> None:
    """Not even an administrator: he would be let in as him."""
    with pytest.raises(NotAllowed):
        make_key(office.store.engine, office.ledger, actor, user)
    with snapshot(office.store.engine) as connection:
        assert connection.execute(select(api_key)).all() == []
        assert list(records(connection))[-1].body["kind"] == "policy.refused"


@pytest.mark.parametrize("actor", [ANNA, ADA, CONSOLE])
def test_ones_own_key_is_ones_own_to_revoke_and_an_administrators(office: World, actor: UserId) -> None:
    key = new_key(office.store, office.ledger)
    revoke_keys(office.store.engine, office.ledger, actor, shown(key))
    assert whose(office.store, key) is None


@pytest.mark.parametrize("actor", [BERT, GONE, UserId("user:ghost"), UserId("svc:other")])
def test_a_key_of_somebody_else_is_like_one_that_is_not_there(office: World, actor: UserId) -> None:
    """AZ-03."""
    key = new_key(office.store, office.ledger)
    with pytest.raises(UnknownName) as hers:
        revoke_keys(office.store.engine, office.ledger, actor, shown(key))
    with pytest.raises(UnknownName) as nobodys:
        revoke_keys(office.store.engine, office.ledger, actor, "ntk_absent")
    assert str(hers.value).replace(shown(key), "ntk_absent") == str(nobodys.value)
    assert whose(office.store, key) == ANNA
