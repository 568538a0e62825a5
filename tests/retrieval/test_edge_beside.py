"""An index is tidied on a copy of its files, and answers and is written to meanwhile."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from acl.labels import Label, Level
from acl.names import DocumentId
from retrieval import edge_shard
from retrieval.beside import tidied_beside
from retrieval.door import Door
from retrieval.edge import EdgeIndex
from retrieval.edge_shard import Files
from retrieval.errors import IndexDown
from retrieval.homes import EdgeHome
from retrieval.plan import Plan
from tests.retrieval.points import DIMENSION, chunk_id, numbers, point, scope, search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.types import Point

PLAN = Plan(index_from=200)  # so that there is something to do for a few hundred points
MANY = 400


def vector(number: int) -> NDArray[np.float32]:
    """Give a direction of its own to each number."""
    some = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
    return some / np.float32(np.linalg.norm(some))


def points(*asked: int) -> list[Point]:
    return [point(number, f"boiler {number}", vector=vector(number), document=f"doc:{number}") for number in asked]


@pytest.fixture
def large(tmp_path: Path) -> Iterator[EdgeIndex]:
    """An index that has not been tidied."""
    index = EdgeIndex(tmp_path / "index", DIMENSION, plan=PLAN)
    index.put(points(*range(1, MANY + 1)))
    assert index.untidied() == MANY
    yield index
    index.close()


def build(copy: Path) -> bool:
    """Tidy a copy, in this process."""
    with closing(EdgeIndex(copy, DIMENSION, plan=PLAN)) as index:
        return index.tidy()


def change(index: EdgeIndex) -> None:
    """Do everything that changes an index."""
    index.put(points(1_001, 1_002))
    index.put([point(7, "replaced", vector=vector(1_007), document="doc:7")])
    index.remove([chunk_id(8)])
    index.keep_only(DocumentId("doc:9"), 2)
    index.retag([DocumentId("doc:10")], point(10, label=Label(Level.RESTRICTED)).tags)


def found(index: EdgeIndex, level: Level = Level.RESTRICTED) -> list[tuple[str, str]]:
    return [(hit.chunk, hit.document) for hit in search(index, scope(clearance=level), limit=2 * MANY)]


def test_what_is_written_while_a_copy_is_tidied_is_in_it(large: EdgeIndex, tmp_path: Path) -> None:
    asked_meanwhile: list[int] = []

    def slow(copy: Path) -> bool:
        change(large)
        asked_meanwhile.extend(numbers(search(large, scope())))
        return build(copy)

    assert large.tidy_beside(slow)
    assert asked_meanwhile
    assert large.untidied() < 20
    with closing(EdgeIndex(tmp_path / "other", DIMENSION, plan=PLAN)) as other:
        other.put(points(*range(1, MANY + 1)))
        change(other)
        for level in (Level.RESTRICTED, Level.PUBLIC):
            assert sorted(found(large, level)) == sorted(found(other, level))
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "other"] == ["index"]


def test_an_index_that_took_the_place_of_another_is_there_after_closing_and_opening(
    large: EdgeIndex, tmp_path: Path
) -> None:
    assert large.tidy_beside(build)
    change(large)
    before = found(large)
    large.close()
    with closing(EdgeIndex(tmp_path / "index", DIMENSION, plan=PLAN)) as again:
        assert found(again) == before
        assert again.untidied() < 20


def broken(_: Path) -> bool:
    raise IndexDown("the process that tidies has failed")


def half(copy: Path) -> bool:
    """Lose points on the way."""
    with closing(EdgeIndex(copy, DIMENSION, plan=PLAN)) as index:
        index.remove([chunk_id(1)])
    return True


def damaged(copy: Path) -> bool:
    for file in copy.rglob("*.json"):
        file.write_text("damaged")
    return True


@pytest.mark.parametrize("wrong", [broken, half, damaged, lambda _: False])
def test_where_it_comes_to_nothing_the_index_is_as_it_was(large: EdgeIndex, tmp_path: Path, wrong: object) -> None:
    before = found(large)
    try:
        assert not large.tidy_beside(wrong)  # type: ignore[arg-type]  # each of them is one
    except IndexDown as error:
        assert "is as it was" in str(error)  # noqa: PT017 - only those that fail say so
    assert found(large) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]
    change(large)
    assert large.tidy_beside(build)


def test_a_copy_that_cannot_be_put_in_its_place_leaves_the_old_one_there(
    large: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, take = found(large), Files.take

    def take_half(files: Files, other: Path) -> None:
        take(files, other)
        raise OSError("the disk was pulled out")

    monkeypatch.setattr(Files, "take", take_half)
    with pytest.raises(IndexDown, match="is as it was: OSError"):
        large.tidy_beside(build)
    assert found(large) == before
    assert large.untidied() == MANY
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]


def test_a_copy_that_is_too_far_behind_is_not_taken(large: EdgeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_shard, "_MOST_SINCE", 3)

    def slow(copy: Path) -> bool:
        change(large)
        return build(copy)

    with pytest.raises(IndexDown, match="too much was written"):
        large.tidy_beside(slow)
    assert large.count() == MANY + 2 - 2


def test_whoever_searches_while_files_are_exchanged_gets_a_whole_answer(large: EdgeIndex) -> None:
    before, end = found(large), threading.Event()

    def ask() -> int:
        asked = 0
        while not end.is_set() or not asked:
            assert found(large) == before
            assert large.count() == MANY
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            assert large.tidy_beside(build)
        finally:
            end.set()
        assert all(one.result() for one in asking)


def test_an_older_shard_that_cannot_be_removed_is_never_taken_again(
    large: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds what was erased since, and tags that were changed since."""
    (tmp_path / "index.old").mkdir()
    (tmp_path / "index.old" / "segments").write_text("of before")
    before = found(large)
    monkeypatch.setattr(shutil, "rmtree", never_removed)
    with pytest.raises(IndexDown, match="is as it was: OSError"):
        large.tidy_beside(build)
    assert found(large) == before
    assert (tmp_path / "index").is_dir()


def never_removed(folder: Path, *, ignore_errors: bool = False) -> None:
    if not ignore_errors:
        raise OSError(f"{folder} is in use")


def test_what_is_left_of_a_failed_exchange_is_removed_only_beside_a_whole_one(tmp_path: Path) -> None:
    files = Files(tmp_path / "index", DIMENSION, "", PLAN)
    files.old.mkdir()
    files.clear()
    assert files.old.exists()
    files.recover()
    assert files.path.exists()
    assert not files.old.exists()


class PanicException(BaseException):
    """What the engine raises on files that it does not understand."""


def test_a_panic_of_the_engine_is_a_failure_like_any_other(large: EdgeIndex) -> None:
    def panic(_: Path) -> bool:
        raise PanicException

    before = found(large)
    with pytest.raises(IndexDown, match="is as it was: PanicException"):
        large.tidy_beside(panic)
    assert found(large) == before


def test_what_failed_halfway_is_not_missing_in_the_copy_alone(
    large: EdgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tags that were raised and could not be acknowledged must not come back lower."""

    def slow(copy: Path) -> bool:
        with monkeypatch.context() as broken:
            broken.setattr(large, "_shard", Unflushed(large._shard))
            with pytest.raises(IndexDown):
                large.retag([DocumentId("doc:10")], point(10, label=Label(Level.RESTRICTED)).tags)
        return build(copy)

    assert large.tidy_beside(slow)
    assert (chunk_id(10), "doc:10") not in found(large, Level.PUBLIC)


class Unflushed:
    """An engine that writes, and then fails."""

    def __init__(self, shard: object) -> None:
        self._shard = shard

    def __getattr__(self, name: str) -> object:
        return getattr(self._shard, name)

    def flush(self) -> None:
        raise OSError("the disk was pulled out")


@pytest.mark.parametrize("died", ["copied", "between both steps", "not cleared"])
def test_whoever_dies_meanwhile_leaves_a_whole_index(large: EdgeIndex, tmp_path: Path, died: str) -> None:
    """FT-01: at each moment there is one whole shard, and it is found."""
    before = found(large)
    large.close()
    files = Files(tmp_path / "index", DIMENSION, "", PLAN)
    files.copied()
    if died == "between both steps":
        files.path.rename(files.old)
    elif died == "not cleared":
        files.take(files.copy)
    home = EdgeHome(files.path, DIMENSION, "", PLAN)
    assert home.exists()
    with closing(home.open()) as index:
        assert found(index) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]


def test_another_process_tidies_and_tells_how_it_ended(tmp_path: Path) -> None:
    with closing(EdgeIndex(tmp_path / "small", DIMENSION)) as index:
        index.put(points(1, 2))
    assert not tidied_beside(tmp_path / "small", DIMENSION, threading.Event())
    with closing(EdgeIndex(tmp_path / "small", DIMENSION)) as index:
        assert index.count() == 2
    with pytest.raises(IndexDown, match="has failed"):
        tidied_beside(tmp_path / "small", DIMENSION + 1, threading.Event())
    end = threading.Event()
    end.set()
    with pytest.raises(IndexDown, match="the service ends"):
        tidied_beside(tmp_path / "small", DIMENSION, end)


def test_a_large_index_is_tidied_by_another_process(large: EdgeIndex) -> None:
    before = found(large)
    assert large.tidy_beside(lambda copy: tidied_beside(copy, DIMENSION, threading.Event(), PLAN))
    assert large.untidied() < 20
    assert found(large) == before


def test_a_closed_door_waits_for_those_inside_and_keeps_others_out() -> None:
    door, order = Door(), list[str]()
    inside, leave = threading.Event(), threading.Event()

    def guest() -> None:
        with door.through():
            inside.set()
            leave.wait()
            order.append("the guest leaves")

    def alone() -> None:
        with door.closed():
            order.append("one is alone")
            late.start()
            late.join(0.05)
            order.append("and leaves")

    def come_late() -> None:
        with door.through():
            order.append("the late one is in")

    late = threading.Thread(target=come_late)
    threads = [threading.Thread(target=guest), threading.Thread(target=alone)]
    threads[0].start()
    inside.wait()
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join()
    late.join()
    assert order == ["the guest leaves", "one is alone", "and leaves", "the late one is in"]
