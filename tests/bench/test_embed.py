"""The bench of embedding, on a few texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.embed import BATCHES, QUESTIONS, figures, handbook_chunks, measure

if TYPE_CHECKING:
    from pathlib import Path


def test_both_arms_are_measured_on_the_same_texts() -> None:
    measured = {figure.id: figure for figure in measure(QUESTIONS, QUESTIONS[:2], rounds=1)}
    assert {"P4", "P4.ours", "P4.bare", "P4.question.ours", "P4.question.bare"} < set(measured)
    assert all(figure.value and figure.value > 0 for id_, figure in measured.items() if id_ != "P4.cosine")
    assert measured["P4"].goal == ">= 3"
    assert measured["P4.cosine"].met
    ours, bare = measured["P4.ours"].value, measured["P4.bare"].value
    assert ours is not None
    assert bare is not None
    assert measured["P4"].value == pytest.approx(ours / bare)
    assert {f"P4.bare.{size}" for size in BATCHES} < set(measured)


def test_without_the_handbook_the_figure_is_skipped_with_the_reason(tmp_path: Path) -> None:
    (only,) = figures(quick=True, data=tmp_path)
    assert (only.id, only.value) == ("P4", None)
    assert str(tmp_path) in only.note


def test_the_chunks_are_those_that_ingestion_cuts(tmp_path: Path) -> None:
    (tmp_path / "leave.md").write_text("# Leave\n\nThere are thirty days.\n")
    (tmp_path / "empty.md").write_text("")
    assert handbook_chunks(tmp_path) == ["Leave\n\nThere are thirty days."]
