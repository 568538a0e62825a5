"""Rules: who may, or may not, do what with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from acl.admin.people import require_user
from acl.errors import BadRule, UnknownName
from acl.names import ACTIONS, ANY_ACTION, OBJECT_KINDS, SUBJECT_KINDS, parse_name
from store.schema import casbin_rule

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from acl.admin.change import Change
    from acl.decision import Rule


def grant(change: Change, rule: Rule) -> None:
    """Add a rule, allow or deny. A rule that is there already stays one rule.

    Raises:
        BadName, BadRule, UnknownName: A part of it does not exist.
    """
    check_rule(rule)
    if rule.subject.startswith("user:"):
        require_user(change.connection, rule.subject)
    if has_line(change.connection, "p", rule.subject, rule.object, rule.action, rule.effect):
        return
    change.connection.execute(
        insert(casbin_rule).values(ptype="p", v0=rule.subject, v1=rule.object, v2=rule.action, v3=rule.effect)
    )
    change.done.append(["rule", rule.subject, rule.object, rule.action, rule.effect])


def check_rule(rule: Rule) -> None:
    """Check that a rule is one by its form, whether or not what it names is there.

    Raises:
        BadName, BadRule: A part of it is outside the grammar, or unknown.
    """
    parse_name(rule.subject, SUBJECT_KINDS)
    parse_name(rule.object, OBJECT_KINDS)
    if rule.action not in ACTIONS | {ANY_ACTION}:
        raise BadRule(f"{rule.action!r} is no action: write one of {', '.join(sorted(ACTIONS))} or *")
    if rule.effect not in ("allow", "deny"):
        raise BadRule(f"{rule.effect!r} is no effect: write allow or deny")


def withdraw(change: Change, rule: Rule) -> None:
    """Remove a rule, this one and no other.

    Raises:
        UnknownName: There is no such rule.
    """
    line = line_of("p", rule.subject, rule.object, rule.action, rule.effect)
    if not change.connection.execute(delete(casbin_rule).where(*line)).rowcount:
        raise UnknownName(f"there is no rule {rule}")
    change.done.append(["rule removed", rule.subject, rule.object, rule.action, rule.effect])


def has_line(connection: Connection, *values: str) -> bool:
    """Say whether a line stands in the policy that begins with these columns."""
    return connection.scalar(select(casbin_rule.c.id).where(*line_of(*values)).limit(1)) is not None


def line_of(*values: str) -> list[ColumnElement[bool]]:
    """Give the condition for the lines that begin with these columns, ptype first."""
    columns = (casbin_rule.c.ptype, casbin_rule.c.v0, casbin_rule.c.v1, casbin_rule.c.v2, casbin_rule.c.v3)
    return [column == value for column, value in zip(columns, values, strict=False)]
