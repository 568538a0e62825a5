"""A page of the reference, and a table on it, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def page(title: str, source: str, *parts: str) -> str:
    """Give a page of a title, where it comes from, and its parts."""
    mark = f"<!-- Written by docs/generate.py from {source}. Change it there, and run `make docs`. -->"
    return "\n\n".join([f"# {title}", mark, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Give a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join((cell or "").replace("|", "\\|") for cell in line) + " |" for line in lines)
