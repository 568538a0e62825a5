"""A folder through a running server: the same comes of it as here, and a run that is cut off goes on where it was."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2
import pytest
from sqlalchemy import func, select

from acl.admin.gate import CONSOLE, Waiting
from acl.admin.keys import revoke_keys
from acl.admin.second import approve
from acl.errors import AlreadyThere, BadLabel, NoSuchApproval, NotAllowed, UnknownName
from acl.labels import Label, Level
from acl.names import NodeId, UserId
from api.app import create_app
from api.errors import NoAnswer, NotSignedIn
from api.ingesting import Target, foresee_folder, ingest_folder
from api.intake_forms import PREFIX
from api.slips import Slip, to_text
from ingest.errors import EmptyFolder, NoSuchFolder, OtherFolder
from ingest.outcome import Summary
from ingest.pipeline import Brake
from ingest.reading import read
from ingest.run import Options
from store import schema
from store.engine import snapshot
from tests.api.share import TARGET, Seen, Served, answers, fill, installation, service, shown
from tests.pages.stand_in import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingest.types import Reading
    from retrieval.embed import Embed

ADMIN = UserId("user:admin")
FINANCE = Target("finance")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "share")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with 20 files."""
    root = tmp_path / "many"
    root.mkdir()
    for number in range(20):
        (root / f"{number:02}.md").write_text(f"# Rule {number}\n\nRule {number} is about the bread.\n", "utf-8")
    return root


class Counted:
    """A reading that counts, and does something each time."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.then: Callable[[], None] = lambda: None

    def __call__(self, data: bytes, name: str) -> Reading:
        self.names.append(name)
        self.then()
        return read(data, name)


@pytest.fixture
def reading() -> Counted:
    return Counted()


@pytest.fixture
def running(tmp_path: Path, hash_embed: Embed, reading: Counted) -> Iterator[Served]:
    with service(tmp_path / "served", hash_embed, reading) as opened:
        yield opened


def documents(running: Served) -> int:
    """Count the documents of all collections but the first that came in."""
    with snapshot(running.house.store.engine) as connection:
        there = schema.document.c.intake == "coll:share", schema.document.c.state != "deleted"
        return connection.scalar(select(func.count()).select_from(schema.document).where(*there)) or 0


def test_the_same_comes_of_a_folder_here_and_through_a_server(
    running: Served, folder: Path, tmp_path: Path, hash_embed: Embed
) -> None:
    """IN-11, AZ-12: summary, quarantine and what each person is answered, run after run."""
    with installation(tmp_path / "here", hash_embed) as (house, _):
        for turn in range(3):
            foreseen = foresee_folder(house, folder, TARGET, actor=ADMIN, progress=Seen())
            there = running.foresee(folder)
            assert shown(there.summary) == shown(foreseen.summary)
            assert (there.labels, there.readers) == (foreseen.labels, foreseen.readers)
            made = ingest_folder(house, folder, TARGET, actor=ADMIN, progress=Seen(), options=Options())
            assert isinstance(made, Summary)
            assert shown(running.summary(folder)) == shown(made)
            assert answers(running.house) == answers(house)
            if turn == 0:
                assert any("June" in text for _, text, _ in answers(house))
                assert (made.counts["failed"], made.counts["held"], made.passed_over) == (4, 2, 2)
                (folder / "gate.md").write_text("# Gate\n\nThe gate closes at midnight.\n", "utf-8")
                (folder / "shed.eml").unlink()
                (folder / "attic" / ".ntk.yaml").unlink()
            if turn == 1:
                assert (made.counts["changed"], made.counts["removed"], made.counts["added"]) == (1, 2, 1)


def test_a_file_keeps_its_date_on_the_way(running: Served, folder: Path) -> None:
    changed = {path: 1_700_000_000 + number for number, path in enumerate(sorted(folder.rglob("*.md")))}
    for path, seconds in changed.items():
        os.utime(path, (seconds, seconds))
    running.ingest(folder)
    with snapshot(running.house.store.engine) as connection:
        dates = {date.timestamp() for date in connection.scalars(select(schema.document.c.dated)) if date}
    assert len(dates & {*changed.values()}) >= 3


def test_a_dry_run_writes_nothing(running: Served, folder: Path) -> None:
    assert running.foresee(folder).summary.counts["added"] == 5
    assert documents(running) == 0
    with pytest.raises(BadLabel):  # the collection is still new
        running.ingest(folder, target=Target("share"))


def test_a_run_that_was_cut_off_sends_only_the_rest(running: Served, many: Path, reading: Counted) -> None:
    """FT-03: resumable per file."""

    class CutOff(Exception):
        pass

    def cut_off() -> None:
        if len(seen.told) == 5:
            raise CutOff

    seen = Seen(cut_off)
    with pytest.raises(CutOff):
        running.ingest(many, progress=seen)
    done = documents(running)
    assert 5 <= done < 20
    assert len(reading.names) == done
    made = running.summary(many)
    assert (made.added, made.unchanged) == (20 - done, done)
    assert len(reading.names) == 20
    assert documents(running) == 20


def test_a_server_that_stops_in_the_middle_ends_the_run_and_the_next_one_goes_on(
    tmp_path: Path, many: Path, hash_embed: Embed
) -> None:
    """FT-03: it says what to do; what was told is there."""
    with installation(tmp_path / "served", hash_embed) as (house, keys):
        seen = Seen()
        with served(create_app(house)) as url:
            running, on, off = Served(house, url, keys), threading.Event(), threading.Event()

            def stop() -> None:
                if len(seen.told) == 3:
                    on.set()
                    assert off.wait(30)

            seen.then = stop
            pool = ThreadPoolExecutor(1)
            run = pool.submit(running.ingest, many, progress=seen)
            assert on.wait(30)
        off.set()
        with pytest.raises(NoAnswer, match="run it again to go on"):
            run.result(60)
        told = sum(outcome.what == "added" for outcome in seen.told)
        done = documents(running)
        assert 3 <= told <= done < 20
        with served(create_app(house)) as url:
            made = Served(house, url, keys).summary(many)
        assert (made.added, made.unchanged) == (20 - done, done)
        assert documents(running) == 20
        pool.shutdown()


def test_two_runs_over_the_same_folder_at_once_leave_one_version_of_each_file(running: Served, many: Path) -> None:
    """IN-11."""
    running.ingest(many, max_delete=0) if False else None
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: running.summary(many), range(2))
    assert documents(running) == 20
    assert first.counts.total() == second.counts.total() == 20
    assert first.added + second.added == 20
    assert first.removed + second.removed == 0
    with snapshot(running.house.store.engine) as connection:
        chunks = connection.scalar(select(func.count()).select_from(schema.chunk)) or 0
    assert chunks == running.house.index.count()


def test_questions_are_answered_while_files_come_in(running: Served, many: Path, reading: Counted) -> None:
    """QD-06: reading and embedding hold up nobody."""
    answered: list[int] = []
    headers = {"Authorization": f"Bearer {running.keys['anna']}"}
    asked = threading.Event()

    def ask() -> None:
        if len(reading.names) == 6:  # as many as come at once: all of them are being read
            question = {"question": "How much is paid for hotels?"}
            reply = httpx2.post(f"{running.url}/api/v1/ask", json=question, headers=headers, timeout=30)
            answered.append(reply.status_code)
            asked.set()
        assert asked.wait(30)

    reading.then = ask
    assert running.summary(many).added == 20
    assert answered == [200]


def test_nothing_of_a_file_stands_in_clear_on_the_servers_disk(
    running: Served, folder: Path, tmp_path: Path, reading: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither while it is read, nor afterwards: text, title, name, declaration."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    seen: set[bytes] = set()

    def look() -> None:
        for place in (scratch, running.house.store.layout.root):
            written = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
            words = (b"evening", b"bonus", b"roof of", b"shed.eml", b"gate.md", b"candles", b"user:ben")
            seen.update(word for word in words if word in written)

    def look_once() -> None:
        if len(reading.names) == 6:
            look()

    reading.then = look_once
    assert running.summary(folder).added == 5
    look()
    assert seen == {b"user:ben"}  # who is in the directory stands there in clear: the search itself finds


def test_a_key_that_is_revoked_in_the_middle_ends_the_run(running: Served, many: Path) -> None:
    """AU-06, AZ-03: from the next file on."""

    def revoke() -> None:
        if len(seen.told) == 3:
            house = running.house
            revoke_keys(house.store.engine, house.ledger, CONSOLE, running.keys["admin"][:10])

    seen = Seen(revoke)
    with pytest.raises(NotSignedIn, match="takes no such key"):
        running.ingest(many, progress=seen)
    assert 3 <= documents(running) < 20


@pytest.mark.parametrize(("who", "status"), [("", b"401"), ("ben", b"403"), ("admin", b"422")])
def test_who_may_not_send_a_file_is_told_before_he_does(running: Served, many: Path, who: str, status: bytes) -> None:
    """QD-06, AP-09: no byte of it is waited for; of the last one, the slip is wrong."""
    running.summary(many)
    store = running.house.store
    slip = to_text(Slip(UserId(f"user:{who}"), NodeId("coll:share"), "", None), store.keys, store.masters.newest)
    head = {
        "Host": "127.0.0.1", "Authorization": f"Bearer {running.keys.get(who, '')}", "Ntk-Path": "late.md",
        "Ntk-Slip": slip if who == "ben" else "none", "Content-Length": "50000000",
    }  # fmt: skip
    port = int(running.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        lines = [f"PUT {PREFIX}/files HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(12) == b"HTTP/1.1 " + status
    assert documents(running) == 20


def test_who_may_not_fill_a_collection_cannot_and_is_not_told_whether_it_is_there(running: Served, many: Path) -> None:
    """AZ-03, AZ-05."""
    for who in ("ben", "anna", "filler"):  # nothing at all; reading; writing elsewhere
        told = set()
        for name in ("share", "absent") if who == "filler" else ("finance", "share", "absent"):
            for target in (Target(name), Target(name, ["group:secret"], Label(Level.PUBLIC))):
                for attempt in (running.ingest, running.foresee):
                    with pytest.raises(NotAllowed) as refused:
                        attempt(many, who=who, target=target)
                    told.add(str(refused.value).replace(name, "…"))
        assert len(told) == 1
    assert documents(running) == 0


def test_who_may_write_fills_a_collection_and_opens_it_to_nobody(running: Served, many: Path) -> None:
    """AZ-05: and learns of no group, person or label by trying."""
    for readers in (["user:ben"], ["group:absent"], ["user:absent"], ["role:everyone"]):
        for attempt in (running.ingest, running.foresee):
            with pytest.raises(NotAllowed):
                attempt(many, who="filler", target=Target("finance", readers))
    (many / ".ntk.yaml").write_text("readers: [user:ben]\n", "utf-8")
    for attempt in (running.ingest, running.foresee):
        with pytest.raises(NotAllowed):
            attempt(many, who="filler", target=FINANCE, moved=True)
    (many / ".ntk.yaml").unlink()
    foreseen = running.foresee(many, who="filler", target=FINANCE, moved=True, brake=Brake(percent=100))
    assert (foreseen.readers[()].count, foreseen.readers[()].who) == (2, None)  # names are for who may know everybody
    made = running.summary(many, who="filler", target=FINANCE, moved=True, brake=Brake(percent=100))
    assert (made.added, made.removed) == (20, 1)


def test_what_waits_for_a_second_person_waits_here_too(running: Served, folder: Path) -> None:
    running.summary(folder, target=Target("vault", ["user:anna"], Label(Level.RESTRICTED)))
    wider = Target("vault", ["user:ben"])
    assert running.foresee(folder, target=wider).summary.warnings[0].startswith("this would wait for a second person")
    made = running.ingest(folder, target=wider)
    assert isinstance(made, Waiting)
    assert made.reasons
    with pytest.raises(NoSuchApproval):  # it is his own
        approve(running.house.store.engine, running.house.ledger, ADMIN, made.approval)


def test_another_folder_is_refused_as_here(running: Served, many: Path, folder: Path) -> None:
    running.summary(many)
    with pytest.raises(OtherFolder, match="--moved"):
        running.ingest(folder)
    assert running.summary(folder, moved=True, brake=Brake(percent=100)).removed == 20


def test_errors_are_those_that_they_are_here(running: Served, many: Path, tmp_path: Path) -> None:
    running.summary(many)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyFolder):
        running.ingest(tmp_path / "empty")
    with pytest.raises(NoSuchFolder):
        running.ingest(tmp_path / "absent")
    with pytest.raises(AlreadyThere, match="internal"):
        running.ingest(many, target=Target("share", [], Label(Level.PUBLIC)))
    with pytest.raises(UnknownName, match="user:absent"):
        running.ingest(many, owner=UserId("user:absent"))


def test_what_is_gone_is_deleted_within_the_brake(running: Served, many: Path) -> None:
    """IN-12."""
    running.summary(many)
    for number in range(12):
        (many / f"{number:02}.md").unlink()
    braked = running.summary(many)
    assert (braked.removed, "--max-delete 12" in braked.warnings[0]) == (0, True)
    assert running.foresee(many, brake=Brake(12)).summary.removed == 12
    assert documents(running) == 20
    assert running.summary(many, brake=Brake(12)).removed == 12
    assert documents(running) == 8


def test_what_comes_in_by_another_run_meanwhile_is_not_gone(running: Served, many: Path, tmp_path: Path) -> None:
    """IN-11: a file that was put there after this run had looked through the folder."""
    walked = Seen()

    def put_one_more() -> None:
        walked.then = lambda: None
        (many / "new.md").write_text("# New\n\nThe new one is about the salt.\n", "utf-8")
        assert running.summary(many).added >= 1

    walked.then = put_one_more
    assert running.summary(many, progress=walked).removed == 0
    assert documents(running) == 21


def test_a_file_that_changes_or_goes_while_the_run_is_on_is_an_outcome(running: Served, many: Path) -> None:
    """IN-04."""

    def go() -> None:
        (many / "19.md").unlink(missing_ok=True)
        (many / "18.md").unlink(missing_ok=True)
        (many / "18.md").symlink_to(many / "00.md")

    made = running.summary(many, progress=Seen(go))
    assert made.added == 18
    assert set(made.failed) == {"18.md", "19.md"}


def test_a_folder_with_more_than_a_request_holds_comes_in_parts(running: Served, tmp_path: Path) -> None:
    root = tmp_path / "wide"
    for number in range(450):
        (root / f"folder {number}").mkdir(parents=True)
    (root / ".ntk.yaml").write_text("owner: user:ben\n" + "# why\n" * 9000, "utf-8")
    for number in (0, 225, 449):
        (root / f"folder {number}" / "a.md").write_text(f"# A\n\nThis is number {number}.\n", "utf-8")
        (root / f"folder {number}" / ".ntk.yaml").write_text("level: internal\n" + "# why\n" * 9000, "utf-8")
    for number in range(450):
        (root / f"folder {number}" / "broken.xyz").write_text("?")
    made = running.summary(root)
    assert (made.added, len(made.failed)) == (3, 450)
    with snapshot(running.house.store.engine) as connection:
        owners = select(schema.document.c.owner).where(schema.document.c.intake == "coll:share")
        assert set(connection.scalars(owners)) == {"user:ben"}
