from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acl.labels import Level
from acl.names import NodeId, UserId

if TYPE_CHECKING:
    from tests.worlds import World


def test_a_scope_says_what_is_allowed_denied_and_cleared(world: World) -> None:
    anna = world.user("anna", groups=["finance"], clearance=Level.CONFIDENTIAL, compartments=["gdpr"])
    world.allow("group:finance", "coll:a")
    world.allow(anna, "owner:anna", "*")
    world.deny("role:everyone", "label:pci")
    world.deny(anna, "doc:1", "write")
    world.allow("group:sales", "coll:b")
    scope = world.scope(anna)
    assert scope.principal.user == anna
    assert scope.allow == {"coll:a", "owner:anna"}
    assert scope.deny == {"label:pci"}
    assert scope.clearance == Level.CONFIDENTIAL
    assert scope.compartments == {"gdpr"}
    assert scope.within is None
    assert world.scope(anna, "write").deny == {"doc:1"}
    assert world.scope(anna, "write").allow == {"owner:anna"}


def test_what_is_allowed_and_denied_stands_on_both_sides(world: World) -> None:
    anna = world.user("anna", groups=["finance"])
    world.allow(anna, "coll:a")
    world.deny("group:finance", "coll:a")
    scope = world.scope(anna)
    assert scope.allow == scope.deny == {"coll:a"}


def test_a_collection_to_stay_in_is_kept(world: World) -> None:
    anna = world.user("anna")
    world.allow(anna)
    assert world.scope(anna, within=NodeId("coll:a")).within == "coll:a"


def test_a_user_without_rules_has_nothing_inside(world: World) -> None:
    """AZ-06."""
    anna = world.user("anna", groups=["finance"], clearance=Level.RESTRICTED)
    world.allow("group:sales")
    assert world.scope(anna).allow == frozenset()


def test_who_is_unknown_or_not_active_has_nothing_inside(world: World) -> None:
    """AZ-06."""
    anna = world.user("anna", clearance=Level.RESTRICTED, compartments=["gdpr"])
    world.allow(anna)
    world.allow_everyone()
    assert world.scope(anna).allow == {"root:all"}
    world.deactivate(anna)
    for user in (anna, UserId("user:nobody"), UserId("")):
        scope = world.scope(user)
        assert (scope.allow, scope.deny) == (frozenset(), frozenset())
        assert (scope.clearance, scope.compartments) == (Level.PUBLIC, frozenset())


@pytest.mark.parametrize("action", ["fly", "", "*"])
def test_an_unknown_action_has_nothing_inside(world: World, action: str) -> None:
    anna = world.user("anna")
    world.allow(anna, action="*")
    assert world.scope(anna, action).allow == frozenset()  # type: ignore[arg-type]  # what no caller should do
    assert world.scope(anna, "manage").allow == {"root:all"}


def test_a_change_of_the_policy_holds_from_the_next_scope_on(world: World) -> None:
    """AZ-08: nothing is kept between two questions."""
    anna = world.user("anna")
    for _ in range(3):
        world.allow(anna, "coll:a")
        assert world.scope(anna).allow == {"coll:a"}
        world.withdraw(anna, "coll:a")
        assert world.scope(anna).allow == frozenset()
