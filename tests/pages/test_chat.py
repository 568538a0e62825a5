"""Asking at the page: the answer with its sources, what left, the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.answer import MAX_QUESTION
from tests.pages.reader import KEY, ask, settle, sign_in, text_of
from tests.pages.stand_in import CITATIONS, LOCAL, NOTHING, PROMPT, REPLY, problem, whole

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn


def test_an_answer_arrives_with_its_sources_and_its_badges(page: Page, service: StandIn) -> None:
    ask(page)
    settle(page)
    assert text_of(page, ".question") == "Who approves travel?"
    assert text_of(page, ".answer") == REPLY["answer"]
    assert page.locator(".source .title").all_text_contents() == ["Travel policy", "Expenses"]
    assert page.locator(".source blockquote").all_text_contents() == [it["excerpt"] for it in CITATIONS]
    assert page.locator(".badge").all_text_contents() == ["Label: confidential+gdpr", "Sent to Northwind"]
    assert service.asked == [{"question": "Who approves travel?"}]
    assert service.keys == [f"Bearer {KEY}"]


def test_a_marker_opens_its_source_and_an_unknown_number_stays_text(page: Page) -> None:
    ask(page)
    settle(page)
    markers = page.locator(".answer button")
    assert markers.all_text_contents() == ["[1]", "[2]"]
    markers.nth(1).click()
    assert page.locator(".source.lit .title").all_text_contents() == ["Expenses"]
    assert page.get_by_text("Receipts are handed in within 30 days.").last.is_visible()
    markers.nth(0).click()
    assert page.locator(".source.lit .title").all_text_contents() == ["Travel policy"]


def test_what_left_shows_the_literal_prompt_with_its_tokens_marked(page: Page) -> None:
    ask(page)
    settle(page)
    assert text_of(page, ".digest") == "2 mentions of people, 1 phone number replaced"
    page.get_by_role("heading", name="What left").click()
    assert text_of(page, "pre") == PROMPT
    assert page.locator("pre mark").all_text_contents() == ["USER_7F3K2Q", "USER_7F3K2Q", "PHONE_K2P8DD"]
    assert page.locator(".left dd").all_text_contents() == [
        "Northwind", "nw-2", "confidential with a DPA", "2 mentions of people, 1 phone number", "6f1c1f0e-3c5b",
    ]  # fmt: skip
    assert text_of(page, ".left .note").startswith("These exact words were sent.")


def test_an_answer_from_here_says_that_nothing_left(page: Page, service: StandIn) -> None:
    service.body = whole(LOCAL)
    ask(page)
    settle(page)
    assert text_of(page, ".badge") == "Answered on this machine; nothing left"
    assert text_of(page, ".digest") == "nothing"
    assert page.locator(".warnings").get_by_text(LOCAL["warnings"][0]).is_visible()
    page.get_by_role("heading", name="What left").click()
    assert text_of(page, ".left .note").startswith("This prompt was prepared and stayed here.")
    assert page.locator(".left dd").first.text_content() == "nobody"


def test_a_source_tells_where_it_stands_and_how_the_question_was_understood(page: Page, service: StandIn) -> None:
    dated = CITATIONS[0] | {"headings": ["Travel policy", "Approval", "<b>Abroad</b>"], "date": "2026-03-01"}
    service.body = whole(
        REPLY | {"citations": [dated, CITATIONS[1]], "understood_as": "What is paid? Who approves it?"}
    )
    ask(page)
    settle(page)
    assert text_of(page, ".reply .note >> nth=0") == "Understood as: What is paid? Who approves it?"
    assert page.locator(".where").all_text_contents() == [
        "Approval \u00b7 <b>Abroad</b> \u00b7 as of 2026-03-01 \u00b7 doc:travel, characters 840 to 899",
        "doc:expenses, characters 0 to 38",
    ]


def test_a_source_whose_title_is_not_told_can_still_be_opened(page: Page, service: StandIn) -> None:
    service.body = whole(REPLY | {"citations": [CITATIONS[0] | {"title": "", "headings": []}]})
    ask(page)
    settle(page)
    page.get_by_role("button", name="[1] A source without a title").click()
    assert text_of(page, ".source.lit .title") == "A source without a title"
    assert text_of(page, ".where").startswith("doc:travel")


def test_what_left_goes_by_the_fact_and_not_by_the_decision(page: Page, service: StandIn) -> None:
    """A reply whose parts contradict each other must not say that nothing left."""
    service.body = whole(LOCAL | {"left": True})
    ask(page)
    settle(page)
    assert text_of(page, ".badge") == "Sent to an outside model"


def test_a_refusal_is_a_calm_message_without_sources(page: Page, service: StandIn) -> None:
    service.body = whole(NOTHING)
    ask(page)
    settle(page)
    assert text_of(page, ".answer.nothing") == "Nothing that you may read answers this."
    assert page.get_by_role("heading", name="Sources").is_hidden()
    assert page.get_by_role("alert").filter(visible=True).count() == 0
    page.get_by_role("heading", name="What left").click()
    assert text_of(page, ".left .note") == "No prompt was prepared."
    assert page.locator("pre").is_hidden()


def test_a_conversation_goes_on_until_the_reader_signs_out(page: Page, service: StandIn) -> None:
    for text in ("First?", "Second?"):
        ask(page, text)
        settle(page)
    assert page.locator(".question").all_text_contents() == ["First?", "Second?"]
    page.get_by_role("button", name="Sign out").click()
    assert page.locator(".turn").count() == 0
    ask(page, "Third?")
    settle(page)
    assert [asked.get("conversation") for asked in service.asked] == [None, "c-1", None]


def test_an_unknown_conversation_is_begun_anew(page: Page, service: StandIn) -> None:
    ask(page, "First?")
    settle(page)
    service.body, service.status = problem(404, "not-found"), 404
    ask(page, "Second?")
    page.get_by_role("button", name="Ask again").click()
    settle(page)
    assert [asked.get("conversation") for asked in service.asked] == [None, "c-1", None]


@pytest.mark.parametrize("letter", ["x", "😀"])
def test_the_limit_is_counted_in_characters_and_warned_of(page: Page, service: StandIn, letter: str) -> None:
    sign_in(page)
    box = page.get_by_label("Your question")
    box.fill(letter * (MAX_QUESTION // 2))
    assert text_of(page, "#counter") == ""
    box.fill(letter * (MAX_QUESTION + 1))
    assert text_of(page, "#counter") == "2,001 of 2,000"
    box.press("Enter")
    assert page.get_by_text("The question is too long").is_visible()
    assert service.asked == []
    box.fill(letter * MAX_QUESTION)
    box.press("Enter")
    settle(page)
    assert service.asked == [{"question": letter * MAX_QUESTION}]


def test_an_empty_question_is_not_sent(page: Page, service: StandIn) -> None:
    ask(page, " \n ")
    assert page.get_by_text("Type a question first.").is_visible()
    assert service.asked == []
