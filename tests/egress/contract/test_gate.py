from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, update

from egress.brakes.quotas import default_quotas
from egress.contract import evidence
from egress.contract.evidence import ATTESTABLE, MEASURED, POINTS, attested, document_at
from egress.contract.facts import facts_of, subject
from egress.contract.forms import to_json
from egress.contract.gate import gate, gate_of
from egress.contract.matrix import default_matrix
from egress.contract.provider import Kind
from egress.contract.register import put
from egress.errors import BadEvidence
from store import schema
from store.engine import snapshot, write
from tests.egress.contract.gates import (
    NOW,
    OWNER,
    application,
    found,
    having,
    lacking,
    opened,
    provider,
    register,
)

if TYPE_CHECKING:
    from egress.contract.evidence import Evidence, PointName
    from egress.contract.facts import Facts
    from tests.worlds import World

ON_BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def stood_for(facts: Facts, point: str, *, days: int = 100, at: datetime = NOW - timedelta(hours=2)) -> Evidence:
    document = document_at("a.pdf", b"%PDF")
    until = at + timedelta(days=days)
    return attested(point, OWNER, at, document=document, named="Olga", until=until, of=subject(facts, point))


def test_all_ten_points_are_open_when_all_is_there() -> None:
    looked = gate_of(opened(), NOW)
    assert looked
    assert looked.closed == ()
    assert [point.name for point in looked.points] == list(POINTS)
    assert all(point.why for point in looked.points)


def test_nothing_at_all_is_closed_at_every_point() -> None:
    nothing = opened(
        application=None, provider=None, matrix=None, quotas=False, ownerless=True, reviewed_at=None, evidence=()
    )
    assert gate_of(nothing, NOW).closed == POINTS
    assert not gate_of(nothing, NOW)


def test_an_application_that_is_retired_is_closed_at_every_point() -> None:
    assert gate_of(opened(application=application(retired=True)), NOW).closed == POINTS


def test_a_gate_that_lacks_a_point_is_closed_at_it() -> None:
    looked = gate_of(opened(), NOW)
    assert replace(looked, points=looked.points[1:]).closed == ("classification",)
    assert replace(looked, points=()).closed == POINTS


LOCAL = {"kind": "local", "base_url": "http://127.0.0.1:8000/v1", "hosts": ["127.0.0.1"], "ends": None}
CLOSING: list[tuple[PointName, str, dict[str, Any]]] = [
    ("classification", "cannot be read", {"matrix": None}),
    ("classification", "no owner", {"ownerless": True}),
    ("least-privilege", "role:everyone", {"application": application(users=["role:everyone"])}),
    ("least-privilege", "role:everyone", {"application": application(users=["role:everyone"], ceiling="public+gdpr")}),
    ("least-privilege", "role:everyone", {"application": application(users=["user:a", "role:everyone"])}),
    ("least-privilege", "no review", {"reviewed_at": None}),
    ("least-privilege", "no review", {"reviewed_at": NOW - timedelta(days=365)}),
    ("contract", "no provider is named", {"application": application(provider=None)}),
    ("contract", "no provider acme", {"provider": None}),
    ("contract", "no model tiny", {"application": application(model="tiny")}),
    ("contract", "no matrix", {"matrix": None}),
    ("contract", "dpa is missing", {"provider": provider(dpa=None)}),
    ("contract", "dpa is missing", {"provider": provider(dpa={"until": "2026-11-25"})}),
    ("contract", "no contract", {"provider": provider(ends="2026-11-25")}),
    ("contract", "no contract", {"provider": provider(ends=None)}),
    ("contract", "restricted", {"application": application(ceiling="restricted")}),
    ("contract", "pci", {"application": application(ceiling="internal+pci")}),
    ("logging-and-retention", "is not known", {"provider": provider(retention_days=None)}),
    ("logging-and-retention", "is 31 days", {"provider": provider(retention_days=31)}),
    ("keys", "no reference", {"provider": provider(key="")}),
    ("incident-plan", "no contact", {"provider": provider(contacts=[])}),
    ("incident-plan", "no quotas hold", {"quotas": False}),
]


@pytest.mark.parametrize(("point", "why", "changed"), CLOSING)
def test_what_can_be_computed_closes_a_point(point: PointName, why: str, changed: dict[str, Any]) -> None:
    looked = gate_of(opened(**changed), NOW)
    assert point in looked.closed
    assert why in next(one.why for one in looked.points if one.name == point)


OPENING: list[tuple[PointName, dict[str, Any]]] = [
    ("least-privilege", {"application": application(users=["role:everyone"], ceiling="internal")}),
    ("least-privilege", {"application": application(users=["role:everyone"], ceiling="public")}),
    ("least-privilege", {"application": application(users=["user:anna"])}),
    ("least-privilege", {"reviewed_at": NOW - timedelta(days=364)}),
    ("contract", {"application": application(model="large")}),
    ("contract", {"application": application(ceiling="confidential+gdpr")}),
    ("contract", {"provider": provider(dpa={"until": "2026-11-26"})}),
    ("contract", {"provider": provider(ends="2026-11-26")}),
    ("contract", {"provider": provider(dpa=None), "application": application(ceiling="internal")}),
    ("contract", {"provider": provider(**LOCAL), "application": application(ceiling="restricted+pci")}),
    ("logging-and-retention", {"provider": provider(retention_days=30)}),
    ("logging-and-retention", {"provider": provider(**LOCAL, retention_days=None)}),
]


@pytest.mark.parametrize(("point", "changed"), OPENING)
def test_what_suffices_opens_a_point(point: PointName, changed: dict[str, Any]) -> None:
    assert point not in gate_of(opened(**changed), NOW).closed


@pytest.mark.parametrize("point", MEASURED)
def test_what_is_measured_opens_for_thirty_days_and_no_longer(point: PointName) -> None:
    facts = opened()
    then = NOW - timedelta(days=30)
    assert gate_of(having(facts, found(facts, point, at=then + timedelta(seconds=1))), NOW)
    assert gate_of(having(facts, found(facts, point, at=then)), NOW).closed == (point,)
    assert gate_of(lacking(facts, point), NOW).closed == (point,)
    assert gate_of(having(facts, found(facts, point, passed=False)), NOW).closed == (point,)


@pytest.mark.parametrize("point", MEASURED)
def test_nobody_writes_down_a_longer_time_than_thirty_days(point: PointName) -> None:
    facts = opened()
    lasting = replace(found(facts, point, at=NOW - timedelta(days=31)), expires_at=NOW + timedelta(days=999))
    assert gate_of(having(facts, lasting), NOW).closed == (point,)


@pytest.mark.parametrize(
    ("point", "changed"),
    [
        ("isolation", {"base_url": "https://llm.example/v2"}),
        ("isolation", {"hosts": ["llm.example", "other.example"]}),
        ("keys", {"key": "env:OTHER_KEY"}),
        ("keys", {"keys": {"confidential": "env:OTHER_KEY"}}),
    ],
)
def test_what_was_measured_of_something_else_counts_no_longer(point: str, changed: dict[str, Any]) -> None:
    assert point in gate_of(opened(provider=provider(**changed)), NOW).closed


def test_a_new_contact_leaves_what_was_measured() -> None:
    contacts = [{"name": "Another", "address": "+49 30 1234", "hours": 4}]
    assert gate_of(opened(provider=provider(contacts=contacts)), NOW)


def test_a_key_closes_the_gate_when_it_is_180_days_old_and_not_before() -> None:
    facts = opened()
    (old,) = (one for one in facts.evidence if one.point == "keys")
    aged = having(facts, replace(old, detail={**old.detail, "age_days": 179}))
    assert gate_of(aged, NOW)
    assert gate_of(aged, NOW + timedelta(days=1)).closed == ("keys",)
    assert gate_of(having(facts, replace(old, detail={**old.detail, "age_days": 180})), NOW).closed == ("keys",)
    assert gate_of(having(facts, replace(old, detail={**old.detail, "age_days": -9})), NOW)


def test_a_key_whose_age_nobody_tells_needs_somebody_who_stands_for_it() -> None:
    facts = opened()
    (old,) = (one for one in facts.evidence if one.point == "keys")
    silent = having(facts, replace(old, detail={**old.detail, "age_days": None}))
    assert gate_of(silent, NOW).closed == ("keys",)
    told = having(silent, stood_for(facts, "keys"))
    assert gate_of(told, NOW)
    assert gate_of(told, NOW + timedelta(days=29)).closed == ()
    assert "keys" in gate_of(told, NOW + timedelta(days=31)).closed  # that it resolves has to be seen again
    rotated = replace(told, provider=provider(key="env:NEXT_KEY"))
    assert gate_of(rotated, NOW).closed == ("keys",)


def test_a_local_provider_needs_no_key() -> None:
    facts = opened(provider=provider(**LOCAL, key=""))
    facts = having(facts, *(found(facts, point) for point in MEASURED))
    assert gate_of(facts, NOW)
    assert facts.provider is not None
    assert facts.provider.kind is Kind.LOCAL


def test_a_review_may_be_attested_until_its_end() -> None:
    facts = opened(reviewed_at=None)
    told = having(facts, stood_for(facts, "least-privilege", days=1))
    assert gate_of(told, NOW)
    assert gate_of(told, NOW + timedelta(days=1)).closed == ("least-privilege",)
    wider = replace(told, application=application(users=["group:finance", "group:sales"]))
    assert gate_of(wider, NOW).closed == ("least-privilege",)


def test_isolation_may_be_attested_where_it_was_not_measured_but_no_failure_is_attested_away() -> None:
    facts = lacking(opened(), "isolation")
    told = having(facts, stood_for(facts, "isolation"))
    assert gate_of(told, NOW)
    assert gate_of(having(told, found(facts, "isolation", passed=False)), NOW).closed == ("isolation",)
    long_ago = found(facts, "isolation", passed=False, at=NOW - timedelta(days=300))
    assert gate_of(having(told, long_ago), NOW).closed == ("isolation",)


@pytest.mark.parametrize("point", ATTESTABLE)
def test_no_attestation_opens_what_is_computed_as_closed(point: PointName) -> None:
    broken = opened(application=application(users=["role:everyone"]), provider=provider(key=""))
    broken = lacking(broken, point)
    closed = gate_of(having(broken, stood_for(broken, point)), NOW).closed
    assert (point in closed) == (point != "isolation")
    assert "isolation" in gate_of(having(broken, found(broken, "isolation", passed=False)), NOW).closed


@pytest.mark.parametrize("point", [point for point in POINTS if point not in ATTESTABLE] + ["", "all"])
def test_the_other_points_cannot_be_attested(point: str) -> None:
    with pytest.raises(BadEvidence, match="cannot be attested"):
        stood_for(opened(), point)


@pytest.mark.parametrize(("days", "named"), [(0, "Olga"), (-1, "Olga"), (366, "Olga"), (5, " "), (5, "x" * 121)])
def test_an_attestation_has_a_name_and_an_end_within_a_year(days: int, named: str) -> None:
    document = document_at("https://wiki.example/review", None)
    until = NOW + timedelta(days=days)
    with pytest.raises(BadEvidence):
        attested("isolation", OWNER, NOW, document=document, named=named, until=until, of="")
    attested("isolation", OWNER, NOW, document=document, named="Olga", until=NOW + timedelta(days=365), of="")


@pytest.mark.parametrize(("name", "content"), [("a.pdf", b""), ("a.pdf", None), ("ftp://a", None), ("", None)])
def test_a_document_is_a_file_with_something_in_it_or_an_address(name: str, content: bytes | None) -> None:
    with pytest.raises(BadEvidence):
        document_at(name, content)
    assert document_at("a.pdf", b"x")["sha256"]


def test_what_ends_soon_is_warned_of() -> None:
    assert gate_of(opened(), NOW).warnings == ()
    ending = opened(provider=provider(dpa={"until": "2026-12-02"}))
    looked = gate_of(ending, NOW)
    assert looked
    assert any("urgent" in line and "DPA" in line for line in looked.warnings)
    assert "contract closes on 2026-12-03" in looked.warnings
    (contract,) = (point for point in looked.points if point.name == "contract")
    assert contract.until == datetime(2026, 12, 3, tzinfo=UTC)
    assert "contract" in gate_of(ending, datetime(2026, 12, 3, tzinfo=UTC)).closed


taken = st.sets(st.sampled_from(["provider", "quotas", "reviewed", "dpa", "contacts", "key", "ends", *MEASURED]))


@given(taken, st.sampled_from(["public", "internal", "confidential", "confidential+gdpr", "restricted"]), st.booleans())
def test_taking_anything_away_never_opens_a_point(away: set[str], ceiling: str, stands: bool) -> None:  # noqa: FBT001
    facts = opened(application=application(ceiling=ceiling))
    if stands:
        facts = having(facts, *(stood_for(facts, point) for point in ATTESTABLE))
    record: dict[str, Any] = {"dpa": None, "contacts": [], "key": "", "ends": None}
    less = replace(
        facts,
        provider=None if "provider" in away else provider(**{name: record[name] for name in away & record.keys()}),
        quotas="quotas" not in away,
        reviewed_at=None if "reviewed" in away else facts.reviewed_at,
        evidence=tuple(one for one in facts.evidence if one.point not in away),
    )
    assert set(gate_of(facts, NOW).closed) <= set(gate_of(less, NOW).closed)
    assert set(gate_of(less, NOW).closed) <= set(gate_of(less, NOW + timedelta(days=40)).closed)
    assert set(gate_of(less, NOW).closed) <= set(gate_of(replace(less, ownerless=True, matrix=None), NOW).closed)


@ON_BOTH
def test_the_gate_is_read_with_three_statements(world: World) -> None:
    now = datetime.now(UTC)
    with write(world.store.engine) as connection:
        register(connection, world.ledger, provider(), application(ceiling="internal"), now=now)
        connection.execute(insert(schema.access_review).values(
            id="r", signed_by=OWNER, signed_at=now, epoch=1, digest="0" * 64, lines=1))  # fmt: skip
    made: list[str] = []
    with snapshot(world.store.engine) as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: made.append(given[2]))
        looked = gate(connection, "app:http", now)
    assert len(made) == 3
    assert looked.closed == ()
    assert {point.kind for point in looked.points} == {"computed", "measured"}


@ON_BOTH
def test_a_document_that_nobody_owns_closes_the_gate(world: World) -> None:
    place = world.collection("handbook")
    world.document(place, "owned", owner=world.user("olga"))
    world.document(place, "held", state="draft")
    with snapshot(world.store.engine) as connection:
        assert not facts_of(connection, "http").ownerless
    world.document(place, "nobody's")
    with snapshot(world.store.engine) as connection:
        assert facts_of(connection, "http").ownerless


@ON_BOTH
def test_the_last_that_was_measured_counts(world: World) -> None:
    now = datetime.now(UTC)
    with write(world.store.engine) as connection:
        register(connection, world.ledger, provider(), application(), now=now - timedelta(days=3))
        register(connection, world.ledger, provider(), application(name="other"), now=now)
        facts = facts_of(connection, "http")
        worse = found(facts, "injection", at=now - timedelta(days=2), passed=False)
        evidence.record(connection, world.ledger, OWNER, "http", worse)
        assert "injection" in gate(connection, "http", now).closed
        assert "injection" not in gate(connection, "other", now).closed
        better = found(facts, "injection", at=now - timedelta(days=1))
        evidence.record(connection, world.ledger, OWNER, "http", better)
        assert "injection" not in gate(connection, "http", now).closed


@ON_BOTH
@pytest.mark.parametrize("kind", ["provider", "app", "matrix"])
def test_a_record_that_cannot_be_read_is_none(world: World, kind: str) -> None:
    now = datetime.now(UTC)
    with write(world.store.engine) as connection:
        register(connection, world.ledger, provider(), application(), now=now)
        put(connection, world.ledger, OWNER, "matrix", "matrix", to_json(default_matrix()))
        assert "contract" not in gate(connection, "http", now).closed
        connection.execute(update(schema.registered).where(schema.registered.c.kind == kind).values(record="{"))
        assert "contract" in gate(connection, "http", now).closed


@ON_BOTH
def test_quotas_that_cannot_be_read_are_none_and_those_that_ship_hold(world: World) -> None:
    with write(world.store.engine) as connection:
        assert facts_of(connection, "http").quotas
        put(connection, world.ledger, OWNER, "quotas", "quotas", {"limits": []})
        assert not facts_of(connection, "http").quotas
        put(connection, world.ledger, OWNER, "quotas", "quotas", to_json(default_quotas()))
        assert facts_of(connection, "http").quotas


@ON_BOTH
def test_evidence_that_cannot_be_read_shows_nothing(world: World) -> None:
    now = datetime.now(UTC)
    with write(world.store.engine) as connection:
        register(connection, world.ledger, provider(), application(), now=now)
        connection.execute(update(schema.evidence).values(detail="["))
        assert set(gate(connection, "http", now).closed) >= set(MEASURED)
