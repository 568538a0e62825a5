"""OpenVINO reports to its makers when it is imported. Here it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retrieval.errors import EmbedderDown
from retrieval.model_files import packaged_model, read_pinned
from retrieval.openvino import _BATCH_PIECES, _WIDTH, Compiled, Graph, _batches
from tests.architecture.reading import HOUSE_SOURCES, imports, names, tree

ROOT = Path(__file__).parents[2]

# Notes every connection, and every file that is written to the home folder; reports go out in a child of their own.
WATCH = """
import json, os, sys
noted = []
def note(event, arguments):
    if event in {"socket.getaddrinfo", "socket.connect", "os.fork", "subprocess.Popen", "os.posix_spawn"}:
        noted.append(event)
        raise OSError("no way out")
    if event == "open" and str(arguments[0]).startswith(os.environ["HOME"]):
        noted.append("home")
sys.addaudithook(note)
"""
CONVERT = """
import torch
ov.convert_model(torch.nn.Linear(2, 2), example_input=torch.ones(1, 2))
"""


def noted(script: str, home: Path, **environment: str) -> set[str]:
    script = f"{WATCH}{script}\nprint(json.dumps(noted))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        check=True, cwd=ROOT, env={"HOME": str(home), **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_openvino_reports_nothing_and_writes_nothing_home(tmp_path: Path) -> None:
    """SC-07."""
    assert noted(f"from retrieval.openvino import openvino; ov = openvino()\n{CONVERT}", tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_without_the_muzzle_openvino_does_try_to_report(tmp_path: Path) -> None:
    """Shows that the watch of the test above sees what it is there to see."""
    assert "home" in noted("import openvino", tmp_path)


def test_nothing_else_imports_openvino() -> None:
    found = {
        source
        for source in HOUSE_SOURCES
        if any(name.partition(".")[0] == "openvino" for name in imports(tree(source)))
    }
    assert found == set()
    importers = {source for source in HOUSE_SOURCES if "import_module" in {name for name, _ in names(tree(source))}}
    assert "retrieval/openvino.py" in importers


@pytest.mark.parametrize("lengths", [[5], [256] * 40, [3, 250, 3, 17, 16, 15] * 50, list(range(2, 257))])
def test_a_batch_is_bounded_and_every_text_is_in_one(lengths: list[int]) -> None:
    """A question waits for one batch, and not for all the texts that are embedded beside it."""
    batches = list(_batches(lengths))
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        widest = max(lengths[number] for number in batch)
        assert len(batch) * widest <= _BATCH_PIECES + _WIDTH * len(batch)


@pytest.mark.parametrize("graph", [Graph(b"", b""), Graph(b"<net/>", b""), Graph(b"\x00\xff", b"weights")])
def test_what_is_no_model_is_refused(graph: Graph) -> None:
    with pytest.raises(EmbedderDown, match="does not compile"):
        Compiled(graph, read_pinned(packaged_model(), "tokenizer.json"))
