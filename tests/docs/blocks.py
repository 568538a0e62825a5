"""What the tests of the documents read: links, shell lines, and blocks with recorded values.

A recorded block stands behind a comment that names it:

    <!-- recorded: route -->
    ```text
    internal may go to llm.example
    ```

The test compares its text with that of a real run; NTK_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy" / "runbooks").glob("*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
NAMES: Final = [page.relative_to(ROOT).as_posix() for page in PAGES]
TOLERANCE: Final = 0.02  # of a figure with a decimal point: another build of torch rounds in another way

_BLOCK: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_RECORDED: Final = re.compile(r"(<!-- recorded: ([\w-]+) -->\n```\w+\n)(.*?)(\n```\n)", re.DOTALL)
_FIGURE: Final = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page, without its indentation."""

    language: str
    text: str


def blocks(text: str) -> Iterator[Block]:
    """Give the fenced blocks of a page, in order."""
    for indent, language, inside in _BLOCK.findall(text):
        yield Block(language, re.sub(rf"^{indent}", "", inside, flags=re.MULTILINE))


def prose(text: str) -> str:
    """Give a page without its fenced blocks."""
    return _BLOCK.sub("", text)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Give each command of a console block as written, with what is shown below it."""
    for written in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = re.sub(r"\\\n", "\\\0", written).partition("\n")
        yield command.replace("\\\0", "\\\n"), shown.strip("\n")


def shell_lines(text: str) -> Iterator[tuple[str, str | None]]:
    """Give each command of a page with what is shown below it; continued lines are joined.

    The blocks are `console`, with a `$` before each command, and `sh`, which shows nothing: None.
    """
    for block in blocks(text):
        if block.language == "console":
            for command, shown in commands(block.text):
                yield command.replace("\\\n", " "), shown
        if block.language == "sh":
            for command in block.text.replace("\\\n", " ").splitlines():
                yield command, None


def with_results(text: str, results: Iterable[str | None]) -> str:
    """Give a page with these results below its commands, one for each line of `shell_lines`; None changes nothing."""
    remaining = iter(results)

    def renewed(match: re.Match[str]) -> str:
        if match[2] == "sh":
            for _ in match[3].replace("\\\n", " ").splitlines():
                next(remaining)
        if match[2] != "console":
            return match[0]
        parts = []
        for command, shown in commands(re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)):
            result = next(remaining)
            parts += [f"$ {command}", *([shown] if result is None else [result])]
        lines = "\n".join(part for part in parts if part).split("\n")
        return "\n".join(
            [f"{match[1]}```console", *(f"{match[1]}{line}" if line else "" for line in lines), f"{match[1]}```"]
        )

    return _BLOCK.sub(renewed, text)


def recorded(page: Path) -> Mapping[str, str]:
    """Give the recorded blocks of a page by name."""
    return {name: inside for _, name, inside, _ in _RECORDED.findall(page.read_text("utf-8"))}


def compare(page: Path, values: Mapping[str, str]) -> None:
    """Compare all recorded blocks of a page with these values, or write them anew with NTK_GOLDEN=1."""
    if os.environ.get("NTK_GOLDEN") == "1":

        def renewed(match: re.Match[str]) -> str:
            value = values.get(match[2], match[3])
            return match[1] + (match[3] if same(match[3], value) else value) + match[4]

        page.write_text(_RECORDED.sub(renewed, page.read_text("utf-8")), "utf-8")
    written = recorded(page)
    assert written.keys() == values.keys()
    for name, value in values.items():
        assert same(written[name], value), f"{name}:\n{value}"


def same(written: str, real: str) -> bool:
    """Tell whether two texts are equal, but for the last digits of figures with a decimal point."""
    if _FIGURE.sub("#", written) != _FIGURE.sub("#", real):
        return False
    pairs = zip(_FIGURE.findall(written), _FIGURE.findall(real), strict=True)
    return all(abs(float(one) - float(other)) <= TOLERANCE for one, other in pairs)
