"""The matrix: which classes of text may go to a provider with which terms.

A text has the class of its level, those of all lower levels, and one for each compartment. All of them must say yes,
so that a higher level or a further compartment never opens a way that was shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from acl.labels import Level
from egress.contract.forms import read_yaml, validated
from egress.contract.provider import Kind, Term, Terms
from egress.contract.register import current

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.labels import Label

NAME: Final = "matrix"  # there is one
_DEFAULT: Final = Path(__file__).with_name("matrix.yaml")


class Class(StrEnum):
    """What a text is, as far as contracts are concerned."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"
    GDPR = "gdpr"
    HIPAA = "hipaa"
    PCI = "pci"
    TRADE_SECRET = "trade-secret"  # noqa: S105 - the name of a class


LEVELS: Final = (Class.PUBLIC, Class.INTERNAL, Class.CONFIDENTIAL, Class.RESTRICTED)


def _set_of(value: object) -> object:
    return frozenset(value) if isinstance(value, list) else value


class Requirement(BaseModel):
    """What one class asks for. Left out, `kinds` lets it go nowhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: Annotated[frozenset[Kind], BeforeValidator(_set_of)] = Field(
        default=frozenset(), description="who may run the model"
    )
    needs: Annotated[frozenset[Term], BeforeValidator(_set_of)] = Field(
        default=frozenset(), description="terms that must hold, but for a local provider"
    )
    approve: Annotated[frozenset[Kind], BeforeValidator(_set_of)] = Field(
        default=frozenset(), description="for which kinds a second person must have approved the exact bytes"
    )


class Matrix(BaseModel):
    """All requirements of an installation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retention_days: int = Field(ge=0, le=3650, description="`retention` holds where things are kept no longer")
    regions: tuple[str, ...] = Field(max_length=100, description="`region` holds in one of these")
    classes: dict[Class, Requirement] = Field(description="one for each class; none may be left out")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [name for name in Class if name not in self.classes]:
            raise ValueError(f"classes: {missing[0]} is missing")
        return self


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the matrix says of a text and a provider, and the rule that said so."""

    decision: Literal["allow", "approve", "refuse"]
    rule: str

    def __bool__(self) -> bool:
        """Whether it may go there, if somebody approves where that is asked for."""
        return self.decision != "refuse"


def classes_of(label: Label) -> tuple[Class, ...]:
    """Give the classes of a text with this label: of its level and all below, then of its compartments."""
    levels = [LEVELS[level] for level in Level if level <= label.level]
    # A compartment that the matrix has no word for would ask for nothing: it counts as the strictest there is.
    compartments = {_class_of(name) for name in label.compartments}
    return (*levels, *sorted(compartments))


def _class_of(compartment: str) -> Class:
    known = {Class.GDPR, Class.HIPAA, Class.PCI}
    return Class(compartment) if compartment in known else Class.TRADE_SECRET


def verdict_of(matrix: Matrix, label: Label, terms: Terms) -> Verdict:
    """Decide whether a text with this label may go to a provider with these terms.

    Refused by the first class that says no, the highest level first.
    """
    if not terms.active:
        return Verdict("refuse", f"there is no contract with {terms.provider} that holds")
    classes = sorted(classes_of(label), key=lambda name: (name in LEVELS, -list(Class).index(name)))
    for name in classes:
        if why := _refusal(matrix, name, terms):
            return Verdict("refuse", f"{name} may not go to {terms.provider}: {why}")
    to_approve = [name for name in classes if terms.kind in matrix.classes[name].approve]
    if to_approve:
        rule = f"{to_approve[0]} may go to {terms.provider} once a second person has approved the exact bytes"
        return Verdict("approve", rule)
    return Verdict("allow", f"{label} may go to {terms.provider}")


def _refusal(matrix: Matrix, name: Class, terms: Terms) -> str:
    asked = matrix.classes[name]
    if terms.kind not in asked.kinds:
        kinds = ", ".join(sorted(asked.kinds)) or "none"
        return f"it is {terms.kind}, and {name} is for {kinds}"
    if terms.kind is Kind.LOCAL:
        return ""
    lacking = [term for term in Term if term in asked.needs and not holds(matrix, term, terms)]
    return f"{', '.join(lacking)} is missing or has ended" if lacking else ""


def holds(matrix: Matrix, term: Term, terms: Terms) -> bool:
    """Say whether a term holds as this matrix means it."""
    if term not in terms.holds:
        return False
    if term is Term.RETENTION:
        return terms.retention_days is not None and terms.retention_days <= matrix.retention_days
    if term is Term.REGION:
        return terms.region in matrix.regions
    return True


@cache  # it is part of the program
def default_matrix() -> Matrix:
    """Give the strict matrix that an installation begins with."""
    return read_matrix(_DEFAULT.read_text("utf-8"))


def matrix_now(connection: Connection) -> tuple[Matrix, int]:
    """Give the matrix that holds, and its version; 0: the one that ships.

    Raises:
        BadRecord: What is kept cannot be read; then nothing may leave.
    """
    kept = current(connection, NAME, NAME)
    return (default_matrix(), 0) if kept is None else (matrix_of(kept.record), kept.version)


def read_matrix(text: str) -> Matrix:
    """Read a matrix from YAML.

    Raises:
        BadRecord: It is none; the message names each place that is wrong.
    """
    return read_yaml(Matrix, text, NAME)


def matrix_of(value: object) -> Matrix:
    """Read a matrix from JSON values.

    Raises:
        BadRecord: It is none.
    """
    return validated(Matrix, value, NAME)
