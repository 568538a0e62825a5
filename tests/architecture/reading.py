"""The source of the house, read as syntax trees."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ROOT: Final = Path(__file__).parents[2]
# From top to bottom; those on one floor know nothing of each other.
FLOORS: Final = (("api",), ("ingest", "egress"), ("redaction",), ("retrieval",), ("acl",), ("audit",), ("store",))
HOUSE: Final = tuple(package for floor in FLOORS for package in floor)
PACKAGES: Final = (*HOUSE, "bench", "deploy")  # these two stand beside the house, and may use all of it
SOURCES: Final = tuple(
    path.relative_to(ROOT).as_posix() for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
)
HOUSE_SOURCES: Final = tuple(source for source in SOURCES if source.partition("/")[0] in HOUSE)


@cache
def tree(source: str) -> ast.Module:
    """Give the syntax tree of a file, named by its path from the root."""
    return ast.parse((ROOT / source).read_text("utf-8"))


def imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def names(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Give every name that some code uses, as itself, as an attribute or by import, with its line."""
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name, lineno=line) | ast.Attribute(attr=name, lineno=line):
                yield name, line
            case ast.alias(name=name, lineno=line) | ast.ImportFrom(module=str(name), lineno=line):
                yield name.rpartition(".")[2], line


def calls(module: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """Give the last name of what is called: `complete` of `edges.local.complete(…)`."""
    return ast.unparse(call.func).rpartition(".")[2]


def where(wanted: Callable[[ast.AST], bool]) -> set[str]:
    """Give the files of the house that hold such a node."""
    return {source for source in HOUSE_SOURCES if any(wanted(node) for node in ast.walk(tree(source)))}
