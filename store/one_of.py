"""A condition on many values, given as one parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, JSON, Boolean, String, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine.interfaces import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine


class _Values(TypeDecorator[list[str]]):
    """A list of texts as one value: JSON, or an array."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(String()) if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> list[str]:  # noqa: ARG002 - the base's signature
        # SQLite ends a text of a JSON list at its first zero byte: it would stand for another name. No column has one.
        return [text for text in value or () if "\0" not in text]


class OneOf(FunctionElement[bool]):
    """Whether a column has one of the values of a parameter, which is a list of any length.

    The usual form has a parameter for each value. Nine hundred of them cost more than the search for them, and
    each length is a statement of its own, which PostgreSQL would plan anew.
    """

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[str], name: str) -> None:
        """Name the column, and the parameter."""
        super().__init__(column, bindparam(name, type_=_Values))

    def self_group(self, against: object = None) -> OneOf:  # noqa: ARG002 - the base's signature
        """Stand as it is: SQLite finds no index for a condition that is compared with 1."""
        return self


class OneOfByRow(OneOf):
    """The same, asked of each row that the other conditions leave: no index of the column is used.

    With an index of two columns, both databases would look for every pair of a value of one and a value of the
    other, of which there can be a hundred thousand.
    """

    inherit_cache = True


@compiles(OneOf, "sqlite")
def _in_json(element: OneOf, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(clause, **how) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - a column and a place for a parameter


@compiles(OneOf, "postgresql")
def _in_array(element: OneOf, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(clause, **how) for clause in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(OneOfByRow, "sqlite")
def _in_json_by_row(element: OneOfByRow, compiler: SQLCompiler, **how: Any) -> str:
    return f"+{_in_json(element, compiler, **how)}"


@compiles(OneOfByRow, "postgresql")
def _in_array_by_row(element: OneOfByRow, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(clause, **how) for clause in element.clauses)
    # With an array that it does not know when it plans, PostgreSQL compares one by one; of a query it makes a hash.
    return f"({column} || '') IN (SELECT unnest({values}))"
