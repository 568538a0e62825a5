from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.cli import main

if TYPE_CHECKING:
    from pathlib import Path

CASE = {
    "full_text": "Ask Mr Thornwick on 020 7946 0123.",
    "spans": [
        {"start_position": 4, "end_position": 16, "entity_type": "PERSON"},
        {"start_position": 20, "end_position": 33, "entity_type": "PHONE_NUMBER"},
    ],
}


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_marked_texts_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.json").write_text(json.dumps([CASE]))
    assert run("redaction", "eval", "--data", str(tmp_path), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["texts"] == 1
    assert told["recall"]["PERSON"]["share"] == told["recall"]["PHONE_NUMBER"]["share"] == 1
    assert told["recall"]["PERSON"]["low"] < 1 == told["recall"]["PERSON"]["high"]
    assert run("redaction", "eval", "--data", str(tmp_path / "own.json")) == 0
    assert "PHONE_NUMBER" in capsys.readouterr().out


def test_a_folder_without_marked_texts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("redaction", "eval", "--data", str(tmp_path)) == 2
    assert "bad-examples" in capsys.readouterr().err


def test_a_document_is_shown_as_a_model_would_see_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "note.md"
    document.write_text("# Note\n\nAsk Mr Thornwick on 020 7946 0123. The fee of EUR 4,000 is due.\n")
    given = ("redaction", "preview", str(document), "--data", str(tmp_path / "none"), "--json")
    assert run(*given) == 0
    told = json.loads(capsys.readouterr().out)
    text = " ".join(told["texts"])
    assert "Thornwick" not in text
    assert "7946" not in text
    assert "EUR 4,000" in text
    assert told["redactions"]["USER"] == told["redactions"]["PHONE"] == 1
    assert run(*given, "--level", "confidential") == 0
    assert "EUR 4,000" not in capsys.readouterr().out


def test_a_preview_on_the_terminal_has_tokens_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "note.txt"
    document.write_text("Ask Mr Thornwick, please, about the travel policy.")
    assert run("redaction", "preview", str(document), "--data", str(tmp_path / "none")) == 0
    shown = capsys.readouterr()
    assert "USER_" in shown.out
    assert "Thornwick" not in shown.out
    assert "no data folder" in shown.err
