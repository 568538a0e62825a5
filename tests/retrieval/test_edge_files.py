"""The index on the disk: opened again, killed, damaged, closed."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import qdrant_edge as edge

from acl.labels import Label, Level
from acl.names import DocumentId
from retrieval.edge import EdgeIndex
from retrieval.errors import EmbedderMismatch, IndexDown
from tests.retrieval.points import DIMENSION, chunk_id, numbers, point, scope, search


def test_points_are_there_after_closing_and_opening(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index", DIMENSION)
    index.put([point(1, scopes=["coll:a"]), point(2, scopes=["coll:b"])])
    index.keep_only(DocumentId("doc:none"), 1)
    before = search(index, scope(["coll:a"]))
    index.close()
    index = EdgeIndex(tmp_path / "index", DIMENSION)
    assert index.count() == 2
    assert search(index, scope(["coll:a"])) == before
    index.close()


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from acl.labels import PUBLIC
from retrieval.edge import EdgeIndex
from retrieval.types import Point, Tags
index = EdgeIndex(Path(sys.argv[1]), 4)
vector = np.array([1, 0, 0, 0], dtype=np.float32)
tags = Tags(frozenset({"root:all"}), ("coll:a",), PUBLIC)
index.put([Point(sys.argv[2], "doc:1", 1, vector, "a boiler", tags, frozenset({"doc:1"}))])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_points_are_there_after_a_kill(tmp_path: Path) -> None:
    """FT-01: what was acknowledged is on the disk, and what the killed process left needs no repair."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "index"), chunk_id(1)]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2], timeout=60).returncode == -9
    index = EdgeIndex(tmp_path / "index", DIMENSION)
    assert numbers(search(index, scope())) == [1]
    index.close()


def test_an_index_has_one_opener(index: EdgeIndex, tmp_path: Path) -> None:
    """FT-05."""
    with pytest.raises(IndexDown, match="cannot be opened"):
        EdgeIndex(tmp_path / "index", DIMENSION)
    index.put([point(1)])  # the first is not disturbed
    assert numbers(search(index, scope())) == [1]
    index.close()
    EdgeIndex(tmp_path / "index", DIMENSION).close()


def test_an_index_of_another_dimension_is_refused(index: EdgeIndex, tmp_path: Path) -> None:
    """FT-04: its vectors are those of another model."""
    index.put([point(1)])
    index.close()
    with pytest.raises(IndexDown, match="cannot be opened"):
        EdgeIndex(tmp_path / "index", DIMENSION + 1)
    again = EdgeIndex(tmp_path / "index", DIMENSION)
    assert again.count() == 1
    again.close()


def test_an_index_of_another_model_is_refused_though_its_dimension_is_the_same(tmp_path: Path) -> None:
    """FT-04, IN-15: its vectors fit and mean something else."""
    index = EdgeIndex(tmp_path / "index", DIMENSION, "minilm/4")
    index.put([point(1)])
    index.close()
    with pytest.raises(EmbedderMismatch, match="vectors of minilm/4; this version makes other/4: run ntk reindex"):
        EdgeIndex(tmp_path / "index", DIMENSION, "other/4")
    again = EdgeIndex(tmp_path / "index", DIMENSION, "minilm/4")
    assert numbers(search(again, scope())) == [1]
    again.close()


def test_an_index_that_does_not_say_what_made_it_is_refused(tmp_path: Path) -> None:
    EdgeIndex(tmp_path / "index", DIMENSION, "minilm/4").close()
    (tmp_path / "index" / "model.txt").unlink()
    with pytest.raises(EmbedderMismatch, match="an unknown model"):
        EdgeIndex(tmp_path / "index", DIMENSION, "minilm/4")


def test_an_index_whose_note_was_cut_off_is_made_to_its_end(tmp_path: Path) -> None:
    """FT-06: nothing is in it before the note is."""
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "model.txt.new").write_text("mini")
    EdgeIndex(tmp_path / "index", DIMENSION, "minilm/4").close()
    assert (tmp_path / "index" / "model.txt").read_text() == "minilm/4"
    EdgeIndex(tmp_path / "index", DIMENSION, "minilm/4").close()


def test_an_index_whose_making_was_cut_off_is_made_to_its_end(tmp_path: Path) -> None:
    """FT-06: an empty folder, or an index without its field indexes."""
    (tmp_path / "index").mkdir()
    EdgeIndex(tmp_path / "index", DIMENSION).close()
    shard = edge.EdgeShard.load(str(tmp_path / "index"))
    for key in ("scope", "own", "path"):
        shard.update(edge.UpdateOperation.delete_field_index(key))
    shard.flush()
    shard.close()
    index = EdgeIndex(tmp_path / "index", DIMENSION)
    assert set(index._shard.info().payload_schema) == {
        "scope", "own", "level", "comp", "path", "doc", "ver", "shelf",
    }  # fmt: skip
    index.put([point(1)])
    assert numbers(search(index, scope())) == [1]
    index.close()


@pytest.mark.parametrize("damage", ["config", "segment", "file"])
def test_a_damaged_index_is_down(index: EdgeIndex, tmp_path: Path, damage: str) -> None:
    """FT-04."""
    index.put([point(1)])
    index.close()
    if damage == "file":
        shutil.rmtree(tmp_path / "index")
        (tmp_path / "index").write_text("no folder")
    elif damage == "config":
        (tmp_path / "index" / "edge_config.json").write_text("{")
    else:
        next((tmp_path / "index" / "segments").glob("*/segment.json")).write_text("{")
    with pytest.raises(IndexDown, match="cannot be opened"):
        EdgeIndex(tmp_path / "index", DIMENSION)


def test_an_index_with_a_file_of_no_length_is_down(index: EdgeIndex, tmp_path: Path) -> None:
    """FT-02: the engine panics over what some disks leave after a power cut, and a panic is no exception."""
    index.put([point(1)])
    index.close()
    (status,) = (tmp_path / "index" / "segments").glob("*/vector_storage-bm25/deleted/status.dat")
    status.write_bytes(b"")
    with pytest.raises(IndexDown, match="cannot be opened"):
        EdgeIndex(tmp_path / "index", DIMENSION)


def test_a_closed_index_is_down(index: EdgeIndex) -> None:
    index.put([point(1)])
    index.close()
    for use in (
        lambda: search(index, scope()),
        lambda: index.put([point(2)]),
        lambda: index.keep_only(DocumentId("doc:1"), 1),
        lambda: index.retag([DocumentId("doc:1")], point(1).tags),
        index.count,
    ):
        with pytest.raises(IndexDown):
            use()


def test_an_index_is_for_its_owner_alone(index: EdgeIndex, tmp_path: Path) -> None:
    """What a text says can be guessed from its vector."""
    assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o700


def test_tags_are_there_after_closing_and_opening(index: EdgeIndex, tmp_path: Path) -> None:
    index.put([point(1, document="doc:1"), point(2, document="doc:2")])
    index.retag([DocumentId("doc:1")], point(3, scopes=["coll:b"], label=Label(Level.RESTRICTED)).tags)
    index.close()
    again = EdgeIndex(tmp_path / "index", DIMENSION)
    assert numbers(search(again, scope())) == [2]
    assert numbers(search(again, scope(["coll:b"]))) == [1]
    again.close()
