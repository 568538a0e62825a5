"""Documents of the old Office, where LibreOffice is installed, and the reason where it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ingest.errors import Unreadable
from ingest.libreoffice import _run
from ingest.parse import parse_bytes
from ingest.sandbox import Sandbox
from tests.containers import ole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WORD = ole({"WordDocument": bytes(5_000)})


def test_without_libreoffice_the_reason_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="needs LibreOffice: install it on this machine"):
        parse_bytes(WORD, "a.doc")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(("old", "new"), [(".doc", ".docx"), (".xls", ".xlsx"), (".ppt", ".pptx")])
def test_an_old_document_says_what_the_new_one_says(
    old: str, new: str, documents: Mapping[str, bytes], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / f"a{new}").write_bytes(documents[new])
    command = ["soffice", f"-env:UserInstallation={(tmp_path / 'p').as_uri()}", "--headless", "--convert-to", old[1:]]
    subprocess.run([*command, "--outdir", tmp_path, tmp_path / f"a{new}"], check=True, capture_output=True, timeout=60)
    content = (tmp_path / f"a{old}").read_bytes()
    parsed = parse_bytes(content, f"a{old}")
    assert sentence in parsed.text
    assert "Author Nobody" not in parsed.text
    if old == ".doc":  # once, for the sake of time
        with Sandbox() as sandbox:  # there it can neither listen nor write where it is used to
            assert sentence in sandbox.read(content, f"a{old}").chunks[0].text


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_what_cannot_be_converted_is_refused() -> None:
    with pytest.raises(Unreadable, match="damaged"):
        parse_bytes(ole({"PowerPoint Document": bytes(5_000), "Current User": bytes(16)}), "a.ppt")


def test_a_program_gets_nothing_of_the_environment_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NTK_SECRET", "open sesame")
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)"
    script = f"import os, pathlib; pathlib.Path('seen').write_text(' '.join(os.environ)); {child}"
    _run([sys.executable, "-c", script], tmp_path)
    assert "NTK_SECRET" not in (tmp_path / "seen").read_text()
