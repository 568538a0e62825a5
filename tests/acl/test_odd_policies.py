"""Policies that nobody should write, and that somebody will: names of one kind in another, and very many rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from acl.decision import Permit
from acl.names import ROOT, Obj
from acl.read import rules_of, who_of
from store import schema
from store.engine import snapshot, write

if TYPE_CHECKING:
    from acl.names import DocumentId, UserId
    from tests.worlds import World

MANY = 100_000


@pytest.fixture
def anna(world: World) -> UserId:
    return world.user("anna", groups=["finance"])


@pytest.fixture
def letter(world: World) -> DocumentId:
    return world.document(world.collection("letters"), "text")


def behind_our_back(world: World, lines: list[tuple[str, str, str, str]]) -> None:
    rows = [{"ptype": "p", "v0": sub, "v1": obj, "v2": act, "v3": eft} for sub, obj, act, eft in lines]
    with write(world.store.engine) as connection:
        connection.execute(insert(schema.casbin_rule), rows)


@pytest.mark.parametrize(
    "subject", ["group:anna", "role:anna", "svc:anna", "role:user", "role:finance", "group:everyone", "role:admin"]
)
def test_a_role_that_is_named_like_somebody_is_not_him(
    world: World, anna: UserId, letter: DocumentId, subject: str
) -> None:
    """AZ-20."""
    behind_our_back(world, [(subject, ROOT, "*", "allow")])
    assert not world.verdict(anna, letter)
    assert world.scope(anna).allow == frozenset()
    behind_our_back(world, [(anna, ROOT, "*", "allow"), (subject, letter, "*", "deny")])
    assert world.verdict(anna, letter)


@pytest.mark.parametrize("subject", ["user:finance", "role:finance"])
def test_somebody_who_is_named_like_a_group_is_not_in_it(
    world: World, anna: UserId, letter: DocumentId, subject: str
) -> None:
    """AZ-20."""
    finance = world.user("finance")
    world.allow("group:finance", letter)
    behind_our_back(world, [(subject, letter, "read", "deny")])
    assert world.verdict(anna, letter)
    assert not world.verdict(finance, letter)


@pytest.mark.parametrize("own_deny", [False, True])
def test_a_hundred_thousand_rules_of_others_do_not_hide_the_one_that_counts(
    world: World,
    anna: UserId,
    letter: DocumentId,
    own_deny: bool,  # noqa: FBT001 - a table
) -> None:
    """AZ-20: one rule of hers among them, and only what speaks of her is read."""
    effects = ("allow", "deny")
    behind_our_back(world, [(f"group:g{n % 5_000}", f"doc:{n}", "read", effects[n % 2]) for n in range(MANY)])
    assert not world.verdict(anna, letter)
    world.allow("group:finance", letter)
    if own_deny:
        world.deny(anna, letter)
    verdict = world.verdict(anna, letter)
    assert bool(verdict) != own_deny
    assert isinstance(verdict, Permit) or verdict.reason == f"denied by {anna}, {letter}, read, deny"
    with snapshot(world.store.engine) as connection:
        assert len(rules_of(connection, who_of(connection, anna), "read")) == 1 + own_deny


def test_a_hundred_thousand_rules_of_ones_own_are_all_heard(world: World, anna: UserId, letter: DocumentId) -> None:
    """AZ-20: the deny comes last, after grants on everything else."""
    behind_our_back(world, [(anna, f"doc:{n}", "read", "allow") for n in range(MANY)])
    assert not world.verdict(anna, letter)
    world.allow(anna, letter)
    assert world.verdict(anna, letter)
    world.deny("group:finance", ROOT)
    assert not world.verdict(anna, letter)
    scope = world.scope(anna)
    assert len(scope.allow) == MANY + 1
    assert scope.deny == {Obj(ROOT)}
