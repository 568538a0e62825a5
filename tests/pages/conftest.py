"""A real Chromium before the page, and what must hold after every test, whatever it did."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import pytest

from api.pages import security_headers
from tests.pages.stand_in import StandIn, served, stand_in_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page

SWITCHES: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
ADDRESSES: Final = ("/", "/approvals", "/matrix")
FAILED_REQUEST: Final = "Failed to load resource:"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once for a file of tests.

    Playwright's event loop counts as running in the main thread until the file ends, and no other can run there: so
    it must not outlive the file, which the same process may follow with one that runs a loop of its own.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium")
    with playwright.sync_playwright() as driver:
        started: Browser = driver.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        yield started
        started.close()


@pytest.fixture(scope="session")
def _stand() -> Iterator[tuple[FastAPI, str]]:
    app = stand_in_app()
    with served(security_headers(app)) as address:
        yield app, address


@pytest.fixture
def service(_stand: tuple[FastAPI, str]) -> StandIn:
    """A stand-in for the API of this test alone: say in it what is answered, read in it what was asked."""
    fresh = StandIn()
    _stand[0].state.service = fresh
    return fresh


@pytest.fixture
def address(service: StandIn, _stand: tuple[FastAPI, str]) -> str:
    """Where the page is. A file whose tests ask another service has a fixture of this name."""
    return _stand[1]


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, opened. The parameter of the fixture, if there is one, holds options of the browser context.

    Afterwards, no script but ours has run, no other host has been asked for anything, and the console was quiet.
    """
    options = {"viewport": {"width": 1280, "height": 860}, "reduced_motion": "reduce"} | getattr(request, "param", {})
    with browser.new_context(**options) as context:
        context.set_default_timeout(8000)
        requests: list[str] = []
        complaints: list[str] = []
        _watch(context, requests, complaints)
        opened = context.new_page()
        opened.goto(address)
        yield opened
        assert complaints == []
        assert {url for url in requests if not url.startswith(f"{address}/")} == set()
        assert opened.evaluate("window.hacked") is None
        assert opened.url.removeprefix(address) in ADDRESSES


def _watch(context: BrowserContext, requests: list[str], complaints: list[str]) -> None:
    def logged(message: ConsoleMessage) -> None:
        # A refused question makes Chromium write a line of its own; anything else in the console is a complaint.
        if not message.text.startswith(FAILED_REQUEST):
            complaints.append(message.text)

    def asked(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()  # else the page would wait for an answer

    context.on("request", lambda it: requests.append(it.url))
    context.on("weberror", lambda it: complaints.append(str(it.error)))
    context.on("console", logged)
    context.on("dialog", asked)
