"""The command line as people use it: what it prints, its exit codes, who is let in."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from api.errors import Exit
from egress.reply import NOTHING
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
    assert json.loads(made.out.splitlines()[-1])["added"] == 1
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


def test_an_empty_and_a_long_question(ntk: Ntk, site: Site) -> None:
    refused(ntk("ask", " ", "--data", site.data, key=site.anna), "empty-question", Exit.MISUSE)
    refused(ntk("ask", "a" * 2001, "--data", site.data, key=site.anna), "question-too-long", Exit.MISUSE, "2000")


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
        refused(ran, "not-signed-in", Exit.NO, "set NTK_KEY to your API key")
        assert "--as" not in ran.err
        assert "Bearer" not in ran.err
    assert _refusals(site.data) == ["app:command-line"] * 2
    assert ntk("ask", QUESTION, "--data", site.data, key=site.anna).code == Exit.YES
    assert len(_refusals(site.data)) == 2


def test_another_name_only_in_a_demo(ntk: Ntk, site: Site) -> None:
    ran = ntk("ask", QUESTION, "--as", "user:anna", "--data", site.data, key=site.anna)
    refused(ran, "not-a-demo", Exit.MISUSE, "NTK_KEY")
    assert _refusals(site.data) == ["app:command-line"]


def test_in_a_demo_a_name_does_and_an_unknown_one_leaves_a_record(ntk: Ntk, site: Site) -> None:
    with sqlite3.connect(site.data / "ntk.db") as database:
        database.execute("UPDATE installation SET demo = 1")
    database.close()
    assert "180 euros" in ntk("ask", QUESTION, "--as", "user:anna", "--data", site.data).out
    assert _refusals(site.data) == []
    refused(ntk("ask", QUESTION, "--as", "user:nobody", "--data", site.data), "unknown-name", Exit.NO, "user:nobody")
    refused(ntk("ask", QUESTION, "--as", "anna", "--data", site.data), "bad-name", Exit.MISUSE)
    refused(ntk("ask", QUESTION, "--data", site.data), "not-signed-in", Exit.NO, "NTK_KEY", "--as user:ID")
    assert _refusals(site.data) == ["app:command-line"] * 3


@pytest.mark.parametrize("command", ["ask", "ingest"])
def test_a_collection_is_named_alone(ntk: Ntk, site: Site, command: str) -> None:
    what = {"ask": QUESTION, "ingest": site.data.parent / "documents"}[command]
    for name in ("a b", "coll:finance", ""):
        ran = ntk(command, what, "--collection", name, "--data", site.data, key=site.anna)
        refused(ran, "bad-name", Exit.MISUSE, repr(name), "write the collection's name alone: letters, digits, . _ -")
    key = {"ask": site.anna, "ingest": ""}[command]  # Anna reads the collection, and the console fills it
    assert ntk(command, what, "--collection", "finance", "--data", site.data, key=key).code == Exit.YES


def test_a_person_joins_a_group_later(ntk: Ntk, site: Site) -> None:
    assert ntk("ask", QUESTION, "--data", site.data, key=site.ben).code == Exit.NO
    refused(ntk("group", "join", "user:absent", "group:finance", "--data", site.data), "unknown-name", Exit.NO)
    refused(ntk("group", "join", "user:ben", "finance", "--data", site.data), "bad-name", Exit.MISUSE)
    joined = ntk("group", "join", "user:ben", "group:finance", "--data", site.data)
    assert (joined.code, joined.out) == (Exit.YES, "user:ben is in group:finance.\n")
    assert "180 euros" in ntk("ask", QUESTION, "--data", site.data, key=site.ben).out


def test_a_person_who_could_not_be_recognised(ntk: Ntk, site: Site) -> None:
    for options in (["--name", ""], ["--name", "Cy", "--email", "cy"], ["--name", "Cy", "--phone", "abc"]):
        refused(ntk("user", "add", "user:cy", *options, "--data", site.data), "bad-person", Exit.MISUSE, "user:cy")
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
    assert value("user", "add", "user:cy", "--name", "Cy") == {"user": "user:cy", "groups": [], "epoch": 2}
    joined = value("group", "join", "user:cy", "group:all")
    assert joined == {"member": "user:cy", "group": "group:all", "epoch": 3}
    key = value("key", "new", "user:cy")
    assert key["key"].startswith("ntk_")
    assert value("key", "revoke", key["key"][:10]) == {"revoked": key["key"][:10]}


def test_an_error_is_said_in_json_too_with_its_own_message(ntk: Ntk, tmp_path: Path) -> None:
    ran = ntk("audit", "verify", "--data", tmp_path, "--json")
    said = json.loads(ran.out)
    assert (said["code"], said["title"], ran.code) == ("no-data-folder", "No data folder", Exit.MISUSE)
    assert ran.err == f"ntk: {said['detail']} (no-data-folder)\n"
    assert str(tmp_path) in said["detail"]
    refused(ntk("audit", "verify", "--data", tmp_path), "no-data-folder", Exit.MISUSE)


def test_a_name_and_a_colon_are_no_picture(ntk: Ntk, site: Site) -> None:
    """The terminal library turned the end of "user:b:" into a blood group."""
    refused(ntk("key", "new", "user:b", "--data", site.data), "unknown-name", Exit.NO, "user:b: ")


def test_the_version(ntk: Ntk) -> None:
    ran = ntk("--version")
    assert (ran.code, ran.err) == (Exit.YES, "")
    assert re.fullmatch(r"ntk \d+\.\d+\.\d+\n", ran.out)


def test_a_conversation_goes_on(ntk: Ntk, site: Site) -> None:
    first = json.loads(ntk("ask", QUESTION, "--data", site.data, "--json", key=site.anna).out)
    going_on = ("ask", "Who tells it?", "--conversation", first["conversation"], "--data", site.data)
    then = ntk(*going_on, key=site.anna)
    assert then.out.startswith(f"Understood as: {QUESTION} Who tells it?\n")
    assert "180 euros" in then.out
    for whose, conversation in ((site.ben, first["conversation"]), (site.anna, "0"), (site.anna, "x" * 4000)):
        ran = ntk("ask", "Why?", "--conversation", conversation, "--data", site.data, key=whose)
        refused(ran, "unknown-conversation", Exit.NO)
    alone = ntk("ask", QUESTION, "--data", site.data, key=site.anna)
    assert "Understood" not in alone.out


@pytest.mark.parametrize(
    "question", ["a", "is it the of and", "Wie viel kostet der Kuchen?", "\u4e2d", "x\x07\u202e\x1b[31m"]
)
def test_an_odd_question_gets_nothing(ntk: Ntk, site: Site, question: str) -> None:
    ran = ntk("ask", question, "--data", site.data, key=site.anna)
    assert (ran.code, ran.out, ran.err) == (Exit.NO, f"{NOTHING}\n", "")


def test_json_holds_the_whole_reply(ntk: Ntk, site: Site) -> None:
    reply = json.loads(ntk("ask", QUESTION, "--data", site.data, "--json", key=site.anna).out)
    assert reply["outcome"] == "answered"
    assert reply["citations"][0]["excerpt"]


def test_help_loads_no_model() -> None:
    program = "import sys\nfrom api.cli import main\ntry: main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for command in ("ask", "audit", "demo", "doctor", "group", "ingest", "init", "key", "serve", "user"):
        assert command in done.stdout
