"""The gates of the house: what is asked where, in which order, and kept by nobody."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import re
from pathlib import Path

import casbin
import pytest

from retrieval.edge import EdgeIndex
from retrieval.permit import permit
from retrieval.qdrant import QdrantIndex
from tests.architecture.reading import HOUSE_SOURCES, ROOT, called, calls, imports, tree, where


def test_casbin_is_asked_in_one_module_and_holds_no_state() -> None:
    users = {source for source in HOUSE_SOURCES if any(i.partition(".")[0] == "casbin" for i in imports(tree(source)))}
    assert users == {"acl/decision.py"}
    text = (ROOT / "acl" / "decision.py").read_text("utf-8")
    assert not re.search(r"FastEnforcer|load_policy|enable_enforce|Adapter|Watcher|\beval\b", text)


def test_the_dead_casbin_is_not_installed_over_the_living_one() -> None:
    """It installs into the same folder, and `pip check` sees nothing wrong."""
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("casbin")
    assert set(importlib.metadata.packages_distributions()["casbin"]) == {"pycasbin"}
    living = importlib.metadata.distribution("pycasbin")
    assert living.version.startswith("2.8.")
    files = {Path(str(living.locate_file(file))).resolve() for file in living.files or []}
    assert Path(inspect.getfile(casbin)).resolve() in files


def test_no_right_and_no_decision_is_kept_for_the_next_request() -> None:
    """AZ-08, AZ-10: what is not cached cannot be stale, or another's."""
    decided = ("acl/", "retrieval/", "api/")
    keepers = where(lambda node: isinstance(node, ast.ImportFrom) and node.module == "functools" and "cache" in
                    " ".join(alias.name for alias in node.names))  # fmt: skip
    assert not [keeper for keeper in keepers if keeper.startswith(decided)]


def test_no_function_of_the_index_adapter_searches_without_a_scope() -> None:
    """AZ-02: one method reads points, for another that takes a scope; neither filter nor scope has a default.

    `count_of` tells ingestion how many points a document has: a number, and nobody else may ask.
    """
    (adapter,) = (node for node in ast.walk(tree("retrieval/edge.py")) if isinstance(node, ast.ClassDef))
    used = {
        (method.name, called(call))
        for method in adapter.body
        if isinstance(method, ast.FunctionDef)
        for call in calls(method)
        if ast.unparse(call.func).startswith("self._shard.")
    }
    assert used == {
        ("close", "close"), ("_ask_engine", "query"), ("_info", "info"), ("tidy", "optimize"),
        ("way", "info"), ("way", "count"), ("_is_wide", "info"), ("_is_wide", "count"),
        ("_update", "update"), ("_update", "flush"),
        ("tidy_beside", "flush"), ("_catch_up", "info"), ("_exchange", "close"),
    }  # fmt: skip
    filtered = inspect.signature(EdgeIndex._ask_engine).parameters["inside"]
    assert (filtered.annotation, filtered.default) == ("edge.Filter", inspect.Parameter.empty)
    assert where(lambda node: isinstance(node, ast.Attribute) and node.attr == "_ask_engine") == {"retrieval/edge.py"}
    for adapter_class in (EdgeIndex, QdrantIndex):
        scope = inspect.signature(adapter_class.search).parameters["scope"]
        assert (scope.annotation, scope.default) == ("Scope", inspect.Parameter.empty)


def test_nothing_is_read_from_an_index_server_without_a_scope() -> None:
    """AZ-02: one method reads points, inside of what `filter_of` has made; the rest writes, counts, and makes."""
    reading = {"query_points", "query_points_groups", "scroll", "retrieve", "facet", "search", "recommend", "discover"}
    clients = {source: tree(source) for source in HOUSE_SOURCES if source.startswith("retrieval/qdrant")}
    used = {
        (source, called(call))
        for source, parsed in clients.items()
        for call in calls(parsed)
        if ast.unparse(call.func).startswith("client.")
    }
    assert {name for _, name in used} & reading == set()
    assert {source for source, name in used if name == "query_batch_points"} == {"retrieval/qdrant.py"}
    assert {name for source, name in used if source == "retrieval/qdrant.py"} == {
        "query_batch_points", "upsert", "set_payload", "delete", "count",
    }  # fmt: skip
    inside = inspect.signature(QdrantIndex._ask_server).parameters["inside"]
    assert (inside.annotation, inside.default) == ("Inside", inspect.Parameter.empty)
    assert where(lambda node: isinstance(node, ast.Call) and called(node) == "Inside") == {"retrieval/filter.py"}


def test_a_text_is_opened_at_the_last_gate_alone() -> None:
    """AZ-02: that gate takes a scope, and decides on each hit."""
    opened = where(lambda node: isinstance(node, ast.Call) and called(node) in ("open_chunk", "open_title"))
    assert opened == {"retrieval/permit.py", "ingest/points.py"}


def test_what_is_opened_to_be_indexed_again_becomes_points_and_nothing_else() -> None:
    """AZ-02: no door calls what opens texts without a scope; what it makes holds vectors and tags."""
    opening = where(lambda node: isinstance(node, ast.Call) and called(node) == "kept_of")
    assert opening == {"ingest/points.py", "ingest/versions.py"}
    used = where(lambda node: isinstance(node, ast.Call) and called(node) == "points_of")
    assert used == opening
    scope = inspect.signature(permit).parameters["scope"]
    assert (scope.annotation, scope.default) == ("Scope", inspect.Parameter.empty)


def test_a_filter_is_made_from_a_scope_alone() -> None:
    """The filters that write a document's points are made beside it; an adapter translates, and narrows."""
    assert where(lambda node: isinstance(node, ast.Call) and called(node) == "Filter") == {
        "retrieval/filter.py",
        "retrieval/edge.py",
        "retrieval/edge_filter.py",
        "retrieval/edge_shelves.py",  # looks at one point of each shelf, when an index is opened
    }
    made = {
        function.name
        for source in ("retrieval/edge.py", "retrieval/edge_filter.py")
        for function in ast.walk(tree(source))
        if isinstance(function, ast.FunctionDef) and any(called(call) == "Filter" for call in calls(function))
    }
    assert made == {"to_edge", "_either", "passed_through", "_request"}


def test_a_model_is_called_in_one_line() -> None:
    """AL-01: the line after the record."""
    assert where(lambda node: isinstance(node, ast.Call) and called(node) == "complete") == {"egress/answer.py"}
    parts = {node.name: node for node in ast.walk(tree("egress/answer.py")) if isinstance(node, ast.FunctionDef)}
    order = {called(call): call.lineno for call in calls(parts["_answered"])}
    assert order["route_of"] < order["redact"] < order["build_prompt"] < order["waiting"] < order["spend"]
    assert order["spend"] < order["commit_intent"] < order["complete"] < order["check"] < order["_confirm"]
    assert order["_confirm"] < order["answered"]


def test_what_need_not_last_is_followed_by_a_record_and_is_none_itself() -> None:
    """AL-01: a record that a power cut takes away was never written."""
    hasty = where(
        lambda node: (
            isinstance(node, ast.Call) and called(node) == "write" and any(k.arg == "lasting" for k in node.keywords)
        )
    )
    assert hasty == {"redaction/vault.py", "egress/history.py", "egress/brakes/volume.py"}
    for source in hasty:
        assert not any(
            called(call) in {"append", "commit"} and "ledger" in ast.unparse(call) for call in calls(tree(source))
        )
