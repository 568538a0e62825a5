"""A question that waits for a second person: what is shown of it, and how its answer comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.pages.reader import ask, settle, sign_in, text_of
from tests.pages.stand_in import OWN, PROMPT, REPLY, WAITING, event, problem, standing, whole
from tests.pages.test_accessibility import violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn

ID: Final = WAITING["request"]
IN_UTC: Final = {"timezone_id": "UTC"}
STATE: Final = ".waiting-state"


def wait_for(page: Page, text: str) -> None:
    page.locator(STATE).get_by_text(text).last.wait_for()


def ask_and_wait(page: Page, service: StandIn, state: str = "waiting") -> None:
    """Ask something that waits, after the sign-in has found that nothing did."""
    with page.expect_response("**/api/v1/requests") as listed:
        sign_in(page)
    listed.value.finished()
    service.body, service.requests = whole(WAITING), [standing(state)]
    ask(page)
    page.locator(STATE).wait_for()


def look_again(page: Page) -> None:
    page.get_by_role("button", name="Look again").click()


@pytest.mark.parametrize("page", [IN_UTC], indirect=True)
def test_what_waits_is_shown_with_its_rule_its_time_and_its_exact_words(page: Page, service: StandIn) -> None:
    ask_and_wait(page, service)
    settle(page)
    wait_for(page, "Nobody has decided yet. It waits until 5 Mar 2026, 10:00.")
    assert text_of(page, ".answer") == WAITING["answer"]
    assert page.locator(".badge").all_text_contents() == [
        "Label: confidential+gdpr", "Waits for a second person; nothing left",
    ]  # fmt: skip
    assert page.locator(".waiting dd").all_text_contents() == [WAITING["route"]["rule"], "2 Mar 2026, 10:00"]
    assert page.get_by_role("heading", name="What would leave").is_visible()
    assert page.locator("pre").is_visible()
    assert text_of(page, "pre") == PROMPT
    assert page.locator("pre mark").count() == 3
    assert "would be sent once they are approved" in text_of(page, ".left .note")
    assert page.locator(".left dt").first.text_content() == "Would go to"
    assert service.called == ["GET requests", f"GET requests/{ID}"]


def test_once_approved_the_answer_comes_in_the_same_turn(page: Page, service: StandIn) -> None:
    ask_and_wait(page, service)
    wait_for(page, "Nobody has decided yet.")
    look_again(page)
    page.get_by_text("Looked at").wait_for()
    assert f"POST requests/{ID}/answer" not in service.called  # nothing is sent for what nobody has approved
    service.requests = [standing("approved")]
    service.answers = [(200, event("done", REPLY).split(b"data: ")[1].strip())]
    look_again(page)
    page.locator(".answer").get_by_text("Marta Holm approves travel").wait_for()
    assert page.locator(".turn").count() == 1
    assert page.locator(".waiting").count() == 0
    assert page.get_by_role("heading", name="What left").is_visible()
    assert page.locator(".badge").last.text_content() == "Sent to Northwind"
    assert service.called.count(f"POST requests/{ID}/answer") == 1
    assert page.evaluate("document.activeElement.className") == "question"
    service.body = whole(REPLY)
    ask(page, "And then?")
    settle(page)
    assert service.asked[-1] == {"question": "And then?", "conversation": "c-1"}


ENDS: Final = {
    "rejected": "A second person said no. Nothing was sent.",
    "expired": "The time for it is over. Nothing was sent.",
    "sent": "It was sent already",
}


@pytest.mark.parametrize("state", ENDS)
def test_a_request_that_has_ended_says_how_and_can_be_asked_anew(page: Page, service: StandIn, state: str) -> None:
    ask_and_wait(page, service)
    wait_for(page, "Nobody has decided yet.")
    service.requests = [standing(state)]
    look_again(page)
    wait_for(page, ENDS[state])
    assert f"POST requests/{ID}/answer" not in service.called
    service.body = whole(REPLY)
    page.get_by_role("button", name="Ask again").click()
    settle(page)
    assert [asked["question"] for asked in service.asked] == ["Who approves travel?"] * 2
    assert text_of(page, ".answer") == REPLY["answer"]


REFUSED: Final = {
    "request-changed": (409, "have changed since it was approved. Nothing was sent."),
    "quota-exceeded": (429, "you can ask again at"),
    "stopped": (503, "stopped on purpose"),
    "application-refused": (403, "not among those who may ask through this application"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_sent_after_all_says_why(page: Page, service: StandIn, code: str) -> None:
    status, told = REFUSED[code]
    service.answers = [(status, problem(status, code))]
    ask_and_wait(page, service, "approved")
    wait_for(page, "It is approved")
    page.get_by_role("button", name="Get the answer").click()
    page.locator(".waiting").get_by_text(told).wait_for()
    assert text_of(page, ".answer") == WAITING["answer"]
    settle(page)


def test_half_an_answer_is_not_shown(page: Page, service: StandIn) -> None:
    service.answers = [(200, b'{"answer": "Everybody may"}')]
    ask_and_wait(page, service, "approved")
    wait_for(page, "It is approved")
    page.get_by_role("button", name="Get the answer").click()
    page.get_by_text("The answer broke off").wait_for()
    assert "Everybody may" not in page.content()


def test_the_page_looks_by_itself_and_says_that_it_is_approved(page: Page, service: StandIn) -> None:
    page.clock.install()
    ask_and_wait(page, service)
    wait_for(page, "Nobody has decided yet.")
    service.requests = [standing("approved")]
    page.clock.run_for(31_000)
    wait_for(page, "It is approved")
    assert f"POST requests/{ID}/answer" not in service.called  # it is the asker who has it sent


def test_what_waits_from_earlier_is_listed_at_the_sign_in(page: Page, service: StandIn) -> None:
    service.requests = [standing("approved"), standing("rejected", request="8e1d", question=None)]
    service.answers = [(200, event("done", REPLY).split(b"data: ")[1].strip())]
    sign_in(page)
    page.get_by_role("heading", name="Your requests that wait").wait_for()
    assert page.locator(".request h3").all_text_contents() == ["Who approves travel?"]
    page.get_by_role("button", name="Get the answer").click()
    page.locator(".answer").get_by_text("Marta Holm").wait_for()
    assert text_of(page, ".turn .question") == "Who approves travel?"
    assert page.locator("#requests").is_hidden()


def test_who_waits_for_nothing_sees_no_list(page: Page, service: StandIn) -> None:
    service.requests = [standing("sent")]
    with page.expect_response("**/api/v1/requests") as answered:
        sign_in(page)
    answered.value.finished()
    assert page.locator("#requests").is_hidden()


def test_signing_out_forgets_what_waits(page: Page, service: StandIn) -> None:
    service.requests = [standing()]
    sign_in(page)
    page.locator(".request").wait_for()
    page.get_by_role("button", name="Sign out").click()
    assert page.locator(".request").count() == 0
    service.requests = []
    ask(page, "Else?")
    settle(page)
    assert "Who approves travel?" not in page.content()


def test_an_answer_of_a_model_of_our_own_says_so(page: Page, service: StandIn) -> None:
    service.body = whole(OWN)
    ask(page)
    settle(page)
    assert text_of(page, ".badge") == "Answered by a model of our own, own; nothing left"


def test_hostile_text_in_what_waits_is_shown_as_text(page: Page, service: StandIn) -> None:
    """PI-08."""
    hostile = "<img src=x onerror=window.hacked=1>"
    service.requests = [standing(question=hostile, expires_at=hostile, asked_at=hostile), standing(request="<b>")]
    sign_in(page)
    page.locator(".request h3").get_by_text(hostile).wait_for()
    assert page.locator(".request").count() == 1  # an id that is none is passed over
    assert page.locator("main img").count() == 0


@pytest.mark.parametrize(
    "page",
    [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}],
    indirect=True,
)
def test_axe_finds_nothing_to_complain_about_in_what_waits(page: Page, service: StandIn) -> None:
    service.requests = [standing("approved", request="aa", question="x" * 400)]
    sign_in(page)
    page.locator(".request").wait_for()
    service.body, service.requests = whole(WAITING), [*service.requests, standing()]
    service.answers = [(503, problem(503, "stopped"))]
    ask(page)
    settle(page)
    page.locator(".turn .waiting-state").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Get the answer").click()
    look_again(page)
    page.locator(".turn .note").get_by_text("Looked at").wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
