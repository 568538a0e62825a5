"""The bench of the permission system, on databases that are made in a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.acl import KINDS, SERVER, Plan, measure, short
from bench.crowd import Caller
from bench.move import Folder

if TYPE_CHECKING:
    from bench.figures import Figure

TINY = Plan(
    sizes=(50, 300),
    plain=(20, 60),
    callers=(Caller("typical", 5, 20), Caller("extreme", 30, 400)),
    rounds=2,
    calls=2,
    folder=Folder(documents=6, chunks=2),
    singles=3,
)


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return list(measure(TINY))


def test_every_cell_has_a_figure_with_an_id_of_its_own(figures: list[Figure]) -> None:
    ids = [figure.id for figure in figures]
    assert len(set(ids)) == len(ids)
    times = {
        f"{name}.{caller}.{rules}.{kind}.{point}"
        for name in ("scope", "decision", "recheck")
        for caller in ("typical", "extreme")
        for rules in ("50", "300")
        for kind in KINDS
        for point in ("p50", "p99")
    }
    assert times < set(ids)
    assert {"flat.scope.typical.sqlite", "plain.60.p50", "ratio.plain", "P7.rewritten", "P7.late", "M1"} < set(ids)


def test_a_permission_change_writes_no_point_and_holds_from_the_next_request_on(figures: list[Figure]) -> None:
    values = {figure.id: figure.value for figure in figures}
    assert (values["P7.rewritten"], values["P7.late"]) == (0, 0)


def test_times_are_told_and_the_goals_are_those_of_the_callers(figures: list[Figure]) -> None:
    goals = {figure.id: figure.goal for figure in figures}
    assert goals["scope.typical.300.sqlite.p99"] == "<= 2"
    assert goals["scope.extreme.300.sqlite.p99"] == ""
    assert goals["recheck.extreme.300.sqlite.p99"] == "<= 5"
    assert all(figure.value for figure in figures if ".sqlite." in figure.id)


def test_without_a_server_its_figures_are_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER, "postgresql://127.0.0.1:1/none")
    skipped = [figure for figure in measure(TINY) if "postgresql" in figure.id]
    assert skipped
    assert {(figure.value, figure.met) for figure in skipped} == {(None, None)}
    assert all(SERVER in figure.note for figure in skipped)


@pytest.mark.parametrize(
    ("number", "written"), [(0, "0"), (60, "60"), (1_000, "1k"), (1_500, "1500"), (100_000, "100k"), (1_000_000, "1M")]
)
def test_a_number_is_written_short(number: int, written: str) -> None:
    assert short(number) == written
