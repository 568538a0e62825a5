"""The matrix of label and terms, cell by cell: as many refusals as permissions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from acl.labels import parse_label
from egress.contract.matrix import Class, classes_of, default_matrix, read_matrix, verdict_of
from egress.contract.provider import Provider, terms_of
from egress.errors import BadRecord
from tests.contracts import LATER, TODAY, local_of, provider_of

BARE = {
    "training_opt_out": None, "dpa": None, "baa": None, "retention_days": None, "region": None, "purge_right": False,
}  # fmt: skip
SIGNED = {"until": LATER}


def third(**terms: object) -> Provider:
    return provider_of(**{**BARE, **terms})


def private(**terms: object) -> Provider:
    return provider_of(**{**BARE, "kind": "private", **terms})


INTERNAL = {"training_opt_out": SIGNED}
CONFIDENTIAL = {**INTERNAL, "dpa": SIGNED, "retention_days": 30}
GDPR = {**CONFIDENTIAL, "region": "EU"}
HIPAA = {**CONFIDENTIAL, "baa": SIGNED}


@pytest.mark.parametrize(
    ("label", "provider", "decision"),
    [
        ("public", third(), "allow"),
        ("public", third(ends=None), "refuse"),
        ("public", third(ends=TODAY), "allow"),
        ("public", third(ends=TODAY - timedelta(days=1)), "refuse"),
        ("internal", third(**INTERNAL), "allow"),
        ("internal", third(), "refuse"),
        ("internal", third(training_opt_out={"until": TODAY}), "allow"),
        ("internal", third(training_opt_out={"until": TODAY - timedelta(days=1)}), "refuse"),
        ("internal", private(**INTERNAL), "allow"),
        ("internal", private(), "refuse"),
        ("confidential", third(**CONFIDENTIAL), "allow"),
        ("confidential", third(**{**CONFIDENTIAL, "retention_days": 31}), "refuse"),
        ("confidential", third(**{**CONFIDENTIAL, "retention_days": 0}), "allow"),
        ("confidential", third(**{**CONFIDENTIAL, "retention_days": None}), "refuse"),
        ("confidential", private(**CONFIDENTIAL), "allow"),
        ("confidential", third(**{**CONFIDENTIAL, "dpa": None}), "refuse"),
        ("confidential", local_of(), "allow"),
        ("confidential", third(**{**CONFIDENTIAL, "training_opt_out": None}), "refuse"),
        ("restricted", local_of(), "allow"),
        ("restricted", third(**CONFIDENTIAL, purge_right=True), "refuse"),
        ("restricted", private(**CONFIDENTIAL, purge_right=True), "approve"),
        ("restricted", private(**CONFIDENTIAL), "refuse"),
        ("confidential+gdpr", third(**GDPR), "approve"),
        ("confidential+gdpr", third(**{**GDPR, "region": "US"}), "refuse"),
        ("confidential+gdpr", private(**GDPR), "allow"),
        ("confidential+gdpr", private(**{**GDPR, "region": None}), "refuse"),
        ("internal+hipaa", third(**HIPAA), "approve"),
        ("internal+hipaa", third(**{**HIPAA, "baa": None}), "refuse"),
        ("internal+hipaa", private(**HIPAA), "allow"),
        ("internal+hipaa", third(**{**HIPAA, "baa": {"until": TODAY - timedelta(days=1)}}), "refuse"),
        ("confidential+gdpr+hipaa", third(**GDPR, baa=SIGNED), "approve"),
        ("confidential+gdpr+hipaa", third(**GDPR), "refuse"),
        ("confidential+pci", private(**CONFIDENTIAL), "allow"),
        ("confidential+pci", third(**GDPR, baa=SIGNED), "refuse"),
        ("confidential+pci", local_of(), "allow"),
        ("internal+trade-secret.glaze", third(**GDPR, baa=SIGNED), "refuse"),
        ("internal+trade-secret.glaze", private(**INTERNAL), "allow"),
        ("public+trade-secret.glaze", third(), "refuse"),
        ("restricted+trade-secret.glaze", local_of(), "allow"),
        ("restricted+trade-secret.glaze", private(**CONFIDENTIAL), "refuse"),
    ],
)
def test_each_cell(label: str, provider: Provider, decision: str) -> None:
    verdict = verdict_of(default_matrix(), parse_label(label), terms_of(provider, 1, TODAY))
    assert verdict.decision == decision
    assert bool(verdict) is (decision != "refuse")
    assert provider.name in verdict.rule


def test_as_many_are_refused_as_may_go() -> None:
    marks = [mark for mark in test_each_cell.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    refused = [row[2] for row in marks[0].args[1]].count("refuse")
    assert refused * 2 >= len(marks[0].args[1])


def test_the_rule_names_the_class_and_what_is_missing() -> None:
    verdict = verdict_of(default_matrix(), parse_label("confidential+gdpr"), terms_of(third(**INTERNAL), 1, TODAY))
    assert verdict.rule == "gdpr may not go to llm.example: dpa, region is missing or has ended"


def test_a_text_has_the_classes_of_all_lower_levels() -> None:
    assert classes_of(parse_label("confidential+pci+trade-secret.a+trade-secret.b")) == (
        Class.PUBLIC, Class.INTERNAL, Class.CONFIDENTIAL, Class.PCI, Class.TRADE_SECRET,
    )  # fmt: skip


def test_a_matrix_without_a_class_is_refused_and_one_without_kinds_lets_nothing_go() -> None:
    """Empty means no."""
    classes = "\n".join(f"  {name}: {{}}" for name in Class)
    empty = read_matrix(f"retention_days: 30\nregions: []\nclasses:\n{classes}\n")
    for provider in (third(**GDPR), private(**GDPR), local_of()):
        assert not verdict_of(empty, parse_label("public"), terms_of(provider, 1, TODAY))
    with pytest.raises(BadRecord, match="pci is missing"):
        read_matrix(f"retention_days: 30\nregions: []\nclasses:\n{classes.replace('  pci: {}', '')}\n")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("classes: [", "YAML"),
        ("retention_days: 30", "regions"),
        ("- a", "matrix"),
        ("", "matrix"),
        ("retention_days: -1\nregions: []\nclasses: {}", "retention_days"),
        ("retention_days: 1\nregions: []\nclasses: {secret: {}}", "classes"),
        ("retention_days: 1\nregions: []\nclasses: {public: {needs: [trust]}}", "classes.public.needs"),
        ("x: " * 100_000, "characters"),
    ],
)
def test_what_is_no_matrix_is_refused_by_its_place(text: str, named: str) -> None:
    with pytest.raises(BadRecord, match=named.replace(".", r"\.")):
        read_matrix(text)
