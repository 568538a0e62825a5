"""The command line on a data folder that is not as it should be: nothing is lost, and it says what to do."""

from __future__ import annotations

import json
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from api.doctor import Finding, State, examine
from api.errors import Exit
from tests.api.conftest import make_site, refused

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.embed import Embedder
    from tests.api.conftest import Ntk, Site

QUESTION = "How much is paid for hotels a night?"


@pytest.fixture
def site(tmp_path: Path, embedder: Embedder) -> Site:
    """The installation with the vectors of the real model, which the commands load."""
    return make_site(tmp_path, embedder)


def test_no_data_folder(ntk: Ntk, tmp_path: Path) -> None:
    for command in (["ask", QUESTION], ["audit", "verify"], ["key", "new", "user:anna"], ["serve"]):
        refused(ntk(*command, "--data", tmp_path / "absent"), "no-data-folder", Exit.MISUSE, "ntk init")
    assert not (tmp_path / "absent").exists()


def test_a_folder_that_is_not_empty_is_no_place_for_data(ntk: Ntk, documents: Path) -> None:
    refused(ntk("init", "--data", documents), "data-folder", Exit.MISUSE)
    assert [path.name for path in documents.iterdir()] == ["menu.md"]


def test_a_missing_key_file(ntk: Ntk, site: Site) -> None:
    key = site.data / "master.key"
    kept = key.read_text()
    key.unlink()
    ran = ntk("ask", QUESTION, "--data", site.data, key=site.anna)
    refused(ran, "secret-missing", Exit.MISUSE, f"the secret file {key} is not there: restore your copy of it")
    assert not key.exists()
    key.touch(0o600)
    key.write_text(kept)
    assert ntk("ask", QUESTION, "--data", site.data, key=site.anna).code == Exit.YES


def test_a_key_file_that_others_may_read(ntk: Ntk, site: Site) -> None:
    (site.data / "master.key").chmod(0o644)
    refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "secret-missing", Exit.MISUSE, "chmod 600")


def test_another_folders_key(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    ntk("init", "--data", tmp_path / "other")
    shutil.copy(tmp_path / "other" / "master.key", site.data / "master.key")
    refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "wrong-master-key", Exit.MISUSE)


def test_a_data_folder_of_a_newer_version(ntk: Ntk, site: Site) -> None:
    with sqlite3.connect(site.data / "ntk.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for command in (["ask", QUESTION], ["audit", "verify"]):
        ran = ntk(*command, "--data", site.data, key=site.anna)
        refused(ran, "data-folder-newer", Exit.MISUSE, "newer version", "nothing was changed")


def test_a_second_process(ntk: Ntk, site: Site, owner: int) -> None:
    """FT-05: a clear message, and what needs no index goes on."""
    ran = ntk("ask", QUESTION, "--data", site.data, key=site.anna)
    refused(ran, "data-folder-busy", Exit.PARTLY, str(owner))
    assert "lock" not in ran.err
    assert ntk("audit", "verify", "--data", site.data).code == Exit.YES
    assert ntk("key", "revoke", site.ben[:10], "--data", site.data).code == Exit.YES


def test_settings_that_nobody_knows(ntk: Ntk, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with (site.data / "ntk.toml").open("a") as settings:
        settings.write('colour = "blue"\n')
    refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "bad-settings", Exit.MISUSE, "colour")
    monkeypatch.setenv("NTK_COLOUR", "blue")
    refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "bad-settings", Exit.MISUSE, "NTK_COLOUR")


def test_the_audit_trail_was_changed(ntk: Ntk, site: Site) -> None:
    with sqlite3.connect(site.data / "ntk.db") as database:
        database.execute("UPDATE audit_record SET body = replace(body, 'policy', 'nobody') WHERE seq = 1")
    database.close()
    refused(ntk("audit", "verify", "--data", site.data), "chain-broken", Exit.NO, "record 1")


def test_the_doctor_says_what_it_means(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    found = ntk("doctor", "--data", site.data, "--json")
    assert found.code == Exit.YES
    findings = json.loads(found.out)
    states = {finding["thing"]: finding["state"] for finding in findings}
    assert states["data folder"] == states["index"] == states["audit trail"] == "fine"
    assert states["providers"] == "note"
    assert ["no network" in finding["meaning"] for finding in findings if finding["thing"] == "reading of files"] == [
        True
    ]
    missing = ntk("doctor", "--data", tmp_path / "absent")
    assert missing.code == Exit.NO
    assert "ntk init" in missing.out


def test_the_doctor_says_what_embeds_and_makes_nothing_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: Embedder
) -> None:
    assert embedder.backend.startswith("OpenVINO")  # so the converted model is in the cache of the tests

    def embedding() -> Finding:
        (found,) = (finding for finding in examine(tmp_path / "absent") if finding.thing == "embedding")
        return found

    assert (embedding().state, "was compared with the original" in embedding().meaning) == (State.FINE, True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    assert (embedding().state, "the first use converts the model" in embedding().meaning) == (State.NOTE, True)
    assert list(tmp_path.iterdir()) == []
