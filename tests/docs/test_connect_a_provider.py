"""The how-to page on providers, done as it stands there, with a provider on this machine."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from api.errors import Exit
from api.loopback import LoopbackProvider
from api.wiring import open_store_at
from store.engine import write
from store.schema import access_review
from tests.docs.blocks import ROOT, blocks, shell_lines
from tests.docs.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/how-to/connect-a-model-provider.md").read_text("utf-8")
FAR = (datetime.now(UTC) + timedelta(days=100)).date().isoformat()


@pytest.fixture
def running() -> Iterator[LoopbackProvider]:
    with LoopbackProvider(lambda messages: messages[-1].content) as provider:
        yield provider


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, running: LoopbackProvider
) -> Shell:
    """An installation with somebody on the staff and a document, and the files of the page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NTK_DATA", raising=False)
    provider, page = (
        re.sub("20\\d\\d-\\d\\d-\\d\\d", FAR, block.text) for block in blocks(PAGE) if block.language == "yaml"
    )
    here = provider.replace("https://llm.example/v1", running.base_url).replace("[llm.example]", "[127.0.0.1]")
    Path("acme.yaml").write_text(here, "utf-8")
    Path("page.yaml").write_text(page, "utf-8")
    Path("rotation.pdf").write_bytes(b"%PDF")
    Path("handbook").mkdir()
    Path("handbook/hotels.md").write_text("# Travel\n\nHotels are paid up to 180 euros a night.\n", "utf-8")
    shell = Shell(lambda: capsys.readouterr().out, {"NTK_KEY": ""})
    for line in (
        "ntk init",
        'ntk user add user:olga --name "Olga Brandt" --email olga.brandt@ashgrove.example --group group:staff',
        "ntk ingest handbook --collection handbook --readers group:staff --owner user:olga --level internal",
    ):
        shell.run(line)
    (settings,) = (block.text for block in blocks(PAGE) if block.language == "toml")
    Path("ntk-data/ntk.toml").write_text(settings.replace("llm.example", "127.0.0.1"), "utf-8")
    key = Path("ntk-data/provider.key")
    key.touch(mode=0o600)
    key.write_text("k" * 30, "ascii")
    return shell


def reviewed() -> None:
    with open_store_at(Path("ntk-data")) as opened, write(opened.store.engine) as connection:
        row = {"id": "r", "signed_by": "user:olga", "signed_at": datetime.now(UTC), "epoch": 1}
        connection.execute(insert(access_review).values(**row, digest="0" * 64, lines=1))


def test_the_page_leads_to_an_open_gate(shell: Shell) -> None:
    reviewed()
    codes = {}
    for line, _ in shell_lines(PAGE):
        command = re.sub("20\\d\\d-\\d\\d-\\d\\d", FAR, line)
        if shell.run(command) is not None:
            codes[line.removeprefix("ntk ").partition(" --attest")[0]] = shell.code
    assert codes == {
        "provider add acme.yaml": Exit.YES,
        "app add page.yaml": Exit.YES,
        "provider test acme": Exit.NO,  # the stand-in has no list of models
        "gate http": Exit.YES,  # of the two lines the last, which attests
        "gate http --check": Exit.YES,
        "route explain --label confidential --provider acme --app http": Exit.YES,
        "matrix show": Exit.YES,
    }
    looked = json.loads(shell.run("ntk gate http --json") or "")
    assert (looked["open"], looked["closed"]) == (True, [])


def test_without_a_review_the_gate_stays_closed(shell: Shell) -> None:
    for line in ("ntk provider add acme.yaml", "ntk app add page.yaml", "ntk gate http --check"):
        shell.run(line)
    assert shell.code == Exit.NO
    assert json.loads(shell.run("ntk gate http --json") or "")["closed"] == ["least-privilege"]
