from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

from retrieval.embed import Embedder, word_piece_counter
from retrieval.errors import EmbedderDown
from retrieval.model_files import PINNED, packaged_model, verify_files, verify_pinned
from retrieval.reference import load

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize("name", sorted(PINNED))
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


@pytest.mark.parametrize("name", sorted(PINNED))
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
