"""The key at the page: where it is kept, what is done when it is refused, what signing out ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.pages.reader import KEY, ask, settle, sign_in, text_of
from tests.pages.stand_in import REPLY, event, problem, whole

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn


def test_the_key_is_kept_in_memory_alone(page: Page, service: StandIn) -> None:
    ask(page)
    settle(page)
    kept = page.evaluate(
        "[...Object.values(localStorage), ...Object.values(sessionStorage), document.cookie, location.href]"
    )
    assert not any(KEY in str(it) for it in kept)
    assert KEY not in page.content()
    assert page.evaluate("[...document.querySelectorAll('input')].every(it => it.value === '')")
    page.reload()
    assert page.get_by_label("API key").is_visible()
    assert service.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("as_event", [False, True])
def test_a_refused_key_leads_back_to_the_sign_in_and_keeps_the_question(
    page: Page, service: StandIn, *, as_event: bool
) -> None:
    ask(page, "First?")
    settle(page)
    refusal = problem(401, "unauthenticated", "This key has been withdrawn.")
    service.body = event("error", json.loads(refusal)) if as_event else refusal
    service.status = 200 if as_event else 401
    ask(page, "Who approves travel?")
    page.get_by_role("alert").get_by_text("This key has been withdrawn.").wait_for()
    key = page.get_by_label("API key")
    assert key.evaluate("it => it === document.activeElement")
    assert key.get_attribute("aria-invalid") == "true"
    assert page.locator(".turn").count() == 0  # what the withdrawn key had opened is gone
    service.body, service.status = whole(REPLY), 200
    sign_in(page, "ntk_other")
    assert page.get_by_label("Your question").input_value() == "Who approves travel?"
    page.keyboard.press("Enter")
    settle(page)
    assert text_of(page, ".answer") == REPLY["answer"]
    assert service.keys[-1] == "Bearer ntk_other"
    assert "conversation" not in service.asked[-1]


def test_a_key_that_no_header_can_carry_is_not_tried(page: Page) -> None:
    for key in ("", "  ", "two words", "schlüssel", "a\u200bb"):
        sign_in(page, key)
        assert page.get_by_text("Enter your API key.").is_visible(), key
        assert page.get_by_label("API key").get_attribute("aria-invalid") == "true"
    sign_in(page)
    assert page.get_by_label("Your question").is_visible()


def test_signing_out_ends_a_running_answer_and_nothing_of_it_comes_back(page: Page, service: StandIn) -> None:
    service.body, service.held = event("delta", {"text": "Marta"}), True
    ask(page)
    page.locator(".answer").get_by_text("Marta").wait_for()
    page.get_by_role("button", name="Sign out").click()
    assert service.deserted.wait(8)
    sign_in(page, "ntk_other")
    assert page.get_by_text("What would you like to know?").is_visible()
    assert page.locator(".turn").count() == 0
    assert page.get_by_role("button", name="Ask", exact=True).is_visible()
