"""Where tests find a PostgreSQL server, and a schema of their own on it.

The server is that of NTK_TEST_POSTGRES_URL, which has to answer then, or one of this machine that lets the
current user or `postgres` in without a password. Nothing outside of the schemas made here is touched.
"""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import URL, create_engine, delete, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateSchema, DropSchema

from store import schema
from store.engine import postgres_url, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

VARIABLE: Final = "NTK_TEST_POSTGRES_URL"
REFERENCE: Final = "env:NTK_TEST_DATABASE"  # the secret reference of the run's schema
_HERE: Final = (
    "postgresql:///postgres?host=/var/run/postgresql",
    "postgresql://127.0.0.1/postgres",
    "postgresql://postgres@127.0.0.1/postgres",
)


@contextmanager
def schema_of_ones_own() -> Iterator[str]:
    """Make an empty schema, give the URL of a database that seems to have no other, and remove it.

    It acknowledges what is not yet on the disk: a power cut is no matter here, and waiting most of the time.
    """
    server = _required()
    name = f"ntk_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(CreateSchema(name))
        try:
            options = {"options": f"-c search_path={name} -c synchronous_commit=off"}
            yield server.update_query_dict(options).render_as_string(hide_password=False)
        finally:
            connection.execute(DropSchema(name, cascade=True))
    admin.dispose()


def superuser() -> URL:
    """Give the server's URL, for what only a superuser may do."""
    server = _required()
    engine = create_engine(server)
    with engine.connect() as connection:
        is_one = connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
    engine.dispose()
    if not is_one:
        pytest.skip("the user of the PostgreSQL server is no superuser of it")
    return server


def _required() -> URL:
    server = _server()
    if server is None:
        pytest.skip(f"no PostgreSQL server answers on this machine; name one in {VARIABLE}")
    return server


@cache
def _server() -> URL | None:
    given = os.environ.get(VARIABLE)
    for place in (given,) if given else _HERE:
        url = postgres_url(place, VARIABLE)
        engine = create_engine(url, connect_args={"connect_timeout": 3})
        try:
            engine.connect().close()
        except OperationalError:
            if given:
                raise
        else:
            return url
        finally:
            engine.dispose()
    return None


def emptied(engine: Engine) -> None:
    """Bring a database back to what it was when it was made."""
    with write(engine) as connection:
        for table in reversed(schema.metadata.sorted_tables):
            if table is schema.policy_state:
                connection.execute(update(table).values(epoch=0))
            elif table not in {schema.installation, schema.master_key}:
                connection.execute(delete(table))
