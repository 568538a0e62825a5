"""The matrix at the page, with its providers, and the gates of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages.desk import APPLICATION, OPEN, administered
from tests.pages.reader import sign_in, text_of
from tests.pages.stand_in import problem
from tests.pages.test_accessibility import DARK, LIGHT, LONG, NARROW, violations
from tests.pages.test_hostile_text import SCRIPTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.stand_in import StandIn


def see(page: Page, service: StandIn) -> None:
    """Sign in at the matrix."""
    page.goto(f"{page.url}matrix")
    sign_in(page)
    page.locator("#gates > *").first.wait_for()


def row(page: Page, name: str) -> list[str]:
    return page.locator("#matrix-table tr").filter(has=page.get_by_role("rowheader", name=name, exact=True)).locator(
        "td"
    ).all_text_contents()  # fmt: skip


def test_each_class_tells_what_it_asks_and_how_each_provider_stands_in_it(page: Page, service: StandIn) -> None:
    administered(service)
    see(page, service)
    assert page.locator("#matrix-table thead th").all_text_contents() == [
        "Class of text", "May go to", "If the contract has", "A second person approves for",
        "llm.examplethird-party, version 1", "houseprivate, version 1", "ownlocal, version 1",
        "old.examplethird-party, version 1",
    ]  # fmt: skip
    assert page.locator("#matrix-table tbody th").all_text_contents() == [
        "public", "internal", "confidential", "restricted", "gdpr", "hipaa", "pci", "trade-secret",
    ]  # fmt: skip
    assert row(page, "confidential")[3] == "Nomissing: retention"
    assert row(page, "restricted")[3:5] == ["Nonot for third-party", "Needs approval"]
    assert row(page, "gdpr")[3:6] == ["Needs approvaldpa ends on 14 Mar 2026", "Passes", "Passes"]
    assert row(page, "hipaa")[3] == "Nomissing: baa"
    assert row(page, "public")[3:] == ["Passes", "Passes", "Passes", "Nono contract that holds"]
    assert page.locator("#matrix-warnings li").first.text_content() == (
        "llm.example: the DPA ends on 2026-03-14, in 12 days"
    )
    assert "It is the one that ships." in text_of(page, "#matrix-about")


def test_a_cell_that_contradicts_itself_does_not_pass(page: Page, service: StandIn) -> None:
    administered(service)
    house = service.api["GET /matrix"]["providers"][1]
    for cell in house["cells"]:
        if cell["class"] == "gdpr":
            cell["needs"] = {"dpa": False, "region": True}
    house["cells"] = [cell for cell in house["cells"] if cell["class"] != "hipaa"]
    see(page, service)
    assert row(page, "gdpr")[4] == "Nomissing: dpa"
    assert row(page, "hipaa")[4] == "Nonothing is known of it"
    assert row(page, "internal")[4] == "Passes"


def test_a_gate_shows_its_ten_points_and_what_says_so(page: Page, service: StandIn) -> None:
    administered(service)
    see(page, service)
    assert text_of(page, ".gate h3") == "http"
    assert text_of(page, ".gate-top .verdict") == "Closed: nothing above public leaves"
    assert page.locator(".gate tbody tr").count() == 10
    closed = page.locator(".gate tbody tr").filter(has_text="leak-test")
    assert closed.locator("td").all_text_contents() == [
        "Closed", "it was never measured: ntk gate APP --check", "measured", "\u2014",
    ]  # fmt: skip
    assert page.locator(".gate .warnings li").all_text_contents() == ["keys closes on 2026-03-06"]
    service.api["GET /applications/http/gate"] = OPEN | {"open": True, "closed": []}
    page.get_by_role("button", name="Look again").click()
    page.locator(".gate-top .verdict").get_by_text("Open").wait_for()


def test_a_gate_that_cannot_be_seen_is_not_shown_as_open(page: Page, service: StandIn) -> None:
    administered(service)
    service.api["GET /applications/http/gate"] = (503, problem(503, "store-down"))
    see(page, service)
    assert text_of(page, ".gate-top .verdict") == "Closed: nothing above public leaves"
    assert page.locator(".gate .problem").is_visible()


def test_who_manages_nothing_sees_the_matrix_alone(page: Page, service: StandIn) -> None:
    administered(service)
    service.api["GET /matrix"]["providers"] = []
    service.api["GET /applications"] = {"items": [], "next": None}
    see(page, service)
    assert page.locator("#matrix-table thead th").count() == 4
    assert page.get_by_text("There is no application that you manage.").is_visible()


def test_a_matrix_that_cannot_be_had_says_so(page: Page, service: StandIn) -> None:
    service.api["GET /matrix"] = (503, problem(503, "store-down"))
    page.goto(f"{page.url}matrix")
    sign_in(page)
    page.locator("#matrix-problems .problem").wait_for()
    administered(service)
    page.locator("#matrix-problems").get_by_role("button", name="Look again").click()
    page.locator(".gate").wait_for()
    assert page.locator(".problem").count() == 0


def test_hostile_text_is_shown_as_text(page: Page, service: StandIn) -> None:
    """PI-08."""
    administered(service)
    everything = "\n".join(SCRIPTS)
    shown = service.api["GET /matrix"]
    for provider in shown["providers"]:
        provider |= {
            "name": everything,
            "kind": everything,
            "warnings": list(SCRIPTS),
            "ends_soon": {"dpa": everything},
        }
    shown["matrix"] = {"regions": list(SCRIPTS), "classes": {text: {"needs": [text]} for text in SCRIPTS}}
    record = APPLICATION["record"] | dict.fromkeys(("purpose", "owner", "ceiling", "provider", "local"), everything)
    service.api["GET /applications"] = {"items": [APPLICATION | {"record": record}], "next": None}
    points = [dict.fromkeys(("point", "state", "why", "kind", "until"), text) for text in SCRIPTS]
    service.api["GET /applications/http/gate"] = OPEN | {"points": points, "warnings": list(SCRIPTS)}
    see(page, service)
    page.locator(".gate").wait_for()
    assert page.locator("#matrix-table tbody th").all_text_contents() == list(SCRIPTS)
    assert page.locator(".gate tbody th").all_text_contents() == list(SCRIPTS)
    foreign = "script, img, svg, iframe, a, form, base, meta, link, style, object, embed, video, math, template"
    assert page.locator("#matrix").locator(foreign).count() == 0


@pytest.mark.parametrize("page", [LIGHT, DARK, LIGHT | NARROW, DARK | NARROW], indirect=True)
def test_axe_finds_nothing_to_complain_about(page: Page, service: StandIn) -> None:
    administered(service)
    service.api["GET /matrix"]["providers"][1]["name"] = LONG
    see(page, service)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
