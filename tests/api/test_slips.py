"""A slip says what it said when it was made, to whom it was made for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acl.labels import Compartment, Label, Level
from acl.names import NodeId, UserId
from api.errors import BadRequest
from api.slips import Slip, to_slip, to_text
from store.keys import Keys, MasterKeys, id_of

ANNA = UserId("user:anna")
MASTER, OTHER = b"k" * 32, b"o" * 32
KEYS = Keys.of(MasterKeys(lambda: [MASTER]), b"s" * 32)
ID = id_of(MASTER)
SLIPS = (
    Slip(ANNA, NodeId("coll:a"), "", None),
    Slip(ANNA, NodeId("coll:a"), "b/ \N{SNOWMAN}/\\x07", UserId("user:ben"), ("why", 'a "quote"')),
    Slip(ANNA, NodeId("coll:a"), "b", ANNA, (), Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")}))),
    Slip(ANNA, NodeId("coll:a"), "b", ANNA, (), Label(Level.PUBLIC)),
)


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_comes_back_as_it_was(slip: Slip) -> None:
    text = to_text(slip, KEYS, ID)
    assert text.isascii()
    assert to_slip(text, KEYS, ANNA, [ID]) == slip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_nobody_elses_and_no_other_installations(slip: Slip) -> None:
    """AZ-03, AZ-05."""
    others = Keys.of(MasterKeys(lambda: [OTHER]), b"s" * 32)
    for text, user in ((to_text(slip, KEYS, ID), UserId("user:ben")), (to_text(slip, others, id_of(OTHER)), ANNA)):
        with pytest.raises(BadRequest):
            to_slip(text, KEYS, user, [ID])
    forged = to_text(slip, replace(KEYS, slips=lambda _id: OTHER), ID)
    with pytest.raises(BadRequest):
        to_slip(forged, KEYS, ANNA, [ID])


def test_a_slip_ends_with_the_master_key_that_sealed_it() -> None:
    """Who has found the former key must not be able to say what the service has said."""
    text = to_text(SLIPS[0], KEYS, ID)
    assert to_slip(text, KEYS, ANNA, ["0" * 16, ID]) == SLIPS[0]
    with pytest.raises(BadRequest):
        to_slip(text, KEYS, ANNA, ["0" * 16])


@pytest.mark.parametrize("text", ["", ".", "a", "a.b", "ä.ö", "W10=.", "\ud800.", "." + "0" * 64])
def test_what_was_never_a_slip_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        to_slip(text, KEYS, ANNA, [ID])


def test_a_slip_stays_short_however_much_is_wrong() -> None:
    """It travels in a header."""
    slip = Slip(ANNA, NodeId("coll:a"), "b", None, tuple("x" * 9000 for _ in range(100)))
    assert len(to_text(slip, KEYS, ID)) < 8000
    assert to_slip(to_text(slip, KEYS, ID), KEYS, ANNA, [ID]).faults == ("x" * 500,) * 10
