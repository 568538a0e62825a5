"""The page for everybody: keyboard, screen reader, narrow screens, light and dark, without motion."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import pytest

from egress.answer import MAX_QUESTION
from tests.pages.reader import KEY, ask, settle, sign_in, unfold
from tests.pages.stand_in import LOCAL, NOTHING, REPLY, WAITING, event, problem, reply_of, standing, whole

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn

FOCUSED: Final = "(document.activeElement.textContent || document.activeElement.id).trim()"
IS_VISIBLE: Final = """() => {
  const rings = (it) => { const s = getComputedStyle(it); return s.boxShadow !== "none" ||
    (s.outlineStyle !== "none" && s.outlineColor !== "rgba(0, 0, 0, 0)"); };
  const it = document.activeElement;
  return it.matches(":focus-visible") && (rings(it) || rings(it.closest(".composer-box") ?? it));
}"""


def test_everything_works_with_the_keyboard_alone(page: Page, service: StandIn) -> None:
    def step(keys: str, expected: str) -> None:
        page.keyboard.press(keys)
        assert page.evaluate(FOCUSED).startswith(expected)
        assert page.evaluate(IS_VISIBLE), f"the focus cannot be seen on {expected}"

    page.keyboard.type(KEY)  # the field has the focus from the start
    step("Enter", "question")
    page.keyboard.type("Who approves")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("travel?")
    page.keyboard.press("Enter")
    settle(page)
    assert service.asked == [{"question": "Who approves\ntravel?"}]
    step("Shift+Tab", "What left")
    step("Shift+Tab", "2Expenses")
    step("Shift+Tab", "1Travel policy")
    step("Shift+Tab", "[2]")
    step("Shift+Tab", "[1]")
    step("Enter", "1Travel policy")
    assert page.locator(".source blockquote").first.is_visible()
    step("Tab", "2Expenses")
    step("Tab", "What left")
    page.keyboard.press("Enter")
    step("Tab", "Question:")
    step("Tab", "question")
    step("Tab", "Ask")
    for stop in ("question", "Question:", "What left", "2Expenses", "1Travel policy", "[2]", "[1]", "Sign out"):
        step("Shift+Tab", stop)
    step("Enter", "key")


def test_an_input_method_may_use_enter(page: Page, service: StandIn) -> None:
    sign_in(page)
    box = page.get_by_label("Your question")
    box.fill("りょこう")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    assert service.asked == []
    assert box.input_value() == "りょこう"


def test_what_changes_is_announced(page: Page, service: StandIn) -> None:
    service.body, service.held = event("delta", {"text": "Marta"}), True
    ask(page)
    answer = page.locator(".answer")
    answer.get_by_text("Marta").wait_for()
    assert [answer.get_attribute(name) for name in ("aria-live", "aria-busy")] == ["polite", "true"]
    page.get_by_role("button", name="Stop").click()
    settle(page)
    assert answer.get_attribute("aria-busy") is None
    assert page.locator(".stage").get_attribute("role") == "status"


LONG: Final = "Donaudampfschifffahrt" * 30
NARROW: Final = {"viewport": {"width": 360, "height": 740}}


@pytest.mark.parametrize("page", [NARROW], indirect=True)
@pytest.mark.parametrize(
    "reply", [REPLY, reply_of((LONG, LONG)), NOTHING, WAITING], ids=["usual", "long", "nothing", "waits"]
)
def test_a_phone_never_scrolls_sideways(page: Page, service: StandIn, reply: dict[str, Any]) -> None:
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= 360
    service.body, service.cut, service.requests = whole(reply), 4096, [standing()]
    ask(page, LONG[:1000])
    settle(page)
    unfold(page)
    assert page.evaluate(wide) <= 360
    service.body, service.status = problem(500, LONG, LONG), 500
    ask(page, LONG[:1000])
    page.locator(".problem").wait_for()
    assert page.evaluate(wide) <= 360


def test_sources_stand_beside_the_answer_on_a_wide_screen_and_below_on_a_phone(page: Page) -> None:
    def places() -> tuple[dict[str, float], dict[str, float]]:
        return page.locator(".said").evaluate(box), page.locator(".beside").evaluate(box)

    box = "it => it.getBoundingClientRect().toJSON()"
    ask(page)
    settle(page)
    said, beside = places()
    assert beside["left"] >= said["right"]
    page.set_viewport_size({"width": 360, "height": 740})
    said, beside = places()
    assert beside["top"] >= said["bottom"]


@pytest.mark.parametrize(
    ("page", "moves"),
    [({"reduced_motion": "reduce"}, False), ({"reduced_motion": "no-preference"}, True)],
    indirect=["page"],
)
def test_nothing_moves_for_those_who_ask_for_no_motion(page: Page, service: StandIn, *, moves: bool) -> None:
    service.body, service.held = event("stage", {"stage": "searching"}), True
    ask(page)
    page.get_by_text("Searching what you may read…").wait_for()
    assert page.evaluate("document.getAnimations().length > 0") is moves
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == ("smooth" if moves else "auto")


LIGHT: Final = {"color_scheme": "light"}
DARK: Final = {"color_scheme": "dark"}


@pytest.mark.parametrize(("page", "dark"), [(LIGHT, False), (DARK, True)], indirect=["page"])
def test_the_page_follows_the_reader_s_choice_of_light_or_dark(page: Page, *, dark: bool) -> None:
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    shades = [int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    assert (max(shades) < 60, min(shades) > 200) == (dark, not dark)


def violations(page: Page) -> list[str]:
    """Run axe on the page as it stands. Its contrast rule must have run, or an empty list would mean nothing."""
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    results = page.evaluate("axe.run(document, { resultTypes: ['violations', 'passes'] })")
    assert "color-contrast" in {rule["id"] for rule in results["passes"]}
    return [f"{rule['id']}: {node['html']}" for rule in results["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("page", [LIGHT, DARK, LIGHT | NARROW, DARK | NARROW], indirect=True)
def test_axe_finds_nothing_to_complain_about(page: Page, service: StandIn) -> None:
    assert violations(page) == []
    sign_in(page, "")
    assert violations(page) == []
    sign_in(page)
    assert violations(page) == []
    service.requests = [standing()]
    for reply in (REPLY, LOCAL, NOTHING, WAITING):
        service.body = whole(reply)
        ask(page)
        settle(page)
    page.locator(".marker").first.click()
    service.body, service.status = problem(503), 503
    ask(page)
    page.locator(".problem").wait_for()
    assert violations(page) == []
    unfold(page)
    assert violations(page) == []
    service.body, service.status, service.held = event("delta", {"text": "Marta"}), 200, True
    ask(page, "x" * (MAX_QUESTION - 1))
    page.get_by_label("Your question").fill("x" * (MAX_QUESTION + 1))
    assert violations(page) == []


def test_axe_would_find_a_missing_label_and_a_faint_text(page: Page) -> None:
    page.evaluate("document.querySelector('label[for=key]').remove()")
    page.evaluate("document.querySelector('.lead').style.color = '#c0c0c0'")
    assert {it.partition(":")[0] for it in violations(page)} >= {"color-contrast", "label"}
