"""Who imports whom: the house has floors, and each knows only those below it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.architecture.reading import FLOORS, HOUSE, HOUSE_SOURCES, ROOT, imports, tree, where

if TYPE_CHECKING:
    from pathlib import Path


def upward(package: str, module: ast.Module) -> list[str]:
    """Give the imports of a module that do not go down."""
    floor = next(number for number, there in enumerate(FLOORS) if package in there)
    above = {other for number, there in enumerate(FLOORS) for other in there if number <= floor} - {package}
    return [imported for imported in imports(module) if imported.partition(".")[0] in above]


def test_imports_go_downwards() -> None:
    """Every file is read here; the linter passes over those that belong to no package, such as the migrations."""
    assert not [
        (source, found) for source in HOUSE_SOURCES if (found := upward(source.partition("/")[0], tree(source)))
    ]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("store", "api"),
        ("acl", "retrieval.find"),
        ("audit", "acl"),
        ("egress", "ingest"),
        ("ingest", "egress.answer"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_found(importer: str, imported: str) -> None:
    assert upward(importer, ast.parse(f"import {imported}")) == [imported]
    assert upward(importer, ast.parse(f"def f():\n    from {imported} import x")) == [imported]


def test_an_import_that_goes_down_is_none() -> None:
    assert not upward("egress", ast.parse("from acl.labels import join\nimport store\nimport egress.errors"))


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_linter_holds_the_same_floors() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract, inside_acl = settings["contracts"]
    assert tuple(frozenset(layer.split(" | ")) for layer in contract["layers"]) == tuple(map(frozenset, FLOORS))
    assert set(settings["root_packages"]) == set(HOUSE)
    assert not {"ignore_imports"} & (contract.keys() | inside_acl.keys())


def test_imports_go_downwards_through_the_house() -> None:
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout
    assert "2 kept, 0 broken" in run.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [("store", "api"), ("egress", "ingest")],
)
def test_an_import_upwards_is_found_out(tmp_path: Path, importer: str, imported: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in HOUSE:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    assert lint_imports(tmp_path).returncode == 0
    (tmp_path / importer / "part.py").write_text(f"import {imported}\n")
    run = lint_imports(tmp_path)
    assert run.returncode == 1
    assert f"{importer}.part -> {imported}" in run.stdout


def test_settings_are_read_by_the_doors_alone() -> None:
    users = {source for source in HOUSE_SOURCES if "api.settings" in imports(tree(source))}
    assert users
    assert all(user.startswith("api/") for user in users)


def test_the_environment_is_read_at_the_door_and_for_secrets_alone() -> None:
    readers = where(lambda node: isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"))
    muzzles = {"egress/openai_client.py", "ingest/offline.py", "retrieval/embed.py"}  # they set, to silence a library
    sandbox = {"ingest/child.py", "ingest/sandbox.py"}  # they hand on where programs are found, and nothing else
    assert readers == {"api/cli.py", "api/commands/common.py", "api/settings.py", "store/secret.py"} | muzzles | sandbox
