"""A slip says what it said when it was made, to whom it was made for."""

from __future__ import annotations

import pytest

from acl.labels import Compartment, Label, Level
from acl.names import NodeId, UserId
from api.errors import BadRequest
from api.slips import Slip, to_slip, to_text
from store.envelope import Keys

ANNA = UserId("user:anna")
KEYS = Keys.from_master(b"k" * 32)
SLIPS = (
    Slip(ANNA, NodeId("coll:a"), "", None),
    Slip(ANNA, NodeId("coll:a"), "b/ \N{SNOWMAN}/\\x07", UserId("user:ben"), ("why", 'a "quote"')),
    Slip(ANNA, NodeId("coll:a"), "b", ANNA, (), Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")}))),
    Slip(ANNA, NodeId("coll:a"), "b", ANNA, (), Label(Level.PUBLIC)),
)


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_comes_back_as_it_was(slip: Slip) -> None:
    text = to_text(slip, KEYS)
    assert text.isascii()
    assert to_slip(text, KEYS, ANNA) == slip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_nobody_elses_and_no_other_installations(slip: Slip) -> None:
    """AZ-03, AZ-05."""
    for keys, user in ((KEYS, UserId("user:ben")), (Keys.from_master(b"o" * 32), ANNA)):
        with pytest.raises(BadRequest):
            to_slip(to_text(slip, KEYS), keys, user)


@pytest.mark.parametrize("text", ["", ".", "a", "a.b", "ä.ö", "W10=.", "\ud800.", "." + "0" * 64])
def test_what_was_never_a_slip_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        to_slip(text, KEYS, ANNA)


def test_a_slip_stays_short_however_much_is_wrong() -> None:
    """It travels in a header."""
    slip = Slip(ANNA, NodeId("coll:a"), "b", None, tuple("x" * 9000 for _ in range(100)))
    assert len(to_text(slip, KEYS)) < 8000
    assert to_slip(to_text(slip, KEYS), KEYS, ANNA).faults == ("x" * 500,) * 10
