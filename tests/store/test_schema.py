from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from store import schema
from store.engine import snapshot, write
from store.errors import DoesNotFit

if TYPE_CHECKING:
    from store.folder import Store


def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    with snapshot(store.engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_the_migrations_make_the_constraints_and_defaults_that_the_schema_says(store: Store) -> None:
    """The comparison above passes over CHECK constraints, and they keep malformed rules out."""
    declared = create_engine("sqlite://")
    schema.metadata.create_all(declared)
    if store.engine.dialect.name == "sqlite":
        assert _checks(store.engine) == _checks(declared)
        assert _defaults(store.engine) == _defaults(declared)
    else:  # PostgreSQL writes them in words of its own; the rows below show that they mean the same
        assert {check[:2] for check in _checks(store.engine)} == {check[:2] for check in _checks(declared)}
    assert len(_checks(declared)) == 24
    assert ("casbin_rule", "v3", "''") in _defaults(declared)
    declared.dispose()


def _checks(engine: Engine) -> set[tuple[str, str, str]]:
    inspector = inspect(engine)
    return {
        (table, str(check["name"]), check["sqltext"])
        for table in schema.metadata.tables
        for check in inspector.get_check_constraints(table)
    }


def _defaults(engine: Engine) -> set[tuple[str, str, str | None]]:
    inspector = inspect(engine)
    return {
        (table, column["name"], column["default"])
        for table in schema.metadata.tables
        for column in inspector.get_columns(table)
    }


RULE = "INSERT INTO casbin_rule (ptype, v0, v1, v2, v3) VALUES "
USER = "INSERT INTO users (id, name, active, clearance) VALUES "
NODE = "INSERT INTO node (id, parent_id, name, inherit, level) VALUES "
DOCUMENT = (
    "INSERT INTO document (id, node_id, level, state, version, source_mac, content_mac, wrapped_key, sealed_title)"
    " VALUES "
)

BLOB = {"blob": b""}  # the two databases write bytes in two ways


@pytest.fixture
def filled(store: Store) -> Engine:
    with write(store.engine) as connection:
        connection.execute(text(NODE + "('coll:a', NULL, 'a', true, 0)"))
        connection.execute(text(USER + "('user:a', 'A', true, 0)"))
        connection.execute(text(RULE + "('p', 'user:a', 'coll:a', 'read', 'allow')"))
        connection.execute(text(RULE + "('g', 'user:a', 'group:g', '', '')"))
    return store.engine


@pytest.mark.parametrize(
    "statement",
    [
        RULE + "('p', 'user:a', 'doc:1', 'read', 'allow')",
        RULE + "('p', 'user:a', 'doc:1', 'read', 'deny')",
        RULE + "('g', 'user:a', 'group:other', '', '')",
        USER + "('user:b', 'B', false, 3)",
        NODE + "('folder:a', 'coll:a', 'f', false, 3)",
        DOCUMENT + "('doc:1', 'coll:a', 3, 'draft', 0, 's', 'c', :blob, :blob)",
        "UPDATE policy_state SET epoch = 7",
        "INSERT INTO user_compartment VALUES ('user:a', 'gdpr')",
    ],
)
def test_a_well_formed_row_goes_in(filled: Engine, statement: str) -> None:
    with write(filled) as connection:
        assert connection.execute(text(statement), BLOB).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        # Casbin ignores an effect that it does not know: a deny would be lost.
        RULE + "('p', 'user:a', 'doc:1', 'read', 'Deny')",
        RULE + "('p', 'user:a', 'doc:1', 'read', 'DENY')",
        RULE + "('p', 'user:a', 'doc:1', 'read', ' deny')",
        RULE + "('p', 'user:a', 'doc:1', 'read', '')",
        # An action that nobody asks for: the same.
        RULE + "('p', 'user:a', 'doc:1', 'Read', 'deny')",
        RULE + "('p', 'user:a', 'doc:1', 'read ', 'deny')",
        # A rule that lacks a column stops every decision.
        RULE + "('p', 'user:a', 'doc:1', '', 'allow')",
        RULE + "('p', 'user:a', 'doc:1', NULL, 'allow')",
        "INSERT INTO casbin_rule (ptype, v0, v1) VALUES ('p', 'user:a', 'doc:1')",
        # Twice in the table, and one revocation leaves the other behind.
        RULE + "('p', 'user:a', 'coll:a', 'read', 'allow')",
        RULE + "('g', 'user:a', 'group:g', '', '')",
        RULE + "('g', 'user:a', 'group:h', 'read', 'allow')",
        RULE + "('g2', 'doc:1', 'coll:a', '', '')",
        RULE + "('P', 'user:a', 'doc:1', 'read', 'allow')",
        USER + "('user:b', 'B', true, 4)",
        USER + "('user:b', 'B', true, -1)",
        USER + "('user:b', 'B', true, NULL)",
        USER + "('user:b', 'B', NULL, 1)",
        USER + "('user:a', 'Another', true, 1)",
        NODE + "('folder:a', 'coll:a', 'f', true, 4)",
        NODE + "('folder:a', 'coll:a', 'f', true, NULL)",
        NODE + "('folder:a', 'coll:a', 'f', NULL, 0)",
        NODE + "('folder:a', NULL, 'f', true, 0)",
        NODE + "('coll:b', 'coll:a', 'b', true, 0)",
        NODE + "('folder:a', 'coll:none', 'f', true, 0)",
        DOCUMENT + "('doc:1', 'coll:a', 4, 'draft', 0, 's', 'c', :blob, :blob)",
        DOCUMENT + "('doc:1', 'coll:a', NULL, 'draft', 0, 's', 'c', :blob, :blob)",
        DOCUMENT + "('doc:1', 'coll:a', 0, 'Live', 0, 's', 'c', :blob, :blob)",
        DOCUMENT + "('doc:1', 'folder:none', 0, 'draft', 0, 's', 'c', :blob, :blob)",
        "INSERT INTO policy_state VALUES (2, 0)",
        "INSERT INTO installation SELECT 2, demo, key_id, sealed_secret, embedder FROM installation",
        "INSERT INTO audit_head VALUES (2, 0, 'h')",
        "INSERT INTO user_compartment VALUES ('user:none', 'gdpr')",
        "DELETE FROM node",
    ],
)
def test_a_malformed_row_is_kept_out(filled: Engine, statement: str) -> None:
    """AZ-07: what is not understood is not stored, so that no decision meets it."""
    if statement == "DELETE FROM node":
        with write(filled) as connection:
            connection.execute(text(DOCUMENT + "('doc:1', 'coll:a', 0, 'draft', 0, 's', 'c', :blob, :blob)"), BLOB)
    with pytest.raises((IntegrityError, DoesNotFit)), write(filled) as connection:
        connection.execute(text(statement), BLOB)


def test_a_time_comes_back_in_utc(store: Store) -> None:
    there = datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    row: dict[str, Any] = {"id": "c", "owner": "user:a", "wrapped_key": b"", "expires_at": there}
    with write(store.engine) as connection:
        connection.execute(insert(schema.conversation).values(row))
        back = connection.scalars(select(schema.conversation.c.expires_at)).one()
    assert back == there
    assert back.tzinfo is UTC
