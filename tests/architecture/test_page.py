"""ARCHITECTURE.md names what is there, and a test for each absence."""

from __future__ import annotations

import re
from typing import Final

from tests.architecture.reading import HOUSE, ROOT

PAGE: Final = ROOT / "ARCHITECTURE.md"


def test_the_code_map_names_every_package_and_no_other() -> None:
    text = PAGE.read_text("utf-8").partition("## What there is not")[0]
    named = re.findall(r"^\| `([a-z]+)/` \|", text, re.MULTILINE)
    house = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"tests"}
    assert set(named) == house
    assert [package for package in named if package in HOUSE] == list(HOUSE)


def test_every_absence_names_a_test() -> None:
    """That it exists is checked with all other names, in test_docs.py."""
    rows = PAGE.read_text("utf-8").partition("## What there is not")[2].partition("\n## ")[0]
    absences = [row for row in rows.splitlines() if row.startswith("| ") and not row.startswith(("| there", "| ---"))]
    assert len(absences) >= 15
    assert not [row for row in absences if not re.search(r"`tests/[\w/.]+::test_\w+`", row)]
