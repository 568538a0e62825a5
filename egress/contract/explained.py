"""The matrix cell by cell: what each class of a label asks for, and what of it a provider's contract has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acl.labels import covers
from egress.contract.facts import facts_of
from egress.contract.forms import validated
from egress.contract.gate import gate_of
from egress.contract.matrix import LEVELS, Class, classes_of, holds, matrix_now, verdict_of
from egress.contract.provider import Kind, Provider, Term, terms_of
from egress.contract.records import APPLICATION, PROVIDER, may_look, none_of, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from acl.admin.authority import Actor
    from acl.labels import Label
    from audit.chain import Json
    from egress.contract.gate import Gate
    from egress.contract.matrix import Matrix, Verdict
    from egress.contract.provider import Terms


@dataclass(frozen=True, slots=True)
class Cell:
    """What one class asks of one provider."""

    name: Class
    kinds: tuple[str, ...]  # who may run the model
    kind_fits: bool
    needs: tuple[tuple[str, bool], ...]  # each term, and whether it holds
    approve: bool  # whether a second person must have approved the exact bytes

    @property
    def passed(self) -> bool:
        """Whether a text of this class may go there, if it is approved where that is asked for."""
        return self.kind_fits and all(has for _, has in self.needs)

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON values."""
        return {
            "class": self.name,
            "kinds": list(self.kinds),
            "kind_fits": self.kind_fits,
            "needs": dict(self.needs),
            "approve": self.approve,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """Whether a text with a label may go to a provider, and each thing that says so."""

    label: Label
    terms: Terms
    cells: tuple[Cell, ...]
    verdict: Verdict  # of the matrix
    gate: Gate | None = None  # of the application, if one is named
    ceiling: Label | None = None  # of the application; None where it is not registered

    @property
    def shut(self) -> str:
        """Why it may not go through the application; empty if it may, or none is named. Public text needs no gate."""
        if self.gate is None:
            return ""
        if self.ceiling is None or not covers(self.ceiling, self.label):
            return f"{self.label} is above the ceiling of {self.gate.application}, {self.ceiling or 'which has none'}"
        if self.gate or tuple(cell.name for cell in self.cells) == (Class.PUBLIC,):
            return ""
        return f"the gate of {self.gate.application} is closed: {', '.join(self.gate.closed)}"

    @property
    def decision(self) -> str:
        """What comes of matrix, ceiling and gate: allow, approve or refuse."""
        return "refuse" if self.shut else self.verdict.decision

    @property
    def rule(self) -> str:
        """Which rule said so: the matrix is asked first."""
        return self.shut if self.verdict and self.shut else self.verdict.rule

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON values."""
        return {
            "label": str(self.label),
            "provider": self.terms.provider,
            "provider_version": self.terms.version,
            "kind": self.terms.kind,
            "active": self.terms.active,
            "decision": self.decision,
            "rule": self.rule,
            "cells": [cell.to_json() for cell in self.cells],
            "gate": None if self.gate is None else self.gate.to_json(),
        }


def explain(
    matrix: Matrix, label: Label, terms: Terms, looked: Gate | None = None, ceiling: Label | None = None
) -> Explained:
    """Say whether a text with a label may go to a provider, and why; and whether through the application of a gate."""
    cells = tuple(cell_of(matrix, name, terms) for name in classes_of(label))
    return Explained(label, terms, cells, verdict_of(matrix, label, terms), looked, ceiling)


def explained_to(actor: Actor, label: Label, provider: str, application: str | None, now: datetime) -> Explained:
    """Say it of records, to who manages the provider, and the application or audits everything.

    Raises:
        NoSuchRecord: One of them is not there, or not for this person.
        BadRecord: The matrix or the provider cannot be read; then nothing may leave.
    """
    connection = actor.connection
    kept = shown(actor, PROVIDER, provider)
    matrix, _ = matrix_now(connection)
    terms = terms_of(validated(Provider, kept.record, provider), kept.version, now.date())
    if application is None:
        return explain(matrix, label, terms)
    name = application.removeprefix("app:")
    if not may_look(actor, name):
        raise none_of(APPLICATION, name)
    facts = facts_of(connection, name)
    ceiling = facts.application.ceiling_label if facts.application else None
    return explain(matrix, label, terms, gate_of(facts, now), ceiling)


def cell_of(matrix: Matrix, name: Class, terms: Terms) -> Cell:
    """Look at one class and one provider."""
    asked = matrix.classes[name]
    local = terms.kind is Kind.LOCAL  # it needs no terms
    return Cell(
        name=name,
        kinds=tuple(sorted(asked.kinds)),
        kind_fits=terms.active and terms.kind in asked.kinds,
        needs=tuple((term.value, local or holds(matrix, term, terms)) for term in Term if term in asked.needs),
        approve=terms.kind in asked.approve,
    )


def rows_of(matrix: Matrix) -> Sequence[dict[str, str]]:
    """Give the matrix as rows for people, the levels first."""
    order = (*LEVELS, *(name for name in Class if name not in LEVELS))
    return [
        {
            "class": name.value,
            "may go to": ", ".join(kind for kind in Kind if kind in matrix.classes[name].kinds) or "nobody",
            "needs": ", ".join(term for term in Term if term in matrix.classes[name].needs),
            "exact bytes approved for": ", ".join(kind for kind in Kind if kind in matrix.classes[name].approve),
        }
        for name in order
    ]
