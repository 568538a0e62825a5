"""Another master key takes the place of the present one: `ntk master-key`."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from api.doctor import State, examine
from api.errors import Exit
from api.rotating import sealed_columns
from api.wiring import open_store_at
from audit.ledger import verify
from redaction.vault import Vault
from store import schema
from store.engine import snapshot, write
from store.errors import KeyNotHeld, WrongMasterKey
from store.keys import id_of
from tests.api.conftest import refused
from tests.api.master_keys import (
    ROOT,
    VARIABLE,
    data,
    in_environment,
    killed,
    masters,
    on_sqlite,
    rotated,
    status,
    trail,
)
from tests.api.sealed import ANNA, fill, opens

if TYPE_CHECKING:
    from tests.api.conftest import Ntk

__all__ = ["data", "on_sqlite"]


# --- What is done -------------------------------------------------------------------------------


def test_all_that_is_sealed_comes_under_a_new_key_and_the_old_one_is_put_away(ntk: Ntk, data: Path) -> None:
    filled = fill(data, documents=3, conversations=2, requests=1)
    (old,) = masters(data)
    first = ntk("master-key", "rotate", "--data", data)
    assert (first.code, first.err) == (Exit.YES, "")
    new, second = masters(data)
    assert (second, new == old) == (old, False)
    assert "3 documents, 2 conversations, 1 requests" in first.out
    assert opens(data, filled)
    current, former = status(ntk, data)
    assert current.items() >= {"state": "current", "documents": 3, "conversations": 2, "requests": 1}.items()
    assert former.items() >= {"state": "left", "documents": 0, "conversations": 0, "requests": 0}.items()
    last = json.loads(ntk("master-key", "retire", "--json", "--data", data).out)
    assert last["retired"] == [id_of(bytes.fromhex(old))]
    assert masters(data) == [new]
    (put_away,) = map(Path, last["put_away"])
    assert put_away.read_text().strip() == old
    assert stat.S_IMODE(put_away.stat().st_mode) == 0o600
    put_away.unlink()
    assert opens(data, filled)
    assert len(status(ntk, data)) == 1
    assert trail(data)[-3:] == ["master-key.rotated", "master-key.left", "master-key.retired"]
    with open_store_at(data) as opened:
        verify(opened.store.engine)


def test_it_can_be_done_again(ntk: Ntk, on_sqlite: Path) -> None:
    filled = fill(on_sqlite, documents=1, conversations=1, requests=1)
    seen = set(masters(on_sqlite))
    for number in range(3):
        rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
        ntk("master-key", "retire", "--data", on_sqlite)
        assert opens(on_sqlite, filled)
        seen |= set(masters(on_sqlite))
        assert len(seen) == number + 2


def test_every_table_with_a_master_key_is_rotated(on_sqlite: Path) -> None:
    """A new one must not be forgotten: its rows would keep the former key for ever."""
    with open_store_at(on_sqlite) as opened:
        rotated_tables = {column.table.name for column in sealed_columns(opened.store.keys)}
    named = {
        table.name
        for table in schema.metadata.tables.values()
        if any(constraint.referred_table is schema.master_key for constraint in table.foreign_key_constraints)
    }
    assert named == rotated_tables | {"installation"}


def test_what_was_deleted_keeps_no_key_in_use(ntk: Ntk, on_sqlite: Path) -> None:
    fill(on_sqlite, documents=1, conversations=0, requests=1)
    with open_store_at(on_sqlite) as opened, write(opened.store.engine) as connection:
        connection.execute(update(schema.document).values(state="deleted", wrapped_key=b"", key_id=None))
        connection.execute(update(schema.sending).values(sealed=b"", key_id=None))
    told = rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    assert told["wrapped"] == {"documents": 0, "conversations": 0, "requests": 0}
    assert ntk("master-key", "retire", "--data", on_sqlite).code == Exit.YES


def test_nothing_of_a_key_is_shown(ntk: Ntk, on_sqlite: Path, caplog: pytest.LogCaptureFixture) -> None:
    """AL-08: in no output, no record, no log."""
    fill(on_sqlite, documents=1, conversations=1, requests=1)
    said = "".join(
        ran.out + ran.err
        for ran in (
            ntk("master-key", "rotate", "--data", on_sqlite),
            ntk("master-key", "rotate", "--data", on_sqlite),
            ntk("master-key", "status", "--data", on_sqlite),
        )
    )
    keys = masters(on_sqlite)
    said += ntk("master-key", "retire", "--data", on_sqlite).out
    with open_store_at(on_sqlite) as opened, snapshot(opened.store.engine) as connection:
        said += "".join(connection.scalars(select(schema.audit_record.c.body)))
    said += caplog.text
    assert len(keys) == 2
    for key in keys:
        assert not any(key[at : at + 12] in said for at in range(len(key) - 12))


# --- What is refused ----------------------------------------------------------------------------


def test_a_backup_of_before_is_refused_without_its_key_and_opens_with_it(ntk: Ntk, on_sqlite: Path) -> None:
    """BR-03: neither is it read as if it were of now, nor is it lost."""
    filled = fill(on_sqlite, documents=2, conversations=1, requests=1)
    (old,) = masters(on_sqlite)
    backup = on_sqlite.with_name("backup")
    shutil.copytree(on_sqlite, backup)
    rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    ntk("master-key", "retire", "--data", on_sqlite)
    (new,) = masters(on_sqlite)
    (backup / "master.key").write_text(new)
    before = (backup / "ntk.db").read_bytes()
    with pytest.raises(WrongMasterKey, match=id_of(bytes.fromhex(old))), open_store_at(backup):
        pass
    assert (backup / "ntk.db").read_bytes() == before
    (backup / "master.key").write_text(f"{new} {old}")
    assert opens(backup, filled)
    assert rotated(ntk("master-key", "rotate", "--json", "--data", backup))["key"] == id_of(bytes.fromhex(new))
    (backup / "master.key").write_text(new)
    assert opens(backup, filled)


def test_a_key_that_is_taken_away_too_early_is_told_at_once(ntk: Ntk, on_sqlite: Path) -> None:
    filled = fill(on_sqlite, documents=130, conversations=1, requests=1)
    killed(4, on_sqlite, "rotate")
    new, old = masters(on_sqlite)
    (on_sqlite / "master.key").write_text(new)
    ran = ntk("master-key", "rotate", "--data", on_sqlite)
    refused(ran, "wrong-master-key", Exit.MISUSE, id_of(bytes.fromhex(old)), "put it back")
    (on_sqlite / "master.key").write_text(f"{new} {old}")
    rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    (on_sqlite / "master.key").write_text(new)
    assert opens(on_sqlite, filled)


def test_a_key_of_somebody_elses_opens_nothing_and_changes_nothing(ntk: Ntk, on_sqlite: Path) -> None:
    fill(on_sqlite, documents=1, conversations=1, requests=1)
    before = (on_sqlite / "ntk.db").read_bytes()
    (on_sqlite / "master.key").write_text(os.urandom(32).hex())
    for command in ("status", "rotate", "retire"):
        refused(ntk("master-key", command, "--data", on_sqlite), "wrong-master-key", Exit.MISUSE, "nothing was changed")
    assert (on_sqlite / "ntk.db").read_bytes() == before


def test_where_nothing_is_to_be_done_nothing_is_done(ntk: Ntk, on_sqlite: Path) -> None:
    refused(ntk("master-key", "retire", "--data", on_sqlite), "nothing-to-rotate", Exit.NO)
    rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    before = masters(on_sqlite)
    refused(ntk("master-key", "rotate", "--data", on_sqlite), "nothing-to-rotate", Exit.NO, "ntk master-key retire")
    assert masters(on_sqlite) == before
    assert len(before) == 2


def test_a_key_is_not_retired_before_its_time(ntk: Ntk, on_sqlite: Path) -> None:
    filled = fill(on_sqlite, documents=130, conversations=1, requests=1)
    killed(4, on_sqlite, "rotate")
    assert [one["state"] for one in status(ntk, on_sqlite)] == ["current", "former"]
    before = masters(on_sqlite)
    refused(ntk("master-key", "retire", "--data", on_sqlite), "key-in-use", Exit.NO, "ntk master-key rotate")
    assert masters(on_sqlite) == before
    assert opens(on_sqlite, filled)
    (found_,) = (one for one in examine(on_sqlite) if one.thing == "master key")
    assert found_.state is State.NOTE
    assert "ntk master-key rotate" in found_.meaning


def test_what_does_not_open_is_named_and_left(ntk: Ntk, on_sqlite: Path) -> None:
    filled = fill(on_sqlite, documents=3, conversations=1, requests=1)
    damaged = [*filled.documents][1]
    with open_store_at(on_sqlite) as opened, write(opened.store.engine) as connection:
        these = schema.document.c.id == damaged
        kept = connection.scalar(select(schema.document.c.wrapped_key).where(these))
        connection.execute(update(schema.document).where(these).values(wrapped_key=bytes(60)))
    ran = ntk("master-key", "rotate", "--json", "--data", on_sqlite)
    assert ran.code == Exit.PARTLY
    assert json.loads(ran.out)["unreadable"] == {"documents": [damaged]}
    refused(ntk("master-key", "retire", "--data", on_sqlite), "key-in-use", Exit.NO)
    assert trail(on_sqlite)[-1] == "master-key.rotated"
    with open_store_at(on_sqlite) as opened, write(opened.store.engine) as connection:
        connection.execute(update(schema.document).where(these).values(wrapped_key=kept))
    assert rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))["wrapped"]["documents"] == 1
    assert opens(on_sqlite, filled)


def test_it_is_for_administrators_of_the_whole(ntk: Ntk, on_sqlite: Path) -> None:
    ntk("user", "add", "user:ben", "--name", "Ben Birch", "--data", on_sqlite)
    key = json.loads(ntk("key", "new", "user:ben", "--json", "--data", on_sqlite).out)["key"]
    before = masters(on_sqlite)
    for command in ("status", "rotate", "retire"):
        refused(ntk("master-key", command, "--data", on_sqlite, key=key), "not-allowed", Exit.NO)
        assert trail(on_sqlite)[-1] == "policy.refused"
    assert masters(on_sqlite) == before
    assert ntk("master-key", "status", "--data", on_sqlite).code == Exit.YES


# --- Where the key is elsewhere -----------------------------------------------------------------


def test_a_secret_that_cannot_be_written_is_to_be_put_there_by_hand(
    ntk: Ntk, on_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = fill(on_sqlite, documents=2, conversations=1, requests=1)
    (old,), new = masters(on_sqlite), os.urandom(32).hex()
    (on_sqlite / "master.key").unlink()
    in_environment(on_sqlite, monkeypatch, old)
    ran = ntk("master-key", "rotate", "--data", on_sqlite)
    refused(ran, "secret-not-written", Exit.MISUSE, f"env:{VARIABLE}", "openssl rand -hex 32", "a blank behind it")
    assert old not in ran.err
    in_environment(on_sqlite, monkeypatch, new, old)
    told = rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    assert told["key"] == id_of(bytes.fromhex(new))
    last = ntk("master-key", "retire", "--data", on_sqlite)
    assert f"take the last 1 of the keys in env:{VARIABLE} out of it" in last.out
    in_environment(on_sqlite, monkeypatch, new)
    assert opens(on_sqlite, filled)


def test_the_environment_changes_while_no_service_runs(
    ntk: Ntk, on_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on with the environment that it was started with, and open less and less."""
    filled = fill(on_sqlite, documents=2, conversations=1, requests=1)
    (old,), new = masters(on_sqlite), os.urandom(32).hex()
    in_environment(on_sqlite, monkeypatch, new, old)
    program = (
        "import sys, pathlib; from store.folder import Layout, owned\n"
        "with owned(Layout(pathlib.Path(sys.argv[1]))):\n"
        "    print('owned', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(on_sqlite)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owned\n"
        ran = ntk("master-key", "rotate", "--data", on_sqlite)
        refused(ran, "data-folder-busy", Exit.PARTLY, "stop it, begin the rotation")
        owner.communicate()
    assert len(status(ntk, on_sqlite)) == 1
    rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
    assert opens(on_sqlite, filled)


def test_a_file_that_cannot_be_replaced_is_told_and_nothing_is_begun(ntk: Ntk, on_sqlite: Path) -> None:
    before = masters(on_sqlite)
    (on_sqlite / "master.key.new").mkdir()
    ran = ntk("master-key", "rotate", "--data", on_sqlite)
    refused(ran, "secret-not-written", Exit.MISUSE, "cannot be written", "openssl rand -hex 32")
    assert masters(on_sqlite) == before
    assert len(status(ntk, on_sqlite)) == 1
    (on_sqlite / "master.key.new").rmdir()
    rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))


def test_a_service_that_cannot_have_the_new_key_says_no(ntk: Ntk, on_sqlite: Path) -> None:
    """Fail closed: nothing is sealed under the former key because the new one cannot be had."""
    with open_store_at(on_sqlite) as running:
        vault = Vault(running.store.engine, running.store.keys.tokens)
        begun = vault.enter(None, ANNA)
        rotated(ntk("master-key", "rotate", "--json", "--data", on_sqlite))
        kept = (on_sqlite / "master.key").read_text()
        (on_sqlite / "master.key").unlink()
        with pytest.raises(KeyNotHeld, match="is not there"):
            vault.enter(None, ANNA)
        with pytest.raises(KeyNotHeld):
            vault.enter(begun, ANNA)
        (on_sqlite / "master.key").touch(0o600)
        (on_sqlite / "master.key").write_text(kept)
        running.store.masters.refresh()
        assert vault.enter(begun, ANNA) == begun
