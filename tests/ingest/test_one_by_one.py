"""Files that come one by one: whatever comes at the same time, one version of each answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from acl.errors import NotAllowed
from acl.labels import Label, Level
from acl.names import NodeId, UserId
from ingest.errors import Overtaken, Unreadable
from ingest.families import File, Place, digest_of
from ingest.one_by_one import LONGEST_PATH, compare, foresee_one, parents_in, remove, stocked, take_one
from ingest.reading import read
from ingest.together import Together
from ingest.types import shown
from ingest.walk import DEEPEST
from retrieval.errors import IndexDown
from store import schema
from store.engine import snapshot
from tests.intake import TAKER, edges_of, mail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from acl.names import DocumentId
    from ingest.one_by_one import Taken
    from ingest.types import Reading
    from ingest.versions import Edges
    from retrieval.types import ChunkId, Point
    from tests.worlds import World

HOUSE = NodeId("coll:house")
GATE = b"# Gate\n\nThe gate closes at ten in the evening.\n"
LATE = b"# Gate\n\nThe gate closes at midnight.\n"


class Turn:
    """A lock that tells how many have come for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._come = threading.Semaphore(0)

    def __enter__(self) -> None:
        self._come.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait_for(self, many: int) -> None:
        for _ in range(many):
            assert self._come.acquire(timeout=10)


class Index:
    """The index of a world, behind something of a test's own."""

    def __init__(self, world: World) -> None:
        self._index = world.index
        self.puts: list[int] = []

    def put(self, points: Sequence[Point]) -> None:
        self.puts.append(len(points))
        self._index.put(points)

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        self._index.remove(chunks)

    def keep_only(self, document: DocumentId, version: int) -> None:
        self._index.keep_only(document, version)


@dataclass
class Door:
    """Where files come in one by one, into a collection that everybody may read."""

    world: World
    edges: Edges
    together: Together = field(default_factory=Together)
    turn: Turn = field(default_factory=Turn)
    require: Callable[[Connection], None] = lambda _connection: None

    def take(self, data: bytes, name: str = "gate.md", *faults: str) -> Taken:
        publish = partial(self.together.publish, edges=self.edges, turn=self.turn)
        place = Place(HOUSE, UserId("user:anna"), faults)
        file = File(name, lambda: data)
        return take_one(file, place, HOUSE, TAKER, self.edges, publish=publish, require=self.require)

    def whats(self, data: bytes, name: str = "gate.md", *faults: str) -> list[str]:
        return [outcome.what for outcome in self.take(data, name, *faults).outcomes]

    def texts(self) -> str:
        found = self.world.find("when does the gate close, and which roof is red", UserId("user:anna"))
        return "\n".join(snippet.text for snippet in found.snippets)

    def count(self) -> tuple[int, int, int]:
        """Count documents, chunks and points."""
        with snapshot(self.world.store.engine) as connection:
            there = schema.document.c.state != "deleted"
            documents = connection.scalar(select(func.count()).select_from(schema.document).where(there)) or 0
            chunks = connection.scalar(select(func.count()).select_from(schema.chunk)) or 0
        return documents, chunks, self.world.index.count()


@pytest.fixture
def door(world: World) -> Door:
    world.collection("house", Label(Level.INTERNAL))
    world.allow_everyone(HOUSE)
    world.user("anna")
    return Door(world, edges_of(world))


def test_a_file_comes_in_once_and_again_when_it_has_changed(door: Door) -> None:
    """IN-11."""
    assert door.whats(GATE) == ["added"]
    assert door.whats(GATE) == ["unchanged"]
    assert door.whats(LATE) == ["changed"]
    assert "midnight" in door.texts()
    assert "ten in the evening" not in door.texts()
    assert door.count() == (1, 1, 1)


def test_what_is_attached_comes_and_goes_with_its_mail(door: Door) -> None:
    """IN-06, IN-12."""
    first = door.take(mail("See below.", roof="The roof is red.\n", wall="The wall is white.\n"), "shed.eml")
    assert [(one.what, one.attached) for one in first.outcomes] == [("added", False), ("added", True), ("added", True)]
    assert len(first.documents) == 3
    again = door.take(mail("See below.", roof="The roof is red.\n", wall="The wall is white.\n"), "shed.eml")
    assert ([one.what for one in again.outcomes], again.documents) == (["unchanged"], first.documents)
    second = door.take(mail("See below.", roof="The roof is red.\n"), "shed.eml")
    assert len(second.documents) == 2
    assert set(second.documents) < set(first.documents)
    assert "white" not in door.texts()
    assert door.count() == (2, 2, 2)


def test_a_file_that_cannot_be_read_any_more_leaves_what_was_there(door: Door) -> None:
    first = door.take(mail("See below.", roof="The roof is red.\n"), "shed.eml")
    broken = door.take(b"", "shed.eml")
    assert [(one.what, one.reasons) for one in broken.outcomes] == [("failed", ("it is empty",))]
    assert broken.documents == first.documents
    assert "red" in door.texts()


def test_what_a_folder_says_wrongly_is_held_back(door: Door) -> None:
    door.take(GATE)
    held = door.take(GATE, "gate.md", "nobody owns it")
    assert [(one.what, one.reasons) for one in held.outcomes] == [("held", ("nobody owns it",))]
    assert "gate" not in door.texts()


class Meeting:
    """A reading that two have to begin before the first of them may go on; later ones are not held up."""

    def __init__(self) -> None:
        self._both = threading.Barrier(2)
        self._begun = 0
        self._lock = threading.Lock()

    def __call__(self, data: bytes, name: str) -> Reading:
        with self._lock:
            self._begun += 1
            waits = self._begun <= 2
        if waits:
            self._both.wait(10)
        return read(data, name)


@pytest.mark.parametrize("contents", [(GATE, GATE), (GATE, LATE)])
@pytest.mark.parametrize("known", [True, False])
def test_the_same_file_twice_at_once_leaves_one_version(
    door: Door, contents: tuple[bytes, bytes], *, known: bool
) -> None:
    """IN-11: both find nothing there, or the same, and only one of them may be right about that."""
    if known:
        door.take(b"# Gate\n\nThe gate is closed.\n")
    door.edges = edges_of(door.world, reading=Meeting())
    with ThreadPoolExecutor(2) as pool:
        first, second = (sorted(told) for told in pool.map(door.whats, contents))
    came = "changed" if known else "added"
    told = sorted([*first, *second])
    assert told == sorted([came, "unchanged" if contents[0] == contents[1] else "changed"])
    assert door.count() == (1, 1, 1)
    assert door.texts().count("The gate closes") == 1


def test_the_same_file_is_not_published_twice_together(door: Door) -> None:
    """IN-11: both are read and wait when the turn comes."""
    index = Index(door.world)
    door.edges = edges_of(door.world, index=index)
    with ThreadPoolExecutor(2) as pool:
        with door.turn:
            taken = [pool.submit(door.whats, data) for data in (GATE, LATE)]
            door.turn.wait_for(1 + 2)
        told = [one.result() for one in taken]
    assert sorted(told) == [["added"], ["changed"]]
    assert index.puts == [1, 1]
    assert door.count() == (1, 1, 1)


def test_different_files_at_once_are_published_together(door: Door) -> None:
    """And each is told what became of it alone."""
    index = Index(door.world)
    door.edges = edges_of(door.world, index=index)
    names = [f"{number}.md" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        with door.turn:  # until all are ready
            taken = [pool.submit(door.take, GATE.replace(b"ten", name.encode()), name) for name in names]
            door.turn.wait_for(1 + len(names))
        outcomes = [one.result().outcomes for one in taken]
    assert [[(one.relative, one.what) for one in told] for told in outcomes] == [[(name, "added")] for name in names]
    assert index.puts == [6]
    assert door.count() == (6, 6, 6)


def test_a_file_that_is_always_overtaken_is_given_up(door: Door) -> None:
    """IN-11."""
    number = 0

    def reading(data: bytes, name: str) -> Reading:
        nonlocal number
        number += 1
        Door(door.world, edges_of(door.world), turn=door.turn).take(GATE.replace(b"ten", str(number).encode()))
        return read(data, name)

    door.edges = edges_of(door.world, reading=reading)
    with pytest.raises(Overtaken):
        door.take(LATE)
    assert number == 3
    assert door.count() == (1, 1, 1)


def test_who_may_no_more_when_it_is_read_takes_in_nothing_and_holds_up_nobody(door: Door) -> None:
    """AZ-03: rights are asked for last, before anything is written."""

    def refuse(_connection: Connection) -> None:
        raise NotAllowed("not any more")

    refused = Door(door.world, door.edges, door.together, door.turn, refuse)
    with ThreadPoolExecutor(2) as pool:
        with door.turn:
            no, yes = pool.submit(refused.take, LATE, "late.md"), pool.submit(door.take, GATE)
            door.turn.wait_for(1 + 2)
        with pytest.raises(NotAllowed):
            no.result()
        assert [one.what for one in yes.result().outcomes] == ["added"]
    assert door.count() == (1, 1, 1)


def test_an_index_that_fails_fails_all_that_were_published_together(door: Door) -> None:
    """FT-03: and they come in with the next attempt."""

    class Failing(Index):
        def put(self, points: Sequence[Point]) -> None:
            raise IndexDown("no room")

    door.edges = edges_of(door.world, index=Failing(door.world))
    for name in ("a.md", "b.md"):
        with pytest.raises(IndexDown):
            door.take(GATE, name)
    assert door.texts() == ""
    door.edges = edges_of(door.world)
    assert [door.whats(GATE, name) for name in ("a.md", "b.md")] == [["added"], ["added"]]
    assert door.count() == (2, 2, 2)


def test_what_would_come_of_a_file_is_said_without_writing(door: Door) -> None:
    def foreseen(data: bytes, *faults: str) -> list[str]:
        file, place = File("gate.md", lambda: data), Place(HOUSE, None, faults)
        return [one.what for one in foresee_one(file, place, Label(Level.INTERNAL), HOUSE, door.edges).outcomes]

    assert foreseen(GATE) == ["added"]
    assert door.count() == (0, 0, 0)
    door.take(GATE)
    assert (foreseen(GATE), foreseen(LATE), foreseen(LATE, "why"), foreseen(b"")) == (
        ["unchanged"], ["changed"], ["held"], ["failed"],
    )  # fmt: skip
    assert door.count() == (1, 1, 1)


def test_files_are_compared_by_their_digest(door: Door) -> None:
    taken = door.take(mail("See below.", roof="The roof is red.\n"), "shed.eml")
    held = door.take(GATE, "held.md", "why")
    files = [
        ("shed.eml", digest_of(mail("See below.", roof="The roof is red.\n"))),
        ("shed.eml", digest_of(b"other")),
        ("shed.eml", None),
        ("held.md", digest_of(GATE)),
        ("new.md", digest_of(GATE)),
    ]
    with snapshot(door.world.store.engine) as connection:
        found = compare(connection, door.world.store.keys, HOUSE, files)
        elsewhere = compare(connection, door.world.store.keys, NodeId("coll:other"), files)
    assert [one.unchanged for one in found] == [True, False, False, False, False]
    assert [set(one.documents) for one in found] == [set(taken.documents)] * 3 + [set(held.documents), set()]
    assert not any(one.documents for one in elsewhere)


def test_what_is_gone_is_deleted_and_nothing_of_another_collection(door: Door) -> None:
    """AZ-05, IN-12."""
    (gate,) = door.take(GATE).documents
    shed = door.take(mail("See below.", roof="The roof is red.\n"), "shed.eml").documents
    assert remove([gate, *shed], NodeId("coll:other"), TAKER, door.edges) == 0
    assert door.count() == (3, 3, 3)
    assert remove([*shed], HOUSE, TAKER, door.edges) == 2
    assert remove([*shed], HOUSE, TAKER, door.edges) == 0
    assert door.count() == (1, 1, 1)
    with snapshot(door.world.store.engine) as connection:
        assert stocked(connection, HOUSE, "", 10) == [(gate, True)]
        assert stocked(connection, HOUSE, gate, 10) == []
        assert stocked(connection, NodeId("coll:other"), "", 10) == []


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd.md", "..", "../a.md", "a/../b.md", "a/..", "./a.md", "a/./b.md", "a//b.md", "a/", "a.md/",
        "a\0.md", "a\\x00.md", "a\n.md", "a\x1b[2J.md", "a\x7f.md", "a\x9f.md", "a\u202etxt.exe", "a\u200b.md",
        "a\u2028.md", "\ud800.md", "C:\\a.md", "..\\a.md", "\\\\host\\a.md", "a\\x4.md", "a\\", "\\q.md",
        "a/" * (DEEPEST + 1) + "b.md", "a" * (LONGEST_PATH + 1),
    ],
)  # fmt: skip
def test_a_path_that_no_walk_gives_is_refused(path: str) -> None:
    """IN-03."""
    with pytest.raises(Unreadable):
        parents_in(path)


@pytest.mark.parametrize(
    "path",
    [
        "a.md", "a/b/c.md", "...", "..a/b..md", ".hidden/a.md", "CON.txt", "C:/a.md", "a%2fb.md", "a b.md", "~/a.md",
        "\N{SNOWMAN}.md", "a/" * DEEPEST + "b.md", "a" * LONGEST_PATH,
        *map(shown, ["a\nb.md", "a\\b.md", "a\\x00b.md", "\udcff.md", "a\u202etxt.exe", "\x1b[2J", "\U000e0001"]),
    ],
)  # fmt: skip
def test_a_path_that_a_walk_may_give_is_taken(path: str) -> None:
    """IN-03."""
    assert parents_in(path) == tuple(path.split("/")[:-1])
