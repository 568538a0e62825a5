"""What is never called, and what no page does with a text."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.architecture.reading import PACKAGES, ROOT, SOURCES, names, tree

if TYPE_CHECKING:
    from collections.abc import Iterator


FORBIDDEN_NAMES: Final = {
    "enable_enforce": "Casbin would allow everything",
    "load_policy": "a decision beside it sees half of a policy",
    "FastEnforcer": "it loses denies",
    "SyncedEnforcer": "it reloads in the background",
    "eval": "it runs text as code",
    "exec": "it runs text as code",
    "__import__": "it loads what a text names",
    "getattr_static": "it looks past what a type hides",
    "extractall": "it writes outside of its folder",
    "mktemp": "another may be faster",
    "pickle": "it runs code on reading",
    "marshal": "it runs code on reading",
    "shelve": "it is pickle",
    "dill": "it is pickle",
    "joblib": "it is pickle",
    "unsafe_load": "it runs code on reading",
    "full_load": "it runs code on reading",
}
FORBIDDEN_OPTIONS: Final = {
    ("shell", True),
    ("verify", False),
    ("trust_remote_code", True),
    ("allow_pickle", True),
    ("weights_only", False),
}
# Their chance is seeded on purpose: figures and sample files must come out the same.
SEEDED: Final = ("bench/", "deploy/")


def offences(module: ast.Module, *, seeded: bool = False) -> list[str]:
    """Name what a file uses of the above, with the line."""
    found = [f"{line}: {name}" for name, line in names(module) if name in FORBIDDEN_NAMES]
    for node in ast.walk(module):
        match node:
            case ast.Import(names=[*aliases]) if not seeded:
                found += [f"{node.lineno}: random" for alias in aliases if alias.name == "random"]
            case ast.ImportFrom(module="random") if not seeded:
                found.append(f"{node.lineno}: random")
            case ast.Call():
                found += [f"{node.lineno}: {what}" for what in _call_offences(node)]
    return sorted(found)


def _call_offences(call: ast.Call) -> Iterator[str]:
    for option in call.keywords:
        if isinstance(option.value, ast.Constant) and (option.arg, option.value.value) in FORBIDDEN_OPTIONS:
            yield f"{option.arg}={option.value.value!r}"
    match call.func:
        case ast.Attribute(value=ast.Name(id="torch" | "yaml" as library), attr="load"):
            yield f"{library}.load"
        case ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen" as name):
            yield f"os.{name}"
        case ast.Name(id="text") | ast.Attribute(attr="text" | "execute" | "executescript" | "exec_driver_sql"):
            if call.args and isinstance(call.args[0], (ast.JoinedStr, ast.BinOp)):
                yield "SQL put together from text"


@pytest.mark.parametrize("source", SOURCES)
def test_a_file_makes_no_forbidden_call(source: str) -> None:
    """SC-06, AZ-20."""
    assert offences(tree(source), seeded=source.startswith(SEEDED)) == []


@pytest.mark.parametrize(
    "source",
    [
        "e.enable_enforce(False)",
        "e.load_policy()",
        "from casbin import FastEnforcer",
        "casbin.FastEnforcer(m)",
        "eval(x)",
        "exec(x)",
        "run = eval",
        "__import__(x)",
        "inspect.getattr_static(x, y)",
        "import pickle",
        "from pickle import loads",
        "import cloud.pickle",
        "torch.load(f)",
        "yaml.load(f, Loader=yaml.SafeLoader)",
        "load(f, weights_only=False)",
        "yaml.unsafe_load(f)",
        "subprocess.run(c, shell=True)",
        "os.system(c)",
        "os.popen(c)",
        "httpx.get(u, verify=False)",
        "load(m, trust_remote_code=True)",
        "np.load(f, allow_pickle=True)",
        "archive.extractall(p)",
        "tempfile.mktemp()",
        "import random",
        "from random import choice",
        "connection.execute(f'SELECT {x}')",
        "connection.execute(text(f'SELECT {x}'))",
        "connection.exec_driver_sql('SELECT ' + x)",
        "text('SELECT %s' % x)",
    ],
)
def test_a_forbidden_call_is_found_out(source: str) -> None:
    assert offences(ast.parse(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "yaml.safe_load(f)",
        "subprocess.run([c], shell=False)",
        "load(m, trust_remote_code=False)",
        "httpx.get(u, verify=True)",
        "import secrets",
        "connection.execute(text('SELECT 1'))",
        "connection.execute(select(table))",
        "evaluate(x); execute(y)",
        "# eval(x)",
        "'eval(x)'",
    ],
)
def test_a_call_that_only_looks_like_one_is_not(source: str) -> None:
    assert offences(ast.parse(source)) == []


SHOWN: Final = [
    path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in {".js", ".html", ".svg"}
]
MARKUP_SINKS: Final = re.compile(
    r"(inner|outer)HTML\s*(\+?=|\()|insertAdjacentHTML|document\.write|\beval\(|new Function\(|setHTMLUnsafe"
    r"|\|\s*safe\b|javascript:|\son[a-z]+\s*=",
)


def test_no_page_puts_text_in_as_markup() -> None:
    """SC-06: what a document says must not become a part of the page."""
    assert len(SHOWN) >= 3
    found = {path.name: MARKUP_SINKS.findall(path.read_text(encoding="utf-8")) for path in SHOWN}
    assert {name: sinks for name, sinks in found.items() if sinks} == {}


@pytest.mark.parametrize(
    "line",
    [
        "node.innerHTML = text",
        "node.outerHTML += text",
        "node.insertAdjacentHTML('beforeend', text)",
        "document.write(text)",
        "new Function(text)",
        "{{ answer | safe }}",
        '<a href="javascript:x">',
        '<img src="x" onerror="x">',
    ],
)
def test_a_page_that_does_is_found_out(line: str) -> None:
    assert MARKUP_SINKS.search(line)
