"""The baseline: Casbin as its documentation shows it, with the whole policy in memory and role managers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import casbin
from sqlalchemy import select

from acl.read import whats_of
from store.engine import snapshot
from store.schema import casbin_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine, Row, Select

    from bench.crowd import Caller, Corner

_MODEL: Final = """
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _
g2 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub) && g2(r.obj, p.obj) && (r.act == p.act || p.act == "*")
"""


def plain_enforcer(engine: Engine, caller: Caller, corner: Corner, rules: int) -> Callable[[], object]:
    """Give one decision of an enforcer that holds so many rules: the caller's, and those of the crowd before them.

    Memberships are one for each two rules, as measured elsewhere; the caller's are all there.
    """
    model = casbin.Model()
    model.load_model_from_text(_MODEL)
    document = corner.hits[0].document
    mine = casbin_rule.c.v0.in_([caller.user, *caller.groups])
    with snapshot(engine) as connection:
        own = _lines(connection.execute(_rules("p").where(mine).limit(rules)).all())
        crowd = _lines(connection.execute(_rules("p").where(~mine).limit(rules - len(own))).all())
        groups = connection.execute(_rules("g").where(mine)).all()
        others = connection.execute(_rules("g").where(~mine).limit(rules // 2)).all()
        above = whats_of(connection, [document])[document].scopes - {document}
    model["p"]["p"].policy.extend([*crowd, *own])
    model["g"]["g"].policy.extend([row.v0, row.v1] for row in (*groups, *others))
    model["g"]["g2"].policy.extend([document, obj] for obj in sorted(above))
    enforcer = casbin.Enforcer(model)
    enforcer.build_role_links()

    def decide() -> None:
        if not enforcer.enforce(caller.user, document, "read"):
            raise RuntimeError("the caller of the bench was refused by the baseline")

    return decide


def _rules(ptype: str) -> Select[Any]:
    return select(casbin_rule).where(casbin_rule.c.ptype == ptype).order_by(casbin_rule.c.id)


def _lines(rows: Iterable[Row[Any]]) -> list[list[str]]:
    return [[row.v0, row.v1, row.v2, row.v3] for row in rows]
