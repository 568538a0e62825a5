"""Two legs into one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuse import FUSIONS, NOISE, are_equal, fuse, fuse_by_rank, ranked

if TYPE_CHECKING:
    from collections.abc import Callable

legs = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-10, 10), max_size=8)


def test_a_leg_is_put_on_a_scale_of_its_mean_and_deviation() -> None:
    """By hand: mean 2, sample deviation 1, so one deviation is a sixth."""
    assert fuse([{"a": 1.0, "b": 2.0, "c": 3.0}]) == pytest.approx({"a": 1 / 3, "b": 1 / 2, "c": 2 / 3})


def test_who_is_in_both_legs_gets_the_sum_and_who_is_in_one_nothing_from_the_other() -> None:
    fused = fuse([{"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 30.0, "b": 20.0, "d": 10.0}])
    assert fused == pytest.approx({"a": 1.0, "b": 1.0, "c": 2 / 3, "d": 1 / 3})


@pytest.mark.parametrize("leg", [{"a": 7.0}, {"a": 7.0, "b": 7.0}, {"a": 7.0, "b": 7.0 + NOISE / 10}])
def test_a_leg_that_tells_nothing_apart_says_one_half(leg: dict[str, float]) -> None:
    assert fuse([leg, {}]) == dict.fromkeys(leg, 0.5)


def test_no_legs_and_empty_legs_give_nothing() -> None:
    assert fuse([]) == fuse([{}, {}]) == {}
    assert ranked({}) == []


@pytest.mark.parametrize("by", FUSIONS.values(), ids=FUSIONS)
@given(one=legs, other=legs)
def test_the_order_of_the_hits_moves_no_bit(
    by: Callable[[list[dict[str, float]]], dict[str, float]], one: dict[str, float], other: dict[str, float]
) -> None:
    backwards = [dict(reversed(leg.items())) for leg in (one, other)]
    assert by([one, other]) == by(backwards)
    assert ranked(by([one, other])) == ranked(by(backwards))


def test_by_rank_a_place_counts_and_no_distance() -> None:
    near, far = {"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 3.0, "b": 2.9, "c": -9.0}
    assert fuse_by_rank([near]) == fuse_by_rank([far]) == {"a": 1 / 61, "b": 1 / 62, "c": 1 / 63}
    assert fuse_by_rank([near, {"c": 5.0}]) == pytest.approx({"a": 1 / 61, "b": 1 / 62, "c": 1 / 63 + 1 / 61})


def test_by_rank_equals_share_the_best_of_their_places() -> None:
    leg = {"a": 1.0, "b": 2.0, "c": 2.0 + NOISE / 10, "d": 0.0}
    assert fuse_by_rank([leg]) == {"b": 1 / 61, "c": 1 / 61, "a": 1 / 63, "d": 1 / 64}
    assert fuse_by_rank([{}, {}]) == {}


def test_equals_stand_in_the_order_of_their_ids_and_others_do_not() -> None:
    assert ranked({"c": 1.0, "b": 1.0 + NOISE / 10, "a": 1.0 - NOISE / 10, "d": 2.0}) == ["d", "a", "b", "c"]
    assert ranked({"a": 1.0, "b": 1.0 + 10 * NOISE}) == ["b", "a"]


def test_noise_grows_with_the_score() -> None:
    assert are_equal(100.0, 100.0 + 50 * NOISE)
    assert not are_equal(1.0, 1.0 + 50 * NOISE)
