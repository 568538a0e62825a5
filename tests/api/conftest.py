"""A small installation with two people, as the doors see it, and the command line in this process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.cli import main
from api.wiring import House, open_house
from tests.api.office import Office, open_office
from tests.sites import Site, make_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.errors import Exit
    from retrieval.embed import Embed

    Ntk = Callable[..., "Ran"]

__all__ = ["Site", "make_site"]  # tests/api asks for them here


@pytest.fixture
def site(tmp_path: Path, hash_embed: Embed) -> Site:
    """The installation, closed; its vectors are those of the fake embedding model."""
    return make_site(tmp_path, hash_embed)


@pytest.fixture
def owner(site: Site) -> Iterator[int]:
    """Another process that owns the data folder; gives its number."""
    program = (
        "import sys, pathlib; from store.folder import Layout, owned\n"
        "with owned(Layout(pathlib.Path(sys.argv[1]))):\n"
        "    print('owned', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(site.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "owned\n"
    yield process.pid
    process.communicate()


@contextmanager
def _client(house: House) -> Iterator[TestClient]:
    with TestClient(create_app(house), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def house(site: Site, hash_embed: Embed) -> Iterator[House]:
    with open_house(site.data, hash_embed) as opened:
        yield opened


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with _client(house) as opened:
        yield opened


@pytest.fixture
def office(client: TestClient, house: House, site: Site) -> Office:
    """The installation with administrators, and a way to call it as each of them."""
    return open_office(client, house, site)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def ntk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ntk:
    """Run a command in this process."""

    def run(*arguments: object, key: str = "") -> Ran:
        monkeypatch.setenv("NTK_KEY", key)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return run


def refused(ran: Ran, code: str, exit_code: Exit, *words: str) -> None:
    """Assert that a command said no in one line on standard error, with these words, and nothing else."""
    assert ran.code == exit_code
    assert ran.err.startswith("ntk: ")
    assert ran.err.endswith(f" ({code})\n")
    for word in words:
        assert word in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder with one document that no installation has taken in."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "menu.md").write_text("# Canteen\n\nThe canteen serves lentil soup on every Tuesday.\n", "utf-8")
    return folder
