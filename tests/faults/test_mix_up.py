"""Many ask at once, and many break off: nobody gets anything of what is another's.

`make soak-faults` asks so many thousand times.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from audit.ledger import records
from store.engine import snapshot
from tests.faults.crowd import CANARY, MASKED, NONCE, One, crowd, word

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.embed import Embed
    from tests.faults.crowd import Crowd

PEOPLE: Final = 100
REPLIES: Final = int(os.environ.get("NTK_TEST_SOAK", "0")) * 1000 or 100
MINUTES: Final = float(os.environ.get("NTK_TEST_MINUTES", "0")) or 600  # after so many, whatever was done is enough
BROKEN_OFF: Final = 0.3
STREAMED: Final = 0.5
GOES_ON: Final = 0.3  # with his last conversation
PATIENCE: Final = 120  # seconds
OVERLOADED: Final = ("store-down", "audit-down")  # where so many wait for a slow disk


@dataclass(slots=True)
class Heard:
    """What came back."""

    whose: dict[str, One] = field(default_factory=dict)  # by the word of the question
    asked_by: dict[str, One] = field(default_factory=dict)  # by the id of the request
    outcomes: Counter[str] = field(default_factory=Counter)
    latest: float = 1.0  # seconds that an answer took, about

    def reply(self, one: One, nonce: str, body: str, reply: dict[str, Any]) -> None:
        """Check one reply: it is his own, and the one to this question."""
        assert set(CANARY.findall(body)) == {one.canary}, f"{one.user} was shown what another may read"
        assert one.canary in reply["answer"]
        errand = MASKED if reply["redactions"] else nonce
        assert nonce in reply["answer"] or errand in reply["answer"], f"{one.user} got the answer to another question"
        self.outcomes["masked"] += nonce not in reply["answer"]
        assert all(self.whose[found] is one for found in NONCE.findall(body))
        assert {citation["document"] for citation in reply["citations"]} == {one.document}
        assert self.asked_by.setdefault(reply["audit_id"], one) is one
        one.conversation = reply["conversation"]
        self.outcomes["answered"] += 1


async def ask(client: httpx.AsyncClient, one: One, heard: Heard) -> None:
    """Ask once, and perhaps break off."""
    nonce = word("errand")
    heard.whose[nonce] = one
    body: dict[str, str] = {"question": f"What does the note of the day say for {nonce}?"}
    if one.conversation and random.random() < GOES_ON:
        body["conversation"] = one.conversation
    streamed = random.random() < STREAMED
    headers = {"Authorization": f"Bearer {one.key}"} | ({"Accept": "text/event-stream"} if streamed else {})
    begun = time.monotonic()
    call = client.post("/api/v1/ask", json=body, headers=headers)
    if random.random() < BROKEN_OFF:
        try:
            async with asyncio.timeout(random.uniform(0, heard.latest * 1.2)):
                response = await call
        except TimeoutError:
            heard.outcomes["broken off"] += 1
            return
    else:
        response = await call
        heard.latest = time.monotonic() - begun
    reply = _done(response.text) if streamed and response.status_code == 200 else response.json()
    if "code" in reply:
        assert reply["code"] in OVERLOADED, reply
        assert not CANARY.findall(response.text)
        heard.outcomes[reply["code"]] += 1
    else:
        heard.reply(one, nonce, response.text, reply)


def _done(text: str) -> dict[str, Any]:
    """Give the reply of a stream, whose pieces are its answer; or the problem that it ended with."""
    events = [event.split("\n") for event in text.split("\n\n") if event]
    told = [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]
    reply: dict[str, Any] = told[-1][1]
    if told[-1][0] == "error":
        return reply
    assert told[-1][0] == "done", told[-1]
    assert "".join(data["text"] for name, data in told if name == "delta") == reply["answer"]
    return reply


async def everybody(all_of_them: Crowd, heard: Heard) -> None:
    """Ask as everybody at once, until there are enough replies."""
    until = time.monotonic() + MINUTES * 60
    # The server closes what is idle for five seconds: who sends at that very moment would get nothing.
    limits = httpx.Limits(max_connections=PEOPLE, max_keepalive_connections=PEOPLE, keepalive_expiry=1)

    async def one_after_the_other(one: One) -> None:
        while heard.outcomes["answered"] < REPLIES and time.monotonic() < until:
            await ask(client, one, heard)
            all_of_them.provider.requests.clear()
            if heard.outcomes["answered"] % 1000 == 0:
                sys.stdout.write(f"{dict(heard.outcomes)}\n")

    async with httpx.AsyncClient(
        base_url=all_of_them.address, limits=limits, timeout=PATIENCE, trust_env=False
    ) as client:
        await asyncio.gather(*map(one_after_the_other, all_of_them.people))


def test_nobody_of_a_crowd_gets_what_is_anothers(tmp_path: Path, hash_embed: Embed) -> None:
    """FT-19, AZ-17."""
    heard = Heard()
    with crowd(tmp_path, hash_embed, PEOPLE) as all_of_them:
        begun = time.monotonic()
        asyncio.run(everybody(all_of_them, heard))
        took = time.monotonic() - begun
        sys.stdout.write(f"{dict(heard.outcomes)}, {heard.outcomes['answered'] / took:.0f} replies a second\n")
        ledger, store = all_of_them.house.ledger, all_of_them.house.store
        with snapshot(store.engine) as connection:
            named: dict[str, set[str]] = {}
            for record in records(connection):
                named.setdefault(str(record.body["request"]), set()).add(str(record.body["who"]))
    assert heard.outcomes["broken off"] > 0
    assert heard.outcomes["masked"] < heard.outcomes["answered"] / 20
    for request, one in heard.asked_by.items():
        assert named[request] == {ledger.pseudonym(one.user)}
