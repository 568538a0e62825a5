"""Where a prompt may go: as many lines of what may not as of what may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl.labels import PUBLIC, Compartment, Label, Level, parse_label
from egress.contract.provider import Kind
from egress.route import route_of
from tests.contracts import NONE, PROVIDER, TODAY, contracts, local_of, offer_of, provider_of

COMPARTMENTS = [Compartment(name) for name in ("gdpr", "hipaa", "pci", "trade-secret.glaze")]
EVERYTHING = "restricted+gdpr+hipaa+pci+trade-secret.glaze"
PAST = {"until": TODAY - timedelta(days=1)}
ENDINGS: dict[str, object] = {
    "ends": PAST["until"],
    "training_opt_out": PAST,
    "dpa": PAST,
    "baa": PAST,
    "retention_days": None,
    "region": None,
    "purge_right": False,
}


@pytest.mark.parametrize(
    ("label", "ceiling", "goes"),
    [
        ("public", "internal", True),
        ("public", "public", False),  # the question itself is internal
        ("internal", "internal", True),
        ("internal", "public", False),
        ("confidential", "confidential", True),
        ("confidential", "internal", False),
        ("confidential+gdpr", "confidential+gdpr", True),
        ("confidential+gdpr", "confidential", False),
        ("confidential+gdpr+hipaa", "restricted+gdpr+hipaa", True),
        ("confidential+gdpr+hipaa", "restricted+gdpr", False),
    ],
)
def test_nothing_goes_above_the_ceiling_of_the_application(label: str, ceiling: str, goes: bool) -> None:  # noqa: FBT001 - a table
    route = route_of([parse_label(label)], contracts(ceiling=ceiling))
    assert route.leaves is goes
    assert (route.provider == PROVIDER) is goes
    assert ("ceiling" in route.rule or "above what may leave" in route.rule) is not goes


def test_the_highest_label_of_all_decides() -> None:
    held = contracts(ceiling="confidential")
    assert not route_of([PUBLIC, Label(Level.RESTRICTED), PUBLIC], held).leaves
    assert route_of([PUBLIC, Label(Level.CONFIDENTIAL), PUBLIC], held).leaves


def test_an_application_that_is_not_registered_sends_nothing() -> None:
    route = route_of([PUBLIC], NONE)
    assert (route.provider, route.leaves) == (None, False)
    assert "not registered" in route.rule
    assert route_of([PUBLIC], contracts()).leaves


def test_a_closed_gate_lets_nothing_out_but_to_a_local_model() -> None:
    shut = route_of([PUBLIC], contracts(closed=("keys", "injection")))
    assert shut.provider is None
    assert shut.rule == "the gate of app:http is closed: keys, injection"
    own = route_of([PUBLIC], contracts(closed=("keys",), provider=local_of()))
    assert (own.provider, own.leaves) == ("own", False)
    assert route_of([PUBLIC], contracts(closed=())).leaves


def test_what_the_provider_may_not_have_goes_to_the_local_model_and_nowhere_else() -> None:
    secret = parse_label("restricted+trade-secret.glaze")
    route = route_of([secret], contracts(ceiling=EVERYTHING, local=local_of()))
    assert (route.provider, route.kind, route.leaves) == ("own", Kind.LOCAL, False)
    assert route_of([secret], contracts(ceiling=EVERYTHING)).provider is None
    assert route_of([Label(Level.INTERNAL)], contracts(local=local_of())).provider == PROVIDER


def test_a_route_names_the_model_and_the_version_of_the_contract() -> None:
    held = replace(contracts(), offer=offer_of(provider_of(), version=7))
    route = route_of([Label(Level.CONFIDENTIAL)], held)
    assert (route.model, route.version, route.level) == ("a-model", 7, Level.CONFIDENTIAL)


def test_regulated_text_to_a_third_party_needs_a_second_person() -> None:
    health = parse_label("confidential+hipaa")
    third = route_of([health], contracts(ceiling=EVERYTHING))
    assert (third.leaves, third.approve) == (True, True)
    private = route_of([health], contracts(ceiling=EVERYTHING, provider=provider_of(kind="private")))
    assert (private.leaves, private.approve) == (True, False)


labels = st.builds(Label, st.sampled_from(list(Level)), st.frozensets(st.sampled_from(COMPARTMENTS)))
kinds = st.sampled_from(["third-party", "private"])


@given(labels, labels, kinds)
def test_a_higher_label_never_opens_a_way(label: Label, more: Label, kind: str) -> None:
    held = contracts(ceiling=EVERYTHING, provider=provider_of(kind=kind))
    higher = route_of([label, more], held)
    alone = route_of([label], held)
    assert alone.provider is not None or higher.provider is None
    if higher.provider and alone.approve:
        assert higher.approve


@given(labels, kinds, st.sets(st.sampled_from(sorted(ENDINGS)), min_size=1))
def test_a_term_that_is_missing_or_past_never_opens_a_way(label: Label, kind: str, gone: set[str]) -> None:
    whole = route_of([label], contracts(ceiling=EVERYTHING, provider=provider_of(kind=kind)))
    lacking = provider_of(kind=kind, **{name: ENDINGS[name] for name in gone})
    route = route_of([label], contracts(ceiling=EVERYTHING, provider=lacking))
    assert whole.provider is not None or route.provider is None
    if "ends" in gone:
        assert route.provider is None


@given(labels, kinds, st.sets(st.sampled_from(["keys", "contract", "leak-test"]), min_size=1))
def test_a_closed_point_never_opens_a_way(label: Label, kind: str, closed: set[str]) -> None:
    held = contracts(ceiling=EVERYTHING, provider=provider_of(kind=kind), closed=tuple(sorted(closed)))
    assert route_of([label], held).provider is None
