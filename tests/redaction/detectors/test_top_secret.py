"""A page about clearances is headed "Top secret", and is none."""

from __future__ import annotations

import pytest

from redaction.detectors.markings import markings


@pytest.mark.parametrize("heading", ["Top secret", "Top Secret"])
def test_a_heading_in_ordinary_letters_is_no_marking(heading: str) -> None:
    assert markings(f"{heading}\n\nA clearance is asked for with the form that hangs at the gate.") == (0, 0)


def test_in_capitals_it_is_one() -> None:
    strict, _ = markings("TOP SECRET\n\nThe lamp of the pier is green.")
    assert strict == 1
