"""The stream of an answer at the page: cut anywhere, broken off, refused, stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.pages.reader import ask, settle, text_of
from tests.pages.stand_in import CITATIONS, REPLY, WAITING, event, problem, whole

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn


def test_events_are_read_the_same_wherever_the_stream_is_cut(page: Page) -> None:
    """PI-09, PI-10: at every place, and letter by letter, with each kind of line end."""
    for end in ("\n", "\r\n", "\r"):
        text = (event("stage", {"stage": "a"}) + b": note\nid: 7\n" + event("done", {"x": "é😀"})).decode()
        read = page.evaluate(
            """async (text) => {
                 const { eventReader } = await import("/static/stream.js");
                 const read = (pieces) => {
                   const seen = [];
                   const feed = eventReader((name, data) => seen.push([name, data]));
                   pieces.forEach(feed);
                   return JSON.stringify(seen);
                 };
                 const cuts = [...text].map((_, at) => [text.slice(0, at), text.slice(at)]);
                 return [...new Set([...cuts, text.split("")].map(read))];
               }""",
            text.replace("\n", end) + end,
        )
        assert [json.loads(it) for it in read] == [[["stage", {"stage": "a"}], ["done", {"x": "é😀"}]]]


def test_only_our_event_names_count(page: Page, service: StandIn) -> None:
    """PI-10: what looks like protocol inside of a text, and events that nobody has announced."""
    tricky = 'a\u2028event: error\u2028data: {"title": "b"}\r\nevent: done\n\ndata: [DONE]\n\nretry: 1'
    foreign = b"data: [DONE]\n\n" + b"".join(
        event(name, {"text": "evil", "answer": "evil"}) for name in ("message", "open", "Delta", "delta ", "done2", "")
    )
    service.body = foreign + event("delta", {"text": tricky}) + foreign + event("done", REPLY | {"answer": tricky})
    ask(page)
    settle(page)
    assert text_of(page, ".answer") == tricky
    assert page.locator(".problem").count() == 0


def test_nothing_counts_after_the_end(page: Page, service: StandIn) -> None:
    service.body = whole(REPLY) + event("delta", {"text": "more"}) + event("error", {"title": "late"})
    service.cut = 100_000
    ask(page)
    settle(page)
    assert text_of(page, ".answer") == REPLY["answer"]
    assert page.locator(".problem").count() == 0


ADVICE: Final = {
    422: "Change the question",
    403: "ask an administrator",
    409: "Something changed while you asked",
    429: "Wait a little",
    500: "in a minute",
    503: "in a minute",
}


@pytest.mark.parametrize("as_event", [False, True])
def test_an_error_says_what_happened_and_what_to_do(page: Page, service: StandIn, *, as_event: bool) -> None:
    for status, advice in ADVICE.items():
        refusal = problem(status, "model-down", "The model did not answer in time.")
        half = event("delta", {"text": "Everybody may"})
        service.body = half + event("error", json.loads(refusal)) if as_event else refusal
        service.status = 200 if as_event else status
        ask(page)
        settle(page)
        shown = page.get_by_role("alert").filter(visible=True).last.inner_text()
        for part in (f"Title of {status}", "The model did not answer in time.", advice, f"model-down · {status}"):
            assert part in shown
        assert text_of(page, ".answer") == ""  # an answer that was withdrawn is not left standing
    service.body, service.status = whole(REPLY), 200
    page.get_by_role("button", name="Ask again").last.click()
    settle(page)
    assert text_of(page, ".answer") == REPLY["answer"]


BROKEN: Final = {
    "cut short": event("delta", {"text": "Everybody may"}),
    "empty": b"",
    "no JSON": b"event: done\ndata: {\n\n",
    "no UTF-8": whole(REPLY).replace(b"Northwind", b"North\xffwind"),
    "no reply": event("done", None),
    "no word on what left": event("done", {k: v for k, v in REPLY.items() if k != "left"}),
    "left is a word": event("done", REPLY | {"left": "false"}),
    "no word on the prompt": event("done", {k: v for k, v in REPLY.items() if k != "prompt"}),
    "provider is a number": event("done", REPLY | {"route": REPLY["route"] | {"provider": 7}}),
    "label is a list": event("done", REPLY | {"label": ["public"]}),
    "numberless source": event("done", REPLY | {"citations": [CITATIONS[0] | {"number": "1"}]}),
    "unknown outcome": event("done", REPLY | {"outcome": "maybe"}),
    "waits under no id": event("done", WAITING | {"request": None}),
    "waits under a path": event("done", WAITING | {"request": "../me"}),
    "waits and left": event("done", WAITING | {"left": True}),
}


def test_an_answer_that_is_not_whole_is_not_shown(page: Page, service: StandIn) -> None:
    for count, (name, body) in enumerate(BROKEN.items(), 1):
        service.body = body
        ask(page)
        settle(page)
        assert page.locator(".problem").get_by_text("The answer broke off").count() == count, name
        assert text_of(page, ".answer") == "", name
        assert page.locator(".badge").count() == 0, name


def test_an_answer_that_is_no_stream_is_not_shown(page: Page, service: StandIn) -> None:
    service.media_type = "text/html"
    ask(page)
    page.get_by_role("alert").get_by_text("The answer broke off").wait_for()


def test_a_service_out_of_reach_is_said_so(page: Page) -> None:
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=302, headers={"Location": "http://192.0.2.7/"}))
    ask(page)
    page.get_by_role("alert").get_by_text("The service cannot be reached").wait_for()


def test_a_running_answer_can_be_stopped(page: Page, service: StandIn) -> None:
    service.body, service.held = event("stage", {"stage": "searching"}) + event("delta", {"text": "Marta"}), True
    ask(page)
    page.get_by_text("Searching what you may read…").wait_for()
    page.locator(".answer").get_by_text("Marta").wait_for()
    page.keyboard.type("Next?")
    page.keyboard.press("Enter")
    assert page.get_by_text("Wait for the answer, or stop it.").is_visible()
    page.get_by_role("button", name="Stop").click()
    settle(page)
    assert service.deserted.wait(8)
    assert text_of(page, ".stage").startswith("Stopped before the end.")
    assert page.get_by_label("Your question").input_value() == "Next?"
    assert len(service.asked) == 1
