"""The command line beside a running service: folders go through it, and it looks as it ever does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from acl.admin.change import policy_change
from acl.admin.keys import new_api_key
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Rule
from acl.labels import Level
from acl.names import ROOT, Subject, UserId
from api.errors import Exit
from api.wiring import open_store_at
from store.engine import write
from store.folder import Layout, announce, owned, served_at
from tests.api.conftest import make_site, refused
from tests.egress.contract.gates import application, provider, register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.embed import Embedder
    from tests.api.conftest import Ntk, Ran, Site


@pytest.fixture
def site(tmp_path: Path, embedder: Embedder) -> Site:
    """The installation with the vectors of the real model, which the commands load."""
    return make_site(tmp_path, embedder)


@pytest.fixture
def admin(site: Site) -> str:
    """The key of an administrator."""
    with open_store_at(site.data) as opened, policy_change(opened.store.engine, opened.ledger, "svc:test") as change:
        user = UserId("user:admin")
        add_user(change, Person(user, "Adam Holm", clearance=Level.CONFIDENTIAL))
        grant(change, Rule(Subject(user), ROOT, "manage", "allow"))
        grant(change, Rule(Subject(user), ROOT, "read", "allow"))
        return new_api_key(change, user)


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve it with the command that does; give the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    program = "import sys; from api.cli import main; main(sys.argv[1:])"
    arguments = ["serve", "--port", str(port), "--data", str(site.data)]
    environment = {name: value for name, value in os.environ.items() if name != "NTK_KEY"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Need to Know is on")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_a_gate_is_checked_by_the_service_that_has_the_data_folder(ntk: Ntk, site: Site, admin: str) -> None:
    with open_store_at(site.data) as opened, write(opened.store.engine) as connection:
        here = provider(base_url="http://127.0.0.1:9/v1", hosts=["127.0.0.1"])
        register(connection, opened.ledger, here, application(), now=datetime.now(UTC), check=())

    def check(key: str, *more: object) -> Ran:
        return ntk("gate", "http", "--check", "--data", site.data, *more, key=key)

    with serving(site) as url:
        refused(check(""), "not-signed-in", Exit.NO, "NTK_KEY", url)
        refused(check(admin, "--as", "user:anna"), "not-a-demo", Exit.MISUSE, "NTK_KEY")
        refused(check(site.ben), "not-allowed", Exit.NO)
        made = check(admin)
    assert made.code == Exit.NO
    assert "passed injection: 0 bytes carried out" in made.err
    assert "not tried isolation" in made.err
    assert "open    injection" in made.out


def test_a_folder_goes_through_the_service_that_has_the_data_folder(
    ntk: Ntk, site: Site, admin: str, documents: Path, tmp_path: Path
) -> None:
    """IN-11: found without being named, in its own sandbox, with the same words and exit codes."""
    (documents / "broken.docx").write_bytes(b"PK\x03\x04 no document")
    canteen = ("--collection", "canteen", "--readers", "user:anna", "--level", "internal")

    def ingest(*more: object, key: str = admin) -> Ran:
        return ntk("ingest", documents, *canteen, *more, key=key)

    here = ("--data", site.data)
    with serving(site) as url:
        assert served_at(Layout(site.data)) == url
        refused(ingest(*here, key=""), "not-signed-in", Exit.NO, "NTK_KEY", url)
        refused(ingest(*here, key="ntk_wrong"), "not-signed-in", Exit.NO, "NTK_KEY")
        refused(ingest(*here, key=site.ben), "not-allowed", Exit.NO, "not yours to fill")
        refused(ingest(*here, "--as", "user:anna"), "not-a-demo", Exit.MISUSE, "NTK_KEY")
        foreseen = ingest(*here, "--dry-run")
        assert foreseen.code == Exit.PARTLY
        assert "Would be: 1 added" in foreseen.out
        assert "user:anna" in foreseen.out
        made = ingest(*here)
        assert made.code == Exit.PARTLY
        assert "1 added, 1 failed" in made.out
        assert "broken.docx" in made.out
        elsewhere = ntk("ingest", documents, "--collection", "canteen", "--server", url, "--data", tmp_path / "absent",
                        "--moved", "--json", key=admin)  # fmt: skip
        assert [json.loads(line)["event"] for line in elsewhere.out.splitlines()] == ["begin", "file", "file", "end"]
        assert json.loads(elsewhere.out.splitlines()[-1])["unchanged"] == 1
    assert served_at(Layout(site.data)) is None
    again = ingest(*here, "--moved", "--json")  # the service has stopped: it is taken in here
    assert json.loads(again.out.splitlines()[-1])["unchanged"] == 1
    answered = ntk("ask", "When does the canteen serve lentil soup?", *here, key=site.anna)
    assert "Tuesday" in answered.out
    unreachable = ntk("ingest", documents, "--collection", "canteen", "--server", url, key=admin)
    refused(unreachable, "no-answer", Exit.PARTLY, "run it again")
    in_clear = ntk("ingest", documents, "--collection", "canteen", "--server", "http://ntk.example", key=admin)
    refused(in_clear, "bad-server", Exit.MISUSE, "https")


def test_a_data_folder_whose_owner_is_no_service_is_busy(ntk: Ntk, site: Site, documents: Path, owner: int) -> None:
    ran = ntk("ingest", documents, "--collection", "finance", "--data", site.data, key=site.anna)
    refused(ran, "data-folder-busy", Exit.PARTLY, str(owner))


def test_an_address_is_believed_only_while_it_is_served(tmp_path: Path) -> None:
    """AP-08: a key goes to no address that an earlier owner has left behind."""
    layout = Layout(tmp_path)
    assert served_at(layout) is None
    with owned(layout):
        assert served_at(layout) is None
        announce(layout, "http://127.0.0.1:8300")
        assert served_at(layout) == "http://127.0.0.1:8300"
        assert layout.lock.stat().st_mode & 0o077 == 0
    assert served_at(layout) is None
    layout.lock.write_text("1\nhttp://127.0.0.1:8300")  # somebody was killed
    with owned(layout):
        assert served_at(layout) is None
