"""A small shell that runs the lines of a document: `ntk` in this process, and nothing else."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from api.cli import main
from tests.docs.blocks import shell_lines, with_results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# What differs from run to run: times and rates, ids, hashes, keys, codes of tokens.
_CHANGING: Final[Mapping[str, str]] = {
    r"in \d+\.\d s, [\d.]+ chunks/s": "in # s, # chunks/s",
    r"\b[0-9a-f]{64}\b": "#",
    r"\bntk_[\w-]{43}": "ntk_#",
    r"\b([A-Z]+)_[0-9A-Z]{6}\b": r"\1_#",
    r"\b\d+ GB free": "# GB free",
    r"\(\d{4}-\d\d-\d\d\)": "(#)",
}


@dataclass(slots=True)
class Shell:
    """Runs one line after the other. Variables that a line exports hold for those behind it."""

    capture: Callable[[], str]
    variables: dict[str, str] = field(default_factory=dict)
    code: int = 0  # of the last command

    def run(self, line: str) -> str | None:
        """Run a line and give what it printed; None for a line that is no ntk."""
        if inner := re.fullmatch(r"export (\w+)=\$\((.+)\)", line):
            self.variables[inner[1]] = (self.run(inner[2]) or "").strip()
            return ""
        words = [re.sub(r"\$(\w+)", self._value, word) for word in shlex.split(line)]
        given = {}
        while words and (match := re.fullmatch(r"([A-Z_]+)=(.*)", words[0])):
            given[match[1]] = match[2]
            words.pop(0)
        if not words or words[0].rpartition("/")[2] != "ntk" or words[1] == "serve":
            return None
        return self._ntk(words[1:], given)

    def _value(self, name: re.Match[str]) -> str:
        return self.variables[name[1]]

    def _ntk(self, arguments: list[str], given: Mapping[str, str]) -> str:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.variables, **given}.items():
                if name.startswith("NTK_"):
                    patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        self.code = int(ended.value.code or 0)
        return self.capture()


def normalised(text: str) -> str:
    """Give what a command printed without what differs from run to run."""
    lines = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    for changing, fixed in _CHANGING.items():
        lines = re.sub(changing, fixed, lines)
    return lines


def replay(page: Path, shell: Shell) -> None:
    """Run the shell lines of a page, and compare what they print with what it shows; NTK_GOLDEN=1 writes it anew."""
    text = page.read_text("utf-8")
    lines = list(shell_lines(text))
    printed = [shell.run(line) for line, _ in lines]
    stale = [
        out.strip("\n") if out is not None and shown is not None and normalised(shown) != normalised(out) else None
        for (_, shown), out in zip(lines, printed, strict=True)
    ]
    if os.environ.get("NTK_GOLDEN") == "1":
        page.write_text(with_results(text, stale), "utf-8")
    else:
        assert [(line, out) for (line, _), out in zip(lines, stale, strict=True) if out is not None] == []
