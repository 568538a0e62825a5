"""Real files of every format, many of them broken or hostile, where a folder of them is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.errors import Unreadable
from ingest.parse import FORMATS
from ingest.sandbox import Sandbox

FORMATS_FOLDER = Path(os.environ.get("NTK_TEST_DATA", "")) / "formats"
SLOW = {".doc", ".ppt", ".xls", ".pdf"}  # LibreOffice and recognition take seconds


@pytest.mark.skipif(not FORMATS_FOLDER.is_dir(), reason="set NTK_TEST_DATA to the folder of data sets")
def test_each_is_read_or_refused_with_a_reason_to_act_on() -> None:
    """Covers IN-01 to IN-08."""
    files = sorted(file for file in FORMATS_FOLDER.rglob("*") if file.suffix.lower() in FORMATS - SLOW)
    read: dict[str, int] = {}
    refused: dict[str, str] = {}
    with Sandbox() as sandbox:
        for file in files:
            try:
                sandbox.read(file.read_bytes(), file.name)
            except Unreadable as error:
                refused[file.name] = str(error)
            else:
                read[file.suffix.lower()] = read.get(file.suffix.lower(), 0) + 1
    assert sum(read.values()) > 10 * len(refused)
    assert not [name for name, why in refused.items() if "parser" in why or "damaged" in why], refused
    protected = {name for name in refused if "rotect" in name or "ncrypted" in name}
    assert all("encrypted" in refused[name] and "cannot be read" in refused[name] for name in protected)
