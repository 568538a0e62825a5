"""A folder in: what becomes of files, versions, folders and crashes; with real parts but a fake embedder."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from acl.admin.change import policy_change
from acl.admin.nodes import set_label
from acl.labels import Compartment, Label, Level
from acl.names import NodeId, UserId
from ingest.errors import EmptyFolder, NoSuchFolder, OtherFolder
from ingest.run import Options
from ingest.types import moment
from retrieval.errors import IndexDown
from retrieval.tags import drain
from store import schema
from store.engine import snapshot
from tests.intake import edges_of, take_in
from tests.retrieval.tagged import are_as_sql_says

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acl.names import DocumentId
    from ingest.outcome import Outcome, Summary
    from retrieval.types import ChunkId, Point
    from tests.worlds import World

RULES = "# House rules\n\nThe gate closes at ten in the evening. Whoever comes later rings the bell.\n"
KITCHEN = "# Kitchen\n\nThe kettle is descaled on the first Monday of a month by whoever is first.\n"


class _Seen:
    """Keeps what a watcher was told."""

    def __init__(self) -> None:
        self.files = 0
        self.done: list[tuple[str, int]] = []

    def started(self, files: int) -> None:
        self.files = files

    def finished(self, outcome: Outcome) -> None:
        self.done.append((outcome.relative, outcome.chunks))


class _Failing:
    """An index that fails at one of its steps."""

    def __init__(self, world: World, step: str) -> None:
        self._world, self._step = world, step

    def put(self, points: Sequence[Point]) -> None:
        if self._step == "put":
            raise IndexDown("no room")
        self._world.index.put(points)
        if self._step == "after put":
            raise IndexDown("cut off")

    def keep_only(self, document: DocumentId, version: int) -> None:
        self._world.index.keep_only(document, version)

    def remove(self, chunks: Sequence[ChunkId]) -> None:
        if self._step == "remove":
            raise IndexDown("no room")
        self._world.index.remove(chunks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    (root / "kitchen" / "upstairs").mkdir(parents=True)
    (root / "rules.md").write_text(RULES, "utf-8")
    (root / "kitchen" / "upstairs" / "kettle.md").write_text(KITCHEN, "utf-8")
    return root


@pytest.fixture
def run(world: World, folder: Path) -> partial[Summary]:
    collection = world.collection("house", Label(Level.INTERNAL))
    world.allow_everyone(collection)
    world.user("anna")
    return partial(take_in, world, folder, collection)


def _texts(world: World, question: str) -> list[str]:
    return [snippet.text for snippet in world.find(question, "user:anna").snippets]  # type: ignore[arg-type]  # a name


def _chunks(world: World) -> int:
    with snapshot(world.store.engine) as connection:
        return connection.scalar(select(func.count()).select_from(schema.chunk)) or 0


def test_every_file_answers_below_its_folders(world: World, run: partial[Summary]) -> None:
    made = run()
    assert (made.added, made.changed, made.unchanged, made.failed) == (2, 0, 0, {})
    assert any("kettle" in text for text in _texts(world, "kettle descaled"))
    with snapshot(world.store.engine) as connection:
        names = connection.scalars(select(schema.node.c.name).where(schema.node.c.parent_id.is_not(None))).all()
    assert sorted(names) == ["kitchen", "upstairs"]
    assert world.index.count() == _chunks(world) == made.chunks


def test_a_second_run_reads_nothing_again(world: World, run: partial[Summary]) -> None:
    run()
    before = _chunks(world)
    made = run()
    assert (made.added, made.changed, made.unchanged, made.chunks) == (0, 0, 2, 0)
    assert (_chunks(world), world.index.count()) == (before, before)


def test_a_changed_file_answers_in_its_new_version_alone(world: World, run: partial[Summary], folder: Path) -> None:
    """IN-11, IN-12."""
    run()
    (folder / "rules.md").write_text(RULES.replace("ten in the evening", "midnight"), "utf-8")
    made = run()
    assert (made.changed, made.unchanged) == (1, 1)
    found = "\n".join(_texts(world, "gate closes"))
    assert "midnight" in found
    assert "ten in the evening" not in found
    assert world.index.count() == _chunks(world)


def test_a_document_has_the_date_of_its_file(world: World, run: partial[Summary], folder: Path) -> None:
    os.utime(folder / "rules.md", (1_000_000_000, 1_700_000_000))
    run()
    found = {snippet.dated for snippet in world.find("boiler", UserId("user:anna")).snippets}
    assert datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC) in found
    (folder / "rules.md").write_text(RULES + "\nThe boiler is new.\n", "utf-8")
    os.utime(folder / "rules.md", (1_000_000_000, 1_750_000_000))
    run()
    found = {snippet.dated for snippet in world.find("boiler", UserId("user:anna")).snippets}
    assert datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC) in found
    assert datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC) not in found


def test_a_file_of_no_date_is_taken_in_all_the_same() -> None:
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(10**18) is None
    assert moment(-(10**18)) is None


def test_another_folder_does_not_replace_what_a_collection_has(
    world: World, run: partial[Summary], folder: Path, tmp_path: Path
) -> None:
    run()
    other = tmp_path / "other"
    other.mkdir()
    (other / "rules.md").write_text("# Garden\n\nThe hose is rolled up before the frost comes in November.\n", "utf-8")
    with pytest.raises(OtherFolder, match="--moved"):
        take_in(world, other, NodeId("coll:house"))
    assert any("bell" in text for text in _texts(world, "rings the bell"))
    assert run().unchanged == 2


def test_a_folder_that_was_moved_goes_on_where_it_was(
    world: World, run: partial[Summary], folder: Path, tmp_path: Path
) -> None:
    run()
    (folder / "rules.md").write_text(RULES.replace("ten in the evening", "midnight"), "utf-8")
    folder = folder.rename(tmp_path / "elsewhere")
    made = take_in(world, folder, NodeId("coll:house"), options=Options(moved=True))
    assert (made.added, made.changed, made.unchanged) == (0, 1, 1)
    assert not any("ten in the evening" in text for text in _texts(world, "gate closes"))
    assert take_in(world, folder, NodeId("coll:house")).unchanged == 2


def test_a_broken_file_is_named_and_the_rest_goes_on(world: World, run: partial[Summary], folder: Path) -> None:
    (folder / "a-broken.docx").write_bytes(b"no document")
    seen = _Seen()
    made = take_in(world, folder, NodeId("coll:house"), progress=seen)
    assert list(made.failed) == ["a-broken.docx"]
    assert made.added == 2
    assert seen.files == 3
    assert min(seen.done) == ("a-broken.docx", 0)


def test_a_new_version_that_cannot_be_read_leaves_the_old_one(
    world: World, run: partial[Summary], folder: Path
) -> None:
    run()
    (folder / "rules.md").write_bytes(b"\x00\x01\x02")
    assert list(run().failed) == ["rules.md"]
    assert any("bell" in text for text in _texts(world, "rings the bell"))


@pytest.mark.parametrize(
    ("step", "first"), [("put", True), ("put", False), ("after put", True), ("after put", False), ("remove", False)]
)
def test_a_run_that_is_cut_off_is_made_good_by_the_next(
    world: World,
    run: partial[Summary],
    folder: Path,
    step: str,
    first: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    """FT-03: between rows and points, the old version answers or none; then exactly one does."""
    if not first:
        run()
        (folder / "rules.md").write_text(RULES.replace("ten in the evening", "midnight"), "utf-8")
    with pytest.raises(IndexDown):
        take_in(world, folder, NodeId("coll:house"), edges=edges_of(world, index=_Failing(world, step)))
    run()
    assert world.index.count() == _chunks(world)
    gate = [text for text in _texts(world, "gate closes") if "gate" in text]
    assert len(gate) == 1
    assert ("midnight" in gate[0]) is not first
    assert _texts(world, "gate closes")


class _Overtaken(_Failing):
    """An index to which somebody else's change is written just before the points."""

    def put(self, points: Sequence[Point]) -> None:
        with policy_change(self._world.store.engine, self._world.ledger, "svc:test") as change:
            set_label(change, NodeId("coll:house"), Label(Level.RESTRICTED))
            set_label(change, points[0].document, Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")})))
        assert drain(self._world.store.engine, self._world.index, datetime.now(UTC)).failed == {}
        super().put(points)


@pytest.mark.parametrize("first", [True, False])
def test_a_change_between_the_tags_and_the_points_of_a_version_reaches_them(
    world: World, run: partial[Summary], folder: Path, *, first: bool
) -> None:
    """IN-11, FT-03: its line was done when the points came, with the tags of before."""
    if not first:
        run()
        (folder / "rules.md").write_text(RULES.replace("ten in the evening", "midnight"), "utf-8")
    take_in(world, folder, NodeId("coll:house"), edges=edges_of(world, index=_Overtaken(world, "")))
    assert not are_as_sql_says(world.index, world.store.engine)
    assert drain(world.store.engine, world.index, datetime.now(UTC)).failed == {}
    assert are_as_sql_says(world.index, world.store.engine)
    assert world.index.count() == _chunks(world)


def test_a_run_that_nobody_meets_leaves_no_line(world: World, run: partial[Summary]) -> None:
    run()
    with snapshot(world.store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(schema.outbox)) == 0


def test_a_label_of_a_folder_holds_for_what_comes_into_it(world: World, run: partial[Summary]) -> None:
    """AZ-12: a folder that was closed before the first run."""
    world.folder(NodeId("coll:house"), "kitchen", Label(Level.RESTRICTED))
    run()
    assert any("bell" in text for text in _texts(world, "rings the bell"))
    assert not any("kettle" in text for text in _texts(world, "kettle descaled"))


def test_nothing_of_a_document_stands_in_clear(world: World, run: partial[Summary]) -> None:
    """Not in the database, not in its journal, not in the index: text, title, name of the file."""
    run()
    world.index.close()
    written = b"".join(path.read_bytes() for path in world.store.layout.root.rglob("*") if path.is_file())
    for word in (b"kettle", b"descaled", b"House rules", b"rings the bell", b"rules.md"):
        assert word not in written
    assert b"coll:house" in written  # the search itself finds what is there


@pytest.mark.parametrize(("name", "error"), [("absent", NoSuchFolder), ("share/rules.md", NoSuchFolder)])
def test_a_place_that_is_no_folder(
    world: World, run: partial[Summary], tmp_path: Path, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        take_in(world, tmp_path / name, NodeId("coll:house"))


def test_an_empty_folder(world: World, run: partial[Summary], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyFolder):
        take_in(world, tmp_path / "empty", NodeId("coll:house"))


def test_a_page_without_text_is_no_failure_and_is_not_read_twice(
    world: World, run: partial[Summary], folder: Path
) -> None:
    (folder / "moved.md").write_text("---\ntitle: Moved\nredirect_to: elsewhere\n---\n", "utf-8")
    made = run()
    assert (made.added, made.failed, made.notes) == (3, {}, {"moved.md": ("it holds no text",)})
    assert run().unchanged == 3
