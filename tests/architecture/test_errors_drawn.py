"""Each package draws its errors in a docstring, and they are as drawn."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Final

import pytest

from tests.architecture.reading import PACKAGES, ROOT

ERROR_MODULES: Final = [f"{package}.errors" for package in PACKAGES if (ROOT / package / "errors.py").exists()]
BRANCH: Final = re.compile(r"^(?P<indent>[ │]*)(?:[├└]── )?(?P<name>[A-Z]\w+)(?:\s{2,}\S.*)?$")


def drawn_tree(docstring: str) -> dict[str, str | None]:
    """Read the tree that a docstring draws: each class with the one above it."""
    parents: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in docstring.splitlines():
        found = BRANCH.match(line)
        if found is None or (not above and "──" in line):
            continue
        if "──" not in line and above:
            continue  # prose
        depth = line.index(found["name"])
        above = [(other, name) for other, name in above if other < depth]
        parents[found["name"]] = above[-1][1] if above else None
        above.append((depth, found["name"]))
    return parents


@pytest.mark.parametrize("module", ERROR_MODULES)
def test_the_errors_of_a_package_are_the_tree_that_its_docstring_draws(module: str) -> None:
    errors = importlib.import_module(module)
    classes = {
        name: cls
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, BaseException) and cls.__module__ == module
    }
    drawn = drawn_tree(inspect.getdoc(errors) or "")
    assert drawn.keys() == classes.keys()
    roots = [name for name, parent in drawn.items() if parent is None]
    assert len(roots) == 1
    for name, parent in drawn.items():
        bases = [Exception] if parent is None else [classes[parent]]
        assert list(classes[name].__bases__) == bases, name
        assert classes[name].__doc__, name


def test_every_package_that_raises_has_its_errors_in_one_module() -> None:
    raising = ("acl", "api", "audit", "egress", "ingest", "redaction", "retrieval", "store")
    assert [f"{package}.errors" for package in raising] == sorted(ERROR_MODULES)


def test_a_tree_is_read_as_it_is_drawn() -> None:
    drawn = """What can go wrong.

    RootError
    ├── One             the first
    │   ├── OneA        of the first
    │   └── OneB
    └── Two             the second

Prose with a Name in it.
Another
"""
    assert drawn_tree(drawn) == {
        "RootError": None,
        "One": "RootError",
        "OneA": "One",
        "OneB": "One",
        "Two": "RootError",
    }
