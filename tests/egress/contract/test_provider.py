from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.contract.forms import read_yaml, to_json, validated
from egress.contract.provider import Kind, Provider, Term, ending_soon, endings, terms_of, warnings_of
from egress.errors import BadRecord
from tests.egress.contract.gates import provider

DAY = date(2026, 11, 26)
SIGNED = {"until": "2026-11-26", "reference": "contract, section 4"}
LOCAL = {"kind": "local", "base_url": "http://127.0.0.1:8000/v1", "hosts": ["127.0.0.1"], "ends": None}


@pytest.mark.parametrize(
    ("changed", "term"),
    [
        ({"training_opt_out": SIGNED}, Term.TRAINING_OPT_OUT),
        ({"dpa": SIGNED}, Term.DPA),
        ({"baa": SIGNED}, Term.BAA),
        ({"retention_days": 0}, Term.RETENTION),
        ({"region": "EU"}, Term.REGION),
        ({"purge_right": True}, Term.PURGE_RIGHT),
        ({"customer_managed_key": True}, Term.CUSTOMER_MANAGED_KEY),
    ],
)
def test_a_term_holds_when_it_is_written_and_not_when_it_is_left_out(changed: dict[str, Any], term: Term) -> None:
    bare: dict[str, Any] = {"training_opt_out": None, "dpa": None, "retention_days": None, "region": None}
    assert terms_of(provider(**bare | changed), 1, DAY).holds == {term}
    assert terms_of(provider(**bare), 1, DAY).holds == frozenset()


@pytest.mark.parametrize("field", ["training_opt_out", "dpa", "baa", "ends"])
def test_what_ends_holds_on_its_last_day_and_not_on_the_next(field: str) -> None:
    ending = provider(**{field: "2026-11-26" if field == "ends" else SIGNED})
    today, tomorrow = (terms_of(ending, 1, day) for day in (DAY, DAY + timedelta(days=1)))
    assert tomorrow.holds < today.holds
    assert today.active
    assert tomorrow.active == (field != "ends")


def test_a_contract_without_an_end_is_none_but_for_ones_own_model() -> None:
    assert not terms_of(provider(ends=None), 1, DAY).active
    own = terms_of(provider(**LOCAL), 1, DAY)
    assert (own.active, own.kind) == (True, Kind.LOCAL)
    assert not terms_of(provider(**{**LOCAL, "ends": "2026-11-25"}), 1, DAY).active


@given(st.integers(0, 900), st.integers(0, 900))
def test_no_term_comes_back_with_time(early: int, later: int) -> None:
    ending = provider(dpa=SIGNED, baa={"until": "2027-05-01"}, ends="2028-01-01")
    first, second = (terms_of(ending, 1, DAY + timedelta(days=days)) for days in sorted((early, later)))
    assert second.holds <= first.holds
    assert second.active <= first.active


@pytest.mark.parametrize(
    "changed",
    [
        {"base_url": "http://llm.example/v1"},
        {"base_url": "http://169.254.169.254/v1", "hosts": ["169.254.169.254"]},  # a cloud's metadata service
        {"base_url": "https://user:word@llm.example/v1"},
        {"base_url": "https://llm.example/v1?x=1"},
        {"base_url": "ftp://llm.example/v1"},
        {"base_url": "https:///v1"},
        {"hosts": ["other.example"]},
        {"hosts": []},
        {"kind": "local"},
        {"kind": "friend"},
        {"models": []},
        {"models": [{"name": "a"}, {"name": "a"}]},
        {"key": "sk" + "-0123456789"},
        {"keys": {"secret": "env:KEY"}},
        {"keys": {"internal": "0123456789"}},
        {"retention_days": -1},
        {"ends": "soon"},
        {"contacts": [{"name": "A", "address": "a@b", "hours": 0}]},
        {"name": "Acme Ltd"},
        {"dpo": "none"},
    ],
)
def test_a_record_that_makes_no_sense_is_refused_and_quotes_no_value(changed: dict[str, Any]) -> None:
    record: dict[str, Any] = to_json(provider())
    with pytest.raises(BadRecord) as refused:
        validated(Provider, record | changed, "acme.yaml")
    assert "0123456789" not in str(refused.value)
    assert validated(Provider, record, "acme.yaml") == provider()


@pytest.mark.parametrize(
    "changed",
    [
        {"base_url": "http://10.1.2.3:8000/v1", "hosts": ["10.1.2.3"]},
        {"base_url": "https://llm.example:8443/v1"},
        {"keys": {"confidential": "env:OTHER"}},
        {**LOCAL},
        {**LOCAL, "base_url": "https://models.internal/v1", "hosts": ["models.internal"]},
    ],
)
def test_a_record_that_makes_sense_is_read(changed: dict[str, Any]) -> None:
    assert provider(**changed)


@pytest.mark.parametrize("text", ["", "[", "a: [", "- a", "!!python/object:os.system {}", "x" * 200_001, "\0"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(BadRecord):
        read_yaml(Provider, text, "acme.yaml")


def test_what_ends_is_warned_of_at_thirty_and_at_seven_days() -> None:
    told = {
        days: warnings_of(provider(ends=(DAY + timedelta(days=days)).isoformat()), DAY)
        for days in (31, 30, 8, 7, 0, -1)
    }
    assert told[31] == ()
    assert ["urgent" in told[days][0] for days in (30, 8, 7, 0)] == [False, False, True, True]
    assert told[-1] == ("acme: the contract ended on 2026-11-25",)


def test_everything_that_ends_is_looked_at() -> None:
    certified = provider(baa=SIGNED, certificates=[{"name": "ISO 27001", "until": "2026-12-01"}])
    assert [name for name, _ in endings(certified)] == [
        "the contract", "the training opt-out", "the DPA", "the BAA", "the certificate ISO 27001",
    ]  # fmt: skip


def test_a_term_that_ends_within_30_days_is_named_with_its_day() -> None:
    def until(days: int) -> dict[str, str]:
        return {"until": (DAY + timedelta(days=days)).isoformat()}

    ends = (DAY + timedelta(days=400)).isoformat()
    made = provider(dpa=until(30), baa=until(31), training_opt_out=until(-1), ends=ends)
    assert ending_soon(made, DAY) == {"dpa": DAY + timedelta(days=30)}
    assert ending_soon(provider(ends=DAY.isoformat()), DAY)["contract"] == DAY
