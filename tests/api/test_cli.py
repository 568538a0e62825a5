"""The command line as people use it: what it prints, its exit codes, and bad input of every kind."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from api.cli import main
from api.errors import Exit
from egress.answer import NOTHING
from tests.api.conftest import make_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from retrieval.embed import Embedder
    from tests.api.conftest import Site

    Ntk = Callable[..., "Ran"]

QUESTION = "How much is paid for hotels a night?"


class Ran:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        """Keep them."""
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def ntk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ntk:
    """Run a command in this process."""

    def run(*arguments: object, key: str = "") -> Ran:
        monkeypatch.setenv("NTK_KEY", key)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def site(tmp_path: Path, embedder: Embedder) -> Site:
    """The installation with the vectors of the real model, which the commands load."""
    return make_site(tmp_path, embedder)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "menu.md").write_text("# Canteen\n\nThe canteen serves lentil soup on every Tuesday.\n", "utf-8")
    return folder


def test_from_nothing_to_an_answer_and_a_refusal(ntk: Ntk, tmp_path: Path, documents: Path) -> None:
    """The five commands of the README."""
    data = tmp_path / "mine"
    assert ntk("init", "--data", data).code == Exit.YES
    assert (data / "master.key").stat().st_mode & 0o777 == 0o600
    for name, group in (("anna", "group:all"), ("ben", "group:guests")):
        added = ntk("user", "add", f"user:{name}", "--name", name.title(), "--group", group, "--data", data)
        assert added.code == Exit.YES
    keys = {name: ntk("key", "new", f"user:{name}", "--data", data).out.strip() for name in ("anna", "ben")}
    made = ntk("ingest", documents, "--collection", "canteen", "--readers", "group:all", "--level", "internal",
               "--data", data, "--json")  # fmt: skip
    assert made.code == Exit.YES
    assert json.loads(made.out)["added"] == 1
    answered = ntk("ask", "When is lentil soup served?", "--data", data, key=keys["anna"])
    assert answered.code == Exit.YES
    assert "Tuesday" in answered.out
    assert "Canteen" in answered.out
    refused = ntk("ask", "When is lentil soup served?", "--data", data, key=keys["ben"])
    assert (refused.code, refused.out) == (Exit.NO, f"{NOTHING}\n")
    assert ntk("audit", "verify", "--data", data).code == Exit.YES


def test_nothing_is_byte_for_byte_the_same(ntk: Ntk, site: Site) -> None:
    """Nobody's rights, and a question that matches nothing that there is."""
    hidden = ntk("ask", QUESTION, "--data", site.data, key=site.ben)
    absent = ntk("ask", "Who won the sack race of the summer fair?", "--data", site.data, key=site.anna)
    assert (hidden.out, hidden.err, hidden.code) == (absent.out, absent.err, absent.code) == (f"{NOTHING}\n", "", 1)
    assert "180 euros" in ntk("ask", QUESTION, "--data", site.data, key=site.anna).out


def test_a_second_run_takes_only_what_changed(ntk: Ntk, tmp_path: Path, site: Site, documents: Path) -> None:
    def ingest() -> dict[str, int]:
        made: dict[str, int] = json.loads(
            ntk("ingest", documents, "--collection", "canteen", "--readers", "user:anna", "--level", "internal",
                "--data", site.data, "--json").out)  # fmt: skip
        return made

    assert (ingest()["added"], ingest()["unchanged"]) == (1, 1)
    (documents / "menu.md").write_text("# Canteen\n\nThe canteen serves pea soup on every Friday.\n", "utf-8")
    assert ingest()["changed"] == 1
    answered = ntk("ask", "When does the canteen serve pea soup?", "--data", site.data, key=site.anna)
    assert "Friday" in answered.out
    assert "Tuesday" not in answered.out


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_goes_on(ntk: Ntk, site: Site, documents: Path) -> None:
    (documents / "broken.docx").write_bytes(b"PK\x03\x04 no document")
    (documents / "note.xyz").write_text("?")
    made = ntk("ingest", documents, "--collection", "canteen", "--readers", "user:anna", "--level", "internal",
               "--data", site.data)  # fmt: skip
    assert made.code == Exit.PARTLY
    assert "1 added" in made.out
    assert "broken.docx" in made.out
    assert "note.xyz" in made.out


def test_when_no_file_can_be_read_the_answer_is_no(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "junk"
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 no document")
    made = ntk("ingest", folder, "--collection", "junk", "--readers", "user:anna", "--level", "internal",
               "--data", site.data)  # fmt: skip
    assert made.code == Exit.NO
    assert "broken.pdf" in made.out


def _refused(ran: Ran, code: str, exit_code: Exit, *words: str) -> None:
    assert ran.code == exit_code
    assert ran.err.startswith("ntk: ")
    assert ran.err.endswith(f" ({code})\n")
    for word in words:
        assert word in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


def test_a_folder_that_is_not_there(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    ran = ntk("ingest", tmp_path / "absent", "--collection", "x", "--readers", "user:anna", "--level", "public",
              "--data", site.data)  # fmt: skip
    _refused(ran, "no-such-folder", Exit.MISUSE)
    # Nothing was left behind: the collection is still new, and wants its readers.
    _refused(ntk("ingest", site.data.parent / "documents", "--collection", "x", "--data", site.data),
             "bad-label", Exit.MISUSE, "--level", "--readers")  # fmt: skip


def test_an_empty_folder(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = ntk("ingest", tmp_path / "empty", "--collection", "x", "--readers", "user:anna", "--level", "public",
              "--data", site.data)  # fmt: skip
    _refused(ran, "empty-folder", Exit.MISUSE)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--readers", "group:nobody-is-in-it", "--level", "public"], "unknown-name"),
        (["--readers", "user:absent", "--level", "public"], "unknown-name"),
        (["--readers", "anna", "--level", "public"], "bad-name"),
        (["--readers", "user:anna, user:ben", "--level", "public"], "bad-name"),
        (["--readers", "user:anna", "--level", "Public"], "bad-label"),
        (["--readers", "user:anna", "--level", "secret"], "bad-label"),
        (["--readers", "user:anna", "--level", "public", "--compartment", "GDPR"], "bad-label"),
        (["--readers", "user:anna"], "bad-label"),
        (["--level", "public"], "bad-label"),
    ],
)
def test_a_collection_that_cannot_be_made(ntk: Ntk, site: Site, documents: Path, options: list[str], code: str) -> None:
    ran = ntk("ingest", documents, "--collection", "canteen", *options, "--data", site.data)
    assert ran.code in (Exit.NO, Exit.MISUSE)
    assert f"({code})" in ran.err


def test_another_label_for_a_collection_that_is_there(ntk: Ntk, site: Site, documents: Path) -> None:
    ran = ntk("ingest", documents, "--collection", "finance", "--level", "public", "--data", site.data)
    _refused(ran, "already-there", Exit.NO, "confidential")


def test_an_empty_and_a_long_question(ntk: Ntk, site: Site) -> None:
    _refused(ntk("ask", " ", "--data", site.data, key=site.anna), "empty-question", Exit.MISUSE)
    _refused(ntk("ask", "a" * 2001, "--data", site.data, key=site.anna), "question-too-long", Exit.MISUSE, "2000")


def _refusals(data: Path) -> list[str]:
    """Give at which doors somebody was refused, from the audit trail."""
    with sqlite3.connect(data / "ntk.db") as database:
        bodies = [json.loads(body) for (body,) in database.execute("SELECT body FROM audit_record ORDER BY seq")]
    database.close()
    return [body["application"] for body in bodies if body["kind"] == "signin.refused"]


def test_no_key_and_a_wrong_key(ntk: Ntk, site: Site) -> None:
    """Each leaves a record, as it does over HTTP; a key that works leaves none of this kind."""
    for key in ("", "ntk_wrong"):
        ran = ntk("ask", QUESTION, "--data", site.data, key=key)
        _refused(ran, "not-signed-in", Exit.NO, "set NTK_KEY to your API key")
        assert "--as" not in ran.err
        assert "Bearer" not in ran.err
    assert _refusals(site.data) == ["app:command-line"] * 2
    assert ntk("ask", QUESTION, "--data", site.data, key=site.anna).code == Exit.YES
    assert len(_refusals(site.data)) == 2


def test_another_name_only_in_a_demo(ntk: Ntk, site: Site) -> None:
    ran = ntk("ask", QUESTION, "--as", "user:anna", "--data", site.data, key=site.anna)
    _refused(ran, "not-a-demo", Exit.MISUSE, "NTK_KEY")
    assert _refusals(site.data) == ["app:command-line"]


def test_in_a_demo_a_name_does_and_an_unknown_one_leaves_a_record(ntk: Ntk, site: Site) -> None:
    with sqlite3.connect(site.data / "ntk.db") as database:
        database.execute("UPDATE installation SET demo = 1")
    database.close()
    assert "180 euros" in ntk("ask", QUESTION, "--as", "user:anna", "--data", site.data).out
    assert _refusals(site.data) == []
    _refused(ntk("ask", QUESTION, "--as", "user:nobody", "--data", site.data), "unknown-name", Exit.NO, "user:nobody")
    _refused(ntk("ask", QUESTION, "--as", "anna", "--data", site.data), "bad-name", Exit.MISUSE)
    _refused(ntk("ask", QUESTION, "--data", site.data), "not-signed-in", Exit.NO, "NTK_KEY", "--as user:ID")
    assert _refusals(site.data) == ["app:command-line"] * 3


@pytest.mark.parametrize("command", ["ask", "ingest"])
def test_a_collection_is_named_alone(ntk: Ntk, site: Site, command: str) -> None:
    what = {"ask": QUESTION, "ingest": site.data.parent / "documents"}[command]
    for name in ("a b", "coll:finance", ""):
        ran = ntk(command, what, "--collection", name, "--data", site.data, key=site.anna)
        _refused(ran, "bad-name", Exit.MISUSE, repr(name), "write the collection's name alone: letters, digits, . _ -")
    assert ntk(command, what, "--collection", "finance", "--data", site.data, key=site.anna).code == Exit.YES


def test_a_person_joins_a_group_later(ntk: Ntk, site: Site) -> None:
    assert ntk("ask", QUESTION, "--data", site.data, key=site.ben).code == Exit.NO
    _refused(ntk("group", "join", "user:absent", "group:finance", "--data", site.data), "unknown-name", Exit.NO)
    _refused(ntk("group", "join", "user:ben", "finance", "--data", site.data), "bad-name", Exit.MISUSE)
    joined = ntk("group", "join", "user:ben", "group:finance", "--data", site.data)
    assert (joined.code, joined.out) == (Exit.YES, "user:ben is in group:finance.\n")
    assert "180 euros" in ntk("ask", QUESTION, "--data", site.data, key=site.ben).out


def test_a_person_who_could_not_be_recognised(ntk: Ntk, site: Site) -> None:
    for options in (["--name", ""], ["--name", "Cy", "--email", "cy"], ["--name", "Cy", "--phone", "abc"]):
        _refused(ntk("user", "add", "user:cy", *options, "--data", site.data), "bad-person", Exit.MISUSE, "user:cy")
    kept = ["--name", "Cy", "--email", "cy@company.example", "--phone", "+44 20 7946 0991"]
    assert ntk("user", "add", "user:cy", *kept, "--data", site.data).code == Exit.YES


def test_what_is_done_is_said_in_json_too(ntk: Ntk, tmp_path: Path) -> None:
    data = tmp_path / "mine"

    def value(*arguments: str) -> dict[str, str]:
        ran = ntk(*arguments, "--data", data, "--json")
        assert (ran.code, ran.err) == (Exit.YES, "")
        made: dict[str, str] = json.loads(ran.out)
        return made

    assert value("init") == {"data": str(data), "master_key": str(data / "master.key")}
    assert value("user", "add", "user:cy", "--name", "Cy") == {"user": "user:cy", "groups": []}
    joined = value("group", "join", "user:cy", "group:all")
    assert joined == {"member": "user:cy", "group": "group:all"}
    key = value("key", "new", "user:cy")
    assert key["key"].startswith("ntk_")
    assert value("key", "revoke", key["key"][:10]) == {"revoked": key["key"][:10]}


def test_an_error_is_said_in_json_too_with_its_own_message(ntk: Ntk, tmp_path: Path) -> None:
    ran = ntk("audit", "verify", "--data", tmp_path, "--json")
    said = json.loads(ran.out)
    assert (said["code"], said["title"], ran.code) == ("no-data-folder", "No data folder", Exit.MISUSE)
    assert ran.err == f"ntk: {said['detail']} (no-data-folder)\n"
    assert str(tmp_path) in said["detail"]
    _refused(ntk("audit", "verify", "--data", tmp_path), "no-data-folder", Exit.MISUSE)


def test_a_name_and_a_colon_are_no_picture(ntk: Ntk, site: Site) -> None:
    """The terminal library turned the end of "user:b:" into a blood group."""
    _refused(ntk("key", "new", "user:b", "--data", site.data), "unknown-name", Exit.NO, "user:b: ")


def test_the_version(ntk: Ntk) -> None:
    ran = ntk("--version")
    assert (ran.code, ran.err) == (Exit.YES, "")
    assert re.fullmatch(r"ntk \d+\.\d+\.\d+\n", ran.out)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_an_address_that_cannot_be_had_is_told_before_anything_is_promised(ntk: Ntk, site: Site, taken: int) -> None:
    ran = ntk("serve", "--port", taken, "--data", site.data)
    _refused(ran, "cannot-listen", Exit.MISUSE, f"port {taken}", "another program", "--port")
    for host in ("192.0.2.7", "a" * 70, "2001:db8::7"):
        ran = ntk("serve", "--host", host, "--port", taken, "--data", site.data)
        _refused(ran, "cannot-listen", Exit.MISUSE, host, "no address of this machine")


def test_an_address_that_can_be_had_is_served(site: Site, taken: int) -> None:
    """What is promised on the first line holds from that line on."""
    program = "import sys; from api.cli import main; main(sys.argv[1:])"
    arguments = ["serve", "--host", "127.0.0.2", "--port", str(taken), "--data", str(site.data)]
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        promised = process.stdout.readline()
        assert promised.startswith(f"Need to Know is on http://127.0.0.2:{taken}/")
        with urllib.request.urlopen(f"http://127.0.0.2:{taken}/healthz", timeout=60) as response:
            assert response.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == Exit.YES


def test_no_data_folder(ntk: Ntk, tmp_path: Path) -> None:
    for command in (["ask", QUESTION], ["audit", "verify"], ["key", "new", "user:anna"], ["serve"]):
        _refused(ntk(*command, "--data", tmp_path / "absent"), "no-data-folder", Exit.MISUSE, "ntk init")
    assert not (tmp_path / "absent").exists()


def test_a_folder_that_is_not_empty_is_no_place_for_data(ntk: Ntk, documents: Path) -> None:
    _refused(ntk("init", "--data", documents), "data-folder", Exit.MISUSE)
    assert [path.name for path in documents.iterdir()] == ["menu.md"]


def test_a_missing_key_file(ntk: Ntk, site: Site) -> None:
    key = site.data / "master.key"
    kept = key.read_text()
    key.unlink()
    ran = ntk("ask", QUESTION, "--data", site.data, key=site.anna)
    _refused(ran, "secret-missing", Exit.MISUSE, f"the secret file {key} is not there: restore your copy of it")
    assert not key.exists()
    key.touch(0o600)
    key.write_text(kept)
    assert ntk("ask", QUESTION, "--data", site.data, key=site.anna).code == Exit.YES


def test_a_key_file_that_others_may_read(ntk: Ntk, site: Site) -> None:
    (site.data / "master.key").chmod(0o644)
    _refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "secret-missing", Exit.MISUSE, "chmod 600")


def test_another_folders_key(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    ntk("init", "--data", tmp_path / "other")
    shutil.copy(tmp_path / "other" / "master.key", site.data / "master.key")
    _refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "wrong-master-key", Exit.MISUSE)


def test_a_data_folder_of_a_newer_version(ntk: Ntk, site: Site) -> None:
    with sqlite3.connect(site.data / "ntk.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for command in (["ask", QUESTION], ["audit", "verify"]):
        ran = ntk(*command, "--data", site.data, key=site.anna)
        _refused(ran, "data-folder-newer", Exit.MISUSE, "newer version", "nothing was changed")


@pytest.fixture
def owner(site: Site) -> Iterator[int]:
    """Another process that owns the data folder; gives its number."""
    program = (
        "import sys, pathlib; from store.folder import Layout, owned\n"
        "with owned(Layout(pathlib.Path(sys.argv[1]))):\n"
        "    print('owned', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(site.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "owned\n"
    yield process.pid
    process.communicate()


def test_a_second_process(ntk: Ntk, site: Site, owner: int) -> None:
    """FT-05: a clear message, and what needs no index goes on."""
    ran = ntk("ask", QUESTION, "--data", site.data, key=site.anna)
    _refused(ran, "data-folder-busy", Exit.PARTLY, str(owner))
    assert "lock" not in ran.err
    assert ntk("audit", "verify", "--data", site.data).code == Exit.YES
    assert ntk("key", "revoke", site.ben[:10], "--data", site.data).code == Exit.YES


def test_settings_that_nobody_knows(ntk: Ntk, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with (site.data / "ntk.toml").open("a") as settings:
        settings.write('colour = "blue"\n')
    _refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "bad-settings", Exit.MISUSE, "colour")
    monkeypatch.setenv("NTK_COLOUR", "blue")
    _refused(ntk("ask", QUESTION, "--data", site.data, key=site.anna), "bad-settings", Exit.MISUSE, "NTK_COLOUR")


def test_the_audit_trail_was_changed(ntk: Ntk, site: Site) -> None:
    with sqlite3.connect(site.data / "ntk.db") as database:
        database.execute("UPDATE audit_record SET body = replace(body, 'policy', 'nobody') WHERE seq = 1")
    database.close()
    _refused(ntk("audit", "verify", "--data", site.data), "chain-broken", Exit.NO, "record 1")


def test_the_doctor_says_what_it_means(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    found = ntk("doctor", "--data", site.data, "--json")
    assert found.code == Exit.YES
    states = {finding["thing"]: finding["state"] for finding in json.loads(found.out)}
    assert states["data folder"] == states["index"] == states["audit trail"] == "fine"
    assert states["provider"] == "note"
    missing = ntk("doctor", "--data", tmp_path / "absent")
    assert missing.code == Exit.NO
    assert "ntk init" in missing.out


def test_json_holds_the_whole_reply(ntk: Ntk, site: Site) -> None:
    reply = json.loads(ntk("ask", QUESTION, "--data", site.data, "--json", key=site.anna).out)
    assert reply["outcome"] == "answered"
    assert reply["citations"][0]["excerpt"]


def test_help_loads_no_model() -> None:
    program = "import sys\nfrom api.cli import main\ntry: main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for command in ("ask", "audit", "demo", "doctor", "group", "ingest", "init", "key", "serve", "user"):
        assert command in done.stdout
