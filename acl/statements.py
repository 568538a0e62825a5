"""The statements that a decision reads with.

They are built once, when this is imported: SQLAlchemy takes longer to build one than SQLite to answer it.
Nothing of an answer is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, String, bindparam, cast, null, select, union_all

from store.one_of import OneOf, OneOfByRow
from store.schema import (
    break_glass,
    casbin_rule,
    document,
    document_compartment,
    node,
    node_compartment,
    user_compartment,
    users,
)

if TYPE_CHECKING:
    from sqlalchemy import Column, CompoundSelect, Select, Table


def _above() -> Select[str]:
    above = select(bindparam("name", type_=String).label("name")).cte("above", recursive=True)
    parents = select(casbin_rule.c.v1).where(casbin_rule.c.ptype == "g", casbin_rule.c.v0 == above.c.name)
    # UNION, not UNION ALL: a circle in the table, which writes refuse, would end here all the same.
    return select(above.union(parents).c.name).limit(bindparam("limit"))


def _user() -> CompoundSelect[Any]:
    cleared = (
        select(users.c.clearance, user_compartment.c.compartment.label("name"))
        .select_from(users.outerjoin(user_compartment))
        .where(users.c.id == bindparam("user"), users.c.active)
    )
    opened = select(cast(null(), Integer), break_glass.c.id).where(
        break_glass.c.user_id == bindparam("user"),
        break_glass.c.starts_at <= bindparam("now"),
        break_glass.c.ends_at > bindparam("now"),
    )
    return union_all(cleared, opened)


def _path() -> Select[str | None]:
    path = select(node.c.id).where(OneOf(node.c.id, "ids")).cte("path", recursive=True)
    # A look-up for each step. Joined with the table, PostgreSQL would read all of it at each step.
    parent = select(node.c.parent_id).where(node.c.id == path.c.id).scalar_subquery()
    return select(path.union(select(parent).where(path.c.id.is_not(None))).c.id)


def _labelled(table: Table, compartments: Table, *columns: Column[Any]) -> Select[Any]:
    # No more than a decision needs: a title or a key is nothing that it should carry about.
    wanted = select(table.c.id, table.c.level, *columns, compartments.c.compartment)
    return wanted.select_from(table.outerjoin(compartments)).where(OneOf(table.c.id, "ids"))


# A name with the groups above it, so many of them.
ABOVE: Final = _above()

# An active user's clearance, with a row for each compartment that he holds, or one without; and a row without a
# clearance for each emergency access that is open to him now.
USER: Final = _user()

# The rules that speak of some subjects and some actions; those of them that speak of certain objects.
_rule = casbin_rule.c
_SPEAKS: Final = (_rule.ptype == "p") & OneOf(_rule.v0, "subjects") & OneOf(_rule.v2, "actions")
OBJECTS: Final = select(_rule.v1, _rule.v3).where(_SPEAKS)
RULES: Final = select(_rule.v0, _rule.v1, _rule.v2, _rule.v3).where(_SPEAKS).order_by(_rule.id)
RULES_ON: Final = RULES.where(OneOfByRow(_rule.v1, "objects"))

# Documents and nodes by their ids: a row for each compartment of their own, or one without.
DOCUMENTS: Final = _labelled(document, document_compartment, document.c.node_id, document.c.owner, document.c.state)
NODES: Final = _labelled(node, node_compartment, node.c.parent_id, node.c.inherit)

# The ids of some nodes and of all above them; a NULL stands above a collection.
PATH: Final = _path()
