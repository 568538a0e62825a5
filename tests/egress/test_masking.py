from __future__ import annotations

import pytest

from acl.labels import Compartment, Label, Level
from egress.masking import kinds_for
from egress.route import Route
from redaction.types import ALWAYS, DIRECT, EVERY, INDIRECT, Kind

HERE = Route(rule="")
AWAY = Route(rule="", provider="llm.example")


@pytest.mark.parametrize("level", [Level.PUBLIC, Level.INTERNAL])
def test_what_identifies_only_together_leaves_with_what_is_not_confidential(level: Level) -> None:
    assert kinds_for(AWAY, Label(level)) == DIRECT


@pytest.mark.parametrize(
    "label", [Label(Level.CONFIDENTIAL), Label(Level.RESTRICTED), Label(Level.PUBLIC, frozenset({Compartment("gdpr")}))]
)
def test_what_is_confidential_leaves_without_it(label: Label) -> None:
    assert kinds_for(AWAY, label) == EVERY
    assert kinds_for(HERE, label) == DIRECT


def test_every_kind_is_in_one_group() -> None:
    assert set(Kind) == ALWAYS | DIRECT | INDIRECT
    assert len(ALWAYS) + len(DIRECT) + len(INDIRECT) == len(Kind)
    assert {Kind.USER, Kind.EMAIL, Kind.ADDRESS} <= DIRECT
