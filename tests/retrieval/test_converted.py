"""The converted model is kept, and taken up only if nobody else can have written it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrieval.convert import require_same
from retrieval.converted import MANIFEST, UNFINISHED, Origin, convert_apart, converted, kept
from retrieval.embed import DIMENSION
from retrieval.errors import EmbedderDown
from retrieval.openvino import STRUCTURE, WEIGHTS, Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
MODEL = Path("the model")


class Counting:
    """A conversion that leaves two small files, and counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, model: Path, target: Path) -> Graph:
        self.times += 1
        graph = Graph(b"structure", b"weights %d" % self.times)
        (target / STRUCTURE).write_bytes(graph.structure)
        (target / WEIGHTS).write_bytes(graph.weights)
        return graph


@pytest.fixture
def convert() -> Counting:
    return Counting()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def folder_of(cache: Path) -> Path:
    return cache / Origin.here().folder


def test_it_is_converted_once_and_taken_up_then(cache: Path, convert: Counting) -> None:
    first, second = converted(MODEL, cache, convert), converted(MODEL, cache, convert)
    assert first == second == kept(cache, Origin.here())
    assert convert.times == 1
    assert sorted(file.name for file in cache.iterdir()) == sorted(["lock", Origin.here().folder])


def test_nobody_else_can_read_or_write_what_is_kept(cache: Path, convert: Counting) -> None:
    converted(MODEL, cache, convert)
    for path in (cache, *cache.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [STRUCTURE, WEIGHTS, MANIFEST])
@pytest.mark.parametrize("harm", ["changed", "cut off", "gone", "a link", "others may write"])
def test_what_is_not_as_it_was_left_is_converted_again(cache: Path, convert: Counting, name: str, harm: str) -> None:
    """SC-05."""
    converted(MODEL, cache, convert)
    file = folder_of(cache) / name
    content = file.read_bytes()
    match harm:
        case "changed":
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "cut off":
            file.write_bytes(content[:-1])
        case "gone":
            file.unlink()
        case "a link":
            file.rename(cache / "elsewhere")
            file.symlink_to(cache / "elsewhere")
        case "others may write":
            file.chmod(0o620)
    assert kept(cache, Origin.here()) is None
    assert converted(MODEL, cache, convert).weights == b"weights 2"
    assert converted(MODEL, cache, convert).weights == b"weights 2"


def test_a_manifest_that_fits_another_model_does_not_fit_this_one(cache: Path, convert: Counting) -> None:
    converted(MODEL, cache, convert)
    manifest = folder_of(cache) / MANIFEST
    told = json.loads(manifest.read_text())
    assert told["origin"]["model"] == Origin.here().model
    for part in told["origin"]:
        manifest.write_text(json.dumps({**told, "origin": {**told["origin"], part: "another"}}, indent=1))
        assert kept(cache, Origin.here()) is None


@pytest.mark.parametrize("which", ["cache", "folder"])
def test_a_folder_that_others_can_write_to_is_refused(cache: Path, convert: Counting, which: str) -> None:
    """SC-05: who can write there could lay a graph of his own into it."""
    converted(MODEL, cache, convert)
    (cache if which == "cache" else folder_of(cache)).chmod(0o777)
    assert kept(cache, Origin.here()) is None
    assert converted(MODEL, cache, convert).weights == b"weights 2"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("which", [".", "folder", WEIGHTS])
def test_what_another_user_owns_is_refused(cache: Path, convert: Counting, which: str) -> None:
    """SC-05."""
    converted(MODEL, cache, convert)
    os.chown({".": cache, "folder": folder_of(cache), WEIGHTS: folder_of(cache) / WEIGHTS}[which], 65_534, 65_534)
    assert kept(cache, Origin.here()) is None


def test_where_nothing_can_be_kept_each_start_converts(
    tmp_path: Path, convert: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    for times in (1, 2):
        with caplog.at_level(logging.WARNING, "ntk"):
            assert converted(MODEL, tmp_path / "file" / "cache", convert).weights == b"weights %d" % times
    assert "each start converts it" in caplog.text
    assert converted(MODEL, None, convert).weights == b"weights 3"


def test_a_conversion_that_fails_leaves_nothing(cache: Path) -> None:
    def fail(model: Path, target: Path) -> Graph:
        (target / STRUCTURE).write_bytes(b"half of it")
        raise EmbedderDown("it cannot be converted")

    with pytest.raises(EmbedderDown, match="cannot be converted"):
        converted(MODEL, cache, fail)
    assert [file.name for file in cache.iterdir()] == ["lock"]


def test_what_cannot_be_converted_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmbedderDown, match=r"cannot be converted: .*lacks model.safetensors"):
        convert_apart(tmp_path / "none", tmp_path)


HANG = """
import sys, time
from pathlib import Path
from retrieval.converted import converted
def hang(model, target):
    (target / "model.xml").write_bytes(b"half of it")
    print("begun", flush=True)
    time.sleep(600)
converted(Path("model"), Path(sys.argv[1]), hang)
"""


def test_a_conversion_that_was_killed_leaves_nothing_that_is_used(cache: Path, convert: Counting) -> None:
    with subprocess.Popen([sys.executable, "-c", HANG, str(cache)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGKILL)
    assert len(list(cache.glob(f"{UNFINISHED}*"))) == 1
    assert kept(cache, Origin.here()) is None
    assert converted(MODEL, cache, convert).weights == b"weights 1"
    assert list(cache.glob(f"{UNFINISHED}*")) == []


def test_of_several_at_once_one_converts(cache: Path, convert: Counting) -> None:
    found: list[Graph] = []
    threads = [threading.Thread(target=lambda: found.append(converted(MODEL, cache, convert))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert convert.times == 1
    assert found == [Graph(b"structure", b"weights 1")] * 6


# --- the comparison with the original, and what stands in where it fails -------------------------


def vectors(seed: int) -> NDArray[np.float32]:
    made: NDArray[np.float32] = np.random.default_rng(seed).normal(size=(3, DIMENSION)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def test_a_conversion_that_gives_the_same_passes() -> None:
    require_same(vectors(1), vectors(1))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: vectors(2),
        lambda good: np.concatenate([good[:2], vectors(2)[2:]]),
        lambda good: good[::-1],
        lambda good: good * np.nan,
        lambda good: np.concatenate([good[:2], good[2:] * np.nan]),
    ],
    ids=["all", "one", "other order", "no numbers", "one is no number"],
)
def test_a_conversion_that_gives_something_else_is_refused(
    spoil: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> None:
    with pytest.raises(EmbedderDown, match="differs from its original"):
        require_same(vectors(1), spoil(vectors(1)))
