"""What a reader does at the page, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY: Final = "ntk_" + "test" * 4


def sign_in(page: Page, key: str = KEY) -> None:
    """Give a key and send it off."""
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def ask(page: Page, text: str = "Who approves travel?") -> None:
    """Ask a question; sign in first where that is needed."""
    if page.get_by_label("API key").is_visible():
        sign_in(page)
    page.get_by_label("Your question").fill(text)
    page.get_by_role("button", name="Ask", exact=True).click()


def settle(page: Page) -> None:
    """Wait until nothing is under way: one can ask again, or has to sign in again."""
    page.locator("#send:visible, #key:visible").wait_for()


def text_of(page: Page, selector: str) -> str:
    """Give the text of the last element that fits."""
    return page.locator(selector).last.text_content() or ""


def unfold(page: Page) -> None:
    """Open all that can be opened."""
    page.eval_on_selector_all("details", "all => all.forEach(it => { it.open = true })")
