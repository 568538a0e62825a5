"""Each trial says yes of what is in order and no of what is broken; and what cannot be tried says nothing."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from acl.admin.gate import CONSOLE
from acl.errors import NotAllowed
from acl.labels import Label, Level
from acl.names import ROOT, UserId
from api.auth import principal_tried
from audit.ledger import records
from egress.contract.evidence import MEASURED
from egress.contract.facts import facts_of
from egress.contract.gate import gate
from egress.errors import NoSuchRecord
from egress.rules import AnswerRules, answer_rules
from egress.trials.found import Instruments
from egress.trials.injection import CHANNELS, PLACES, WORDINGS, withstands
from egress.trials.isolation import isolated
from egress.trials.keys import resolving
from egress.trials.leaks import leaktight
from egress.trials.run import tried
from egress.trials.sanitisation import OF_EACH, sanitised
from redaction.directory import Person, directory_recogniser
from redaction.patterns import pattern_recognisers
from redaction.types import Identity, Kind, Span
from retrieval.permit import permit
from store import schema
from store.engine import snapshot, write
from store.errors import SecretMissing, SecretsDown
from store.key_ring import KeyRing
from store.reference import Secret
from tests.certificates import certificate
from tests.egress.contract.gates import application, provider, register

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from acl.scope import Scope
    from egress.contract.provider import Provider
    from redaction.normalise import Folded
    from redaction.types import Recogniser
    from retrieval.permit import Permitted
    from retrieval.types import Hit
    from tests.worlds import World

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PEOPLE = [("user:mara", "Mara Ellison", "mara.ellison@hollow.example"), ("user:tove", "Tove Lindqvist", "")]
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def rules() -> list[Recogniser]:
    people = [Person(id_, name, email, "", id_.partition(":")[2]) for id_, name, email in PEOPLE]
    return [directory_recogniser(people), *pattern_recognisers()]


@pytest.fixture
def house(world: World) -> World:
    """Two people, of whom one may read what is in the vault, and both what is in the handbook."""
    for id_, name, email in PEOPLE:
        world.user(id_.partition(":")[2], full_name=name, email=email, clearance=Level.CONFIDENTIAL)
    vault, handbook = world.collection("vault", Label(Level.CONFIDENTIAL)), world.collection("handbook")
    world.allow("user:mara", vault)
    world.allow_everyone(handbook)
    owner = UserId("user:mara")
    world.document(vault, "The merger with Larkspur closes in March for nine million.", owner=owner)
    world.document(handbook, "Hotels are paid up to one hundred and eighty euros a night.", owner=owner)
    world.allow(CONSOLE, ROOT, "manage")
    return world


def instruments(house: World, **changed: Any) -> Instruments:
    parts: dict[str, Any] = {
        "engine": house.store.engine,
        "index": house.index,
        "embed": house.embed,
        "permit": partial(permit, engine=house.store.engine, keys=house.store.keys),
        "recognisers": rules,
        "principal": principal_tried,
        "secret": lambda _reference, _host: Secret("s" * 20, NOW),
        "rules": AnswerRules(),
    }
    return Instruments(**parts | changed)


# --- leak test ----------------------------------------------------------------------------------


@BOTH
def test_nobody_finds_what_he_may_not_read(house: World) -> None:
    found = leaktight(instruments(house, rules=answer_rules((), ("qwertzuiopasdfgh",))))
    assert found.passed
    assert found.numbers == {
        "documents": 2, "searches": 6, "leaks": 0, "readers_found": 2, "readers_searched": 2,
    }  # fmt: skip


@BOTH
def test_a_gate_that_lets_everything_through_is_found(house: World) -> None:
    gate_of_all = partial(permit, engine=house.store.engine, keys=house.store.keys)

    def open_to_all(_hits: Sequence[Hit], _scope: Scope) -> Permitted:
        documents = {hit.document for hit in house.hits(*everything(house))}
        return gate_of_all(house.hits(*documents), house.scope(UserId("user:mara")))

    found = leaktight(instruments(house, permit=open_to_all))
    assert found.passed is False
    assert found.numbers["leaks"]


def everything(house: World) -> list[Any]:
    with snapshot(house.store.engine) as connection:
        return list(connection.scalars(schema.document.select().with_only_columns(schema.document.c.id)))


def test_a_house_in_which_nothing_is_found_shows_nothing(house: World) -> None:
    class Blind:
        def search(self, *_: object) -> list[Hit]:
            return []

    assert leaktight(instruments(house, index=Blind())).passed is None
    with write(house.store.engine) as connection:
        connection.execute(update(schema.document).values(state="draft"))
    assert leaktight(instruments(house)).passed is None


# --- sanitisation -------------------------------------------------------------------------------


@BOTH
def test_people_and_numbers_are_masked(house: World) -> None:
    found = sanitised(house.store.engine, rules())
    assert found.passed, found
    assert found.numbers["structured_planted"] == found.numbers["structured_masked"] == 7 * OF_EACH
    assert found.numbers["people_planted"] == found.numbers["people_masked"] == 5


@pytest.mark.parametrize("kind", [Kind.IBAN, Kind.EMAIL, Kind.SECRET, Kind.MAC, Kind.PHONE, Kind.IP, Kind.CARD])
def test_a_recogniser_that_misses_one_kind_is_found(house: World, kind: Kind) -> None:
    def without(recogniser: Recogniser) -> Recogniser:
        def less(text: Folded) -> Iterator[Span]:
            return (span for span in recogniser(text) if span.identity.kind is not kind)

        return less

    found = sanitised(house.store.engine, [without(recogniser) for recogniser in rules()])
    assert found.passed is False
    assert found.numbers[f"missed_{kind.lower()}"]


def test_a_directory_that_is_not_looked_up_is_found(house: World) -> None:
    assert sanitised(house.store.engine, [*pattern_recognisers()]).passed is False
    assert sanitised(house.store.engine, []).passed is False


def test_without_people_nothing_is_shown(world: World) -> None:
    assert sanitised(world.store.engine, rules()).passed is None


# --- injection ----------------------------------------------------------------------------------


def test_an_obedient_model_carries_nothing_out() -> None:
    found = withstands(rules(), AnswerRules())
    cases = len(CHANNELS) * len(PLACES) * len(WORDINGS)
    assert found.passed, found
    assert found.numbers == {"cases": cases, "blocked": 0, "bytes_carried": 0, "would_have_carried": cases}


def test_recognition_that_fails_passes_nothing() -> None:
    assert withstands([], AnswerRules()).passed is False


def test_attacks_that_would_carry_nothing_out_anyway_show_nothing() -> None:
    def all_of_it(text: Folded) -> Iterator[Span]:
        yield Span(0, len(text.text), Identity(Kind.USER, "all"))

    found = withstands([all_of_it], AnswerRules())
    assert (found.passed, found.numbers["would_have_carried"]) == (False, 0)


# --- keys ---------------------------------------------------------------------------------------


def test_keys_resolve_and_the_oldest_tells_the_age() -> None:
    ages = {"env:A": 10, "env:B": 150}
    found = resolving(
        provider(key="env:A", keys={"confidential": "env:B"}),
        lambda reference, _host: Secret("x" * 20, NOW - timedelta(days=ages[reference])),
        NOW,
    )
    assert (found.passed, found.numbers) == (True, {"keys": 2, "age_days": 150})


def test_one_key_without_an_age_leaves_the_age_unknown() -> None:
    kept = {"env:A": NOW, "env:B": None}
    of_two = provider(key="env:A", keys={"confidential": "env:B"})
    found = resolving(of_two, lambda reference, _host: Secret("x" * 20, kept[reference]), NOW)
    assert (found.passed, found.numbers["age_days"]) == (True, None)


def test_a_key_that_is_not_there_fails_and_a_manager_that_is_silent_tells_nothing() -> None:
    def missing(reference: str, _host: str) -> Secret:
        raise SecretMissing(reference)

    def silent(reference: str, _host: str) -> Secret:
        raise SecretsDown(reference)

    assert resolving(provider(), missing, NOW).passed is False
    assert resolving(provider(), silent, NOW).passed is None


def test_a_key_that_may_not_go_to_the_providers_host_is_none() -> None:
    """Else a record that names another secret as its key would have it sent to an address of its writer's."""
    asked: list[str] = []

    def kept(reference: str) -> Secret:
        asked.append(reference)
        return Secret("x" * 20, NOW)

    record = provider(key="env:A", keys={})
    assert resolving(record, KeyRing({"env:A": [record.host]}, kept).secret, NOW).passed is True
    assert asked == ["env:A"]
    elsewhere: list[dict[str, list[str]]] = [{"env:A": ["other.example"]}, {"env:A": []}, {"env:B": [record.host]}, {}]
    for hosts in elsewhere:
        found = resolving(record, KeyRing(hosts, kept).secret, NOW)
        assert (found.passed, found.numbers) == (False, {"keys": 1})
    assert asked == ["env:A"]


# --- isolation ----------------------------------------------------------------------------------


@contextmanager
def answering(status: int, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[dict[str, str]]]]:
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/v1", seen
    server.shutdown()
    server.server_close()
    thread.join()


def at(url: str) -> Provider:
    return provider(base_url=url, hosts=["127.0.0.1"])


@pytest.mark.parametrize("status", [200, 401, 404])
def test_any_answer_that_is_no_redirect_shows_the_way(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server, trust = certificate(tmp_path, "127.0.0.1")
    with answering(status, server) as (url, seen):
        found = isolated(at(url), trust)
    assert (found.passed, found.numbers) == (True, {"tls": True, "hosts": 1, "status": status})
    assert [set(headers) & {"authorization", "cookie"} for headers in seen] == [set()]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_way_elsewhere(status: int, tmp_path: Path) -> None:
    server, trust = certificate(tmp_path, "127.0.0.1")
    with answering(status, server) as (url, _):
        assert isolated(at(url), trust).passed is False


@pytest.mark.parametrize(("host", "expired", "trusted"), [("127.0.0.1", True, True), ("llm.example", False, True)])
def test_a_server_that_cannot_prove_who_it_is_fails(tmp_path: Path, *, host: str, expired: bool, trusted: bool) -> None:
    server, trust = certificate(tmp_path, host, expired=expired)
    with answering(200, server) as (url, seen):
        assert isolated(at(url), trust if trusted else None).passed is False
    assert seen == []


def test_a_server_that_does_not_answer_shows_nothing() -> None:
    assert isolated(at("http://127.0.0.1:9/v1")).passed is None


def test_an_address_without_tls_is_for_a_private_network() -> None:
    with answering(200) as (url, _):
        assert isolated(at(url)).passed
    outside = provider().model_copy(update={"base_url": "http://llm.example/v1"})
    assert isolated(outside).passed is False
    elsewhere = provider().model_copy(update={"hosts": ("other.example",)})
    assert isolated(elsewhere).passed is False


# --- all of them --------------------------------------------------------------------------------


@BOTH
def test_what_is_found_opens_the_points_and_leaves_records(house: World) -> None:
    now = datetime.now(UTC)
    with answering(401) as (url, _):
        with write(house.store.engine) as connection:
            register(connection, house.ledger, at(url), application(), now=now, check=())
        parts = instruments(house, secret=lambda _reference, _host: Secret("s" * 20, now))
        found = dict(tried(parts, house.ledger, CONSOLE, "http"))
    assert {point: one.passed for point, one in found.items()} == dict.fromkeys(MEASURED, True)
    with snapshot(house.store.engine) as connection:
        closed = gate(connection, "http", datetime.now(UTC)).closed
        told = [record.body for record in records(connection) if str(record.body["kind"]).startswith("gate.")]
    assert closed == ("least-privilege",)
    assert [one["point"] for one in told] == list(MEASURED)
    assert not [word for word in ("Mara", "Larkspur", "Bluebird", "mara") if word in str(told)]


@BOTH
def test_what_cannot_be_tried_leaves_what_was_found_before(house: World) -> None:
    now = datetime.now(UTC)

    def silent(reference: str, _host: str) -> Secret:
        raise SecretsDown(reference)

    with write(house.store.engine) as connection:
        register(connection, house.ledger, at("http://127.0.0.1:9/v1"), application(), now=now)
    found = dict(tried(instruments(house, secret=silent), house.ledger, CONSOLE, "http"))
    assert (found["keys"].passed, found["isolation"].passed) == (None, None)
    with snapshot(house.store.engine) as connection:
        assert len(facts_of(connection, "http").evidence) == len(MEASURED)
        assert not {"keys", "isolation"} & set(gate(connection, "http", datetime.now(UTC)).closed)


def test_nobody_else_has_it_tried(house: World) -> None:
    with write(house.store.engine) as connection:
        register(connection, house.ledger, provider(), application(), now=NOW)
    with pytest.raises(NotAllowed):
        next(tried(instruments(house), house.ledger, UserId("user:mara"), "http"))
    with pytest.raises(NoSuchRecord):
        next(tried(instruments(house), house.ledger, CONSOLE, "none"))
