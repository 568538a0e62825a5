"""The benches of search, on a corpus of a few thousand chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.kept import fill, our_index, usual_index
from bench.recall import figures, recall, recalls
from bench.search import compared, drawn
from bench.search import figures as search_figures
from retrieval.edge import EdgeIndex
from tests.bench.test_corpus import small

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from bench.corpus import Corpus

__all__ = ["small"]


def test_what_is_as_near_as_the_tenth_counts_for_it_and_what_is_hidden_does_not() -> None:
    similar = np.linspace(1, 0, 40, dtype=np.float32)
    everywhere = np.ones(40, bool)
    assert recall(similar, everywhere, list(range(10))) == 1
    assert recall(similar, everywhere, [*range(9), 30]) == 0.9
    similar[10] = similar[9]
    assert recall(similar, everywhere, [*range(9), 10]) == 1
    hidden = everywhere.copy()
    hidden[:5] = False
    assert recall(similar, hidden, list(range(10))) == 0.5
    assert recall(similar, np.zeros(40, bool), []) == 1
    assert recall(similar, np.zeros(40, bool), [1]) == 0


def test_each_cell_has_its_recall_and_its_times(small: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    index = EdgeIndex(tmp_path / "ours", small.vectors.shape[1])
    fill(index, small)
    found = list(recalls(index, small, range(2)))
    assert len({figure.id for figure in found}) == len(found) == 34
    assert all(figure.value is not None and figure.value > 0.9 for figure in found)
    with usual_index(small) as (usual, _):
        measured = {figure.id: figure for figure in compared(index, usual, small, range(2))}
    index.close()
    assert {"P1.0.1.any of 20, topic", "P1.ours.1.all", "P1.recall.0.5.the nearest hidden", "P1.p95"} < set(measured)
    assert all(figure.value is not None and figure.value > 0 for figure in measured.values())


def test_an_index_is_made_once_and_one_that_was_cut_off_is_made_again(
    small: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with our_index(small) as (folder, took):
        pass
    with our_index(small) as (again, as_before):
        assert (again, as_before) == (folder, took)
    (folder.parent / "took.json").unlink()
    for file in folder.rglob("*.json"):
        file.write_text("cut off")
    with our_index(small) as (mended, _):
        index = EdgeIndex(mended, small.vectors.shape[1])
        assert index.count() == len(small.vectors)
        index.close()


def test_without_the_data_the_figures_are_skipped(tmp_path: Path) -> None:
    for found in (figures(quick=True, data=tmp_path), search_figures(quick=True, data=tmp_path)):
        (only,) = found
        assert (only.value, only.met) == (None, None)
        assert str(tmp_path) in only.note


def test_a_plot_tells_its_figures() -> None:
    picture = drawn([(1_000, 0.2), (10_000, 0.9), (100_000, 4.0)])
    assert "1,000 chunks: 0.2 ms; 10,000 chunks: 0.9 ms; 100,000 chunks: 4 ms" in picture
    assert picture.count("<circle") == 3
