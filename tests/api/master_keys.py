"""Data folders whose master key is rotated, and what is looked at of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from api.errors import Exit
from api.founding import found
from api.wiring import open_store_at
from audit.ledger import records
from store.engine import snapshot
from tests.postgres import schema_of_ones_own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Ntk, Ran

ROOT: Final = Path(__file__).parents[2]
NEVER: Final = 1_000_000
SOAK: Final = bool(os.environ.get("NTK_TEST_SOAK"))
VARIABLE: Final = "NTK_TEST_MASTER"
DATABASE: Final = "env:NTK_TEST_ROTATED"


@pytest.fixture(params=["sqlite", "postgresql"])
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder on each of the databases, with a database of its own."""
    root = tmp_path / "data"
    if request.param == "sqlite":
        found(root)
        yield root
    else:
        with schema_of_ones_own() as url:
            monkeypatch.setenv(DATABASE.removeprefix("env:"), url)
            found(root, database=DATABASE)
            yield root


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Path:
    """A data folder with its database in it."""
    found(tmp_path / "data")
    return tmp_path / "data"


def masters(data: Path) -> list[str]:
    return (data / "master.key").read_text().split()


def status(ntk: Ntk, data: Path) -> list[dict[str, Any]]:
    ran = ntk("master-key", "status", "--json", "--data", data)
    assert ran.code == Exit.YES
    return [json.loads(line) for line in ran.out.splitlines()]


def rotated(ran: Ran) -> dict[str, Any]:
    assert (ran.code, ran.err) == (Exit.YES, "")
    told: dict[str, Any] = json.loads(ran.out)
    return told


def trail(data: Path) -> list[str]:
    with open_store_at(data) as opened, snapshot(opened.store.engine) as connection:
        return [str(record.body["kind"]) for record in records(connection)]


def in_environment(data: Path, monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    monkeypatch.setenv(VARIABLE, " ".join(keys))
    monkeypatch.setenv("NTK_MASTER_KEY", f"env:{VARIABLE}")


def killed(step: int, data: Path, command: str) -> int:
    """Kill a command at a step; give how many steps it took if it never came there."""
    program = [sys.executable, "-m", "tests.api.rotating_crash", str(step), "master-key", command, "--data", str(data)]
    ended = subprocess.run(program, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == (Exit.YES if step == NEVER else -signal.SIGKILL), ended.stderr
    return int(ended.stdout.splitlines()[-1]) if step == NEVER else 0
