"""What the tests of changes share: how one is opened, a rule in a line, the whole database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from sqlalchemy import Engine, select

from acl.admin.change import Change
from acl.decision import Rule
from acl.labels import Compartment
from acl.names import Obj, Subject
from store.engine import snapshot
from store.schema import metadata

Open: TypeAlias = Callable[[], AbstractContextManager[Change]]
GDPR = Compartment("gdpr")


def tables(engine: Engine) -> dict[str, list[Any]]:
    """Give the whole content of the database."""
    with snapshot(engine) as connection:
        return {name: sorted(map(repr, connection.execute(select(table)))) for name, table in metadata.tables.items()}


def rule(subject: str, obj: str, action: str = "read", effect: Any = "allow") -> Rule:
    return Rule(Subject(subject), Obj(obj), action, effect)
