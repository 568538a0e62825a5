"""Where a prompt may go: as many lines of what may not as of what may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import Compartment, Label, Level
from egress.route import Provider, route_of

LEVELS = list(Level)
COMPARTMENTS = [Compartment(name) for name in ("gdpr", "hipaa", "pci", "trade-secret.glaze")]


def _provider(ceiling: Level) -> Provider:
    return Provider("llm.example", "a-model", ceiling)


@pytest.mark.parametrize(
    ("levels", "ceiling", "leaves"),
    [
        ([], Level.INTERNAL, True),
        ([], Level.PUBLIC, False),  # the question itself is internal
        ([Level.PUBLIC], Level.INTERNAL, True),
        ([Level.PUBLIC], Level.PUBLIC, False),
        ([Level.INTERNAL], Level.INTERNAL, True),
        ([Level.CONFIDENTIAL], Level.INTERNAL, False),
        ([Level.CONFIDENTIAL], Level.CONFIDENTIAL, True),
        ([Level.RESTRICTED], Level.CONFIDENTIAL, False),
        ([Level.RESTRICTED], Level.RESTRICTED, True),
        ([Level.PUBLIC, Level.RESTRICTED, Level.PUBLIC], Level.CONFIDENTIAL, False),
        ([Level.PUBLIC, Level.CONFIDENTIAL], Level.CONFIDENTIAL, True),
    ],
)
def test_the_highest_level_decides(levels: list[Level], ceiling: Level, leaves: bool) -> None:  # noqa: FBT001 - a table
    assert route_of([Label(level) for level in levels], _provider(ceiling)).leaves is leaves


@pytest.mark.parametrize("compartment", COMPARTMENTS)
def test_no_compartment_leaves(compartment: Compartment) -> None:
    route = route_of([Label(Level.PUBLIC, frozenset({compartment}))], _provider(Level.RESTRICTED))
    assert not route.leaves
    assert compartment in route.rule
    assert route_of([Label(Level.PUBLIC)], _provider(Level.RESTRICTED)).leaves


def test_without_a_provider_nothing_leaves() -> None:
    route = route_of([Label(Level.PUBLIC)], None)
    assert (route.leaves, route.provider) == (False, None)


def test_a_label_that_nobody_set_stays() -> None:
    assert not route_of([Label()], _provider(Level.CONFIDENTIAL)).leaves


labels = st.builds(Label, st.sampled_from(LEVELS), st.frozensets(st.sampled_from(COMPARTMENTS)))


@given(st.lists(labels, max_size=5), labels, st.sampled_from(LEVELS))
def test_one_more_excerpt_never_opens_a_route(given_: list[Label], more: Label, ceiling: Level) -> None:
    if route_of([*given_, more], _provider(ceiling)).leaves:
        assert route_of(given_, _provider(ceiling)).leaves


@given(st.lists(labels, max_size=5), st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_a_lower_ceiling_never_opens_a_route(given_: list[Label], one: Level, other: Level) -> None:
    low, high = sorted((one, other))
    if route_of(given_, _provider(low)).leaves:
        assert route_of(given_, _provider(high)).leaves
