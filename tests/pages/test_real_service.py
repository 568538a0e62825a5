"""The page before the real service: a data folder, two people, and a provider that keeps what reaches it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from api.app import create_app
from api.loopback import LoopbackProvider, Received
from api.wiring import open_house
from egress.reply import NOTHING
from store.folder import Layout
from tests.contracts import application_of, open_gate, provider_of
from tests.pages.reader import ask, settle, sign_in, text_of
from tests.pages.stand_in import served
from tests.sites import make_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from api.loopback import Message
    from retrieval.embed import Embed

QUESTION: Final = "Who approves hotels above 180 euros a night?"
SENTENCE: Final = "Hotels above 180 euros a night are approved by Jane Doe."


@dataclass(frozen=True, slots=True)
class Live:
    """Where the service is, the keys of Anna, who may read the document, and of Ben, who may not, and what left."""

    address: str
    anna: str
    ben: str
    received: list[Received]


def quoting(messages: list[Message]) -> str:
    """Answer like a model that copies the first excerpt, tokens and all."""
    lines = messages[-1].content.splitlines()
    return f"{next(line for line in lines if line.startswith('Hotels above'))} [1]"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[Live]:
    site = make_site(tmp_path_factory.mktemp("real"), hash_embed, f"# Travel\n\n{SENTENCE}\n")
    with LoopbackProvider(quoting) as provider:
        (site.data / "provider.key").touch(mode=0o600)
        (site.data / "provider.key").write_text("none")
        with Layout(site.data).settings.open("a") as settings:
            settings.write('keys = {"file:provider.key" = ["127.0.0.1"]}\n')
        there = {"base_url": provider.base_url, "hosts": ["127.0.0.1"], "models": [{"name": "loopback"}]}
        record = provider_of(**there, key="file:provider.key")
        with open_house(site.data, hash_embed) as house:
            open_gate(house.store, house.ledger, record, application_of(users=["user:anna", "user:ben"]))
        with open_house(site.data, hash_embed) as house, served(create_app(house)) as address:
            yield Live(address, site.anna, site.ben, provider.requests)


@pytest.fixture
def address(live: Live) -> str:
    """The page of the real service, in place of the stand-in's."""
    live.received.clear()
    return live.address


def test_who_may_read_gets_the_answer_and_sees_what_left(page: Page, live: Live) -> None:
    sign_in(page, live.anna)
    ask(page, QUESTION)
    settle(page)
    assert text_of(page, ".answer") == f"{SENTENCE} [1]"
    page.locator(".answer button").click()
    assert page.locator(".source.lit .title").all_text_contents() == ["Travel"]
    assert SENTENCE in text_of(page, ".source blockquote")
    assert page.locator(".badge").all_text_contents() == ["Label: confidential", "Sent to llm.example"]
    assert text_of(page, ".digest") == "2 amounts, 1 mention of a person replaced"
    page.get_by_role("heading", name="What left").click()
    panel = page.locator(".left").inner_text()
    assert "These exact words were sent." in panel
    assert re.search(r"Hotels above AMOUNT_\w+ a night are approved by USER_", panel)
    assert "Jane" not in panel
    assert "Doe" not in panel
    (sent,) = live.received
    assert b"Jane" not in sent.body
    assert text_of(page, "pre") == "\n\n".join(message["content"] for message in json.loads(sent.body)["messages"])


def test_who_may_not_read_gets_the_refusal_and_nothing_leaves(page: Page, live: Live) -> None:
    sign_in(page, live.ben)
    ask(page, QUESTION)
    settle(page)
    assert text_of(page, ".answer.nothing") == NOTHING
    assert page.locator(".source").count() == 0
    assert text_of(page, ".digest") == "nothing"
    assert "Jane" not in page.content()
    assert "Travel" not in page.content()
    assert live.received == []


def test_a_wrong_key_leads_back_to_the_sign_in_and_the_right_one_on(page: Page, live: Live) -> None:
    sign_in(page, f"{live.anna}x")
    page.get_by_role("alert").get_by_text("no API key that works was given").wait_for()
    assert page.get_by_label("API key").is_visible()
    assert page.locator(".turn").count() == 0
    ask_with(page, live.anna)
    assert text_of(page, ".answer") == f"{SENTENCE} [1]"
    assert len(live.received) == 1


def ask_with(page: Page, key: str) -> None:
    sign_in(page, key)
    ask(page, QUESTION)
    settle(page)
