"""The embedding model as OpenVINO runs it. The one place that imports `openvino`: late, and without its telemetry."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from numpy.typing import NDArray
    from tokenizers import Encoding

MAX_WORD_PIECES: Final = 256  # with the two marks of begin and end; the model cuts the rest

STRUCTURE: Final = "model.xml"
WEIGHTS: Final = "model.bin"

# Word pieces that the device takes at once, padding included. A question waits for one such batch at most, which
# is some 50 ms, when many texts are embedded beside it; twice as many are hardly faster.
_BATCH_PIECES: Final = 2_048
# Texts that are tokenised and sorted by their length at once.
_WINDOW: Final = 512
# Each batch is as wide as a multiple of this. Then the rounding of bf16 is the same in every batch: a text's vector
# depends on the text alone, bit by bit, whatever stands beside it. At other widths it may differ by 1e-3.
_WIDTH: Final = 16


@dataclass(frozen=True, slots=True)
class Graph:
    """A converted model, in OpenVINO's own form."""

    structure: bytes  # XML
    weights: bytes


def openvino() -> ModuleType:
    """Import OpenVINO, muzzled.

    When it is imported it tells Google Analytics so, and leaves an identifier in the home folder. What does that is
    a package of its own, without which OpenVINO works as ever: so this process is told that it is not there.

    Raises:
        EmbedderDown: It is not installed, or does not load on this machine.
    """
    cast("dict[str, Any]", sys.modules)["openvino_telemetry"] = None  # `import` then raises ModuleNotFoundError
    try:
        return import_module("openvino")
    except (ImportError, OSError) as error:
        raise EmbedderDown(f"OpenVINO does not load: {type(error).__name__}") from error


def version() -> str:
    """Give the release of OpenVINO, and from which source it was built."""
    return str(openvino().get_version())


def precision() -> str:
    """Give the precision in which this machine's CPU computes fastest: bf16 where it has that, else f32."""
    capabilities = openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


class Compiled:
    """A converted model, compiled for this machine's CPU. Several threads may use it at once."""

    def __init__(self, graph: Graph, tokenizer: bytes) -> None:
        """Compile a graph; the tokenizer is the content of the model's own `tokenizer.json`.

        Raises:
            EmbedderDown: It cannot be compiled here.
        """
        from tokenizers import Tokenizer  # noqa: PLC0415 - only who embeds pays

        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.enable_truncation(MAX_WORD_PIECES)  # the file says 128
        self._tokenizer.no_padding()
        self._model = _compiled(graph)
        self.backend: Final = f"OpenVINO in {precision()}"

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Turn texts into unit vectors, as `Embed`.

        Raises:
            EmbedderDown: It did not compute.
        """
        request = self._model.create_infer_request()  # each call has its own, so that no thread waits for another
        vectors = [self._window(texts[at : at + _WINDOW], request) for at in range(0, len(texts), _WINDOW)]
        return np.concatenate(vectors)

    def _window(self, texts: Sequence[str], request: Any) -> NDArray[np.float32]:
        # Half of a character that takes two (a lone surrogate) is no text to the tokenizer.
        encodings = self._tokenizer.encode_batch([text.encode("utf-8", "replace").decode() for text in texts])
        vectors: NDArray[np.float32] | None = None
        for rows in _batches([len(encoding.ids) for encoding in encodings]):
            try:
                given = request.infer(_padded([encodings[row] for row in rows]))[0]
            except RuntimeError as error:
                raise EmbedderDown(f"OpenVINO does not compute: {type(error).__name__}") from error
            if vectors is None:
                vectors = np.full((len(texts), given.shape[1]), np.nan, dtype=np.float32)
            vectors[rows] = given / np.linalg.norm(given, axis=1, keepdims=True)
        assert vectors is not None
        return vectors


def _compiled(graph: Graph) -> Any:
    ov = openvino()
    core = ov.Core()
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision(),
        "ENABLE_CPU_PINNING": False,  # other processes of this service run on the same cores
    }
    try:
        return core.compile_model(core.read_model(graph.structure, graph.weights), "CPU", options)
    except RuntimeError as error:
        raise EmbedderDown(f"OpenVINO does not compile the embedding model: {type(error).__name__}") from error


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Put texts of about one length together, so that there is little padding; give the numbers of each batch."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * _width(lengths[number]) > _BATCH_PIECES:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _width(length: int) -> int:
    return -(-length // _WIDTH) * _WIDTH


def _padded(encodings: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
    """Give word pieces and mask as the graph takes them."""
    width = _width(max(len(encoding.ids) for encoding in encodings))
    pieces = np.zeros((len(encodings), width), dtype=np.int64)  # 0 is the padding's number
    mask = np.zeros_like(pieces)
    for row, encoding in enumerate(encodings):
        pieces[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    return {"input_ids": pieces, "attention_mask": mask}
