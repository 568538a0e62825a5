from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.tokens import HARMLESS, figures, way_of_value
from redaction.restore import restore
from redaction.tokens import make_token
from redaction.types import Kind, TokenMap

if TYPE_CHECKING:
    from pathlib import Path

JANE = make_token(Kind.USER, "7F3K", "2")
TOKENS = TokenMap({JANE: "Jane Doe"})


@pytest.mark.parametrize("way", HARMLESS)
def test_what_changes_nothing_for_a_reader_is_restored(way: str) -> None:
    """PT-04."""
    mangled = HARMLESS[way](JANE)
    assert mangled != JANE
    assert restore(mangled, TOKENS) == way_of_value(HARMLESS[way], JANE, TOKENS)
    assert "Jane Doe" in restore(mangled, TOKENS)


def test_without_the_data_sets_the_round_trip_is_skipped(tmp_path: Path) -> None:
    first = next(figures(quick=True, data=tmp_path / "none"))
    assert (first.value, first.met) == (None, None)
    assert "not there" in first.note
