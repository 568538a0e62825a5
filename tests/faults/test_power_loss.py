"""The power fails: what was acknowledged is there, what was not is there whole or not at all, what was erased is gone.

`disk.c` says which disk is assumed. `make soak-faults` cuts the power so many times more.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
import qdrant_edge as edge
from sqlalchemy import select

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.keys import holder_of_key
from acl.admin.nodes import add_collection, own_label
from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Principal, Rule
from acl.labels import Label, Level
from acl.names import DocumentId, Obj, Subject
from acl.scope import scope_of
from api.errors import BadSettings
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.wiring import House, open_house, require_whole_index
from audit.ledger import records, verify
from ingest.outcome import Summary
from ingest.points import kept_of
from ingest.reading import read
from redaction.errors import UnknownConversation
from retrieval.edge import EdgeIndex
from retrieval.find import find
from store import schema
from store.engine import snapshot
from store.errors import CannotDecrypt, NoDataFolder
from store.sealed import DocumentKey
from tests.faults.disk import Disk, compiled, compiler, copy_folder
from tests.faults.indexing import DIMENSION, MODEL, PLAN
from tests.faults.power import ANNA, AT_FIRST, BEN, BENS, FILES, HOUSE, LEVELS, PARTS, text_of
from tests.intake import Quiet
from tests.retrieval.kinds import shard_of
from tests.retrieval.tagged import are_as_sql_says

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from acl.names import UserId
    from retrieval.embed import Embed

CUTS: Final = int(os.environ.get("NTK_TEST_SOAK", "0"))
CUTS_A_RUN: Final = 50 if CUTS else 5
READY: Final = 10  # seconds until the service is there again
EVENTS: Final = 3500  # about as many as there are in a run

pytestmark = pytest.mark.skipif(compiler() is None, reason="the disk that loses its power needs a C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("disk"))


@dataclass(frozen=True, slots=True)
class Cut:
    """What a power cut has left, and what had been told until then."""

    root: Path
    told: str


# --- what was acknowledged ----------------------------------------------------------------------


def allowed(told: str) -> dict[str, set[str]]:
    """Give what each cell may be, from what was told before the power failed."""
    cells: defaultdict[str, set[str]] = defaultdict(lambda: {""})
    cells |= {f"file {name}": {AT_FIRST} for name in FILES} | {
        "rule": {"False"},
        "level": {"internal"},
        "rotations": {"0"},
    }
    for line in told.splitlines():
        verb, cell, value = json.loads(line)
        cells[cell] = {value} if verb == "is" else cells[cell] | {value}
    return cells


@dataclass(slots=True)
class Looked:
    """What an installation holds."""

    house: House
    documents: dict[str, tuple[DocumentId, str]] = field(default_factory=dict)  # name -> id and word

    def __post_init__(self) -> None:
        with snapshot(self.house.store.engine) as connection:
            alive = select(schema.document).where(schema.document.c.state != "deleted")
            for row in connection.execute(alive).all():
                id_ = DocumentId(row.id)
                key = DocumentKey.unwrap(id_, row.wrapped_key, self.house.store.keys.documents(row.key_id))
                name = key.open_source(row.sealed_source)
                text = " ".join(kept.text for kept in kept_of(connection, [id_], self.house.store.keys))
                words = re.findall(r"word\d+", text)
                assert name not in self.documents
                assert row.state == "live"
                assert len(set(words)) == 1, f"{name} is half of one version and half of another"
                assert all(f"in part {part}" in text for part in range(PARTS)), f"{name} is not whole"
                self.documents[name] = id_, words[0]

    def cell(self, cell: str) -> str:
        """Look up what a cell is."""
        kind, _, rest = cell.partition(" ")
        if kind == "file":
            return self.documents[rest][1] if rest in self.documents else ""
        if kind == "conversation":
            return self.conversation(*rest.split())
        with snapshot(self.house.store.engine) as connection:
            return self._row(connection, cell, kind, rest)

    def _row(self, connection: Connection, cell: str, kind: str, rest: str) -> str:
        match kind:
            case "rule":
                rules = schema.casbin_rule.c
                there = select(rules.id).where(rules.v0 == BENS.subject, rules.v1 == BENS.object)
                return str(connection.scalar(there) is not None)
            case "level":
                label = own_label(connection, HOUSE)
                return next(name for name, one in LEVELS.items() if label is not None and one == label.level)
            case "key":
                return "opens" if holder_of_key(connection, rest) else ""
            case "rotations":
                return str(sum(one.body["kind"] == "master-key.rotated" for one in records(connection)))
            case "note":
                wanted = (cell, rest)
                return "there" if any(one.body["request"] in wanted for one in records(connection)) else ""
        raise AssertionError(cell)

    def conversation(self, id_: str, owner: str, token: str) -> str:
        """Say whether a conversation opens, under whatever master key; it then has its token."""
        try:
            surfaces = self.house.answering.vault.recall(id_, owner).surfaces
        except UnknownConversation:
            return ""
        except CannotDecrypt:
            return "no key opens it"
        return "opens" if surfaces == {token: "Jane Doe"} else "it lost its token"

    def finds(self, user: UserId) -> dict[str, str]:
        """Give the word of each document that is found by it."""
        edges = self.house.answering
        with snapshot(self.house.store.engine) as connection:
            scope = scope_of(connection, Principal(user, Obj("app:tests")), "read")
        ask = partial(find, scope=scope, index=edges.index, embed=edges.embed, permit=edges.permit)
        names = {id_: name for name, (id_, _) in self.documents.items()}
        made: dict[str, str] = {}
        for name, (_, word) in self.documents.items():
            question = text_of(name, word).splitlines()[2][:60]
            for snippet in ask(question).snippets:
                if word in snippet.text:
                    made[names[snippet.document]] = word
        return made


def check(house: House, told: str) -> None:
    """Check that all acknowledged is there, and the rest whole or absent."""
    verify(house.store.engine)
    require_whole_index(house)
    looked = Looked(house)
    wrong = {cell: (looked.cell(cell), values) for cell, values in allowed(told).items()}
    assert not {cell: found for cell, found in wrong.items() if found[0] not in found[1]}
    there = {name: word for name, (_, word) in looked.documents.items()}
    assert looked.finds(ANNA) == there
    assert looked.finds(BEN) == (there if looked.cell("rule") == "True" else {})
    assert are_as_sql_says(house.index, house.store.engine)  # and no point is there of what is not
    with snapshot(house.store.engine) as connection:
        assert not connection.execute(select(schema.under_way)).all()


# --- the test -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """A data folder with some documents, and the folder that they came from."""

    data: Path
    share: Path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Base:
    place = tmp_path_factory.mktemp("power")
    made = Base(place / "data", place / "share")
    found(made.data)
    for name in FILES:
        (made.share / name).parent.mkdir(parents=True, exist_ok=True)
        (made.share / name).write_text(text_of(name, AT_FIRST), "utf-8")
    with open_house(made.data, hash_embed, read) as house:
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            add_user(change, Person(ANNA, "Anna", clearance=Level.CONFIDENTIAL))
            add_user(change, Person(BEN, "Ben", clearance=Level.CONFIDENTIAL))
            add_collection(change, HOUSE, "house", Label(Level.INTERNAL))
            grant(change, Rule(Subject(ANNA), Obj(HOUSE), "read", "allow"))
        assert taken_in(house, made.share).is_whole
    return made


def taken_in(house: House, share: Path) -> Summary:
    made = ingest_folder(house, share, Target("house"), actor=CONSOLE, progress=Quiet())
    assert isinstance(made, Summary)
    return made


def work(base: Base, place: Path) -> Disk:
    """Put a copy of the data folder on a disk of its own, and the documents back as they were."""
    place.mkdir()
    copy_folder(base.data, place / "data")
    shutil.rmtree(base.share)
    for name in FILES:
        (base.share / name).parent.mkdir(parents=True, exist_ok=True)
        (base.share / name).write_text(text_of(name, AT_FIRST), "utf-8")
    return Disk(place / "data", place / "state")


def seed_of(number: int) -> int:
    """Give the seed of a run: always the same in the suite, another each time in the long form."""
    return random.randrange(1 << 32) if CUTS else number


def files_in(share: Path) -> set[str]:
    return {str(path.relative_to(share)) for path in share.rglob("*.md")}


def cuts(disk: Disk, library: Path, module: str, *arguments: object, stops: range, seed: int) -> Iterator[Cut]:
    """Let a module work on a disk, and give what some power cuts meanwhile leave, and one at the end."""
    sys.stdout.write(f"seed {seed}\n")  # told when it fails
    chance = random.Random(seed)
    chosen = sorted(chance.sample(stops, min(CUTS_A_RUN, len(stops))))
    for number, told in enumerate(disk.run(library, module, *arguments, stops=chosen)):
        target = disk.state / f"cut{number}"
        disk.cut(target, chance)
        yield Cut(target, told)
        shutil.rmtree(target)
    assert not disk.missed()


@pytest.mark.parametrize("number", range(CUTS // CUTS_A_RUN or 1))
def test_after_a_power_cut_what_was_acknowledged_is_there_and_nothing_is_half(
    base: Base, library: Path, tmp_path: Path, hash_embed: Embed, number: int
) -> None:
    """FT-02."""
    disk, seed = work(base, tmp_path / "disk"), seed_of(number)
    made = cuts(disk, library, "tests.faults.power", base.share, seed, stops=range(1, EVENTS), seed=seed)
    for turn, cut in enumerate(made):
        begun = time.monotonic()
        with open_house(cut.root, hash_embed, read) as house:
            assert time.monotonic() - begun < READY
            check(house, cut.told)
            if turn % 4 == 0:  # and it goes on from there
                assert taken_in(house, base.share).is_whole
                assert Looked(house).documents.keys() == files_in(base.share)


@pytest.mark.parametrize("number", range(CUTS // CUTS_A_RUN or 1))
def test_a_data_folder_that_was_made_is_there_after_a_power_cut(
    library: Path, tmp_path: Path, hash_embed: Embed, number: int
) -> None:
    """FT-02: and one whose making was cut off is refused as what it is."""
    (tmp_path / "place").mkdir()
    disk = Disk(tmp_path / "place", tmp_path / "state")
    for cut in cuts(disk, library, "tests.faults.founding", stops=range(1, 160), seed=seed_of(number)):
        try:
            with open_house(cut.root / "data", hash_embed, read) as house:
                verify(house.store.engine)
        except (NoDataFolder, BadSettings):
            assert "founded" not in cut.told


@pytest.mark.parametrize("number", range(CUTS // CUTS_A_RUN or 1))
def test_an_index_that_is_rebuilt_loses_no_point_in_a_power_cut(library: Path, tmp_path: Path, number: int) -> None:
    """FT-02: nor is one there again that was removed."""
    (tmp_path / "place").mkdir()
    disk, seed = Disk(tmp_path / "place", tmp_path / "state"), seed_of(number)
    for cut in cuts(disk, library, "tests.faults.indexing", seed, stops=range(150, 3000), seed=seed):
        index = EdgeIndex(cut.root / "index", DIMENSION, MODEL, plan=PLAN)
        records, _ = shard_of(index).scroll(edge.ScrollRequest(limit=1000))
        there = {f"point {uuid.UUID(str(record.id)).int}" for record in records}
        cells = allowed(cut.told)
        assert {cell for cell, values in cells.items() if values == {"there"}} <= there
        assert there <= {cell for cell, values in cells.items() if "there" in values}
        index.close()
