"""Before the real service: a question waits, a second person approves it at the page, and the asker gets the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from api.app import create_app
from api.loopback import LoopbackProvider
from tests.approving import QUESTION, approving_house, quoting
from tests.pages.reader import ask, settle, sign_in, text_of
from tests.pages.stand_in import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from retrieval.embed import Embed


@dataclass(frozen=True, slots=True)
class Office:
    """Where the service is, the keys of its people, and what reached the provider."""

    address: str
    keys: dict[str, str]
    provider: LoopbackProvider


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with (
        LoopbackProvider(quoting) as provider,
        approving_house(folder, hash_embed, provider) as (house, keys),
        served(create_app(house)) as address,
    ):
        yield Office(address, keys, provider)


@pytest.fixture
def address(office: Office) -> str:
    """The page of the real service, in place of the stand-in's."""
    office.provider.requests.clear()
    return office.address


@pytest.fixture
def second(browser: Browser, office: Office) -> Iterator[Page]:
    """The page of another person, in another browser, at the approvals."""
    with browser.new_context() as context:
        context.set_default_timeout(8000)
        opened = context.new_page()
        opened.goto(f"{office.address}/approvals")
        yield opened


def test_a_question_waits_is_approved_by_a_second_person_and_answered(page: Page, second: Page, office: Office) -> None:
    sign_in(page, office.keys["anna"])
    ask(page, QUESTION)
    settle(page)
    page.get_by_text("Nobody has decided yet.").wait_for()
    words = text_of(page, "#turns pre")
    assert "Jane" not in words
    page.get_by_role("button", name="Look again").click()
    page.get_by_text("Looked at").wait_for()
    assert office.provider.requests == []

    sign_in(second, office.keys["ben"])
    second.locator(".waits-item summary h2").get_by_text("Send to llm.example").click()
    second.locator("pre").nth(1).wait_for()
    assert "\n\n".join(second.locator("pre").all_text_contents()) == words
    second.get_by_role("button", name="Approve").click()
    second.get_by_role("button", name="Yes, approve").click()
    second.get_by_text("Approved. user:anna can get the answer now, once.").wait_for()
    assert office.provider.requests == []

    page.get_by_role("button", name="Look again").click()
    page.locator(".answer").get_by_text("Jane Doe").wait_for()
    assert page.locator(".turn").count() == 1
    assert page.locator(".badge").last.text_content() == "Sent to llm.example"
    (sent,) = office.provider.requests
    assert b"Jane" not in sent.body


def test_what_is_rejected_is_never_sent(page: Page, second: Page, office: Office) -> None:
    sign_in(page, office.keys["anna"])
    ask(page, f"{QUESTION} And who is asked for more?")
    page.get_by_text("Nobody has decided yet.").wait_for()
    sign_in(second, office.keys["ben"])
    second.locator(".waits-item summary h2").last.click()
    second.get_by_role("button", name="Reject").click()
    second.get_by_role("button", name="Yes, reject").click()
    second.get_by_text("Rejected. Nothing is sent.").wait_for()
    page.get_by_role("button", name="Look again").click()
    page.get_by_text("A second person said no.").wait_for()
    assert office.provider.requests == []


def test_who_may_not_approve_sees_nothing_of_it_not_even_an_administrator(
    page: Page, second: Page, office: Office
) -> None:
    sign_in(page, office.keys["anna"])
    ask(page, f"{QUESTION} And in the hills?")
    page.get_by_text("Nobody has decided yet.").wait_for()
    sign_in(second, office.keys["olga"])
    second.get_by_text("Nothing waits for you.").wait_for()
    second.get_by_role("link", name="Matrix").click()
    second.locator(".gate h3").get_by_text("http").wait_for()
    assert second.locator("#matrix-table thead th").last.text_content() == "llm.examplethird-party, version 1"
    assert second.locator(".gate tbody tr").count() == 10
    page.get_by_role("link", name="Matrix").click()
    page.get_by_text("There is no application that you manage.").wait_for()
    assert page.locator("#matrix-table thead th").count() == 4
