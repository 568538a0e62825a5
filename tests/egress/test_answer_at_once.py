"""Four processes at once, on both databases: each approval, version and quota is used once."""

from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from acl.admin.gate import CONSOLE
from acl.admin.second import approve, reject
from acl.errors import NoSuchApproval
from acl.names import UserId
from api.kinds import kinds_of
from api.loopback import LoopbackProvider
from audit.ledger import Ledger, records
from egress.answer import answer, answer_approved
from egress.brakes.quotas import Quotas, default_quotas, set_quotas
from egress.contract.forms import to_json, validated
from egress.contract.register import history, put
from egress.errors import QuotaExceeded, RecordMoved, RequestEnded
from egress.openai_model import OpenAiModel
from store.engine import snapshot, write
from tests.conftest import _hash_embed
from tests.contracts import provider_of
from tests.egress.approving import ASKED, HELD, agree, cleared, sick_pay_in
from tests.egress.asking import ask_of, edges_of
from tests.egress.conftest import echo
from tests.postgres import REFERENCE
from tests.processes import PATIENCE, Place, together
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.synchronize import Barrier

    from acl.scope import Scope
    from retrieval.types import Hit
    from store.folder import Store

PROCESSES: Final = 4
DORA: Final = UserId("user:dora")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What uses a database runs on both."""
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def place(world: World, database: str) -> Place:
    """Where other processes find the database."""
    return Place(str(world.store.layout.root), None if database == "sqlite" else REFERENCE)


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider(echo) as running:
        yield running


class Found:
    """An index that has found these hits, whatever is asked; its file belongs to one process."""

    def __init__(self, hits: Sequence[Hit] = ()) -> None:
        self._hits = hits

    def search(self, _question: str, _vector: object, _scope: Scope, _limit: int) -> Sequence[Hit]:
        return self._hits


def world_at(store: Store, hits: Sequence[Hit] = ()) -> World:
    return World(store, Ledger(store.engine, store.keys.audit), Found(hits), _hash_embed)  # type: ignore[arg-type]


def at_once(work: Callable[..., None], place: Place, *arguments: object) -> list[Any]:
    """Let four processes begin a piece of work together, and give what each of them sends."""
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(PROCESSES)
    jobs: list[Any] = [(work, (place, begin, number, *arguments)) for number in range(PROCESSES)]
    return together(context, jobs)


def waiting(world: World, model: OpenAiModel, count: int) -> list[str]:
    """Let Dora ask so often for what has to be approved; four people may."""
    sick_pay_in(world)
    cleared(world, "dora", "hr")
    for number in range(PROCESSES):
        cleared(world, f"paul-{number}", "privacy")
    edges = edges_of(world, remote=model, held=HELD)
    return [answer(ask_of(DORA, ASKED), edges).request or "" for _ in range(count)]


# --- approving -------------------------------------------------------------------------------------


def decide(place: Place, begin: Barrier, number: int, requests: list[str], pipe: Pipe) -> None:
    """Say yes or no to each request, together with all others, and tell which of it counted."""
    came: list[str] = []
    with place.open() as store:
        ledger, kinds = Ledger(store.engine, store.keys.audit), kinds_of(store.engine, store.keys)
        for request in requests:
            begin.wait(PATIENCE)
            try:
                (approve if number % 2 else reject)(store.engine, ledger, UserId(f"user:paul-{number}"), request, kinds)
            except NoSuchApproval:
                came.append("")
            else:
                came.append("approved" if number % 2 else "rejected")
    pipe.send(came)


def test_of_two_who_agree_and_two_who_refuse_at_once_one_decides(
    world: World, place: Place, provider: LoopbackProvider
) -> None:
    with OpenAiModel(provider.base_url, "a-model", "") as model:
        requests = waiting(world, model, 5)
        came = at_once(decide, place, requests)
        edges = edges_of(world, remote=model, held=HELD)
        counted = [[one for one in decided if one] for decided in zip(*came, strict=True)]
        assert [len(decided) for decided in counted] == [1] * 5
        assert [edges.requests.standing(DORA, one).state for one in requests] == [one for (one,) in counted]
        for request, (state,) in zip(requests, counted, strict=True):
            if state == "rejected":
                with pytest.raises(RequestEnded):
                    answer_approved(ask_of(DORA, ""), request, edges)
            else:
                assert answer_approved(ask_of(DORA, ""), request, edges).outcome == "answered"
    assert len(provider.requests) == sum(state == "approved" for (state,) in counted)
    with snapshot(world.store.engine) as connection:
        kinds = Counter(record.body["kind"] for record in records(connection))
    assert kinds["send.approved"] + kinds["send.rejected"] == 5


def send(place: Place, begin: Barrier, number: int, request: str, base_url: str, pipe: Pipe) -> None:
    """Send one approved request in two threads, and tell how each ended."""
    came: list[str] = []

    def answered(thread: int) -> None:
        ask = replace(ask_of(DORA, ""), id=f"request-{number}-{thread}")
        try:
            came.append(answer_approved(ask, request, edges).outcome)
        except RequestEnded:
            came.append("ended")

    with place.open() as store, OpenAiModel(base_url, "a-model", "") as model:
        edges = edges_of(world_at(store), remote=model, held=HELD)
        begin.wait(PATIENCE)
        threads = [threading.Thread(target=answered, args=(thread,)) for thread in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    pipe.send(came)


def test_of_eight_who_send_one_approved_request_at_once_one_reaches_the_provider(
    world: World, place: Place, provider: LoopbackProvider
) -> None:
    with OpenAiModel(provider.base_url, "a-model", "") as model:
        (request,) = waiting(world, model, 1)
    agree(world, UserId("user:paul-0"), request)
    came = at_once(send, place, request, provider.base_url)
    assert Counter(one for each in came for one in each) == {"answered": 1, "ended": 7}
    assert len(provider.requests) == 1


# --- records and quotas ----------------------------------------------------------------------------


def keep(place: Place, begin: Barrier, number: int, pipe: Pipe) -> None:
    """Write a record ten times, from no version in particular and from the one just seen, in turns."""
    came: list[int | None] = []
    with place.open() as store:
        ledger = Ledger(store.engine, store.keys.audit)
        begin.wait(PATIENCE)
        for turn in range(10):
            with snapshot(store.engine) as connection:
                seen = len(history(connection, "provider", "llm.example"))
            try:
                with write(store.engine) as connection:
                    record = to_json(provider_of(retention_days=10 * number + turn))
                    version = seen if turn % 2 else None
                    made = put(connection, ledger, CONSOLE, "provider", "llm.example", record, version=version)
            except RecordMoved:
                came.append(None)
            else:
                came.append(made.version)
    pipe.send(came)


def test_of_four_who_write_one_record_at_once_each_has_a_version_of_his_own_or_none(world: World, place: Place) -> None:
    """FT-12: who comes second is told so, in words of the register and not of the database."""
    came = [version for each in at_once(keep, place) for version in each]
    made = sorted(version for version in came if version is not None)
    assert made == [*range(1, len(made) + 1)]
    with snapshot(world.store.engine) as connection:
        assert [one.version for one in history(connection, "provider", "llm.example")] == made
        trail = [record.body for record in records(connection) if record.body["kind"] == "provider.changed"]
    assert [body["version"] for body in trail] == made


def ask_often(place: Place, begin: Barrier, number: int, hits: list[Hit], base_url: str, pipe: Pipe) -> None:
    """Ask the same person's question four times, and tell how often it was answered."""
    answered = 0
    with ExitStack() as stack:
        store = stack.enter_context(place.open())
        model = stack.enter_context(OpenAiModel(base_url, "a-model", ""))
        edges = edges_of(world_at(store, hits), remote=model)
        begin.wait(PATIENCE)
        for turn in range(4):
            try:
                answer(replace(ask_of(UserId("user:anna")), id=f"request-{number}-{turn}"), edges)
            except QuotaExceeded:
                continue
            answered += 1
    pipe.send(answered)


def test_of_sixteen_questions_at_once_as_many_reach_the_provider_as_the_quota_says(
    world: World, anna: UserId, place: Place, provider: LoopbackProvider
) -> None:
    """QD-01, through the whole flow."""
    quotas: Any = to_json(default_quotas())
    quotas["limits"] = [{"measure": "requests", "per": "user", "window": "day", "most": 5}]
    set_quotas(world.store.engine, world.ledger, CONSOLE, validated(Quotas, quotas, "quotas"))
    hits = list(world.find("hotels", anna).hits)
    assert hits
    came = at_once(ask_often, place, hits, provider.base_url)
    assert sum(came) == 5
    assert len(provider.requests) == 5
    with snapshot(world.store.engine) as connection:
        kinds = Counter(record.body["kind"] for record in records(connection))
    assert (kinds["ask.intent"], kinds["ask.answered"], kinds["ask.failed"]) == (5, 5, 11)
