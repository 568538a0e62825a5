"""What the service adds to a call of a model: the whole way over HTTP beside a bare call of the same stub.

P2 is the whole `POST /api/v1/ask` of a served installation minus the bare call; P3 the whole way in process over the
sum of its parts; P8 the throughput of 16 callers with the audit trail and without. Beside it, the same stub behind
the proxy of litellm, if `BENCH_LITELLM` names its program.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import numpy as np

from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE
from acl.admin.keys import new_api_key
from acl.admin.people import Person, add_user
from acl.decision import Principal
from acl.labels import PUBLIC, Label, Level
from acl.names import Obj, UserId
from acl.scope import scope_of
from api.founding import found
from api.ingesting import Target, ingest_folder
from api.loopback import LoopbackProvider
from api.wiring import open_house
from audit.ledger import Event
from bench.figures import Figure, at_least, at_most
from bench.handbook_questions import QUESTIONS
from egress.answer import answer, new_ask_id
from egress.brakes.counters import Use
from egress.brakes.quotas import Quotas, set_quotas
from egress.check import check
from egress.contract.application import Application
from egress.contract.forms import to_json, validated
from egress.contract.provider import Provider
from egress.contract.register import put
from egress.prompt import build_prompt, literal, messages, new_delimiter
from egress.route import route_of
from egress.types import Ask
from redaction.redact import redact
from redaction.types import DIRECT
from retrieval.excerpt import excerpts
from store.engine import snapshot, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.queues import Queue
    from typing import TypeVar

    from api.loopback import Message
    from api.wiring import House
    from egress.contract.standing import Contracts

    _Made = TypeVar("_Made")

GOALS: Final = {50: 25.0, 99: 60.0}  # ms, by percentile
ROUNDS: Final = 7
CALLERS: Final = 16
_FILES: Final = {True: 150, False: 1_500}  # of the handbook, by whether it is to be quick
_USER: Final = UserId("user:bench")
_KEY: Final = re.compile(r"^--- \w+ excerpt 1 ---\n(.*?)\n---", re.DOTALL | re.MULTILINE)
_UNGUARDED: Final = {"OPENAI_API_KEY": "none", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
_WAIT: Final = 120.0  # seconds for a process to begin to serve


class Unheard:
    """A progress that nobody looks at."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args, **_more: None


class Silent:
    """An audit trail that is not written: what the other is compared with."""

    def commit(self, _event: Event) -> None:
        """Write nothing."""

    def append(self, *_: object) -> None:
        """Write nothing."""


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:
    """Serve a part of the handbook, with a model that answers at once."""
    handbook = data / "handbook"
    if not handbook.is_dir():
        yield Figure("P2", "whole way minus a bare call of the same model, ms", None, note=f"no handbook in {data}")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base_url = stack.enter_context(_stub())
        key = _found(folder, handbook, base_url, _FILES[quick])
        rounds = 2 if quick else ROUNDS
        prompt: list[tuple[str, str]] = []
        yield from _parts(folder / "data", rounds, prompt)
        yield from _served(folder, key, base_url, prompt, rounds)
        yield from _audited(folder / "data", rounds)


# --- what is measured ---------------------------------------------------------------------------


def _served(data: Path, key: str, base_url: str, prompt: list[tuple[str, str]], rounds: int) -> Iterator[Figure]:
    """Ask over HTTP, and call the stub bare, in turns."""
    took: dict[str, list[float]] = {"whole": [], "bare": [], "litellm": []}
    body = {"model": "loopback", "messages": [{"role": role, "content": text} for role, text in prompt]}
    with ExitStack() as stack:
        url = stack.enter_context(_service(data))
        proxy = stack.enter_context(_litellm(base_url))
        client = stack.enter_context(httpx2.Client(timeout=60, trust_env=False))
        for _ in range(rounds):
            for question in QUESTIONS:
                headers = {"Authorization": f"Bearer {key}"}
                took["whole"].append(
                    _ms(lambda: client.post(f"{url}/api/v1/ask", json={"question": question}, headers=headers))  # noqa: B023 - called at once
                )
                took["bare"].append(_ms(lambda: client.post(f"{base_url}/chat/completions", json=body)))
                if proxy:
                    took["litellm"].append(_ms(lambda: client.post(f"{proxy}/v1/chat/completions", json=body)))
    bare = float(np.percentile(took["bare"], 50))
    for percentile, goal in GOALS.items():
        more = float(np.percentile(took["whole"], percentile)) - bare
        yield at_most(f"P2.p{percentile}", f"whole way over HTTP minus a bare call: p{percentile}, ms", more, goal)
    yield Figure("P2.bare", "bare call of the same stub: p50, ms", bare)
    if proxy:
        for percentile in GOALS:
            more = float(np.percentile(took["litellm"], percentile)) - bare
            yield Figure(f"P2.litellm.p{percentile}", f"litellm proxy minus a bare call: p{percentile}, ms", more)
    else:
        yield Figure("P2.litellm", "litellm proxy minus a bare call, ms", None, note="BENCH_LITELLM names none")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    took: list[float]


def _parts(data: Path, rounds: int, prompt: list[tuple[str, str]]) -> Iterator[Figure]:
    """Time each part with what the flow gives it, and the flow itself, in turns; `prompt` gets the last one."""
    names = (
        "conversation", "contracts", "embed", "search", "second decision", "excerpts", "redaction", "brakes", "records",
        "model", "checks", "release",
    )  # fmt: skip
    parts = {name: _Part(name, []) for name in names}
    whole: list[float] = []
    with open_house(data) as house:
        for _ in range(rounds):
            for question in QUESTIONS:
                ask = Ask(Principal(_USER, Obj("app:http")), question, new_ask_id())
                whole.append(_ms(lambda: answer(ask, house.answering)))  # noqa: B023 - called at once
                prompt[:] = _bare_parts(house, ask, parts) or prompt
    total = sum(float(np.percentile(part.took, 50)) for part in parts.values() if part.took)
    p50 = float(np.percentile(whole, 50))
    yield at_most("P3", "whole way in process / sum of its bare parts, p50", p50 / total, 1.25)
    yield Figure("P3.whole", "whole way in process: p50, ms", p50)
    for part in parts.values():
        yield Figure(f"P3.{part.name}", f"{part.name}: p50, ms", float(np.percentile(part.took, 50)))


def _bare_parts(house: House, ask: Ask, parts: dict[str, _Part]) -> list[tuple[str, str]]:
    """Do by hand what the flow does for one question, and time each part; give the prompt, if there is one."""
    edges, user = house.answering, ask.principal.user

    def timed(name: str, function: Callable[[], _Made]) -> _Made:
        begin = time.perf_counter()
        made = function()
        parts[name].took.append(1_000 * (time.perf_counter() - begin))
        return made

    def entered() -> str:
        begun = edges.vault.enter(None, user)
        with snapshot(edges.engine) as connection:
            asked = edges.history.understand(connection, begun, user, ask.question)
        edges.history.remember(begun, user, asked, ())
        return begun

    def agreed() -> tuple[Contracts, Any]:
        with snapshot(edges.engine) as connection:
            return edges.contracts(connection, ask.principal), scope_of(connection, ask.principal, "read")

    conversation = timed("conversation", entered)
    contracts, scope = timed("contracts", agreed)
    vector = timed("embed", lambda: house.embed([ask.question])[0])
    hits = timed("search", lambda: edges.index.search(ask.question, vector, scope, 24))
    permitted = timed("second decision", lambda: edges.permit(hits, scope))
    chosen = timed("excerpts", lambda: excerpts(ask.question, permitted))
    if not chosen:
        return []
    issue, recognisers = edges.vault.issue(conversation, user), edges.recognisers()
    texts = [ask.question, *(excerpt.text for excerpt in chosen)]
    redacted, tokens = timed("redaction", lambda: redact(texts, recognisers, issue, kinds=DIRECT))
    prompt = build_prompt(redacted, new_delimiter())
    route = route_of([PUBLIC], contracts)
    used = Use(ask.caller, f"provider:{route.provider}", route.level, len(literal(prompt)))

    def braked() -> None:
        edges.brakes.admit(ask.caller)
        with edges.brakes.sending(ask.caller, used) as passage:
            passage.leaves()

    timed("brakes", braked)
    record = Event("bench.record", user, ask.id, {"chunks": [excerpt.chunk for excerpt in chosen]})

    def twice() -> None:
        house.ledger.commit(record)
        house.ledger.commit(record)

    timed("records", twice)
    model = edges.model(route)
    draft = timed("model", lambda: model.complete(prompt))
    timed("checks", lambda: check(draft, prompt, tokens, recognisers, edges.rules))

    def released() -> None:
        used_chunks = {excerpt.chunk for excerpt in chosen}
        edges.permit([hit for hit in permitted.hits if hit.chunk in used_chunks], scope)
        edges.brakes.shows(ask.caller, [excerpt.document for excerpt in chosen])

    timed("release", released)
    return messages(prompt)


def _audited(data: Path, rounds: int) -> Iterator[Figure]:
    """Let 16 callers ask at once, with the trail and without, in turns."""
    rates: dict[str, list[float]] = {"on": [], "off": []}
    with open_house(data) as house, ThreadPoolExecutor(CALLERS) as pool:
        silent: Any = Silent()
        arms = {"on": house.answering, "off": replace(house.answering, ledger=silent)}
        for _ in range(rounds):
            for name, edges in arms.items():
                asks = [Ask(Principal(_USER, Obj("app:http")), q, new_ask_id()) for q in QUESTIONS for _ in range(4)]
                begin = time.perf_counter()
                list(pool.map(lambda ask: answer(ask, edges), asks))  # noqa: B023 - waited for
                rates[name].append(len(asks) / (time.perf_counter() - begin))
    ratio = float(np.median(rates["on"])) / float(np.median(rates["off"]))
    yield at_least("P8", f"throughput of {CALLERS} callers, audit on / off", ratio, 0.95)
    yield Figure("P8.on", f"answers a second to {CALLERS} callers", float(np.median(rates["on"])))


# --- what it is measured on ---------------------------------------------------------------------


def _found(data: Path, handbook: Path, base_url: str, files: int) -> str:
    """Make an installation with a part of the handbook, a local model and somebody who may read all of it."""
    found(data / "data")
    taken = data / "handbook"
    taken.mkdir()
    pages = sorted(path for path in handbook.rglob("*.md") if path.stat().st_size > 500)[:files]
    for number, page in enumerate(pages):
        (taken / f"{number:04}.md").write_bytes(page.read_bytes())
    with open_house(data / "data") as house:
        _register(house, base_url)
        with policy_change(house.store.engine, house.ledger, CONSOLE) as change:
            add_user(change, Person(_USER, "Bench", "", "", Level.INTERNAL))
            key = new_api_key(change, _USER)
        unheard: Any = Unheard()
        target = Target("handbook", ["role:everyone"], Label(Level.INTERNAL))
        ingest_folder(house, taken, target, actor=CONSOLE, progress=unheard)
    return key


def _register(house: House, base_url: str) -> None:
    provider = Provider.model_validate(
        {
            "name": "stub",
            "kind": "local",
            "base_url": base_url,
            "hosts": ["127.0.0.1"],
            "models": [{"name": "loopback"}],
        }
    )
    application = Application(
        name="http",
        purpose="Measures what the service adds.",
        owner=_USER,
        ceiling="internal",
        users=("role:everyone",),
        provider="stub",
    )
    with write(house.store.engine) as connection:
        put(connection, house.ledger, CONSOLE, "provider", "stub", to_json(provider))
        put(connection, house.ledger, CONSOLE, "app", "http", to_json(application))
    many = {"limits": [{"measure": "characters", "per": "user", "window": "day", "most": 10**12}],
            "reading": {"per_day": {"default": 1_000_000}}}  # fmt: skip
    set_quotas(house.store.engine, house.ledger, CONSOLE, validated(Quotas, many, "quotas"))


def _answer_at_once(said: Sequence[Message]) -> str:
    found_text = _KEY.search(said[-1].content)
    sentence = (found_text.group(1) if found_text else "").strip().split("\n")[0][:200]
    return f"{sentence} [1]"


def _serve_stub(told: Queue[str]) -> None:
    with LoopbackProvider(_answer_at_once) as provider:
        told.put(provider.base_url)
        while True:
            time.sleep(1)
            provider.requests.clear()


@contextmanager
def _stub() -> Iterator[str]:
    """Serve the stub in a process of its own."""
    context = multiprocessing.get_context("spawn")
    told: Queue[str] = context.Queue()
    process = context.Process(target=_serve_stub, args=(told,), daemon=True)
    process.start()
    try:
        yield told.get(timeout=_WAIT)
    finally:
        process.kill()
        process.join()


@contextmanager
def _service(data: Path) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "api.cli", "serve", "--data", str(data / "data"), "--port", str(port)]
    with _running(command, f"http://127.0.0.1:{port}/readyz") as url:
        yield url.removesuffix("/readyz")


@contextmanager
def _litellm(base_url: str) -> Iterator[str]:
    program = os.environ.get("BENCH_LITELLM", "")
    if not program:
        yield ""
        return
    port = _free_port()
    command = [
        program,
        "--model",
        "openai/loopback",
        "--api_base",
        base_url,
        "--port",
        str(port),
        "--telemetry",
        "False",
    ]
    with _running(command, f"http://127.0.0.1:{port}/health/liveliness", **_UNGUARDED) as url:
        yield url.removesuffix("/health/liveliness")


@contextmanager
def _running(command: list[str], url: str, **environment: str) -> Iterator[str]:
    process = subprocess.Popen(  # noqa: S603 - our own command, or the one that the caller names
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _await(url: str) -> None:
    until = time.monotonic() + _WAIT
    while time.monotonic() < until:
        try:
            if httpx2.get(url, trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at {url}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port: int = there.getsockname()[1]
        return port


def _ms(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    made = call()
    took = 1_000 * (time.perf_counter() - begin)
    if isinstance(made, httpx2.Response) and made.status_code != 200:
        raise RuntimeError(f"answered {made.status_code}")
    return took
