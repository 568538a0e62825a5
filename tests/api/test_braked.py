"""The brakes at the door: what somebody gets who asks too often, sends or reads too much, or is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import delete

from acl.admin.gate import CONSOLE
from acl.admin.keys import revoke_keys, shown
from acl.names import UserId
from api.loopback import LoopbackProvider
from egress.brakes.quotas import Quotas, Reading, default_quotas, set_quotas
from egress.brakes.reading import note_reading
from egress.contract.forms import to_json, validated
from store.engine import write
from store.folder import Layout
from store.schema import reading
from tests.api.office import ADMIN, SECOND
from tests.contracts import application_of, open_gate, provider_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response

    from api.loopback import Message, Received
    from tests.api.conftest import Site
    from tests.api.office import Office

QUESTION: Final = {"question": "What is paid for hotels a night?"}
ANNA: Final = UserId("user:anna")
PATH: Final = "/api/v1/ask"
PROVIDER: Final = "llm.example"


@dataclass(slots=True)
class Model:
    """A provider that answers at once, or waits until it is let."""

    received: list[Received] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def answer(self, messages: list[Message]) -> str:
        self.asked.set()
        self.may_answer.wait(60)
        lines = messages[-1].content.splitlines()
        return f"{next(line for line in lines if line.startswith('Hotels are paid'))} [1]"


@pytest.fixture
def site(site: Site) -> Site:
    """The installation, whose settings say where the key of the provider may go."""
    with Layout(site.data).settings.open("a") as settings:
        settings.write('keys = {"file:provider.key" = ["127.0.0.1"]}\n')
    return site


@pytest.fixture
def model(office: Office) -> Iterator[Model]:
    """The model of the provider to which the office's application may send."""
    made = Model()
    made.may_answer.set()
    key = office.house.store.layout.root / "provider.key"
    key.touch(mode=0o600)
    key.write_text("none")
    with LoopbackProvider(made.answer) as provider:
        made.received = provider.requests
        there = {"base_url": provider.base_url, "hosts": ["127.0.0.1"], "models": [{"name": "loopback"}]}
        record = provider_of(**there, key="file:provider.key")
        open_gate(office.house.store, office.house.ledger, record, application_of(users=["user:anna", "user:ben"]))
        yield made
        made.may_answer.set()


def limits(office: Office, *changed: dict[str, Any], documents: int = 200) -> None:
    """Let other quotas hold."""
    quotas: dict[str, Any] = to_json(default_quotas())
    quotas["limits"] = list(changed) or quotas["limits"]
    quotas["reading"]["per_day"] = {"default": documents}
    set_quotas(office.house.store.engine, office.house.ledger, CONSOLE, validated(Quotas, quotas, "quotas"))


def limit(measure: str, window: str, most: int, per: str = "user") -> dict[str, Any]:
    return {"measure": measure, "per": per, "window": window, "most": most}


def ask(office: Office, who: str = "anna") -> Response:
    return office.call(who, "POST", "/ask", QUESTION)


def told(response: Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", response.json().get("outcome"))


def test_who_asks_too_often_is_told_when_again(office: Office, model: Model) -> None:
    limits(office, limit("requests", "minute", 2))
    first, second, third = (ask(office) for _ in range(3))
    assert [told(one) for one in (first, second, third)] == [(200, "answered")] * 2 + [(429, "quota-exceeded")]
    assert first.headers["RateLimit-Policy"] == '"requests-minute-user";q=2;w=60'
    assert first.headers["RateLimit"].startswith('"requests-minute-user";r=1;t=')
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    assert "2 requests a minute" in third.json()["detail"]
    assert len(model.received) == 2
    assert told(ask(office, "ben")) == (200, "nothing")  # who may read nothing has a count of his own


def test_what_would_be_too_much_does_not_leave_and_is_not_counted(office: Office, model: Model) -> None:
    limits(office, limit("characters", "day", 100), limit("requests", "day", 1, per="provider"))
    refused = ask(office)
    assert told(refused) == (429, "quota-exceeded")
    assert model.received == []
    assert office.call(ADMIN, "GET", "/quotas/usage").json()["items"] == []
    limits(office, limit("characters", "day", 100_000), limit("requests", "day", 1, per="provider"))
    assert told(ask(office)) == (200, "answered")
    used = {one["measure"]: one["used"] for one in office.call(ADMIN, "GET", "/quotas/usage").json()["items"]}
    assert used["requests"] == 1
    assert used["characters"] > 100
    over = ask(office)
    assert told(over) == (429, "quota-exceeded")
    assert "go to this provider in a day" in over.json()["detail"]
    assert len(model.received) == 1


def test_who_is_shown_too_many_documents_is_stopped_until_two_let_him_go_on(office: Office, model: Model) -> None:
    store, ledger = office.house.store, office.house.ledger
    limits(office, documents=2)
    note_reading(store.engine, ledger, ANNA, ["doc:another"], Reading(per_day={"default": 2}))
    assert told(ask(office)) == (200, "answered")
    limits(office, documents=1)
    assert told(ask(office)) == (200, "answered")  # the same document again
    with write(store.engine) as connection:
        connection.execute(delete(reading).where(reading.c.document_id != "doc:another"))
    assert told(ask(office)) == (503, "stopped")
    (stop,) = office.call(ADMIN, "GET", "/stops").json()["items"]
    assert (stop["target"], stop["made_by"]) == ("user:anna", "svc:reading-alarm")
    assert told(ask(office)) == (503, "stopped")
    asked = office.call(ADMIN, "POST", f"/stops/{stop['id']}/lift", {"reason": "It was the audit."})
    office.call(SECOND, "POST", f"/approvals/{asked.json()['approval']}/approve")
    assert told(ask(office)) == (200, "answered")


@pytest.mark.parametrize("target", ["user:anna", "app:http", f"provider:{PROVIDER}", "all"])
def test_what_is_stopped_answers_nothing_and_sends_nothing(office: Office, model: Model, target: str) -> None:
    """AL-10."""
    stopped = office.call(ADMIN, "POST", "/stops", {"target": target, "reason": "A breach."})
    assert stopped.json()["warnings"] == []
    refused = ask(office)
    assert told(refused) == (503, "stopped")
    assert "breach" not in refused.text
    assert model.received == []
    asked = office.call(ADMIN, "POST", f"/stops/{stopped.json()['id']}/lift", {"reason": "It is over."})
    office.call(SECOND, "POST", f"/approvals/{asked.json()['approval']}/approve")
    assert told(ask(office)) == (200, "answered")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_an_answer_under_way_is_cut_within_two_seconds_by_another_process(
    office: Office, model: Model, accept: str
) -> None:
    """AL-10, AU-06."""
    model.may_answer.clear()
    headers = {"Authorization": f"Bearer {office.keys['anna']}", "Accept": accept}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: (office.client.post(PATH, json=QUESTION, headers=headers), time.monotonic()))
        assert model.asked.wait(60)
        kill(office.house.store.layout.root, "provider", PROVIDER)
        killed = time.monotonic()
        response, cut = answer.result(60)
    assert cut - killed < 2
    assert '"stopped"' in response.text
    assert "Hotels" not in response.text
    assert office.trail()[-1]["kind"] == "ask.failed"


def test_a_key_that_is_revoked_while_the_model_thinks_gets_no_answer(office: Office, model: Model) -> None:
    """AU-06: a call under way ends as one that begins."""
    model.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, office)
        assert model.asked.wait(60)
        revoke_keys(office.house.store.engine, office.house.ledger, CONSOLE, shown(office.keys["anna"]))
        began = time.monotonic()
        response = answer.result(60)
    assert time.monotonic() - began < 2
    assert told(response) == (409, "rights-changed")
    assert "Hotels" not in response.text


def kill(data: Path, *what: str) -> None:
    """Stop something by the command line, in a process of its own."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "api.cli", "kill", *what, "--reason", "A breach.", "--data", str(data)]
    subprocess.run(command, check=True, timeout=60, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
