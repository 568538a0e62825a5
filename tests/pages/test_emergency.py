"""The banner that is loud as long as emergency access is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.pages.reader import ask, settle, sign_in
from tests.pages.test_accessibility import violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn

BANNER: Final = "#emergency"
IN_UTC: Final = {"timezone_id": "UTC"}


def ends(hours: int = 2) -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=hours)


@pytest.mark.parametrize("page", [IN_UTC], indirect=True)
def test_who_has_emergency_access_is_told_from_the_sign_in_on(page: Page, service: StandIn) -> None:
    end = ends()
    service.emergency = [{"object": "coll:boilers", "ends_at": end.isoformat()}]
    assert not page.locator(BANNER).is_visible()
    sign_in(page)
    told = page.get_by_role("alert").filter(has_text="Emergency access")
    told.wait_for()
    text = told.text_content() or ""
    assert "coll:boilers" in text
    assert f"{end:%H:%M}" in text
    ask(page)
    settle(page)
    assert told.is_visible()


def test_who_has_none_sees_no_banner(page: Page) -> None:
    with page.expect_response("**/api/v1/me") as answered:
        sign_in(page)
    answered.value.finished()
    ask(page)
    settle(page)
    assert not page.locator(BANNER).is_visible()
    assert page.locator(BANNER).text_content() == ""


def test_the_banner_comes_and_goes_with_the_next_answer(page: Page, service: StandIn) -> None:
    ask(page)
    settle(page)
    service.emergency = [{"object": place, "ends_at": ends().isoformat()} for place in ("coll:a", "doc:b")]
    ask(page)
    page.locator(f"{BANNER} p").nth(1).wait_for()
    assert [("coll:a" in text, "doc:b" in text) for text in page.locator(f"{BANNER} p").all_text_contents()] == [
        (True, False), (False, True),
    ]  # fmt: skip
    service.emergency = []
    settle(page)
    ask(page)
    page.locator(BANNER).wait_for(state="hidden")


def test_the_banner_goes_when_the_access_ends_without_a_question(page: Page, service: StandIn) -> None:
    page.clock.install()
    service.emergency = [{"object": "coll:a", "ends_at": ends(1).isoformat()}]
    sign_in(page)
    page.locator(BANNER).wait_for()
    service.emergency = []
    page.clock.run_for(timedelta(hours=1, minutes=1) // timedelta(milliseconds=1))
    page.locator(BANNER).wait_for(state="hidden")


def test_signing_out_takes_the_banner_away(page: Page, service: StandIn) -> None:
    service.emergency = [{"object": "coll:a", "ends_at": ends().isoformat()}]
    sign_in(page)
    page.locator(BANNER).wait_for()
    page.get_by_role("button", name="Sign out").click()
    assert not page.locator(BANNER).is_visible()
    assert page.locator(BANNER).text_content() == ""


def test_a_hostile_name_is_text(page: Page, service: StandIn) -> None:
    """PI-08."""
    hostile = "<img src=x onerror=window.hacked=1>"
    service.emergency = [{"object": hostile, "ends_at": ends().isoformat()}]
    sign_in(page)
    page.locator(BANNER).get_by_text(hostile).wait_for()
    assert page.locator(f"{BANNER} img").count() == 0


@pytest.mark.parametrize(
    "page",
    [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}],
    indirect=True,
)
def test_axe_finds_nothing_to_complain_about_in_the_banner(page: Page, service: StandIn) -> None:
    service.emergency = [{"object": "coll:" + "a" * 120, "ends_at": ends().isoformat()}]
    sign_in(page)
    page.locator(BANNER).wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
