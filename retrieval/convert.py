"""Converts the embedding model for OpenVINO and compares what came of it with the reference.

It runs as a process of its own, so that torch, which takes seconds and half a gigabyte, is in no other.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from retrieval.errors import EmbedderDown
from retrieval.model_files import read_pinned
from retrieval.openvino import STRUCTURE, WEIGHTS, Compiled, Graph, openvino
from retrieval.reference import BATCH, load

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

LEAST_COSINE: Final = 0.9999

# What is compared: all lengths up to the model's limit and beyond, and texts that are cut into odd pieces.
_WORDS: Final = ("the", "heating", "in", "the", "north", "wing", "is", "serviced", "each", "year", "in", "May")
SAMPLES: Final = (
    "boiler",
    "",
    "How often is the boiler serviced?",
    *(" ".join((_WORDS * 26)[:count]) for count in (1, 2, 5, 13, 14, 15, 30, 62, 97, 126, 127, 200, 254, 255, 300)),
    "Größe, naïve, Ελληνικά, русский, עברית, العربية",
    "日本語の文章です。" * 20,
    "\U0001f600 \u200b\x00\n\t",
    "x" * 3_000,
    " ".join(str(number * 7_919) for number in range(60)),
    "| Item | Price |\n|---|---|\n| Lamp | 4,50 |\n" * 5,
    "def f(x): return {'a': [x ** 2 for _ in range(10)]}",
)


def main() -> None:
    """Convert the model in the folder of the first argument into the folder of the second."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of the tracer, about code that is not ours
    model, target = map(Path, sys.argv[-2:])
    convert(model, target)


def convert(model: Path, target: Path) -> None:
    """Convert a model folder, and compare what lies in the target folder then with the reference.

    Raises:
        EmbedderDown: The model is not the published one, OpenVINO does not run here, or what came of it differs
            from the reference.
    """
    reference = load(model)
    _write(reference, target)
    graph = Graph((target / STRUCTURE).read_bytes(), (target / WEIGHTS).read_bytes())
    compiled = Compiled(graph, read_pinned(model, "tokenizer.json"))
    wanted = reference.encode(list(SAMPLES), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
    require_same(np.asarray(wanted), compiled(SAMPLES))


def require_same(wanted: NDArray[np.float32], given: NDArray[np.float32]) -> None:
    """Refuse vectors of length 1 that do not point where those of the reference do.

    Raises:
        EmbedderDown: The smallest cosine is too small, or no number.
    """
    least = float(np.einsum("ij,ij->i", wanted, given).min())
    if not least >= LEAST_COSINE:
        raise EmbedderDown(f"the converted embedding model differs from its original: cosine {least:.5f}")


def _write(reference: SentenceTransformer, target: Path) -> None:
    import torch  # noqa: PLC0415 - as retrieval.reference

    class Whole(torch.nn.Module):
        """The transformer, with the mean over the word pieces and the length 1."""

        transformer: Any

        def __init__(self) -> None:
            super().__init__()
            self.transformer = reference[0].auto_model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, p=2, dim=1)

    ov = openvino()
    shown = torch.ones(2, 7, dtype=torch.int64)
    shape = [-1, -1]  # any number of texts of any length
    with torch.no_grad():
        graph = ov.convert_model(
            Whole().train(mode=False),
            example_input={"input_ids": shown, "attention_mask": shown},
            input=[("input_ids", shape, ov.Type.i64), ("attention_mask", shape, ov.Type.i64)],
        )
    ov.save_model(graph, target / STRUCTURE, compress_to_fp16=False)
