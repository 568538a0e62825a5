"""Texts to vectors, on this machine: all-MiniLM-L6-v2 on OpenVINO, and on torch where OpenVINO cannot run it."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from retrieval.converted import converted
from retrieval.errors import EmbedderDown
from retrieval.model_files import packaged_model, read_pinned, verify_pinned
from retrieval.openvino import MAX_WORD_PIECES, Compiled
from retrieval.word_pieces import counter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from retrieval.reference import Reference

__all__ = ["DIMENSION", "MAX_WORD_PIECES", "MODEL_NAME", "Embed", "Embedder", "checked", "word_piece_counter"]

_log = logging.getLogger("ntk")

# The libraries read these when they are first imported, and the document parser imports torch as well: so
# they are set here, before either. Nothing is fetched at run time. Torch's threads otherwise wait for each
# other by spinning, and where another process wants a core, 50 chunks a second become 10.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

DIMENSION: Final = 384
MODEL_NAME: Final = "all-MiniLM-L6-v2@1110a243"


class Embed(Protocol):
    """Whatever turns texts into vectors."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give shape (len(texts), DIMENSION), rows of length 1."""
        ...


class Embedder:
    """The model, loaded at first use and kept. Several threads may use it at once."""

    def __init__(self, folder: Path | None = None, *, cache: Path | None = None) -> None:
        """Name the folder of the model, by default that of the installed package, and one for its converted form.

        Args:
            folder: The model.
            cache: Where its converted form is kept; without one, it is converted at each start, in ten seconds.
        """
        self._folder = folder
        self._cache = cache
        self._model: Compiled | Reference | None = None
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Turn texts into unit vectors.

        A text has the same vector whatever stands beside it; on torch, to the sixth digit.

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
        return checked(self._loaded()(texts), len(texts))

    @property
    def backend(self) -> str:
        """What computes, and in which precision; loads the model.

        Raises:
            EmbedderDown: The model cannot be loaded.
        """
        return self._loaded().backend

    def load_beside(self) -> None:
        """Begin to load the model in a thread of its own. Who embeds meanwhile waits for it, and is told what fails."""
        # No daemon: a process that ends while OpenVINO compiles would end with a signal.
        threading.Thread(target=self._try_to_load, name="model").start()

    def _try_to_load(self) -> None:
        with suppress(EmbedderDown):  # whoever embeds tries again, and hears of it
            self._loaded()

    def _loaded(self) -> Compiled | Reference:
        with self._lock:
            if self._model is None:
                self._model = _load(self._folder or packaged_model(), self._cache)
            return self._model


def _load(folder: Path, cache: Path | None) -> Compiled | Reference:
    verify_pinned(folder)
    try:
        return Compiled(converted(folder, cache), read_pinned(folder, "tokenizer.json"))
    except EmbedderDown as error:
        from retrieval.reference import Reference  # noqa: PLC0415 - takes torch along

        _log.warning("%s; it runs on torch instead, four times slower", error)
        return Reference(folder)


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


def word_piece_counter(folder: Path | None = None) -> Callable[[str], int]:
    """Give a function that counts a text's word pieces as the model does, its two marks included.

    Raises:
        EmbedderDown: The model's tokenizer is missing, or is not the published one.
    """
    content = read_pinned(folder or packaged_model(), "tokenizer.json")
    from tokenizers import Tokenizer  # noqa: PLC0415 - only who cuts documents pays

    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_truncation()  # the file says 128: a longer text would be counted as 128
    tokenizer.no_padding()
    return counter(tokenizer)
