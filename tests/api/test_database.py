"""The setting `database`: what `ntk init` writes, what the doctor says, and what opens with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acl.admin.change import policy_change
from acl.admin.people import Person, add_user
from acl.names import UserId
from acl.read import people
from api.cli import main
from api.doctor import State, examine
from api.errors import Exit
from api.settings import load_settings
from api.wiring import open_house, open_store_at
from store.engine import snapshot, write
from store.folder import Layout
from tests.postgres import schema_of_ones_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.embed import Embed

REFERENCE = "env:NTK_TEST_HERE"


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, which REFERENCE leads to."""
    with schema_of_ones_own() as found:
        monkeypatch.setenv(REFERENCE.removeprefix("env:"), found)
        yield found


def ntk(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def finding(root: Path, thing: str) -> tuple[State, str]:
    (found,) = (each for each in examine(root) if each.thing == thing)
    return found.state, found.meaning


def test_an_installation_on_postgresql_is_made_opened_and_changed(url: str, tmp_path: Path, hash_embed: Embed) -> None:
    data = tmp_path / "data"
    assert ntk("init", "--data", str(data), "--database", REFERENCE) == Exit.YES
    assert load_settings(Layout(data)).database == REFERENCE
    assert ntk("user", "add", "user:anna", "--name", "Anna Ash", "--data", str(data)) == Exit.YES
    with open_house(data, hash_embed) as house, open_store_at(data) as beside:
        assert house.store.engine.dialect.name == "postgresql"
        with policy_change(beside.store.engine, beside.ledger, "svc:tests") as change:
            add_user(change, Person(UserId("user:bert"), "Bert Birch"))
        with snapshot(house.store.engine) as connection:
            assert [row.name for row in people(connection)] == ["Anna Ash", "Bert Birch"]


def test_without_the_option_the_database_is_in_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert ntk("init", "--data", str(data)) == Exit.YES
    assert load_settings(Layout(data)).database is None
    assert finding(data, "database") == (State.FINE, f"SQLite, {data / 'ntk.db'}")


@pytest.mark.parametrize("reference", ["env:NTK_TEST_NOT_SET", "postgresql://anna:k4n4ry@db.example/ntk", ""])
def test_a_reference_that_leads_nowhere_is_refused_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    """AL-08: who writes the URL itself where its reference belongs must not find it in a log."""
    assert ntk("init", "--json", "--data", str(tmp_path / "data"), "--database", reference) == Exit.MISUSE
    said = capsys.readouterr()
    assert json.loads(said.out)["code"] == "secret-missing"
    assert "k4n4ry" not in said.out + said.err


def test_the_variable_wins_over_the_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    ntk("init", "--data", str(data), "--database", REFERENCE)
    monkeypatch.setenv("NTK_DATABASE", "env:NTK_TEST_ELSEWHERE")
    state, meaning = finding(data, "data folder")
    assert (state, "env:NTK_TEST_ELSEWHERE" in meaning) == (State.MISSING, True)


def test_the_doctor_names_the_database_and_what_it_does_not_keep(url: str, tmp_path: Path) -> None:
    """The server of the tests acknowledges what is not on the disk yet; on one that waits there is nothing to note."""
    data = tmp_path / "data"
    ntk("init", "--data", str(data), "--database", REFERENCE)
    state, meaning = finding(data, "database")
    assert state is State.NOTE
    assert meaning.startswith("PostgreSQL ")
    assert "not on its disk yet" in meaning


def test_the_doctor_tells_a_server_that_does_not_answer(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    ntk("init", "--data", str(data), "--database", REFERENCE)
    assert finding(data, "data folder")[0] is State.FINE
    monkeypatch.setenv(REFERENCE.removeprefix("env:"), f"postgresql://anna:k4n4ry@/ntk?host={tmp_path}")
    state, meaning = finding(data, "data folder")
    assert state is State.MISSING
    assert "No such file" in meaning
    assert "store-down" in meaning
    assert "k4n4ry" not in meaning


def test_the_doctor_finds_the_trail_of_postgresql_broken(url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    ntk("init", "--data", str(data), "--database", REFERENCE)
    ntk("user", "add", "user:anna", "--name", "Anna Ash", "--data", str(data))
    assert finding(data, "audit trail")[0] is State.FINE
    with open_store_at(data) as opened, write(opened.store.engine) as connection:
        connection.exec_driver_sql("UPDATE audit_record SET body = body || ' '")
    assert finding(data, "audit trail")[0] is State.MISSING
