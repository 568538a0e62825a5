"""F1: a run that is killed, at any of its steps, has lost nothing that it acknowledged, and left no half document.

`make soak-ingest` tries all steps, and so many rounds.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import func, select

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.people import Person, add_user
from acl.labels import Label, Level
from acl.names import DocumentId, UserId
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.wiring import House, open_house
from audit.ledger import verify
from ingest.outcome import Summary
from ingest.points import kept_of
from ingest.reading import read
from store import schema
from store.engine import snapshot
from store.sealed import DocumentKey
from tests.intake import Quiet
from tests.retrieval.tagged import are_as_sql_says

if TYPE_CHECKING:
    from retrieval.embed import Embed

ROUNDS: Final = int(os.environ.get("NTK_TEST_SOAK", "0"))
NEVER: Final = 1_000_000
HOUSE: Final = Target("house", ["role:everyone"], Label(Level.INTERNAL))
ROOT: Final = Path(__file__).parents[2]


def mail(words: str, *attached: str) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "ada@pier.example", "Lamps"
    message.set_content(words)
    for number, text in enumerate(attached):
        message.add_attachment(text.encode(), maintype="text", subtype="plain", filename=f"note{number}.txt")
    return message.as_bytes()


FIRST: Final = {
    "same.md": b"# Same\n\nThe first lamp is green.\n",
    "changed.md": b"# Changed\n\nThe first lamp is green.\n",
    "gone.md": b"# Gone\n\nThe first lamp is green.\n",
    "pay/slip.md": b"# Slip\n\nThe first lamp is green.\n",
    "lamps.eml": mail("The first lamp is green.", "The first note is green."),
}
SECOND: Final = {
    "same.md": FIRST["same.md"],
    "changed.md": b"# Changed\n\nThe second lamp is red.\n",
    "new.md": b"# New\n\nThe second lamp is red.\n",
    "pay/slip.md": b"# Slip\n\nThe second lamp is red.\n",
    "pay/.ntk.yaml": b"level: restricted\n",
    "lamps.eml": mail("The second lamp is red."),
    "wrong/held.md": b"# Held\n\nThe second lamp is red.\n",
    "wrong/.ntk.yaml": b"owner: user:stranger\n",
}
WHEN_DONE: Final = {
    "same.md": ("live", "first"),
    "changed.md": ("live", "second"),
    "new.md": ("live", "second"),
    "pay/slip.md": ("live", "second"),
    "lamps.eml": ("live", "second"),
    "wrong/held.md": ("held", "second"),
}


@dataclass(frozen=True)
class Base:
    """A data folder into which the first state of a folder was taken, and the folder in its second state."""

    data: Path
    folder: Path
    steps: int


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Base:
    place = tmp_path_factory.mktemp("crash")
    data, folder = place / "data", place / "share"
    found(data)
    write(folder, FIRST)
    with open_house(data, hash_embed, read) as house:
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            add_user(change, Person(UserId("user:anna"), "Anna", clearance=Level.CONFIDENTIAL))
        assert run(house, folder).is_whole
    shutil.rmtree(folder)
    write(folder, SECOND)
    shutil.copytree(data, place / "whole")
    ended = killed(place / "whole", folder, NEVER)
    return Base(data, folder, int(ended[-1].split()[1]))


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def run(house: House, folder: Path) -> Summary:
    made = ingest_folder(house, folder, HOUSE, actor=CONSOLE, progress=Quiet())
    assert isinstance(made, Summary)
    return made


def killed(data: Path, folder: Path, step: int) -> list[str]:
    """Take the folder in, in a process that ends at a step, and give what it acknowledged."""
    command = [sys.executable, "-m", "tests.ingest.crash", str(data), str(folder), str(step)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    told = ended.stdout.splitlines()
    if ended.returncode != -signal.SIGKILL:
        # How many steps there are, hangs on how the files fall into batches: this run had fewer than the one counted.
        assert ended.returncode == 0, ended.stderr
        assert int(told[-1].split()[1]) < step
    return told


def documents(house: House) -> dict[str, tuple[str, str]]:
    """Give state and text of each document that has a text, by the name of its file."""
    made: dict[str, tuple[str, str]] = {}
    with snapshot(house.store.engine) as connection:
        for row in connection.execute(select(schema.document).where(schema.document.c.state != "deleted")).all():
            id_ = DocumentId(row.id)
            key = DocumentKey.unwrap(id_, row.wrapped_key, house.store.keys.documents(row.key_id))
            name = key.open_source(row.sealed_source)
            assert name not in made
            made[name] = (row.state, " ".join(kept.text for kept in kept_of(connection, [id_], house.store.keys)))
    return made


def counted(house: House) -> tuple[int, int, int]:
    """Give the chunks that answer, those of drafts, and the documents that are under way."""
    chunk, document = schema.chunk, schema.document
    answers = (document.c.state == "live") & (chunk.c.version == document.c.version)
    with snapshot(house.store.engine) as connection:
        both = select(func.count()).select_from(chunk.join(document))
        of_drafts = both.where((document.c.state == "draft") | (document.c.state == "live") & ~answers)
        listed = connection.scalar(select(func.count()).select_from(schema.under_way)) or 0
        return connection.scalar(both.where(answers)) or 0, connection.scalar(of_drafts) or 0, listed


def check_nothing_lost(house: House, told: list[str]) -> None:
    there = documents(house)
    for line in told:
        what, name = line.split(" ", 1)
        match what:
            case "added" | "changed":
                assert there[name][0] == "live"
                assert "second" in there[name][1]
            case "held":
                assert there[name][0] == "held"
            case "unchanged":
                assert "first" in there[name][1]
            case _:
                assert what in ("removed", "steps")
    for name, (_, text) in there.items():
        assert ("first" in text) != ("second" in text), name  # one version, whole
    assert house.index.count() == counted(house)[0]
    assert counted(house)[1:] == (0, 0)
    assert are_as_sql_says(house.index, house.store.engine)


def check_one_step(base: Base, place: Path, step: int, embed: Embed) -> None:
    shutil.copytree(base.data, place)
    told = killed(place, base.folder, step)
    with open_house(place, embed, read) as house:
        check_nothing_lost(house, told)
        verify(house.store.engine)
        run(house, base.folder)
        there = documents(house)
        assert {name: (state, text.split()[-4]) for name, (state, text) in there.items()} == WHEN_DONE
        check_nothing_lost(house, [])
        assert run(house, base.folder).unchanged == len(WHEN_DONE) - 1
    shutil.rmtree(place)


@pytest.mark.parametrize("part", [0.1, 0.25, 0.4, 0.5, 0.6])
def test_a_run_that_is_killed_is_made_good_by_the_next(
    base: Base, tmp_path: Path, hash_embed: Embed, part: float
) -> None:
    """FT-01, FT-03, IN-11, IN-12."""
    check_one_step(base, tmp_path / "data", max(1, int(base.steps * part)), hash_embed)


@pytest.mark.skipif(not ROUNDS, reason="the long form: make soak-ingest")
def test_a_run_is_killed_at_every_step_and_at_random(base: Base, tmp_path: Path, hash_embed: Embed) -> None:
    steps = [*range(1, base.steps + 1)] + [random.randint(1, base.steps) for _ in range(ROUNDS)]
    for number, step in enumerate(steps[: max(ROUNDS, base.steps)]):
        check_one_step(base, tmp_path / f"{number}", step, hash_embed)
