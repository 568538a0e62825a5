"""One demonstration for all documents: the sample company in a data folder, and what was printed of it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from api import demo

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration and its transcript; its data folder is there to be used further."""

    made: demo.Demonstration
    transcript: str

    @property
    def data(self) -> Path:
        return self.made.data


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    made = demo.run(tmp_path_factory.mktemp("documents") / "demo")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        demo.transcript(made)
    return Shown(made, out.getvalue())
