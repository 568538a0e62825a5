"""Rules: what the grammar lets in, and what stays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from acl.admin.people import Person, add_user
from acl.admin.rules import grant
from acl.decision import Permit, Rule
from acl.errors import BadName, BadRule, UnknownName
from acl.names import UserId
from store.engine import snapshot
from store.schema import casbin_rule
from tests.acl.changes import Open, rule, tables

if TYPE_CHECKING:
    from store.folder import Store
    from tests.worlds import World

GOOD_RULES = [
    rule("user:anna", "doc:1"),
    rule("group:nobody-yet", "coll:not-yet", "write"),
    rule("role:everyone", "root:all", "manage", "deny"),
    rule("svc:importer", "folder:f", "share"),
    rule("role:auditor", "owner:anna", "audit"),
    rule("user:anna", "label:gdpr", "*", "deny"),
    rule("user:anna", "provider:p", "send"),
    rule("user:anna", "app:chat"),
]


@pytest.mark.parametrize("line", GOOD_RULES, ids=str)
def test_a_rule_of_the_grammar_goes_in_as_it_is(store: Store, change: Open, line: Rule) -> None:
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
        grant(c, line)
    with snapshot(store.engine) as connection:
        part = casbin_rule.c
        rows = connection.execute(select(part.v0, part.v1, part.v2, part.v3).where(part.ptype == "p")).all()
    assert [tuple(row) for row in rows] == [(line.subject, line.object, line.action, line.effect)]


BAD_RULES = [
    (rule("anna", "doc:1"), BadName),
    (rule("*", "doc:1"), BadName),
    (rule("user:*", "doc:1"), BadName),
    (rule("doc:1", "doc:1"), BadName),
    (rule("owner:anna", "doc:1"), BadName),
    (rule("user:anna, root:all, *, allow\nuser:anna", "doc:1"), BadName),
    (rule("user:nobody", "doc:1"), UnknownName),
    (rule("user:anna", "*"), BadName),
    (rule("user:anna", "doc:*"), BadName),
    (rule("user:anna", "user:bert"), BadName),
    (rule("user:anna", "group:finance"), BadName),
    (rule("user:anna", ""), BadName),
    (rule("user:anna", "doc:(1"), BadName),
    (rule("user:anna", "doc:1 "), BadName),
    (rule("user:anna", "doc:1", "fly"), BadRule),
    (rule("user:anna", "doc:1", ""), BadRule),
    (rule("user:anna", "doc:1", "Read"), BadRule),
    (rule("user:anna", "doc:1", "read "), BadRule),
    (rule("user:anna", "doc:1", "read,write"), BadRule),
    (rule("user:anna", "doc:1", "**"), BadRule),
    (rule("user:anna", "doc:1", "read", "Deny"), BadRule),
    (rule("user:anna", "doc:1", "read", "DENY"), BadRule),
    (rule("user:anna", "doc:1", "read", ""), BadRule),
    (rule("user:anna", "doc:1", "read", "allow "), BadRule),
]


@pytest.mark.parametrize(("line", "error"), BAD_RULES, ids=[str(line) for line, _ in BAD_RULES])
def test_a_rule_outside_of_the_grammar_stays_out(
    store: Store, change: Open, line: Rule, error: type[Exception]
) -> None:
    """AZ-07."""
    with change() as c:
        add_user(c, Person(UserId("user:anna"), "Anna"))
    before = tables(store.engine)
    with pytest.raises(error), change() as c:
        grant(c, line)
    assert tables(store.engine) == before


def test_what_was_granted_is_what_is_read(world: World) -> None:
    anna = world.user("anna", groups=["finance"])
    coll = world.collection("a")
    doc, other = world.document(coll, "text"), world.document(world.collection("b"), "text")
    assert not world.verdict(anna, doc)
    world.allow("group:finance", coll)
    assert world.verdict(anna, doc) == Permit(f"group:finance, {coll}, read, allow")
    assert not world.verdict(anna, other)
    assert not world.verdict(anna, doc, "write")
