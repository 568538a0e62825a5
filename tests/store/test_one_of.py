from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, make_url, select
from sqlalchemy.exc import CompileError

from store.engine import snapshot, write
from store.one_of import OneOf, OneOfByRow
from store.schema import users

if TYPE_CHECKING:
    from sqlalchemy import Select

    from store.folder import Store

NAMES = ["user:anna", 'user:b"ert', "user:o'hara", "user:[x]", "user:ünal", "null", "1", ""]
CHOSEN, CHOSEN_BY_ROW = (select(users.c.id).where(kind(users.c.id, "ids")) for kind in (OneOf, OneOfByRow))


@pytest.fixture
def peopled(store: Store) -> Store:
    with write(store.engine) as connection:
        rows = [{"id": name, "name": "x", "active": True, "clearance": 0} for name in NAMES]
        connection.execute(insert(users), rows)
    return store


def chosen(store: Store, ids: list[str]) -> set[str]:
    """Give what both forms choose, which is the same."""
    with snapshot(store.engine) as connection:
        found, by_row = (set(connection.scalars(form, {"ids": ids})) for form in (CHOSEN, CHOSEN_BY_ROW))
    assert found == by_row
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_found_whatever_it_is_written_with_and_no_other(peopled: Store, name: str) -> None:
    assert chosen(peopled, [name]) == {name}


def test_many_are_found_and_what_is_not_there_is_not(peopled: Store) -> None:
    assert chosen(peopled, [*NAMES, "user:none", "user:ann", "USER:ANNA"]) == set(NAMES)


def test_of_no_values_none_is_found(peopled: Store) -> None:
    assert chosen(peopled, []) == set()


@pytest.mark.parametrize("name", ["user:anna\0", "user:anna\0x", "\0user:anna", "\0", "user:anna\\u0000"])
def test_a_name_that_no_row_can_have_is_not_cut_to_one_that_a_row_has(peopled: Store, name: str) -> None:
    assert chosen(peopled, [name]) == set()


def test_there_may_be_more_values_than_a_statement_takes_parameters(peopled: Store) -> None:
    assert chosen(peopled, [f"user:{number}" for number in range(40_000)] + ["user:anna"]) == {"user:anna"}


@pytest.mark.sqlite
@pytest.mark.parametrize(("form", "step"), [(CHOSEN, "SEARCH users USING"), (CHOSEN_BY_ROW, "SCAN users")])
def test_the_index_of_the_column_is_used_or_is_not(peopled: Store, form: Select[str], step: str) -> None:
    """Compared with 1, as SQLAlchemy writes a condition for SQLite, the first would read the whole table."""
    with snapshot(peopled.engine) as connection:
        explained = f"EXPLAIN QUERY PLAN {form.compile(peopled.engine)}"
        steps = [row.detail for row in connection.exec_driver_sql(explained, ("[]",))]
    assert steps[0].startswith(step)


def test_a_database_that_nobody_thought_of_is_refused() -> None:
    with pytest.raises(CompileError):
        CHOSEN.compile(dialect=make_url("mssql://").get_dialect()())
