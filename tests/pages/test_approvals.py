"""What waits for a second person at the page: to the letter, with a decision that is confirmed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.pages.desk import ALL, LIFT, MATRIX_CHANGE, POLICY, SEND, waiting
from tests.pages.reader import sign_in, text_of, unfold
from tests.pages.stand_in import PROMPT, problem
from tests.pages.test_accessibility import DARK, LIGHT, LONG, NARROW, violations
from tests.pages.test_hostile_text import LINKS, SCRIPTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn

IN_UTC: Final = {"timezone_id": "UTC"}
CAME: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "send": ({"state": "approved"}, "Approved. user:dora can get the answer now, once."),
    "policy": ({"epoch": 12}, "Approved. It holds from epoch 12 on."),
    "matrix": ({"version": 3}, "Approved. Version 3 of the matrix holds."),
    "lift-stop": ({"stop": "s-1"}, "Approved. provider:llm.example is started again."),
}
OURS: Final = frozenset(
    {
        "LI", "DETAILS", "SUMMARY", "H2", "H3", "SPAN", "DIV", "DL", "DT", "DD", "P", "BUTTON", "PRE", "MARK", "OL",
        "UL", "TABLE", "CAPTION", "THEAD", "TBODY", "TR", "TH", "TD",
    }
)  # fmt: skip


def see(page: Page, service: StandIn, *items: dict[str, Any], user: str = "user:paul") -> None:
    """Sign in at the approvals, where these things wait, and open the first."""
    waiting(service, *items, user=user)
    page.goto(f"{page.url}approvals")
    sign_in(page)
    page.locator(".waits-item summary h2").first.click()
    page.locator(".inside dd").first.wait_for()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("page", [IN_UTC], indirect=True)
def test_the_queue_tells_what_waits_for_how_long_and_why(page: Page, service: StandIn) -> None:
    see(page, service, *ALL)
    assert page.locator(".waits-item h2").all_text_contents() == [
        "Send to llm.example", "Change the policy", "Change the matrix", "Start provider:llm.example again",
    ]  # fmt: skip
    assert page.locator("#approvals-state").text_content() == "4 to decide on, the oldest first."
    assert page.locator(".waits-item .note[data-part=who]").first.text_content() == "user:dora, 3 hours ago"
    assert page.locator(".reason").all_text_contents() == [it["reason"] for it in ALL]
    assert "Waits until5 Mar 2026, 10:00" in text_of(page, ".waits-item:first-child .inside")


def test_who_approves_sees_the_literal_bytes_and_all_that_they_are(page: Page, service: StandIn) -> None:
    see(page, service, SEND)
    page.locator("pre").nth(1).wait_for()
    assert page.locator("pre").all_text_contents() == [it["content"] for it in SEND["messages"]]
    assert page.locator("pre").last.text_content() == PROMPT
    assert page.locator("pre mark").all_text_contents() == ["USER_7F3K2Q", "USER_7F3K2Q", "PHONE_K2P8DD"]
    assert page.locator(".body dd").all_text_contents() == [
        "confidential+gdpr", "llm.example, third-party", "a-model", "version 4", "app:http",
        "Staff ask about what they may read.", "2 mentions of people, 1 phone number", "1,834 characters",
        "doc:travel, doc:expenses", SEND["prompt_hash"],
    ]  # fmt: skip


def test_a_change_of_the_policy_shows_every_edit(page: Page, service: StandIn) -> None:
    see(page, service, POLICY)
    assert page.locator(".op").all_text_contents() == ["add-rule", "set-clearance"]
    assert page.locator(".edit dd").all_text_contents() == [
        "group:basel", "coll:boilers", "read", "allow", "user:paul", "3", "gdpr, hipaa",
    ]  # fmt: skip
    assert "it lets somebody at what is restricted" in text_of(page, ".inside")


def test_a_change_of_the_matrix_shows_what_differs_and_the_whole(page: Page, service: StandIn) -> None:
    see(page, service, MATRIX_CHANGE)
    assert page.locator(".differences li").all_text_contents() == MATRIX_CHANGE["reasons"]
    page.get_by_text("The whole matrix as it would be").click()
    assert page.locator(".whole tbody th").count() == 8


def test_a_stop_to_be_lifted_shows_who_made_it_and_why(page: Page, service: StandIn) -> None:
    see(page, service, LIFT)
    told = text_of(page, ".body")
    for word in ("provider:llm.example", "user:mona", "A key was seen in a log."):
        assert word in told


@pytest.mark.parametrize("item", ALL, ids=[it["kind"] for it in ALL])
def test_a_decision_is_confirmed_and_says_what_came_of_it(page: Page, service: StandIn, item: dict[str, Any]) -> None:
    came, told = CAME[item["kind"]]
    place = f"approvals/{item['approval']}/approve"
    service.api[f"POST /{place}"] = came
    see(page, service, item)
    press(page, "Approve")
    assert f"POST {place}" not in service.called
    press(page, "Yes, approve")
    page.locator(".outcome").get_by_text(told).wait_for()
    assert service.called.count(f"POST {place}") == 1
    assert page.get_by_role("button", name="Approve").count() == 0
    assert text_of(page, ".waits-item .verdict") == "Approved"


def test_a_rejection_does_nothing_but_that(page: Page, service: StandIn) -> None:
    service.api["POST /approvals/a-send/reject"] = (204, b"")
    see(page, service, SEND)
    press(page, "Reject")
    press(page, "Yes, reject")
    page.locator(".outcome").get_by_text("Rejected. Nothing is sent.").wait_for()
    assert [it for it in service.called if it.startswith("POST")] == ["POST approvals/a-send/reject"]


def test_the_keyboard_decides_but_not_by_pressing_enter_twice(page: Page, service: StandIn) -> None:
    service.api["POST /approvals/a-lift/approve"] = {"stop": "s-1"}
    waiting(service, LIFT)
    page.goto(f"{page.url}approvals")
    page.keyboard.type("ntk_key")
    page.keyboard.press("Enter")
    page.locator(".waits-item").wait_for()
    assert page.evaluate("document.activeElement.id") == "approvals-title"

    def step(keys: str, expected: str) -> None:
        page.keyboard.press(keys)
        assert page.evaluate("document.activeElement.textContent").strip().startswith(expected), expected
        assert page.evaluate("document.activeElement.matches(':focus-visible')")

    step("Tab", "Look again")
    step("Tab", "Start provider")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Approve").wait_for()
    step("Tab", "Approve")
    step("Enter", "Back")
    step("Enter", "Approve")
    step("Enter", "Back")
    step("Escape", "Approve")
    assert not [it for it in service.called if it.startswith("POST")]
    step("Enter", "Back")
    step("Tab", "Yes, approve")
    page.keyboard.press("Enter")
    page.get_by_text("is started again.").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_who_asked_sees_it_and_cannot_decide(page: Page, service: StandIn) -> None:
    see(page, service, SEND, user="user:dora")
    page.get_by_text("You have asked for it yourself").wait_for()
    assert page.locator("pre").count() == 2
    assert page.get_by_role("button", name="Approve").count() == 0


PARTS: Final = {
    "no messages": SEND | {"messages": []},
    "messages are text": SEND | {"messages": "all"},
    "a message is none": SEND | {"messages": [*SEND["messages"], None]},
    "a message without a text": SEND | {"messages": [{"role": "user"}]},
    "no edits": POLICY | {"edits": []},
    "an edit is none": POLICY | {"edits": [*POLICY["edits"], 7]},
    "no matrix": MATRIX_CHANGE | {"matrix": None},
    "no stop": LIFT | {"stopped_by": None},
    "a kind that the page does not know": SEND | {"kind": "launch"},
    "another kind than was listed": SEND | {"kind": "policy"},
}


@pytest.mark.parametrize("name", PARTS)
def test_what_cannot_be_seen_whole_cannot_be_approved(page: Page, service: StandIn, name: str) -> None:
    listed = SEND | {"kind": "launch"} if name.startswith("a kind") else SEND | {"kind": PARTS[name]["kind"]}
    waiting(service, SEND if name.startswith("another") else listed)
    service.api["GET /approvals/a-send"] = PARTS[name] | {"approval": "a-send"}
    page.goto(f"{page.url}approvals")
    sign_in(page)
    page.locator(".waits-item summary h2").click()
    page.get_by_text("This page cannot show all of it").wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0


def test_what_was_decided_meanwhile_says_so(page: Page, service: StandIn) -> None:
    see(page, service, SEND)
    service.api["POST /approvals/a-send/approve"] = (404, problem(404, "no-such-approval", "it was decided already"))
    press(page, "Approve")
    press(page, "Yes, approve")
    page.get_by_text("Somebody else may have decided").wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0


def test_nothing_that_waits_is_said_calmly_and_one_can_look_again(page: Page, service: StandIn) -> None:
    waiting(service)
    page.goto(f"{page.url}approvals")
    sign_in(page)
    page.get_by_text("Nothing waits for you.").wait_for()
    waiting(service, SEND)
    press(page, "Look again")
    page.locator(".waits-item").wait_for()
    press(page, "Sign out")
    assert page.locator(".waits-item").count() == 0
    assert "user:dora" not in page.content()


@pytest.mark.parametrize("texts", [SCRIPTS, LINKS], ids=["scripts", "links"])
def test_hostile_text_is_shown_as_text_wherever_it_stands(page: Page, service: StandIn, texts: tuple[str, ...]) -> None:
    """PI-08."""
    everything = "\n".join(texts)
    messages = [{"role": everything, "content": everything}]
    facts = dict.fromkeys(
        ("label", "provider", "model", "application", "purpose", "reason", "asked_by", "contract_version",
         "kind_of_provider", "characters", "prompt_hash", "asked_at", "expires_at"), everything
    )  # fmt: skip
    send = SEND | facts | {"messages": messages, "documents": list(texts), "redactions": dict.fromkeys(texts, 2)}
    policy = POLICY | {"edits": [{"op": text, text: text, "x": {text: [text]}} for text in texts]}
    matrix = MATRIX_CHANGE | {"reasons": list(texts)}
    matrix |= {"matrix": {"regions": list(texts), "classes": {text: {"kinds": [text]} for text in texts}}}
    lift = LIFT | dict.fromkeys(("target", "stopped_by", "stopped_at", "stopped_for"), everything)
    waiting(service, send, policy, matrix, lift)
    page.goto(f"{page.url}approvals")
    sign_in(page)
    page.locator(".waits-item").nth(3).wait_for()
    unfold(page)
    page.locator(".waits-item").nth(3).get_by_role("button", name="Approve").wait_for()
    page.locator("pre").wait_for()
    unfold(page)
    assert text_of(page, "pre") == everything
    assert page.locator(".op").all_text_contents() == list(texts)
    assert page.locator(".differences li").all_text_contents() == list(texts)
    assert set(page.eval_on_selector_all("#queue *", "all => all.map(it => it.tagName)")) <= OURS


@pytest.mark.parametrize("page", [LIGHT, DARK, LIGHT | NARROW, DARK | NARROW], indirect=True)
def test_axe_finds_nothing_to_complain_about(page: Page, service: StandIn) -> None:
    service.api["POST /approvals/a-lift/approve"] = {"stop": "s-1"}
    long = json.loads(json.dumps(SEND | {"approval": "long"}).replace("llm.example", LONG))
    waiting(service, *ALL, long)
    page.goto(f"{page.url}approvals")
    assert violations(page) == []
    sign_in(page)
    page.locator(".waits-item").nth(4).wait_for()
    assert violations(page) == []
    unfold(page)
    page.get_by_role("button", name="Approve").nth(4).wait_for()
    unfold(page)
    page.get_by_role("button", name="Approve").nth(3).click()
    page.get_by_role("button", name="Yes, approve").click()
    page.get_by_text("is started again.").wait_for()
    page.get_by_role("button", name="Approve", exact=True).first.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
