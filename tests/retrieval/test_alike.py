from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retrieval.alike import adds_nothing, newest_first, statement
from tests.retrieval.snippets import snippet

OLD, NEW = (datetime(year, 3, 1, tzinfo=UTC) for year in (2024, 2026))


@pytest.mark.parametrize(
    ("this", "said"),
    [
        ("Hotels are paid up to 180 EUR.", "Hotels are paid up to 180 EUR."),
        ("HOTELS are paid  up to 180 EUR", "Hotels are paid up to 180 EUR."),
        (
            "The hotel is paid up to 180 EUR.",
            "Hotels are paid up to 180 EUR a night, in any town.",
        ),  # nothing beyond it
        ("", "Hotels are paid."),
    ],
)
def test_a_sentence_that_was_said_adds_nothing(this: str, said: str) -> None:
    assert adds_nothing(statement(this), [statement("The ferry sails."), statement(said)])


@pytest.mark.parametrize(
    ("this", "said"),
    [
        ("Hotels are paid up to 190 EUR.", "Hotels are paid up to 180 EUR."),
        ("Hotels are paid up to 1,80 EUR.", "Hotels are paid up to 180 EUR."),
        ("Hotels are not paid.", "Hotels are paid."),
        ("Hotels are paid only in Hamburg.", "Hotels are paid in Hamburg."),
        ("Hotels aren't paid.", "Hotels are paid."),
        ("Das Hotel wird nicht bezahlt.", "Das Hotel wird bezahlt."),
        ("Hotels are paid before the journey.", "Hotels are paid after the journey."),
        ("The director approves hotels of any price.", "The manager approves hotels of any price."),
    ],
)
def test_another_figure_or_a_not_is_another_statement(this: str, said: str) -> None:
    """Near-identical sentences contradict each other by one word."""
    assert not adds_nothing(statement(this), [statement(said)])


RULE = "Hotels are booked by the travel desk and paid up to {} EUR a night, breakfast included."
HEADED = "Hotels are booked by each traveller. They are paid up to {} EUR a night. Ask the desk for towns with fairs."


@pytest.mark.parametrize("text", [RULE, HEADED])
def test_of_two_versions_the_newer_stands_first(text: str) -> None:
    old = snippet(text.format(150), dated=OLD)
    new = snippet(text.format(180), dated=NEW)
    other = snippet("The ferry sails at noon.", dated=NEW)
    for given in ([old, other, new], [new, other, old]):
        ordered, newest = newest_first(given)
        assert ordered == [new, other, old]
        assert newest == {old.chunk: new}


def test_three_versions_stand_in_the_order_of_their_dates() -> None:
    versions = [snippet(RULE.format(year), dated=datetime(year, 1, 1, tzinfo=UTC)) for year in (2023, 2025, 2024)]
    ordered, newest = newest_first(versions)
    assert [each.dated.year for each in ordered if each.dated] == [2025, 2024, 2023]
    assert {each.document for each in newest.values()} == {ordered[0].document}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (snippet(RULE.format(150), dated=OLD), snippet("The ferry sails at noon.", dated=NEW)),  # two subjects
        (snippet(RULE.format(150), dated=OLD), snippet(RULE.format(180))),  # nobody knows which is newer
        (snippet(RULE.format(150), dated=NEW), snippet(RULE.format(180), dated=NEW)),
        (
            snippet(RULE.format(150), document="doc:1", dated=OLD),
            snippet(RULE.format(180), document="doc:1", dated=NEW),
        ),
        # Half of the words in common, under two titles.
        (
            snippet("Hotels are paid up to 150 EUR a night.", title="Travel", dated=OLD),
            snippet("Hotels are paid up to 95 EUR by guests of the fair.", title="Fairs", dated=NEW),
        ),
    ],
)
def test_what_is_no_version_of_another_keeps_its_place(one: object, other: object) -> None:
    assert newest_first([one, other]) == ([one, other], {})  # type: ignore[list-item]
