"""The three views of the page: one key opens them, addresses change, nothing is loaded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages.desk import SEND, administered, waiting
from tests.pages.reader import ask, settle, sign_in, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn


def test_one_key_opens_all_views_and_a_conversation_stays(page: Page, service: StandIn, address: str) -> None:
    waiting(service, SEND)
    administered(service)
    ask(page)
    settle(page)
    for link, path, heading in (
        ("Approvals", "/approvals", "What waits for a second person"),
        ("Matrix", "/matrix", "Who may get what"),
    ):
        page.get_by_role("link", name=link).click()
        page.get_by_role("heading", name=heading, level=1).wait_for()
        assert page.url == f"{address}{path}"
        assert page.get_by_role("link", name=link).get_attribute("aria-current") == "page"
        assert page.evaluate("document.activeElement.tagName") == "H1"
        assert page.title().startswith(link)
    page.go_back()
    page.locator(".waits-item").wait_for()
    page.get_by_role("link", name="Ask").click()
    assert text_of(page, ".question") == "Who approves travel?"
    assert page.get_by_label("Your question").evaluate("it => it === document.activeElement")
    assert page.locator("[aria-current]").count() == 1


@pytest.mark.parametrize("path", ["approvals", "matrix"])
def test_each_address_opens_its_view_after_the_sign_in(page: Page, service: StandIn, path: str) -> None:
    waiting(service, SEND)
    administered(service)
    page.goto(f"{page.url}{path}")
    assert page.locator("nav").is_hidden()
    assert page.get_by_label("API key").evaluate("it => it === document.activeElement")
    sign_in(page)
    page.locator(f"#{path} h1").wait_for()
    assert page.locator("#chat").is_hidden()
    page.get_by_role("button", name="Sign out").click()
    assert page.locator(f"#{path}").is_hidden()
    assert page.get_by_label("API key").is_visible()
    page.reload()
    assert page.get_by_label("API key").is_visible()  # the key was in memory alone
