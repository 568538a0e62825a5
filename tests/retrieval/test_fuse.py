"""Two legs into one order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuse import NOISE, are_equal, fuse, ranked

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


@given(legs, legs)
def test_the_order_of_the_hits_moves_no_bit(one: dict[str, float], other: dict[str, float]) -> None:
    backwards = [dict(reversed(leg.items())) for leg in (one, other)]
    assert fuse([one, other]) == fuse(backwards)
    assert ranked(fuse([one, other])) == ranked(fuse(backwards))


def test_equals_stand_in_the_order_of_their_ids_and_others_do_not() -> None:
    assert ranked({"c": 1.0, "b": 1.0 + NOISE / 10, "a": 1.0 - NOISE / 10, "d": 2.0}) == ["d", "a", "b", "c"]
    assert ranked({"a": 1.0, "b": 1.0 + 10 * NOISE}) == ["b", "a"]


def test_noise_grows_with_the_score() -> None:
    assert are_equal(100.0, 100.0 + 50 * NOISE)
    assert not are_equal(1.0, 1.0 + 50 * NOISE)
