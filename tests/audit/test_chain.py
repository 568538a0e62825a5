from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.chain import GENESIS, body_hash, canonical, link_hash

SALT = bytes(range(16))

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.text(max_size=4), values, max_size=4)


def test_the_bytes_are_the_documented_ones() -> None:
    """AL-04: whoever verifies the trail with a program of his own must come to the same hashes."""
    body = canonical({"b": [1, True, None], "a": "caf\u00e9 \u2028\n", "Z": {}})
    assert body == '{"Z":{},"a":"caf\\u00e9 \\u2028\\n","b":[1,true,null]}'
    hashed = hashlib.sha256(b"ntk/audit/body/1" + SALT + body.encode("ascii")).hexdigest()
    assert body_hash(body, SALT) == hashed
    link = b"ntk/audit/link/1" + (7).to_bytes(8, "big") + bytes(32) + bytes.fromhex(hashed)
    assert link_hash(7, GENESIS, hashed) == hashlib.sha256(link).hexdigest()


@given(bodies)
def test_a_body_is_written_in_one_way_whatever_the_order_of_its_keys(body: dict[str, Any]) -> None:
    """AL-04."""
    backwards = dict(reversed(body.items()))
    assert canonical(body) == canonical(backwards)
    assert canonical(json.loads(canonical(body))) == canonical(body)
    assert canonical(body).isascii()


@given(bodies, bodies)
def test_two_bodies_are_written_in_two_ways(one: dict[str, Any], other: dict[str, Any]) -> None:
    """AL-04."""
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (canonical(one) == canonical(other)) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "ab", "b": "c"}, {"a": "a", "b": "bc"}),
        ({"a": None}, {}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": 0}, {"a": False}),
        ({"a": []}, {"a": {}}),
        ({"a": ["b", "c"]}, {"a": ["b,c"]}),
        ({"a": "\u00e9"}, {"a": "e\u0301"}),
        ({"a": "\ud800"}, {"a": "?"}),
        ({"a": 2**63}, {"a": 2**63 - 1}),
        ({"a": "2026-01-01T00:00:00+00:00"}, {"a": "2026-01-01T01:00:00+01:00"}),
        ({"a": 'b","c":"d'}, {"a": "b", "c": "d"}),
    ],
)
def test_what_looks_alike_is_hashed_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    """AL-04."""
    assert body_hash(canonical(one), SALT) != body_hash(canonical(other), SALT)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        [1, [2.0]],
        {"b": {"c": 1.5}},
        np.float64(2),
        Decimal(1),
        {1, 2},
        b"bytes",
        object(),
        {1: "a"},
        {"b": {None: "a"}},
        {"b": [{True: "a"}]},
        {"b": {1.5: "a"}},
    ],
)
def test_a_value_without_a_single_text_form_is_refused(value: Any) -> None:
    """AL-04."""
    with pytest.raises(TypeError):
        canonical({"a": value})


def test_a_line_break_or_a_control_sign_makes_no_second_line() -> None:
    """AL-09."""
    body = canonical({"a": "x\r\n\x1b[2J\u202e\u0000", "b": '"}\n{"'})
    assert len(body.splitlines()) == 1
    assert body.isprintable()


def test_a_body_does_not_pass_for_a_link() -> None:
    """AL-04: the two kinds of hash have beginnings of their own."""
    hashed = body_hash("{}", SALT)
    link = (1).to_bytes(8, "big") + bytes(32) + bytes.fromhex(hashed)
    assert link_hash(1, GENESIS, hashed) != body_hash(link[16:].decode("latin-1"), link[:16])


def test_a_link_depends_on_its_place_its_predecessor_and_its_body() -> None:
    hashed, other = body_hash("{}", SALT), body_hash("{}", bytes(16))
    links = {
        link_hash(1, GENESIS, hashed),
        link_hash(2, GENESIS, hashed),
        link_hash(1, other, hashed),
        link_hash(1, GENESIS, other),
    }
    assert len(links) == 4
