"""Who makes evidence: a gate's is worth what the gate is; made elsewhere, it would be a claim."""

from __future__ import annotations

import ast
from typing import Final

import pytest

from tests.architecture.reading import SOURCES, called, names, tree, where

MAKERS: Final = {
    "Scope": "acl/scope.py",
    "Permit": "acl/decision.py",
    "Permitted": "retrieval/permit.py",
    "Excerpt": "retrieval/excerpt.py",
    "Understood": "egress/history.py",
    "Terms": "egress/contract/provider.py",
    "Verdict": "egress/contract/matrix.py",
    "Gate": "egress/contract/gate.py",
    "Route": "egress/route.py",
    "Redacted": "redaction/redact.py",
    "RedactedPrompt": "egress/prompt.py",
    "Checked": "egress/check.py",
}
COPIES: Final = {"replace", "_replace", "__replace__", "__new__", "__setattr__"}  # ways to make a value without a call


def types_named(module: ast.Module) -> set[int]:
    """Give the ids of all nodes that only say of which type something is."""
    found: set[int] = set()
    for node in ast.walk(module):
        places: list[ast.expr | None] = []
        match node:
            case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns):
                places.append(returns)
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
                places.append(annotation)
        found |= {id(part) for place in places if place for part in ast.walk(place)}
    return found


def evidence_made(module: ast.Module, kind: str) -> list[int]:
    """Give the lines where a kind of evidence is made, passed on to be made, renamed or made a base.

    Any use of its name counts that is neither an annotation nor an import under its own name: a call, an
    alias, a base class, a value in a table. So does every copy with changes in a file that names it.
    """
    typing_only = types_named(module)
    lines, named = [], False
    for node in ast.walk(module):
        match node:
            case ast.alias(name=name, asname=asname) if name == kind:
                named = True
                lines += [node.lineno] * (asname not in (None, kind))
            case ast.Name(id=name) | ast.Attribute(attr=name) if name == kind:
                named = True
                lines += [node.lineno] * (id(node) not in typing_only)
    if named:
        lines += [
            node.lineno
            for node in ast.walk(module)
            if isinstance(node, ast.Call) and next(names(node.func), ("", 0))[0] in COPIES and not _of_a_text(node)
        ]
    return sorted(lines)


def _of_a_text(call: ast.Call) -> bool:
    # text.replace("a", "b") has the text before the dot; dataclasses.replace(value, field=…) has keywords.
    return isinstance(call.func, ast.Attribute) and call.func.attr == "replace" and not call.keywords


@pytest.mark.parametrize(("kind", "maker"), MAKERS.items())
def test_each_kind_of_evidence_is_made_in_one_module(kind: str, maker: str) -> None:
    """AZ-02: who could make a Scope could search without rights."""
    made = {source: evidence_made(tree(source), kind) for source in SOURCES if source != maker}
    assert {source: lines for source, lines in made.items() if lines} == {}
    assert evidence_made(tree(maker), kind) != []


@pytest.mark.parametrize(
    "source",
    [
        "from acl.scope import Scope\nScope(1)",
        "import acl.scope\nacl.scope.Scope(1)",
        "from acl import scope\nx = scope.Scope",
        "from acl.scope import Scope as S\nS(1)",
        "from acl.scope import Scope\nmake = Scope",
        "from acl.scope import Scope\nclass Wider(Scope): ...",
        "from acl.scope import Scope\nscope = partial(Scope, 1)",
        "from acl.scope import Scope\ndef f(s: Scope): return replace(s, deny=frozenset())",
        "from acl.scope import Scope\ndef f(s: Scope): return dataclasses.replace(s, deny=frozenset())",
        "from acl.scope import Scope\ndef f(s: Scope): object.__setattr__(s, 'deny', frozenset())",
        "from acl.scope import Scope\ndef f(s: Scope): return s.__replace__(deny=frozenset())",
        "def f(s: scope.Scope): return copy.replace(s, deny=frozenset())",
        "from acl.scope import Scope\nx = object.__new__(Scope)",
    ],
)
def test_evidence_made_elsewhere_is_found_out(source: str) -> None:
    assert evidence_made(ast.parse(source), "Scope") != []


@pytest.mark.parametrize(
    "source",
    [
        "from acl.scope import Scope",
        "from acl.scope import Scope\ndef f(s: Scope, t: list[Scope]) -> Scope | None: return s",
        "from acl.scope import Scope\nclass A:\n    s: Scope",
        "from acl.scope import Scope, scope_of\nx = scope_of(1)",
        "from acl.scope import Scope\ndef f(s: Scope): return s.name.replace('a', 'b')",
        "def f(s): return replace(s, end=1)",
        "Scoped(1)",
    ],
)
def test_evidence_that_is_only_passed_on_is_not(source: str) -> None:
    assert evidence_made(ast.parse(source), "Scope") == []


def test_who_asks_is_settled_at_the_doors_alone() -> None:
    made = where(lambda node: isinstance(node, ast.Call) and called(node) == "Principal")
    assert made == {"api/auth.py", "api/demo.py"}
