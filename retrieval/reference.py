"""The embedding model as its makers run it: sentence-transformers on torch.

The reference that the converted model is compared with, and what embeds where OpenVINO cannot.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import numpy as np

from retrieval.errors import EmbedderDown
from retrieval.model_files import verify_pinned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

BATCH: Final = 8  # the fastest on a CPU


class Reference:
    """The model, loaded."""

    backend: Final = "torch in f32"

    def __init__(self, folder: Path) -> None:
        """Load a model folder.

        Raises:
            EmbedderDown: A file is missing or is not the pinned one, or the model does not load.
        """
        self._model = load(folder)
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Turn texts into unit vectors, as `Embed`."""
        with self._lock:
            vectors = self._model.encode(
                list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, dtype=np.float32)


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
