"""The embedding model as OpenVINO runs it. The one place that imports `openvino`: late, and without its telemetry."""

from __future__ import annotations

import sys
from collections import deque
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

# Word pieces that one stream of the device takes at once, padding included. A question waits for one such batch at
# most, which is some 50 ms, when many texts are embedded beside it; larger ones are hardly faster.
_BATCH_PIECES: Final = 1_024
# Texts that are tokenised and sorted by their length at once.
_WINDOW: Final = 512
# Each stream computes one batch, on one core where there are few cores: then none waits for another core, which other
# processes may be using. More streams than this take memory, and are given more cores each.
_MOST_STREAMS: Final = 8
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
        self._model, self._streams = _compiled(graph)
        self.backend: Final = f"OpenVINO in {precision()}"
        # OpenVINO's binding sets up something of its own with the first input that it is given, and two threads that
        # do so at once wait for each other for ever. So the first is given here, where there is one thread.
        self(["a text"])

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Turn texts into unit vectors, as `Embed`.

        Raises:
            EmbedderDown: It did not compute.
        """
        try:
            return self._computed(texts)
        except RuntimeError as error:
            raise EmbedderDown(f"OpenVINO does not compute: {type(error).__name__}") from error

    def _computed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        width = self._model.output(0).get_partial_shape()[1].get_length()
        vectors = np.full((len(texts), width), np.nan, dtype=np.float32)
        under_way: deque[tuple[Any, list[int]]] = deque()  # what is computed, and for which texts
        for rows, given in self._inputs(texts):
            if len(under_way) < self._streams:
                request = self._model.create_infer_request()
            else:
                request = _finish(under_way, vectors)
            request.start_async(given)
            under_way.append((request, rows))
        while under_way:
            _finish(under_way, vectors)
        return vectors

    def _inputs(self, texts: Sequence[str]) -> Iterator[tuple[list[int], dict[str, NDArray[np.int64]]]]:
        """Give what the graph takes, batch by batch, each with the numbers of its texts."""
        for first in range(0, len(texts), _WINDOW):
            # Half of a character that takes two (a lone surrogate) is no text to the tokenizer.
            window = [text.encode("utf-8", "replace").decode() for text in texts[first : first + _WINDOW]]
            encodings = self._tokenizer.encode_batch(window)
            for rows in _batches([len(encoding.ids) for encoding in encodings]):
                yield [first + row for row in rows], _padded([encodings[row] for row in rows])


def _finish(under_way: deque[tuple[Any, list[int]]], vectors: NDArray[np.float32]) -> Any:
    """Wait for the oldest of what is computed, keep its vectors, and give what can compute the next."""
    request, rows = under_way.popleft()
    request.wait()
    found = request.get_output_tensor(0).data
    vectors[rows] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return request


def _compiled(graph: Graph) -> tuple[Any, int]:
    """Compile a graph; gives with it how many batches it computes side by side."""
    ov = openvino()
    core = ov.Core()
    cores = core.get_property("CPU", "RANGE_FOR_STREAMS")[1]
    streams = min(cores, _MOST_STREAMS)
    options = {
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": cores,
        "INFERENCE_PRECISION_HINT": precision(),
        "ENABLE_CPU_PINNING": False,  # other processes of this service run on the same cores
    }
    try:
        return core.compile_model(core.read_model(graph.structure, graph.weights), "CPU", options), streams
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
