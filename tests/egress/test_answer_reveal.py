"""To be shown names is a right: of whom the application lists, so many a day, and it is written down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from acl.admin.gate import CONSOLE
from acl.labels import Level
from egress.answer import answer
from egress.brakes.quotas import Quotas, read_quotas, set_quotas
from egress.contract.forms import validated
from egress.errors import BadRecord
from egress.reply import NAMELESS
from tests import contracts
from tests.egress.asking import ask_of, edges_of, trail_of

if TYPE_CHECKING:
    from acl.names import UserId
    from egress.openai_model import OpenAiModel
    from tests.worlds import World

HELD = contracts.contracts()


def test_who_lacks_the_right_sees_tokens_in_the_answer_and_in_its_sources(
    world: World, anna: UserId, remote: OpenAiModel
) -> None:
    """PT-06: nothing else in the reply names anybody either."""
    shown = answer(ask_of(anna), edges_of(world, remote=remote, held=HELD))
    assert "Jane Doe" in shown.answer
    assert "Jane Doe" in shown.citations[0].excerpt
    hidden = answer(ask_of(anna), edges_of(world, remote=remote, held=replace(HELD, reveals=False)))
    assert "USER_" in hidden.answer
    assert "USER_" in hidden.citations[0].excerpt
    assert (hidden.citations[0].title, hidden.citations[0].headings) == ("", ())
    assert NAMELESS in hidden.warnings
    assert NAMELESS not in shown.warnings
    assert "Jane" not in str(hidden)
    assert "180 euros" not in hidden.answer


def test_an_answer_made_here_names_nobody_either(world: World, anna: UserId) -> None:
    held = replace(contracts.NONE, reveals=False)
    assert "Jane" not in str(answer(ask_of(anna), edges_of(world, held=held)))
    assert "Jane" in str(answer(ask_of(anna), edges_of(world)))


def test_how_many_are_named_stands_in_the_trail(world: World, anna: UserId, remote: OpenAiModel) -> None:
    answer(ask_of(anna), edges_of(world, remote=remote, held=HELD))
    answer(ask_of(anna), edges_of(world, remote=remote, held=replace(HELD, reveals=False)))
    counts = [record["identities_shown"] for record in trail_of(world) if record["kind"] == "ask.answered"]
    assert counts[0] in (1, 2)  # Jane, and what is paid
    assert counts[1] == 0


def test_above_the_limit_of_a_day_tokens_stand_for_names(world: World, anna: UserId, remote: OpenAiModel) -> None:
    record = {
        "limits": [{"measure": "identities", "per": "user", "window": "day", "most": 5}],
        "reading": {"per_day": {"default": 1000}},
    }
    set_quotas(world.store.engine, world.ledger, CONSOLE, validated(Quotas, record, "quotas"))
    edges = edges_of(world, remote=remote, held=HELD)
    named = ["Jane Doe" in answer(ask_of(anna), edges).answer for _ in range(6)]
    assert named[0]
    assert not named[-1]
    assert named == sorted(named, reverse=True)
    ben = world.user("ben", groups=["finance"], clearance=Level.RESTRICTED)
    assert "Jane Doe" in answer(ask_of(ben), edges).answer, "each has a count of his own"


@pytest.mark.parametrize("wrong", ["per: provider", "per: level", "per: user, level: confidential"])
def test_identities_are_counted_of_who_is_shown_them(wrong: str) -> None:
    head = "reading: {per_day: {default: 1}}\nlimits:\n"
    assert read_quotas(f"{head}- {{measure: identities, per: user, window: day, most: 1}}")
    with pytest.raises(BadRecord, match="identities"):
        read_quotas(f"{head}- {{measure: identities, {wrong}, window: day, most: 1}}")
