"""What holds for a folder by the declarations on the way to it, and what calls for quarantine."""

from __future__ import annotations

from typing import Final

import pytest

from acl.labels import Compartment, Level
from acl.names import Subject, UserId
from ingest.declared import Declaration, Faulty
from ingest.standing import Declarations, names_in, standing_of

ANNA, BEN = UserId("user:anna"), UserId("user:ben")
HR: Final = frozenset({Subject("group:hr")})
TREE: Final[Declarations] = {
    (): Declaration(owner=ANNA, level=Level.INTERNAL),
    ("hr",): Declaration(level=Level.CONFIDENTIAL, compartments=frozenset({Compartment("gdpr")}), readers=HR),
    ("hr", "board"): Declaration(owner=BEN, level=Level.RESTRICTED, readers=HR, inherit=False),
}


@pytest.mark.parametrize(
    ("folder", "owner"),
    [
        ((), ANNA),
        (("it",), ANNA),
        (("hr",), ANNA),
        (("hr", "2026"), ANNA),
        (("hr", "board"), BEN),
        (("hr", "board", "deep", "deeper"), BEN),
        (("board",), ANNA),
    ],
)
def test_the_nearest_owner_holds(folder: tuple[str, ...], owner: UserId) -> None:
    made = standing_of(folder, TREE, default_owner=UserId("user:nobody"))
    assert (made.owner, made.faults) == (owner, ())


@pytest.mark.parametrize("default", [ANNA, None])
def test_a_faulty_declaration_holds_back_all_below_it_and_nothing_beside_it(default: UserId | None) -> None:
    tree: Declarations = {**TREE, ("hr",): Faulty("line 3: level: 'secret' is no level")}
    for folder in [("hr",), ("hr", "2026"), ("hr", "board"), ("hr", "board", "deep")]:
        made = standing_of(folder, tree, default_owner=default)
        assert made.faults == ("hr/.ntk.yaml: line 3: level: 'secret' is no level",)
    for folder in [(), ("it",), ("hrx",)]:
        assert standing_of(folder, tree, default_owner=default).faults == ()


def test_a_fault_at_the_top_holds_back_everything() -> None:
    tree: Declarations = {**TREE, (): Faulty("it says nothing")}
    assert all(standing_of(folder, tree).faults == (".ntk.yaml: it says nothing",) for folder in [(), ("hr", "board")])


@pytest.mark.parametrize(
    ("declared", "missing"),
    [
        (Declaration(inherit=False), "owner nor level nor readers"),
        (Declaration(owner=BEN, level=Level.RESTRICTED, inherit=False), "readers"),
        (Declaration(owner=BEN, readers=HR, inherit=False), "level"),
        (Declaration(level=Level.RESTRICTED, readers=HR, inherit=False), "owner"),
    ],
)
def test_a_folder_that_inherits_nothing_has_to_say_everything(declared: Declaration, missing: str) -> None:
    tree: Declarations = {**TREE, ("cut",): declared}
    for folder in [("cut",), ("cut", "below")]:
        made = standing_of(folder, tree, default_owner=ANNA)
        why = f"cut/.ntk.yaml: it inherits nothing and does not say {missing}: add that, or write inherit: true"
        assert why in made.faults


@pytest.mark.parametrize("level", Level)
def test_a_folder_that_inherits_nothing_and_says_everything_is_in_order(level: Level) -> None:
    """Permitted twin: at every level, the lowest is one as well."""
    tree: Declarations = {("cut",): Declaration(owner=BEN, level=level, readers=HR, inherit=False)}
    made = standing_of(("cut", "below"), tree)
    assert (made.owner, made.faults) == (BEN, ())


def test_an_owner_from_above_does_not_hold_where_nothing_is_inherited() -> None:
    tree: Declarations = {**TREE, ("cut",): Declaration(level=Level.INTERNAL, readers=HR, inherit=False)}
    assert standing_of(("cut",), tree, default_owner=ANNA).owner is None
    again: Declarations = {**tree, ("cut", "below"): Declaration(owner=BEN)}
    made = standing_of(("cut", "below"), again)
    assert made.owner == BEN
    assert made.faults  # the one of the folder above holds all the same


def test_what_nobody_owns_waits_until_somebody_does() -> None:
    tree: Declarations = {("hr",): Declaration(level=Level.CONFIDENTIAL)}
    why = "nobody owns it: name an owner in hr/.ntk.yaml, or in a folder above"
    assert standing_of(("hr",), tree).faults == (why,)
    assert standing_of((), {}).faults == ("nobody owns it: name an owner in .ntk.yaml, or in a folder above",)
    assert standing_of(("hr",), tree, default_owner=ANNA).faults == ()


def test_a_name_that_nobody_knows_holds_back_all_below() -> None:
    assert names_in(TREE) == {ANNA, BEN, "group:hr"}
    unknown = frozenset({Subject("group:hr"), Subject("user:ben")})
    for folder in [("hr",), ("hr", "2026"), ("hr", "board")]:
        faults = standing_of(folder, TREE, unknown=unknown).faults
        assert faults[0] == "hr/.ntk.yaml: nobody knows group:hr: correct the name, or make it known first"
    assert "hr/board/.ntk.yaml: nobody knows group:hr, user:ben: correct" in "".join(
        standing_of(("hr", "board"), TREE, unknown=unknown).faults
    )
    assert standing_of(("it",), TREE, unknown=unknown).faults == ()


def test_faulty_declarations_name_nobody() -> None:
    assert names_in({(): Faulty("x")}) == names_in({}) == frozenset()
