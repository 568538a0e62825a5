"""The measure of a ranking, and that both legs and the fused search are put to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.scifact import figures, ndcg

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("ranking", "relevant", "wanted"),
    [
        (["a", "b"], {"a": 1}, 1.0),
        (["b", "a"], {"a": 1}, 0.6309),
        (["a", "b", "c"], {"a": 1, "c": 2}, 0.7602),
        ([str(number) for number in range(10)] + ["a"], {"a": 1}, 0.0),  # the eleventh counts for nothing
        ([], {"a": 1}, 0.0),
    ],
)
def test_a_ranking_gains_by_what_is_relevant_and_how_early(
    ranking: list[str], relevant: dict[str, int], wanted: float
) -> None:
    assert ndcg(ranking, relevant) == pytest.approx(wanted, abs=1e-4)


def test_what_is_asked_in_an_abstracts_own_words_is_found_by_each_way(tmp_path: Path) -> None:
    folder = tmp_path / "scifact"
    folder.mkdir()
    texts = {"1": "Ferries sail at noon", "2": "The boiler is serviced in May", "3": "Bread is baked from rye"}
    lines = [json.dumps({"_id": id_, "title": "", "text": text}) for id_, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "queries.test.tsv").write_text("7\twhen is the boiler serviced?\n", "utf-8")
    (folder / "qrels.test.txt").write_text("7 0 2 1\n", "utf-8")
    found = {figure.id: figure for figure in figures(quick=True, data=tmp_path)}
    assert set(found) == {"Q1.by meaning", "Q1.by words", "Q1.fused"}
    assert all(figure.value == 1 and figure.met for figure in found.values())


def test_without_the_data_set_the_figure_is_skipped(tmp_path: Path) -> None:
    (only,) = figures(quick=True, data=tmp_path)
    assert only.value is None
    assert only.met is None
