from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.errors import BadLabel
from acl.labels import PUBLIC, Compartment, Label, Level, join, parse_compartment, parse_level

compartments = st.frozensets(st.sampled_from([Compartment(name) for name in ("gdpr", "hipaa", "trade-secret.x")]))
labels = st.builds(Label, st.sampled_from(Level), compartments)


def test_a_label_that_nobody_gave_is_the_most_restricted() -> None:
    """AZ-07: missing is never public."""
    assert Label().level is Level.RESTRICTED
    assert Label() != PUBLIC


@given(st.lists(labels))
def test_what_is_made_from_texts_is_never_less_protected_than_any_of_them(parts: list[Label]) -> None:
    whole = join(parts)
    assert all(whole.level >= part.level and whole.compartments >= part.compartments for part in parts)
    assert whole.level == max((part.level for part in parts), default=Level.PUBLIC)
    assert whole.compartments == frozenset[Compartment]().union(*(part.compartments for part in parts))


@given(st.lists(labels))
def test_the_order_of_the_parts_does_not_matter(parts: list[Label]) -> None:
    assert join(parts) == join(reversed(parts)) == join([*parts, *parts])


def test_a_label_is_shown_with_its_compartments_in_order() -> None:
    held = frozenset({Compartment("hipaa"), Compartment("gdpr")})
    assert str(Label(Level.CONFIDENTIAL, held)) == "confidential+gdpr+hipaa"
    assert str(PUBLIC) == "public"


@pytest.mark.parametrize(("text", "level"), [("public", 0), ("internal", 1), ("confidential", 2), ("restricted", 3)])
def test_a_level_is_read_by_its_exact_name(text: str, level: int) -> None:
    """The numbers are stored: they never change."""
    assert int(parse_level(text)) == level


@pytest.mark.parametrize(
    "text",
    ["", "Public", "PUBLIC", " public", "public ", "public\n", "0", "*", "null", "none", "secret", "\uff50ublic"],
)
def test_a_level_that_does_not_exist_is_not_guessed(text: str) -> None:
    """AZ-07."""
    with pytest.raises(BadLabel, match="write one of public, internal, confidential, restricted"):
        parse_level(text)


@pytest.mark.parametrize("text", ["gdpr", "hipaa", "pci", "trade-secret.selkie-2", "trade-secret." + "a" * 60])
def test_a_compartment_is_read_by_its_exact_name(text: str) -> None:
    assert parse_compartment(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GDPR",
        " gdpr",
        "gdpr\n",
        "*",
        "base",  # stands in every point of the index: as a compartment it would be held by everybody
        "trade-secret",
        "trade-secret.",
        "trade-secret.Selkie",
        "trade-secret.a b",
        "trade-secret.a,b",
        "trade-secret.a\n",
        "trade-secret.\u00e9",
        "trade-secret." + "a" * 61,
        "trade_secret.x",
        "null",
    ],
)
def test_a_compartment_that_does_not_exist_is_refused(text: str) -> None:
    """AZ-07."""
    with pytest.raises(BadLabel):
        parse_compartment(text)
